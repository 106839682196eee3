/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Runs programs of filters directly: a test fills a call, runs a program on it, and checks the call
 * afterwards. There is one slot, so each test uses one call at a time.
 */
#include "../test.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "ebpf/filter.h"

#define DATA_SIZE (1 << 20)

/* For cmocka: makes the slot. Without eBPF, prints the reason and ends the program with 77. */
int direct_setup(void **state);
int direct_teardown(void **state);

/* Loads a filter and frees the one before. Fails the test if the filter cannot be loaded. */
void direct_load(const char *spec);
const struct filter_facts *direct_facts(void);

/* Returns the call with all members 0. */
struct pst_call *direct_call(uint32_t opcode);
/* Returns the call as the last program left it. */
struct pst_call *direct_again(void);
/* Sets name[i] of the call. */
void direct_name(unsigned int i, const char *name);

/* Run the program for the call's operation, or for names; return the verdict. */
int direct_pre(void);
int direct_post(void);
int direct_named(void);

/* Runs the program for names on a name in a directory with this cell; returns the verdict. */
int direct_lookup(uint64_t cell, const char *name);
/* Returns the cell of the file at a path relative to the root. */
uint64_t direct_cell(const char *path);

/* Returns whether filters run in this process, where nothing is compiled. */
bool direct_in_process(void);
/* Returns the nanoseconds of one run, the least of several rounds of n runs. */
double direct_ns(int (*run)(void), unsigned int n);
