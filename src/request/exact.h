/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Locks of files for filters that declare PST_EXACT: operations that change the size, owner or
 * links of a file run one at a time, so what these filters see of the file before and after is the
 * work of one operation.
 *
 * A request holds the file from before its pre programs until after its post programs, in whatever
 * thread it runs. Files share the rows of a table, so one file may wait for another. The locks of
 * the rows are innermost.
 */
#include "request/req.h"

#define EXACT_N_ROWS 256
struct exact {
	struct exact_row {
		pthread_mutex_t lock; /* guards held */
		pthread_cond_t free;
		bool held;
	} row[EXACT_N_ROWS];
};

void exact_init(struct exact *exact);
void exact_fini(struct exact *exact);

/*
 * Returns true where exact_lock() may have to wait for another request. The operation and its
 * filters alone decide: no name is looked up.
 */
bool exact_may_wait(const struct req *req);
/*
 * Locks the file that a request is about to change, where one of its filters declares PST_EXACT;
 * the file is req->changed then. Waits until no other request holds the file. To be called when
 * filters have let the names pass, because it looks up the files of these names.
 */
void exact_lock(struct exact *exact, struct req *req);
/* Unlocks the file; does nothing where the request holds none. */
void exact_unlock(struct exact *exact, struct req *req);
