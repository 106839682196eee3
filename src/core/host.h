/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * What a file system needs from above (struct fs_host): the way to register backing files, and a
 * thread that calls fs_tick() once a second while there is something to let go of, and sleeps
 * otherwise.
 */
#include "fs/fs.h"

struct chan;
struct host;

/* Registers on chan, which must outlive the host. Fills *ret_fs_host for fs_new(). */
int host_new(struct chan *chan, struct host **ret_host, struct fs_host *ret_fs_host);
int host_start(struct host *host, struct fs *fs);
/* Ends the thread; fs may still be used, and call the host, until host_free(). */
void host_stop(struct host *host);
struct host *host_free(struct host *host);
