/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* The programs of an object, and which of them is run when. */
#include "ebpf/filter-private.h"
#include "ebpf/object.h"

/* For every kind and opcode the program to be run, NULL: none. */
struct programs {
	struct bpf_program *program[_FILTER_KINDS][OP_MAX];
};

/* Tells by the sections' names, and readies the programs for loading. */
int programs_find(const struct object *object, struct programs *ret_programs,
		  struct pst_error *error);
/* What a program is called: its section without "penstock/", as "pre/lookup". */
const char *program_name(const struct bpf_program *program);
