/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * The callbacks of a file system (struct fs_host): they register backing files, invalidate what the
 * kernel has cached, and run the programs of filters for nodes that die. A thread calls fs_tick()
 * once a second while the file system has something idle to release, and sleeps otherwise.
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
 * Makes the callbacks, which send to chan; chan must outlive them. connection: the number of the
 * FUSE connection, 0: there is none. can_expire: the kernel has FUSE_HAS_EXPIRE_ONLY. Fills
 * *ret_fs_host for fs_new(). Returns 0 or -ENOMEM.
 */
int fs_callbacks_new(struct chan *chan, unsigned int connection, bool can_expire,
		     struct fs_callbacks **ret_callbacks, struct fs_host *ret_fs_host);
/*
 * Starts the threads of the callbacks and of fs. *filters: the filters of the view, NULL when these
 * have ended. Returns 0 or -errno; some threads may run then.
 */
int fs_callbacks_start(struct fs_callbacks *callbacks, struct filters *const *filters,
		       struct fs *fs);
/*
 * Ends the threads. fs may still be used, and use the callbacks, until fs_callbacks_free(). May be
 * called more than once, and without fs_callbacks_start().
 */
void fs_callbacks_stop(struct fs_callbacks *callbacks);
struct fs_callbacks *fs_callbacks_free(struct fs_callbacks *callbacks);
