/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Which view is mounted where, as the kernel tells it, without touching the view. */
#include <stdbool.h>

struct mounts_view {
	char *mountpoint;		/* absolute, symlinks resolved */
	unsigned int connection;	/* minor number of its st_dev */
};

void mounts_view_fini(struct mounts_view *view);

/*
 * Finds the view that path is the mount point of. 0; -ENOENT when there is no such path; -EINVAL
 * when something else is mounted there or nothing at all: then *ret_type, the caller's, is the file
 * system type or NULL; -ENOMEM.
 */
int mounts_find(const char *path, struct mounts_view *ret_view, char **ret_type);

/* Whether the process of the view has died without unmounting it; waits two seconds at most. */
bool mounts_view_is_dead(const struct mounts_view *view);
