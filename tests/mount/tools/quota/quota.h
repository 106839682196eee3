/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef TESTS_QUOTA_H
#define TESTS_QUOTA_H
/* quota VERB ARG...: what the filter quota counts, and whether it is what there is. */
#include <stdbool.h>
#include <stdint.h>

/* Of one owner (uid), or of all (0). */
struct usage {
	uint64_t uid, bytes, files;
};
#define MAX_OWNERS 16

/* Reads the maps that are pinned in a directory; returns how many owners, exits where there are none. */
unsigned int usage_read(const char *dir, struct usage usage[MAX_OWNERS],
			unsigned int *ret_nameless);

/*
 * model DIR PIN SEED PROCESSES PHASES BYTES FILES [uid]: random operations of several processes in DIR,
 * which is empty, in phases; after each the usage has to be what there is.
 */
int model(int argc, char **argv);

#endif
