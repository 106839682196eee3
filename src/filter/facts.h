/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* The properties of a loaded filter that the filter core knows. */
#include "filter/op.h"
#include "filter/port.h"

enum filter_kind {
	FILTER_PRE,
	FILTER_POST,
	FILTER_NAME,
	_FILTER_KINDS,
};

/* Strings live as long as the filter does. */
struct filter_facts {
	const char *name; /* NAME, or what name= said */
	const char *spec; /* as it was given */
	const char *file; /* the object's path */
	const char *summary;
	const char *at;              /* path below the root where it is attached; "": the root */
	uint32_t flags;              /* enum pst_filter_flag */
	uint64_t ops[_FILTER_KINDS]; /* with a program, bit 1 << opcode; NAME: bit 0 */
	uint64_t cell;               /* the cell that it starts with, where it is attached */
	uint64_t unknown;            /* ... of a file whose path is not known */
};
