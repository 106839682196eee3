/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Running one program of one filter. */
#include "filter/chain.h"
#include "request/req.h"

/* Runs a program of a filter on what the frame holds. Its verdict, or -EIO with *ret_bad set. */
int program_run(struct req *req, struct link *link, enum filter_kind kind, bool *ret_bad);

/*
 * Runs the program before LOOKUP on names first to first + n - 1 of a listing, as far as it lets them
 * pass and leaves nothing. *ret_at is the last that it was asked about; the frame and what is returned
 * are of that one.
 */
int program_run_listed(struct req *req, struct link *link, unsigned int first, unsigned int n,
		       unsigned int *ret_at, bool *ret_bad);

/*
 * What the program did cannot be: says so once for each filter and operation, counts it, and answers
 * -EIO. what: "changed ...", behind the program's name.
 */
int program_bad(struct req *req, const struct link *link, enum filter_kind kind, const char *what);
