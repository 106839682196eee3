/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Keeps mounts inside the view from being detached by the reply to a LOOKUP. */
#include "request/req.h"

/*
 * Takes the result of a LOOKUP: *r is 0, with req->entry, or -errno. If the kernel would detach
 * a mount because of it, replaces the result: by -ENOMEM, the one error that leaves dentry and
 * mounts alone; or by the file that the kernel has under the name, which was moved below. Returns
 * true when req->entry has been replaced.
 */
bool keep_mounts(struct req *req, int *r);
/* Returns true where a listing may have the node as the entry of a name of the directory. */
bool keep_mounts_may_list(const struct req *req, const char *name, uint64_t nodeid);
