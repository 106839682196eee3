/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef TESTS_ACT_H
#define TESTS_ACT_H
/*
 * act VERB ARG...: system calls that a shell cannot make. Each verb has a function, which gets the
 * arguments after the verb and returns the exit status.
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
#include <unistd.h>

int act_escape(int argc, char **argv);
int act_handle(int argc, char **argv);
int act_idmap(int argc, char **argv);
int act_lock(int argc, char **argv);
int act_hold(int argc, char **argv);
int act_lease(int argc, char **argv);
int act_map(int argc, char **argv);
int act_write(int argc, char **argv);
int act_load(int argc, char **argv);
int act_listing(int argc, char **argv);
int act_many(int argc, char **argv);
int act_meddle(int argc, char **argv);
int act_model(int argc, char **argv);
int act_rate(int argc, char **argv);
int act_shuffle(int argc, char **argv);
int act_storm(int argc, char **argv);
int act_swap(int argc, char **argv);
int act_try(int argc, char **argv);
int act_call(int argc, char **argv);
int act_xattr(int argc, char **argv);

/* Waits until the process that started this one closes our input. */
void wait_for_end(void);

/* A random generator of our own, so that a seed gives the same numbers everywhere. */
static inline uint32_t dice(uint64_t *state)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(*state >> 33);
}

#endif
