/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * What a file system needs from above (struct fs_host): the way to register backing files, and a
 * thread that calls fs_tick() once a second while there is something to let go of, and sleeps
 * otherwise.
 */
#include "fs/fs.h"

struct chan;
struct filters;
struct host;
struct inside;
struct notifier;

struct host_config {
	unsigned int connection;	/* the number of the FUSE connection; 0: there is none */
	bool can_expire;		/* the kernel has FUSE_HAS_EXPIRE_ONLY */
};

/* Registers on chan, which must outlive the host. Fills *ret_fs_host for fs_new(). */
int host_new(struct chan *chan, const struct host_config *config, struct host **ret_host,
	     struct fs_host *ret_fs_host);
/* *filters are the filters of the view, NULL: none any more. */
int host_start(struct host *host, struct filters *const *filters, struct fs *fs);
/* Ends the thread; fs may still be used, and call the host, until host_free(). */
void host_stop(struct host *host);
struct host *host_free(struct host *host);
/* Borrowed. */
struct notifier *host_notifier(struct host *host);
struct inside *host_inside(struct host *host);
