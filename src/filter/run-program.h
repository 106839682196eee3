/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Runs one program of one filter. */
#include "filter/call.h"

/*
 * Runs a program of a filter on the slot. Returns its verdict, or -EIO with *ret_bad set: it could
 * not be run, or left what cannot be.
 */
int run_program(struct filter_call *call, struct chain_entry *entry, enum filter_kind kind,
		bool *ret_bad);

/*
 * Runs the program before LOOKUP on names first to first + n - 1 of a listing, until one of them is
 * not simply let pass. *ret_at is the last that it was asked about; the slot and what is returned
 * are of that one.
 */
int run_program_lookups(struct filter_call *call, struct chain_entry *entry, unsigned int first,
			unsigned int n, unsigned int *ret_at, bool *ret_bad);

/*
 * Runs the program for names on the first n names of a listing, which get their verdicts in the
 * slot. 0 or -EIO.
 */
int run_program_names(struct filter_call *call, const struct chain_entry *entry, unsigned int n);

/* The program did what cannot be: reports it (what: "changed ...") and returns -EIO. */
int run_program_bad(struct filter_call *call, const struct chain_entry *entry,
		    enum filter_kind kind, const char *what);
