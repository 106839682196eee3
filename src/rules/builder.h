/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* The parts of an automaton while it is compiled: the positions in lines, and sets of them. */
#include "rules/automaton.h"
#include "rules/intern.h"

/*
 * A position is a component of a line that may match the next name. Only lines with directories
 * have positions; a line that is one glob for any directory is in the row of the glob.
 */
struct position {
	uint32_t rule;
	uint32_t glob; /* ANY_DEPTH for "**" */
	bool last;     /* of its line */
};
#define ANY_DEPTH UINT32_MAX

/* The effect of a glob that matches a name: more positions, and the ranks of lines that end. */
struct effect {
	uint32_t glob; /* the name matches this */
	uint32_t next; /* the number of a set of positions */
	uint64_t file, dir;
};

struct builder {
	const struct rules *rules;
	struct automaton *automaton;
	uint64_t *ranks;        /* of each line */
	struct rule_glob *glob; /* of each glob */
	size_t n_globs;
	struct intern globs;
	struct position *position;
	uint32_t n_positions;
	struct intern sets; /* of positions: arrays of uint32_t, in order */
	struct intern nodes, edges;
	uint32_t *base; /* the first node of each set that is a state */
	size_t n_base;
	size_t work; /* steps so far, which end in -E2BIG */
};

void builder_fini(struct builder *builder);

/* Finds the globs and positions of the lines in pairs. Returns 0 or -ENOMEM. */
int builder_find_positions(struct builder *builder, unsigned int pairs);
/* Returns the number of the set from which the root's names go on, or -ENOMEM. */
int64_t builder_start(struct builder *builder);
/* Returns the number of the set of all positions of both sets, or -ENOMEM. */
int64_t builder_join(struct builder *builder, uint32_t a, uint32_t b);
/*
 * Finds the effects of names in a state: *ret_any of every name, and one of each glob, in an array
 * that the caller frees. Returns the number of the latter, or -ENOMEM.
 */
int64_t builder_effects(struct builder *builder, uint32_t state, struct effect *ret_any,
			struct effect **ret_effects);
/* Returns the greatest rank of an allow with directories that has a position in the set. */
uint64_t builder_way(const struct builder *builder, uint32_t set);
