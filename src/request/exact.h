/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Locks of files for filters that declare PST_EXACT: operations that change the size, owner or
 * links of a file run one at a time, so the difference between the attributes before and after is
 * the effect of one operation.
 *
 * A request has the file locked from before its pre programs until after its post programs, even if
 * it moves to another thread. Files share the rows of a table, so a request may wait for another
 * file with the same row. No other lock is taken under the lock of a row.
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
 * Returns true if exact_lock() may have to wait for another request. Depends only on the operation
 * and its filters, and looks up no name.
 */
bool exact_may_wait(const struct req *req);
/*
 * If one of the request's filters declares PST_EXACT, waits until no other request has the file
 * locked that this request changes, locks the file and sets req->changed to it. The caller has run
 * the programs for names before, because this function looks up the files of the names.
 */
void exact_lock(struct exact *exact, struct req *req);
/* Unlocks the file until exact_lock_again(), or exact_unlock(), because the request will sleep. */
void exact_give_up(struct exact *exact, struct req *req);
/* Locks the file again after exact_give_up(). */
void exact_lock_again(struct exact *exact, struct req *req);
/* Unlocks the file of exact_lock(); does nothing if the request has none locked. */
void exact_unlock(struct exact *exact, struct req *req);
