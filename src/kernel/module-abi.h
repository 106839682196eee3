/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * The interface of the kernel module (kmod/) to the program that mounts a view with filters: the
 * value of the parameter "filter" for FSCONFIG_SET_BINARY, once for each filter, in the order in
 * which they run.
 *
 * Program and module compare MODULE_ABI and PST_FILTER_ABI before anything else: the program sets
 * the parameter "version" to MODULE_VERSION_TEXT first, and each filter has both numbers. There is
 * no compatibility between versions: both come from the same release.
 */
#include <penstock/filter.h>

#define MODULE_ABI 1

#define MODULE_TEXT2(N)     #N
#define MODULE_TEXT(N)      MODULE_TEXT2(N)
#define MODULE_VERSION_TEXT MODULE_TEXT(MODULE_ABI) "." MODULE_TEXT(PST_FILTER_ABI)

struct module_program {
	uint32_t kind;   /* enum filter_kind */
	uint32_t opcode; /* as filters see it; 0 for names */
	int32_t fd;      /* of the program, in the process that calls fsconfig(2) */
	uint32_t pad;
};

struct module_filter {
	uint32_t abi;        /* MODULE_ABI */
	uint32_t filter_abi; /* PST_FILTER_ABI */
	uint32_t flags;      /* enum pst_filter_flag */
	uint32_t n_programs;
	uint64_t cell, unknown; /* of struct filter_facts */
	struct module_program program[];
	/* Behind the programs: MODULE_N_TEXTS strings with their NULs. */
};

/* The strings of struct filter_facts, in its order: name, spec, file, summary, at. */
#define MODULE_N_TEXTS 5
