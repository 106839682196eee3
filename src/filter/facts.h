/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* The properties of a loaded filter. */
#include "filter/choice.h"
#include "filter/op.h"

enum filter_kind {
	FILTER_PRE,
	FILTER_POST,
	FILTER_NAME,
	_FILTER_KINDS,
};

/* Returns the two parts of the name of a program: "pre/" and "lookup", "name" and "". */
static inline const char *filter_kind_name(enum filter_kind kind)
{
	return kind == FILTER_PRE ? "pre/" : kind == FILTER_POST ? "post/" : "name";
}

static inline const char *filter_kind_op(enum filter_kind kind, uint32_t opcode)
{
	return kind == FILTER_NAME ? "" : op_filter_name(opcode);
}

/* Strings live as long as the filter does. */
struct filter_facts {
	const char *name; /* NAME, or that of name= */
	const char *spec; /* as the user wrote it */
	const char *file; /* the object's path */
	const char *summary;
	const char *at;              /* path of at= from the root of the view; "" for the root */
	uint32_t flags;              /* enum pst_filter_flag */
	uint64_t ops[_FILTER_KINDS]; /* opcodes with a program, as bits; bit 0 for names */
	uint64_t cell;               /* the first cell: that of the directory of at= */
	uint32_t keep;               /* events that the view keeps for later readers (keep=) */
	uint64_t unknown;            /* the cell of a file whose path is not known */
	struct filter_choice choice; /* with PST_CHOOSES */
};
