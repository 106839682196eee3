/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Mounts inside the view: what somebody has mounted on a file or directory of it, in any mount
 * namespace that this process can see.
 *
 * The kernel detaches a mount from its mount point in every namespace, without a word, when a
 * LOOKUP of a name that leads to the mount point finds nothing, another file, or an error, and when
 * a notification unhashes such a name. So these names ("covered" below) are treated with care.
 */
#include <stdbool.h>
#include <stdint.h>

struct fs;
struct submounts;

/* connection: the number of the FUSE connection; 0: no mounts are ever found (tests). */
int submounts_new(unsigned int connection, struct submounts **ret_submounts);
/* Starts the thread that follows the mounts of this process's own namespace. */
int submounts_start(struct submounts *submounts, struct fs *fs);
void submounts_stop(struct submounts *submounts);
struct submounts *submounts_free(struct submounts *submounts);

/* Reads the mount tables of all namespaces, unless that was done within the last max_age_ms. */
void submounts_scan(struct submounts *submounts, unsigned int max_age_ms);
/*
 * As submounts_scan() with age 0, for requests: scans as often as two hundredths of a CPU allow,
 * some at once after a time without.
 */
void submounts_scan_sparingly(struct submounts *submounts);
/* Whether any mount was found. Costs one load. */
bool submounts_any(const struct submounts *submounts);

/* A name that leads to a mount point: the mount lies on the file or below it. */
struct covered {
	uint64_t dir;  /* nodeid */
	uint64_t node; /* nodeid of the file that the kernel has under the name */
	char *name;
	char *mount_point; /* path from the root of the view */
};
/* Finds a covered name as of the last scan; *ret_node (may be NULL): the file's nodeid. */
bool submounts_covers(struct submounts *submounts, uint64_t dir, const char *name,
		      uint64_t *ret_node);
/*
 * Somebody below has moved the file of a name away: the kernel still has the file under that name.
 * Scans, and returns whether the name is covered.
 */
bool submounts_moved_away(struct submounts *submounts, uint64_t dir, const char *name,
			  uint64_t node);
/* Calls fn for each covered name until fn returns other than 0; returns that. */
int submounts_each(struct submounts *submounts, int (*fn)(void *aux, const struct covered *covered),
		   void *aux);
