/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Keeps a view read-only while the file system of LOWER is. */
#include <stdbool.h>

struct lower_readonly;

struct lower_readonly_config {
	int lower;        /* LOWER on the private mount; taken */
	const char *path; /* LOWER; borrowed, as the next */
	const char *mountpoint;
	unsigned int connection;
	bool was_readonly; /* LOWER's own mount, or its file system, when the view
					   was made */
	bool readonly;     /* what the view's file system is now */
	bool suspended;    /* see lower_readonly_suspend() */
};

/* Starts a thread that makes the view read-only whenever LOWER is. Returns 0 or -errno. */
int lower_readonly_start(const struct lower_readonly_config *config,
			 struct lower_readonly **ret_follow);
/* Returns whether LOWER is read-only now. */
bool lower_readonly_now(struct lower_readonly *follow);
/*
 * suspended: the user has asked for a read-only view, so the private mount is read-only and does
 * not show whether the file system is. The thread does nothing until it is called with false.
 */
void lower_readonly_suspend(struct lower_readonly *follow, bool suspended);
/* Checks LOWER at once, because an operation failed with EROFS. From any thread. */
void lower_readonly_check(struct lower_readonly *follow);
struct lower_readonly *lower_readonly_stop(struct lower_readonly *follow);
