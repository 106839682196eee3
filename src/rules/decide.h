/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Decides by the lines themselves, without an automaton: slow, but it knows the line. `penstock
 * rules explain` uses it, and the tests compare the automaton with it.
 */
#include "rules/rules.h"

/* A pair of verbs, or for deny one operation: the bit (1 << i) of enum pst_rule_effect. */
#define DECIDE_DENY(bit) (_RULE_PAIRS + (bit))
#define DECIDE_N         (_RULE_PAIRS + 32)

struct decided {
	const struct rule *by[DECIDE_N]; /* the line of each pair that decides, or NULL */
	bool hidden;
	bool on_way; /* not hidden, but shown only as a directory on the way to an allowed file */
	size_t n_hidden; /* hidden: the names of the path up to the hidden directory or file */
};

/* Decides about a path; path->n is 0 for the root. */
void rules_decide(const struct rules *rules, const struct rule_path *path,
		  struct decided *ret_decided);

/* Returns the values of the lines that decide for pairs (bits 1 << enum rule_pair), joined. */
uint64_t decided_value(const struct decided *decided, unsigned int pairs);
