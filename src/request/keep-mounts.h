/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Answers that would cost somebody a mount inside the view. */
#include "request/req.h"

/*
 * Takes what a LOOKUP came to: *r is 0, with req->entry, or -errno. Where the kernel would detach a
 * mount because of it, puts another answer in its place: -ENOMEM, the one error that leaves dentry
 * and mounts alone; or the file that the kernel has under the name, which somebody below has moved.
 * Returns true when req->entry has been replaced.
 */
bool keep_mounts(struct req *req, int *r);
/* Whether a listing may tell the kernel that a name of the directory leads to this node. */
bool keep_mounts_may_list(const struct req *req, const char *name, uint64_t nodeid);
