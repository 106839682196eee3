/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef TESTS_QUOTA_H
#define TESTS_QUOTA_H
/*
 * quota VERB ARG...: prints the usage that the filter quota counts, and compares it with the files.
 */
#include <stdbool.h>
#include <stdint.h>

/* The usage of one owner (uid), or of all (0). */
struct usage {
	uint64_t uid, bytes, files;
};
#define MAX_OWNERS 16

/* Reads the maps pinned in a directory; returns the number of owners, exits if no map is there. */
unsigned int usage_read(const char *dir, struct usage usage[MAX_OWNERS],
			unsigned int *ret_nameless);

/*
 * model DIR PIN SEED PROCESSES PHASES BYTES FILES [uid]: random operations of several processes in
 * DIR, which is empty, in phases; after each the usage has to equal the files in DIR. If PIN is
 * "none", the files only have to be within the limits.
 */
int model(int argc, char **argv);

#endif
