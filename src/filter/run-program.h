/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Runs one program of one filter. */
#include "filter/call.h"

/*
 * Runs a program of a filter on the slot, and stores the cells, notes and events that it has set.
 * Returns the verdict: PST_PASS, PST_DONE or -errno. -EIO may also mean that the program could not
 * be run or left invalid values, which was reported.
 */
int run_program(struct filter_call *call, struct chain_entry *entry, enum filter_kind kind);

/*
 * Runs the program before LOOKUP on the names first to first + n - 1 of a listing, up to the first
 * name that it has refused or changed. *ret_at is the last name on which the program ran; the slot
 * and the returned verdict, as of run_program(), belong to this name.
 */
int run_program_lookups(struct filter_call *call, struct chain_entry *entry, unsigned int first,
			unsigned int n, unsigned int *ret_at);

/*
 * Runs the program for names on the first n names of a listing, which get their verdicts in the
 * slot. Returns 0 or -EIO.
 */
int run_program_names(struct filter_call *call, const struct chain_entry *entry, unsigned int n);

/* Reports an invalid result of a program; what continues "the program ...". Returns -EIO. */
int run_program_bad(struct filter_call *call, const struct chain_entry *entry,
		    enum filter_kind kind, const char *what);
