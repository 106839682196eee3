/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* The programs of an object, and the operations for which each runs. */
#include "ebpf/object.h"
#include "filter/facts.h"

/* The program to run for each kind and opcode, or NULL. The object owns the programs. */
struct programs {
	struct bpf_program *program[_FILTER_KINDS][OP_MAX];
};

/*
 * Finds the programs by the names of their sections, and prepares them for loading. ops are the
 * operations, as bits, before and after which programs run; programs for other operations are not
 * loaded. Returns 0, or -errno with *error set.
 */
int programs_find(const struct object *object, uint64_t ops, struct programs *ret_programs,
		  struct pst_error *error);
/* Returns the name of a program: its section without "penstock/", as "pre/lookup". */
const char *program_name(const struct bpf_program *program);
