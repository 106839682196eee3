/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef TESTS_REQUESTS_H
#define TESTS_REQUESTS_H
#include <stdbool.h>
#include <stddef.h>

#define ROUNDS    6
#define MAX_ROWS  40
#define N_CACHES  4        /* exclusive, auto, ttl=1, none */
#define LEAN      N_CACHES /* one column more: exclusive with xattr=off,opendir=off */
#define N_COLUMNS (N_CACHES + 1)

/*
 * One operation: requests of act() count, those of before() and after() do not. "known": the
 * operation runs twice before it is counted. requests: the allowed ones for each cache=, as
 * "LOOKUP 2*GETATTR"; NULL: as in the column before. served: with cache=none if data is served,
 * because a read from the page cache first asks whether the file has changed. lean: with
 * xattr=off,opendir=off, if different from the first column.
 */
struct row {
	const char *name, *title;
	bool known;
	void (*before)(void), (*act)(void), (*after)(void);
	const char *requests[N_CACHES], *served, *lean;
};

extern const struct row rows[];
extern const size_t n_rows;

/*
 * New names have the round as their number, counted over all rows; existing names have the row's
 * round.
 */
extern struct now {
	int round, try;
} now;

/*
 * Makes the tree that all rows need. Each round has files of its own for names that the kernel must
 * not know yet.
 */
void rows_make_tree(const char *dir);

/* Ends the program if a call has failed. */
void must(int r, const char *what);

#endif
