/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Programs of filters run directly: a call is filled, a program is run on it, what it left is
 * looked at. There is one slot, so each test uses one call at a time.
 */
#include "../test.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "ebpf/filter.h"

#define DATA_SIZE (1 << 20)

/* For cmocka: the slot. Ends the program with 77, and why, where eBPF is not to be had. */
int direct_setup(void **state);
int direct_teardown(void **state);

/* Loads a filter, which takes the place of the one before. Fails the test when it cannot. */
void direct_load(const char *spec);
const struct filter_facts *direct_facts(void);

/* The call, emptied. */
struct pst_call *direct_call(uint32_t opcode);
/* The same as it is. */
struct pst_call *direct_again(void);
/* Its name of that number. */
void direct_name(unsigned int i, const char *name);

/* Run the program for the call's operation, or for names; return the verdict. */
int direct_pre(void);
int direct_post(void);
int direct_named(void);

/* A name looked up in a directory with a cell; returns the verdict of the program for names. */
int direct_lookup(uint64_t cell, const char *name);
/* The cell of the file at a path below the root. */
uint64_t direct_cell(const char *path);

/* Nanoseconds of one run, the best of several rounds of n. */
double direct_ns(int (*run)(void), unsigned int n);
