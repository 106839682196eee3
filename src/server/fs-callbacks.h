/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * The callbacks of a file system (struct fs_host). They register backing files, invalidate what the
 * kernel has cached, and run the programs of filters for nodes that are freed. A thread calls
 * fs_tick() once a second while the file system has idle objects to release, and sleeps otherwise.
 */
#include "fs/fs.h"
#include "server/ticker.h"

struct chan;
struct filters;
struct submounts;
struct invalidator;

struct fs_callbacks {
	struct chan *chan;               /* borrowed */
	struct invalidator *invalidator; /* owned, as submounts */
	struct submounts *submounts;

	/* Private: */
	struct fs *fs; /* borrowed, set at start, as filters */
	struct filters *const *filters;
	struct ticker ticker; /* calls fs_tick() */
};

/*
 * Creates the callbacks, which send notifications to chan; chan must outlive them. connection is
 * the number of the FUSE connection, or 0 in tests. can_expire is true if the kernel has
 * FUSE_HAS_EXPIRE_ONLY. Fills *ret_fs_host for fs_new(). Returns 0 or -ENOMEM.
 */
int fs_callbacks_new(struct chan *chan, unsigned int connection, bool can_expire,
		     struct fs_callbacks **ret_callbacks, struct fs_host *ret_fs_host);
/*
 * Starts the threads of the callbacks and of fs. *filters has the filters of the view; the owner
 * sets it to NULL before it frees them. Returns 0, or -errno; some threads may run even after a
 * failure, so the caller calls fs_callbacks_stop() in both cases.
 */
int fs_callbacks_start(struct fs_callbacks *callbacks, struct filters *const *filters,
		       struct fs *fs);
/*
 * Ends the threads. fs may still be used, and call the callbacks, until fs_callbacks_free(). Safe
 * to call more than once, and without fs_callbacks_start().
 */
void fs_callbacks_stop(struct fs_callbacks *callbacks);
struct fs_callbacks *fs_callbacks_free(struct fs_callbacks *callbacks);
