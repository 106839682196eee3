/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Finds the view that is mounted at a path. */
#include <stdbool.h>

struct mounts_view {
	char *mountpoint;        /* absolute, symlinks resolved */
	unsigned int connection; /* minor number of its st_dev */
	unsigned int owner;      /* user ID of its process; 0 if in_kernel */
	bool in_kernel;          /* of the kernel engine: no process */
};

void mounts_view_fini(struct mounts_view *view);

/*
 * Finds the view that has path as its mount point; does not wait for its process. Returns an exit
 * code, and prints an error unless it is CMD_OK. After CMD_OK the caller must call
 * mounts_view_fini().
 */
int mounts_find(const char *path, struct mounts_view *ret_view);

/* Returns whether the process of the view has died. Takes two seconds at most. */
bool mounts_view_is_dead(const struct mounts_view *view);
