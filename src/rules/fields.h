/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* The fields of an automaton: the ranks of lines, and their values (struct pst_rules). */
#include "rules/automaton.h"

/*
 * Fills the fields of automaton->facts, and the values. Returns the ranks of each line in
 * *ret_ranks, an array of rules->n numbers that the caller frees; 0 for lines of other pairs.
 * Returns 0, -ENOMEM, or -E2BIG if the ranks need too many bits.
 */
int fields_make(const struct rules *rules, unsigned int pairs, struct automaton *automaton,
		uint64_t **ret_ranks);

/* Returns the greater of two ranks in each field. */
uint64_t fields_greatest(const struct pst_rules *facts, uint64_t a, uint64_t b);
/* Returns the ranks that hold for files below, too: those of first verbs. */
uint64_t fields_inherited(const struct pst_rules *facts, uint64_t ranks);
/* Returns the values of the ranks, joined. */
uint64_t fields_value(const struct automaton *automaton, uint64_t ranks);
