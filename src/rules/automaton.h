/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Compiles rules for a filter, into the tables of struct pst_rules (<penstock/filter.h>), and takes
 * steps in them as the filter does.
 */
#include "rules/rules.h"

#include <penstock/filter.h>

struct automaton {
	struct pst_rules facts;   /* all but .names, which the loader fills */
	char **glob;              /* the globs of all lines, each once; borrowed from the rules */
	struct pst_rule_row *row; /* one for each glob */
	size_t n_globs;
	struct pst_rule_node *node;
	size_t n_nodes;
	struct automaton_edge {
		uint32_t node, glob, to;
	} * edge;
	size_t n_edges;
	uint64_t *value; /* of the ranks of all fields */
	size_t n_values;
};

/*
 * Compiles the lines whose pair is in pairs (bits 1 << enum rule_pair). Borrows the rules, which
 * must outlive the automaton. Returns 0, or -errno and *error; -E2BIG names the line that makes the
 * automaton too large. After 0 the caller must call automaton_fini().
 */
int automaton_compile(const struct rules *rules, unsigned int pairs,
		      struct automaton *ret_automaton, struct pst_error *error);
void automaton_fini(struct automaton *automaton);

/* The answer of a step: the state of a file, and what the rules do to it. */
struct automaton_file {
	uint64_t cell;
	uint64_t value; /* the values of all fields, joined */
	bool on_way;    /* the file is hidden, but shown as a directory on the way to another */
};

/* Takes a step from the cell of a directory to a name in it. */
void automaton_step(const struct automaton *automaton, uint64_t cell, const char *name, bool is_dir,
		    struct automaton_file *ret_file);
