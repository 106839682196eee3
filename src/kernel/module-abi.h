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
#include "filter/choice.h"

#include <penstock/filter.h>

#define MODULE_ABI 5

#define MODULE_TEXT2(N)     #N
#define MODULE_TEXT(N)      MODULE_TEXT2(N)
#define MODULE_VERSION_TEXT MODULE_TEXT(MODULE_ABI) "." MODULE_TEXT(PST_FILTER_ABI)

/* Which files the second tree (the parameter "serve_fd") serves because of a filter. */
enum module_serve {
	MODULE_SERVE_NONE, /* none: it has no program that sees data */
	MODULE_SERVE_HELD, /* those for which it holds; it runs here, too, for all others */
	MODULE_SERVE_ALL,  /* all: it runs in the second tree only, and has no program here */
	/* Those under names for which its programs return PST_SERVE; HELD: these, too. */
	MODULE_SERVE_NAMES,
};

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
	uint64_t cell, unknown; /* of struct filter_facts, as choice */
	struct filter_choice choice;
	uint32_t serve; /* enum module_serve */
	uint32_t pad;
	struct module_program program[];
	/* Behind the programs: MODULE_N_TEXTS strings with their NULs. */
};

/*
 * A record of the file "trace" of a view, which read(2) returns one at a time. Behind it are
 * MODULE_N_RECORD_TEXTS strings with their NULs: path, path2, filter, and the text of an event.
 */
struct module_record {
	uint32_t size; /* with the strings */
	uint32_t lost; /* records before it for which the queue had no room */
	uint64_t time_ns;
	uint32_t flags;  /* enum module_record_flag */
	uint32_t opcode; /* as filters see it */
	int32_t error;   /* 0 or negative */
	int32_t verdict;
	uint32_t uid, gid, pid, pad;
	uint64_t value[2]; /* of an event */
};

enum module_record_flag {
	MODULE_RECORD_EVENT = 1,   /* a program has left an event, else an operation has ended */
	MODULE_RECORD_RESULT = 2,  /* error is set */
	MODULE_RECORD_VERDICT = 4, /* the filter has decided by verdict */
};

#define MODULE_N_RECORD_TEXTS 4

/* The strings of struct filter_facts, in its order: name, spec, file, summary, at. */
#define MODULE_N_TEXTS 5
