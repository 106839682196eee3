/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * serve_call_lookup() and so on: each calls the callback for one operation, and returns its result,
 * or PST_BACKING if the callback is NULL.
 */
#include "request/served.h"

/* clang-format off */
#define SERVE_CALLS(X)                                                                             \
	X(lookup) X(getattr) X(setattr) X(readlink) X(symlink) X(mknod) X(mkdir)                   \
	X(create) X(tmpfile) X(link) X(remove) X(rename) X(open) X(read) X(write)                  \
	X(fallocate) X(lseek) X(copy) X(ioctl) X(fsync) X(flush) X(release) X(readdir)             \
	X(getxattr) X(listxattr) X(setxattr) X(removexattr) X(statfs) X(nothing)
/* clang-format on */

#define SERVE_CALL(NAME)                                                                           \
	int64_t serve_call_##NAME(const struct pst_node_ops *ops, struct serving *serving);
SERVE_CALLS(SERVE_CALL)
#undef SERVE_CALL

/* serve-defaults.c: sets callbacks that the program lacks and that others can do. */
void serve_defaults(struct pst_node_ops *ops);
int64_t serve_default_lseek(struct pst_request *request, int64_t off, int whence);

/* Returns the bytes that the program may write for a client that has asked for size bytes. */
static inline size_t serve_room(const struct serving *serving, uint32_t size)
{
	return size < serving->req->slot.data_size ? size : serving->req->slot.data_size;
}

/*
 * Calls release() for a file that the program has just opened, because the open fails after all:
 * filters refuse it, the view cannot complete it, or the kernel does not take the reply.
 */
void serve_release(struct req *req, struct node *node);
