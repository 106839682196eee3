/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * The places where the programs of filters run: the kernel, by bpf(2), and this process, by the
 * machine of machine/. Everything before, from the SPEC to the object with its options, is common.
 */
#include "ebpf/filter-private.h"

struct runner {
	const char *name; /* "kernel", "process" */
	/*
	 * Fills slots->memory and all else that the place needs for n slots. Returns 0, or -errno
	 * and *error.
	 */
	int (*slots_init)(struct filter_slots *slots, unsigned int n, struct pst_error *error);
	/*
	 * Loads the object, whose options and constants are set. If slots is NULL, only finds out
	 * if the place can run it. Returns 0, or -errno and *error.
	 */
	int (*load)(struct load *load, const struct filter_slots *slots, struct pst_error *error);
	/* Returns the number by which run() knows a program: a descriptor, or a function. */
	int (*program)(const struct load *load, const struct bpf_program *program);
	/* Runs a program. Returns 0 and its verdict, or -errno. */
	int (*run)(struct filter *filter, int program, const struct pst_ctx *ctx, int *ret_verdict);
};

extern const struct runner runner_kernel, runner_process;

/* Returns 0 if the kernel runs programs of filters for this process, or -errno and *error. */
int runner_kernel_works(struct pst_error *error);
/* Removes the pinned maps of an opened object. Returns 0, or -errno and *error. */
int runner_kernel_unpin(struct load *load, struct pst_error *error);
