/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Mounts inside the view: mounts on its files or directories, in any mount namespace that this
 * process can see.
 *
 * A name is covered if it is on the path to such a mount point. If the reply to a LOOKUP of a
 * covered name is an error or another file, or if a notification unhashes a covered name, the
 * kernel silently detaches the mount in every namespace. So any user could detach mounts; the
 * callers of these functions prevent it.
 */
#include <stdbool.h>
#include <stdint.h>

struct fs;
struct submounts;

/*
 * Creates an empty table. connection is the number of the FUSE connection; with 0, for tests, scans
 * find no mounts. Returns 0 or -errno.
 */
int submounts_new(unsigned int connection, struct submounts **ret_submounts);
/*
 * Starts the thread that scans when the mounts of this process's namespace change. Borrows fs.
 * Returns 0 or -errno.
 */
int submounts_start(struct submounts *submounts, struct fs *fs);
void submounts_stop(struct submounts *submounts);
struct submounts *submounts_free(struct submounts *submounts);

/* Scans the mount tables of all namespaces, unless the last scan began within max_age_ms. */
void submounts_scan(struct submounts *submounts, unsigned int max_age_ms);
/*
 * As submounts_scan() with age 0, for requests: skips the scan if scans for requests have taken
 * more than a fiftieth of the time, so that clients cannot keep the daemon busy with scans. After a
 * pause several scans may run one after the other.
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
 * Returns whether a name was covered at the last scan. Sets *ret_node (ret_node may be NULL) to the
 * nodeid of its file.
 */
bool submounts_covers(struct submounts *submounts, uint64_t dir, const char *name,
		      uint64_t *ret_node);
/*
 * Scans, and returns whether a name is covered after another process has moved its file away in the
 * lower tree. node is that file, which the kernel's dentry of the name still has.
 */
bool submounts_moved_away(struct submounts *submounts, uint64_t dir, const char *name,
			  uint64_t node);
/*
 * Calls fn for each covered name until fn returns another value than 0. Returns the last result of
 * fn, or 0.
 */
int submounts_each(struct submounts *submounts, int (*fn)(void *aux, const struct covered *covered),
		   void *aux);
