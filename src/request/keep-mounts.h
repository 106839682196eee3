/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Prevents the reply to a LOOKUP from detaching mounts inside the view. */
#include "request/req.h"

/*
 * Replaces the result of a LOOKUP (*r is 0, with req->entry, or -errno) if the kernel would detach
 * a mount because of it: by -ENOMEM, the only error after which the kernel keeps dentry and mounts;
 * or by the file that the kernel has under the name, if that file was moved in the lower tree.
 * Returns true if req->entry was replaced.
 */
bool keep_mounts(struct req *req, int *r);
/*
 * Returns true if a listing may contain the node as the entry of this name of the directory. If
 * not, the entry would detach a mount.
 */
bool keep_mounts_may_list(const struct req *req, const char *name, uint64_t nodeid);
