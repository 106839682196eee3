/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Keeps a view read-only while the file system of LOWER is. */
#include <stdbool.h>

struct lower_flags;

struct lower_flags_config {
	int lower;			/* LOWER on the private mount; taken */
	const char *path;		/* LOWER; borrowed, as the next */
	const char *mountpoint;
	unsigned int connection;
	bool was_readonly;		/* LOWER's own mount, or its file system, when the view was made */
	bool readonly;			/* what the view's file system is now */
	bool suspended;			/* see lower_flags_suspend() */
};

/* Whether a descriptor's file system, or its mount, is read-only. Asks the file system. */
bool lower_flags_readonly(int fd);
/* Starts a thread that follows the file system of LOWER. Returns 0 or -errno. */
int lower_flags_start(const struct lower_flags_config *config, struct lower_flags **ret_flags);
/* Whether LOWER is read-only now. */
bool lower_flags_now(struct lower_flags *flags);
/*
 * Whether the mounts below are read-only because the user has asked for that: then nothing can be
 * seen of the file system, and nothing has to be.
 */
void lower_flags_suspend(struct lower_flags *flags, bool suspended);
/* An operation has failed because LOWER is read-only: looks at once. From any thread. */
void lower_flags_look(struct lower_flags *flags);
struct lower_flags *lower_flags_stop(struct lower_flags *flags);
