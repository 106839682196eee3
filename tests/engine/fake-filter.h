/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Filters made of C functions, in the place of src/ebpf/: a test that has fake-filter.c among its
 * sources links these, and needs neither libbpf nor the right to use it. They test the
 * engine's part; tests with real filters test that programs run in the kernel.
 *
 * Specs are "NAME[,at=PATH][,name=NAME]", where NAME is a fake that the test has registered.
 */
#include "ebpf/filter.h"

#include <limits.h>

/* Verdict of a fake program: the run itself fails. */
#define FAKE_NOT_RUN INT_MIN

/* A program works on the call in its slot. It may be run by several threads at once. */
typedef int (*fake_program_fn)(struct pst_call *call);

struct fake_program {
	enum filter_kind kind;
	uint32_t opcode;     /* the newer of two forms; of a program for names 0 */
	fake_program_fn run; /* NULL: the end of the list */
};

struct fake {
	const char *name;
	uint32_t flags; /* enum pst_filter_flag */
	uint64_t cell;
	const struct fake_program *programs;
};

/* Lets specs name this fake. The caller keeps the memory. */
void fake_register(const struct fake *fake);
/* Filters that are loaded: 0 when a server has given all of them back. */
unsigned int fake_n_loaded(void);
/* Returns the bytes of data of each slot. A read beyond the last slot crashes the program. */
size_t fake_data_size(void);
/* Returns the slot with this number, of those that were allocated last; NULL: there are fewer. */
struct pst_call *fake_slot(unsigned int number);
