/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Operations that change the size, owner or links of a file, one at a time, for filters that declare
 * PST_EXACT: so what these see of the file before and after is the work of one operation.
 *
 * A file is held by a request from before the programs before the operation until after those after it, in
 * whatever thread it is. Files share rows of a table, so one may wait for another. The table's locks are
 * innermost.
 */
#include "request/req.h"

#define EXACT_N_ROWS 256
struct exact {
	struct exact_row {
		pthread_mutex_t lock;	/* guards held */
		pthread_cond_t free;
		bool held;
	} row[EXACT_N_ROWS];
};

void exact_init(struct exact *exact);
void exact_fini(struct exact *exact);

/*
 * Holds the file that a request is about to change, where a filter of its wants that: then it is
 * req->changed. Waits until no other request holds it. Returns 0, or REQ_TO_POOL outside of the pool.
 */
int exact_enter(struct exact *exact, struct req *req);
/* Lets go of it. Nothing where none is held. */
void exact_leave(struct exact *exact, struct req *req);
