/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Keeps a view read-only while the file system of LOWER is. */
#include <stdbool.h>

struct lower_readonly;

struct lower_readonly_config {
	int lower;              /* a descriptor of LOWER on the private mount; owned */
	const char *path;       /* of LOWER; borrowed */
	const char *mountpoint; /* of the view; borrowed */
	unsigned int connection;
	bool was_readonly; /* LOWER's mount or file system was read-only when the view was made */
	bool readonly;     /* the view's superblock is read-only now */
	bool suspended;    /* see lower_readonly_suspend() */
};

/*
 * Starts a thread that makes the view read-only whenever LOWER is. Takes config->lower, in any
 * case. Returns 0 or -errno.
 */
int lower_readonly_start(const struct lower_readonly_config *config,
			 struct lower_readonly **ret_follow);
/* Returns whether LOWER is read-only now. */
bool lower_readonly_now(struct lower_readonly *follow);
/*
 * With true, the thread does nothing until this is called with false: the user has made the view
 * read-only, so the private mount is read-only, too, and does not show whether the file system is.
 */
void lower_readonly_suspend(struct lower_readonly *follow, bool suspended);
/* Has the thread check LOWER, because an operation failed with EROFS. Called by any thread. */
void lower_readonly_check(struct lower_readonly *follow);
/* Ends the thread and frees *follow. Takes NULL. Returns NULL. */
struct lower_readonly *lower_readonly_stop(struct lower_readonly *follow);
