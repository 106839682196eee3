/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * A request on its way through the filters: names, pre programs, post programs. filter/call-fill.c puts it
 * before them and checks what they leave.
 */
#include "filter/chain.h"
#include "request/req.h"

/* filtered_before(): the answer is there, the operation is not to be run. */
#define FILTERED_DONE 3

/* What holds for the request's nodes and has to do with it: one AND of two masks. */
uint64_t filtered_by(const struct req *req);

/*
 * Asks about the names, then runs the pre programs. 0: go on, with what they have changed; -errno:
 * that is the answer; FILTERED_DONE.
 */
int filtered_before(struct req *req);

/*
 * The same for LOOKUP of names first to first + n - 1 that frame_list() has put before the one filter
 * there is to ask: all up to *ret_at pass, but for that one itself, of which it is said what becomes.
 */
int filtered_before_listed(struct req *req, struct link *link, unsigned int first, unsigned int n,
			   unsigned int *ret_at);

/* LOOKUP has come to r: asks about the name, now that it is known what it leads to. */
int filtered_found(struct req *req, int r);

/* Runs the post programs on the result r, which is complete in the answer. Returns what it becomes. */
int filtered_after(struct req *req, int r);

/* The answer holds a file under a name: what holds for that file from now on. */
void filtered_place(struct req *req, struct node *node);
