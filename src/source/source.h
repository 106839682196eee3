/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * The source of a view: runs the functions of struct pst_source in threads of its own, one call for
 * each hollow file, or for each piece of it, for any number of requests that need it.
 *
 * A request that needs a hollow file or piece waits in a *flight*, a struct source_waiter, without
 * a thread. The first waiter starts the flight. A request that changes size or times of a hollow
 * file holds the file instead (source_hold()), so that no flight starts meanwhile.
 */
#include "fs/hollow.h"

#include <penstock/source.h>

struct source;

/* The size of pieces that the program does not set, in bytes. */
#define SOURCE_PIECE (1 << 20)

/*
 * Creates the source of a view of LOWER. Copies *given. Borrows lower, the descriptor of LOWER, and
 * connection, the number of the view. Returns 0, or -errno and *error: LOWER cannot hold the mark,
 * or another view with a source has this LOWER.
 */
int source_new(const struct pst_source *given, int lower, unsigned int connection,
	       struct source **ret_source, struct pst_error *error);
/*
 * Cancels all calls, ends all threads and calls done() of all waiters; source_wait() fails from
 * then on. Waits until the source's functions have returned.
 */
void source_stop(struct source *source);
/* Accepts NULL. Returns NULL. */
struct source *source_free(struct source *source);

/* Sets the file system whose files are filled (borrowed), before all functions below. */
void source_begin(struct source *source, struct fs *fs);

/* A request that waits until a hollow file is filled. */
struct source_waiter {
	/*
	 * Called once, by any thread and without locks, when the wait has ended: r is 0 if the
	 * request should look again if the file is hollow, or the -errno of the source. If here is
	 * true, done() may run the request: the thread has nothing else to do.
	 */
	void (*done)(struct source_waiter *waiter, int r, bool here);
	struct node *node;          /* borrowed */
	uint64_t piece;             /* or FS_WHOLE */
	bool holds;                 /* waits for source_hold(): errors of the source are ignored */
	uint64_t unique;            /* the request's number */
	uint32_t pid;               /* of the caller */
	struct source_waiter *next; /* of the same flight; the source's lock */
};

/*
 * Waits for the flight of a hollow file, and starts it if none runs. Returns 1, and done() will be
 * called; 0 if there is nothing to wait for; or -errno.
 */
int source_wait(struct source *source, struct source_waiter *waiter);
/*
 * Ends the wait of the request with this number, if may(pid) returns true. Returns its waiter,
 * whose done() is not called, or NULL. If nobody else waits, cancels the call of the source.
 */
struct source_waiter *source_leave(struct source *source, uint64_t unique,
				   bool (*may)(uint32_t pid));

/*
 * Returns 1 if the file is hollow, or if a flight or a hold of the file may change whether it is; 0
 * if not; or -errno.
 */
int source_is_hollow(struct source *source, struct node *node);
/* As source_is_hollow(), for a file that the caller holds. */
int source_held_is_hollow(struct source *source, struct node *node);
/* As fs_fetch_when(). */
int source_when(struct source *source, struct node *node, enum pst_fetch_when *ret_when);
/*
 * Holds a file: until source_release(), flights for it wait. Returns false if a flight of the file
 * runs, or another request holds the file.
 */
bool source_hold(struct source *source, struct node *node);
void source_release(struct source *source, struct node *node);

/*
 * Records that a client has listed a directory, or looked up a file: with PST_FETCH_AHEAD, hollow
 * files there are fetched in the background.
 */
void source_ahead(struct source *source, struct node *node);

/* Records that a client has opened a file, for the order of evictions. */
void source_opened(struct source *source, const struct node *node);

/* As fs_evict(). Returns -EBUSY if the source fills the file, or a request holds it. */
int source_evict(struct source *source, struct node *node);

/*
 * Ends the waits for pieces whose clients are dead: the kernel reads ahead, and does not tell when
 * nobody needs the data any more. Sends signals to threads whose calls are cancelled. Returns true
 * if the caller has to call this again soon.
 */
bool source_check(struct source *source, bool (*is_dead)(uint32_t pid));

/* Returns true if st_dev of a file is that of a view with a source in this process (views.c). */
bool source_is_view(dev_t dev);
