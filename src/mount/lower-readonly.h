/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Keeps a view read-only while the file system of LOWER is. */
#include <stdbool.h>

struct lower_readonly;

struct lower_readonly_config {
	int lower;              /* a descriptor of LOWER on the clone of its mount */
	const char *path;       /* of LOWER; borrowed */
	const char *mountpoint; /* of the view; borrowed */
	unsigned int connection;
	bool was_readonly; /* LOWER's mount or file system was read-only when the view was made */
	bool readonly;     /* the view's superblock is read-only now */
	bool suspended;    /* see lower_readonly_suspend() */
};

/*
 * Starts a thread that makes the view read-only while LOWER is read-only. Takes ownership of
 * config->lower, even on failure; borrows the strings. Returns 0 or -errno.
 */
int lower_readonly_start(const struct lower_readonly_config *config,
			 struct lower_readonly **ret_follow);
/* Returns whether LOWER is read-only now. */
bool lower_readonly_now(struct lower_readonly *follow);
/*
 * If suspended is true, the thread does nothing until this is called with false. A view that the
 * user has made read-only needs that: its clone of LOWER's mount is read-only, too, and does not
 * show if the file system is.
 */
void lower_readonly_suspend(struct lower_readonly *follow, bool suspended);
/* Makes the thread check LOWER, because an operation has failed with EROFS. For any thread. */
void lower_readonly_check(struct lower_readonly *follow);
/* Ends the thread and frees *follow. Accepts NULL. Returns NULL. */
struct lower_readonly *lower_readonly_stop(struct lower_readonly *follow);
