/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * The callbacks of a file system (struct fs_host): they register backing files, invalidate what the
 * kernel has cached, and keep a thread that calls fs_tick() once a second while there is something
 * idle to release, and sleeps otherwise.
 */
#include "fs/fs.h"

struct chan;
struct filters;
struct fs_callbacks;
struct submounts;
struct invalidator;

struct fs_callbacks_config {
	unsigned int connection; /* the number of the FUSE connection; 0: there is none */
	bool can_expire;         /* the kernel has FUSE_HAS_EXPIRE_ONLY */
};

/* Registers on chan, which must outlive the callbacks. Fills *ret_fs_host for fs_new(). */
int fs_callbacks_new(struct chan *chan, const struct fs_callbacks_config *config,
		     struct fs_callbacks **ret_callbacks, struct fs_host *ret_fs_host);
/* *filters are the filters of the view, NULL: none any more. */
int fs_callbacks_start(struct fs_callbacks *callbacks, struct filters *const *filters,
		       struct fs *fs);
/* Ends the thread; fs may still be used, and call the callbacks, until fs_callbacks_free(). */
void fs_callbacks_stop(struct fs_callbacks *callbacks);
struct fs_callbacks *fs_callbacks_free(struct fs_callbacks *callbacks);
/* Borrowed. */
struct invalidator *fs_callbacks_invalidator(struct fs_callbacks *callbacks);
struct submounts *fs_callbacks_submounts(struct fs_callbacks *callbacks);
