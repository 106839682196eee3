/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef TESTS_COHERENCE_H
#define TESTS_COHERENCE_H
/*
 * coherence VERB ARG...: changes files on one side of a view, and looks at the other side within
 * microseconds. Each verb has a function, which gets the arguments after the verb and returns the
 * exit status.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

int coherence_matrix(int argc, char **argv);
int coherence_opens(int argc, char **argv);
int coherence_times(int argc, char **argv);
int coherence_appended(int argc, char **argv);
int coherence_found(int argc, char **argv);
int coherence_heard(int argc, char **argv);
int coherence_mapped(int argc, char **argv);
int coherence_nowait(int argc, char **argv);
int coherence_build(int argc, char **argv);
int coherence_listed(int argc, char **argv);
int coherence_touch(int argc, char **argv);
int coherence_outrun(int argc, char **argv);

/* -- ops.c ------------------------------------------------------------------------------------ */

/* The state of an operation between its steps. */
struct op_state {
	int dir;     /* the fixture, in the tree that is acted on */
	int view;    /* the fixture, in the view */
	bool own;    /* the tree that is acted on is the view */
	int fd, fd2; /* -1, or what prepare opened */
	char *map;   /* MAP_LEN bytes, or NULL */
};

#define MAP_LEN 8192

enum {
	OP_STORES = 1 << 0, /* into a mapping: where data is served, it comes later */
};

struct op {
	const char *name;
	int (*prepare)(struct op_state *state); /* before the last look; or NULL */
	int (*act)(struct op_state *state);
	unsigned int flags;
};

extern const struct op ops[];
extern const unsigned int n_ops;

/* Makes the files of the operations, in a new directory. Exits on errors. */
void fixture_make(int at, const char *name);
void op_state_fini(struct op_state *state);

/* The names to look at, some of which do not exist yet, and the directories to list. */
extern const char *const fixture_paths[];
extern const char *const fixture_dirs[];

/* -- look.c ----------------------------------------------------------------------------------- */

/* The ways of looking: each field of statx(2) alone, all fields, the listings, the content. */
enum { LOOK_FIELDS = 12, LOOK_ALL = LOOK_FIELDS, LOOK_LISTING, LOOK_DATA, N_LOOKS };

const char *look_name(unsigned int look);
/* Compares two fixtures. Returns the number of differences, and the first one in ret_why. */
unsigned int look(unsigned int how, int view, int lower, char *ret_why, size_t size);
/* Looks at everything, so that the kernel has cached copies. */
void look_prime(int view);

/* -- witness.c -------------------------------------------------------------------------------- */

void witness_start(void);
/* Watches a fixture from now on. */
void witness_watch(int fixture);
/* Returns the time of the last event. */
double witness_heard(void);

/* -- small things ----------------------------------------------------------------------------- */

/* Returns the first argument, a number. Exits if there are fewer arguments than `want`. */
const char *only_number(int argc, char **argv, int want, const char *usage);

static inline double now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e3 + (double)ts.tv_nsec / 1e6;
}

static inline uint32_t dice(uint64_t *state)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(*state >> 33);
}

/* Returns the number at this part of a sorted list: 0.5 is the median. */
double part_of(double *list, size_t n, double part);
int open_dir(const char *path);

#endif
