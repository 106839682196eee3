/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Mounts inside the view: mounts on files or directories of it, in any mount namespace that this
 * process can see.
 *
 * A name is covered if it is on the path to such a mount point. The kernel silently detaches the
 * mount in every namespace when a LOOKUP of a covered name is answered with ENOENT, another file or
 * an error, and when a notification unhashes a covered name. The callers of these functions avoid
 * both.
 */
#include <stdbool.h>
#include <stdint.h>

struct fs;
struct submounts;

/*
 * connection: the number of the FUSE connection; 0: finds no mounts, for tests. Returns 0 or
 * -errno.
 */
int submounts_new(unsigned int connection, struct submounts **ret_submounts);
/* Starts the thread that scans when the mounts of this process's namespace change. 0 or -errno. */
int submounts_start(struct submounts *submounts, struct fs *fs);
void submounts_stop(struct submounts *submounts);
struct submounts *submounts_free(struct submounts *submounts);

/* Scans the mount tables of all namespaces, unless the last scan began within max_age_ms. */
void submounts_scan(struct submounts *submounts, unsigned int max_age_ms);
/*
 * As submounts_scan() with age 0, for requests: skips a scan if scans for requests have taken more
 * than a fiftieth of the time. After a pause several may follow each other.
 */
void submounts_scan_sparingly(struct submounts *submounts);
/* Returns whether the last scan has found a mount. Costs one load. */
bool submounts_any(const struct submounts *submounts);

/* A covered name: a mount lies on its file or below it. */
struct covered {
	uint64_t dir;  /* nodeid */
	uint64_t node; /* nodeid of the file that the kernel's dentry of this name has */
	char *name;
	char *mount_point; /* path from the root of the view */
};
/*
 * Returns whether a name was covered at the last scan; *ret_node (may be NULL) is its file's
 * nodeid.
 */
bool submounts_covers(struct submounts *submounts, uint64_t dir, const char *name,
		      uint64_t *ret_node);
/*
 * Scans, and returns whether a name is covered whose file another process has moved away below: the
 * kernel's dentry of the name still has that file, node.
 */
bool submounts_moved_away(struct submounts *submounts, uint64_t dir, const char *name,
			  uint64_t node);
/* Calls fn for each covered name, until fn does not return 0. Returns the last result. */
int submounts_each(struct submounts *submounts, int (*fn)(void *aux, const struct covered *covered),
		   void *aux);
