/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Prevents the reply to a LOOKUP from detaching mounts inside the view. */
#include "request/req.h"

/*
 * Replaces the result of a LOOKUP (*r is 0, with req->entry, or -errno) where the kernel would
 * detach a mount because of it: by -ENOMEM, the one error after which the kernel keeps dentry and
 * mounts; or by the file that the kernel has under the name, if that was moved in the lower tree.
 * Returns true where req->entry was replaced.
 */
bool keep_mounts(struct req *req, int *r);
/* Returns true where a listing may have the node as the entry of this name of the directory. */
bool keep_mounts_may_list(const struct req *req, const char *name, uint64_t nodeid);
