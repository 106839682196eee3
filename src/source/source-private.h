/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Internals of a source: flights.c (the list of flights, holds), fetchers.c (threads and calls),
 * ahead.c (files to fetch in the background), settler.c (removes marks), limit.c (evictions),
 * guard.c (opens beside the view), source.c (requests that wait), lifetime.c (begin and end).
 *
 * A flight is found by device and inode number, because a file has two nodes if it is found through
 * two mounts. Flights of several pieces of one file run at the same time; a flight of the whole
 * file, or a hold, excludes all others of the file. After an error the flight stays for retry_ms,
 * so that requests of this time get the error.
 *
 * Locks: source->lock guards everything that is not constant, except struct limit, which has a lock
 * of its own. Neither the source's functions nor done() run under source->lock. A thread may take
 * it while it holds the lock of the thread pool.
 */
#include "source/source.h"
#include "source/views.h"

#include <dirent.h>
#include <pthread.h>
#include <sched.h>

enum flight_state { FLIGHT_QUEUED, FLIGHT_RUNS, FLIGHT_HELD, FLIGHT_FAILED };

/* A flight that has no call yet waits in the order of the list. */
struct flight {
	struct flight *next;
	uint64_t ino;
	uint32_t dev_major, dev_minor;
	uint64_t piece; /* or FS_WHOLE */
	enum flight_state state;
	bool wanted;       /* a request waits to hold the file: no flights of other pieces start */
	struct node *node; /* counted; NULL in the states HELD and FAILED */
	struct source_waiter *waiters;
	_Atomic bool cancelled;
	bool ahead;        /* begun without a waiter */
	int error;         /* FAILED: -errno */
	uint32_t ended_ms; /* FAILED: time of clock_ms() */
};

struct fetcher {
	struct source *source;
	pthread_t thread;
	enum { FETCHER_NONE, FETCHER_RUNS, FETCHER_ENDED } state; /* ENDED must be joined */
	struct flight *flight; /* whose call runs here, or NULL */
};

struct settler {
	pthread_t thread; /* if runs */
	bool runs, ends;
	pthread_cond_t wake;
	struct node **nodes; /* counted */
	size_t n, room;
};

struct limit {
	pthread_mutex_t lock;
	pthread_cond_t wake;
	pthread_t thread; /* if runs */
	bool runs, known; /* known: bytes is what LOWER has */
	_Atomic bool ends;
	uint64_t bytes;                                         /* of fetched files, or more */
	int (*evict)(struct source *source, struct node *node); /* constant: source_evict() */
	struct limit_open *opens; /* of limit.c; NULL before the thread runs */
	uint64_t logged;          /* the thread's: a hash of the file that it has logged */
};

struct guard {
	int fd, stop_fd, queue[2]; /* owned; -1 without a guard; constant while a thread runs */
	pthread_t reader, worker;  /* if runs, if works */
	bool runs, works;
	_Atomic bool ends;
	_Atomic unsigned int n_openers; /* that wait for the worker or a flight */
};

struct ahead {
	uint64_t *ids; /* a ring of nodeids; NULL before the first one */
	unsigned int at, n;
	unsigned int n_running; /* flights */
	bool busy;              /* a thread reads the names of dir, or looks at a file */
	DIR *dir;               /* or NULL */
	struct node *dir_node;  /* counted; or NULL */
};

struct source {
	struct pst_source given; /* constant */
	struct source_views_entry view;
	struct fs *fs; /* constant once set */
	pthread_mutex_t lock;
	pthread_cond_t work; /* a flight was added, a thread has ended, or the source stops */
	struct flight *flights, **end;
	struct fetcher *fetchers; /* given.n_fetches */
	cpu_set_t *cpus;          /* constant: CPUs that the threads may run on, or NULL */
	struct settler settler;
	struct ahead ahead;
	struct limit limit;
	struct guard guard;
	unsigned int n_idle, n_running, n_queued, n_failed;
	uint32_t looked_ms; /* clock_ms() when source_check() last looked for dead clients */
	bool stop;
};

/* -- flights.c; the caller holds the lock ------------------------------------------------------ */

/* Returns a flight or hold for which a new flight of this piece, or of FS_WHOLE, waits, or NULL. */
struct flight *flight_find(struct source *source, const struct node *node, uint64_t piece);
/* Returns the flight of a piece that has failed, or NULL. */
struct flight *flight_find_failed(struct source *source, const struct node *node, uint64_t piece);
/* Returns a new flight at the end of the list, or NULL. */
struct flight *flight_new(struct source *source, struct node *node, uint64_t piece,
			  enum flight_state state);
void flight_free(struct source *source, struct flight *flight);
/* Makes a flight wait for a thread. Takes ownership of a reference to node. */
void flight_enqueue(struct source *source, struct flight *flight, struct node *node);
/* Keeps a flight that has failed with r, or frees it. */
void flight_fail(struct source *source, struct flight *flight, int r);
/* Frees flights whose errors are old, and the oldest one if there are too many. */
void flights_forget_failed(struct source *source);
/* Takes the waiter of a request out of a flight if may(pid) returns true; else returns NULL. */
struct source_waiter *flight_take(struct flight *flight, uint64_t unique,
				  bool (*may)(uint32_t pid));
/*
 * Calls done() of waiters; that of the last one may run its request if here is true. The caller
 * does not hold the lock.
 */
void flight_wake(struct source_waiter *waiters, int r, bool here);
/* Moves waiters whose clients are dead to the list *dead. Returns true if there are any. */
bool flight_take_dead(struct flight *flight, bool (*is_dead)(uint32_t pid),
		      struct source_waiter **dead);

/* -- fetchers.c; the caller holds the lock ----------------------------------------------------- */

/* Starts one more thread if all are busy. Returns 0, or -errno if none runs. */
int fetchers_grow(struct source *source);
/* Signals threads whose calls are cancelled. Returns true if there are any. */
bool fetchers_wake_cancelled(struct source *source);

/* -- ahead.c; the caller holds the lock, except of ahead_fini() -------------------------------- */

/* Adds a file or directory to the queue. Returns false if that fails. */
bool ahead_add(struct source *source, const struct node *node);
/* Returns true if a thread should call ahead_next(). */
bool ahead_has_work(const struct source *source);
/*
 * Takes the next file to fetch ahead. Returns its flight, in the state RUNS, or NULL if this step
 * has found none. Releases the lock meanwhile.
 */
struct flight *ahead_next(struct source *source);
/* Frees the queue, after all threads have ended. */
void ahead_fini(struct source *source);

/* -- guard.c; the caller does not hold the lock ------------------------------------------------ */

/*
 * Begins the guard. Processes that open hollow files wait for guard_start(). Returns 0, or -errno
 * and *error.
 */
int guard_open(struct guard *guard, int lower, struct pst_error *error);
/* Starts the worker. If that fails, logs an error, and the guard refuses opens of hollow files. */
void guard_start(struct source *source);
/* Ends the worker; the guard refuses opens of hollow files from then on. */
void guard_end_work(struct guard *guard);
/* Ends the guard, after guard_end_work(), when nobody waits in a flight any more. */
void guard_stop(struct guard *guard);

/* -- limit.c; the caller does not hold the lock ------------------------------------------------ */

/* Records that a file was opened just now, and how many bytes of it were fetched before that. */
void limit_count(struct source *source, const struct node *node, uint64_t fetched);
/* Ends the thread. */
void limit_stop(struct source *source);

/* -- settler.c --------------------------------------------------------------------------------- */

/* Settles a file soon. The caller does not hold the lock. */
void settler_add(struct source *source, struct node *node);
/* Settles all files, and ends the thread. The caller has ended the fetchers. */
void settler_stop(struct source *source);
