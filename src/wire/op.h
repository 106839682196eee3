/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * The op table: the one list of operations. The decoder's bounds, the printer, the counters and the
 * check that every operation has a handler come from it.
 *
 * X(NAME, argument struct or size, names, data, flags)
 *   names: how many zero-terminated names follow the argument
 *   data:  what follows the names
 */
#include "wire/abi.h"

#include <stdint.h>

enum op_data {
	OP_DATA_NONE,
	OP_DATA_VALUE,		/* SETXATTR: arg.size bytes */
	OP_DATA_WRITE,		/* WRITE: arg.size bytes */
	OP_DATA_FORGETS,	/* BATCH_FORGET: arg.count records */
	OP_DATA_IOCTL,		/* IOCTL: arg.in_size bytes */
};

enum {
	OP_NO_REPLY	= 1 << 0,	/* the kernel expects no answer */
	OP_MAY_BLOCK	= 1 << 1,	/* goes to the pool: it may wait for a disk or for others */
	OP_OUT_DATA	= 1 << 2,	/* answers with data, which takes the place of the request's */
	OP_EXTENDED	= 1 << 3,	/* request extensions may follow */
	OP_CHANGES	= 1 << 4,	/* changes the tree */
	OP_DOTS		= 1 << 5,	/* "." and ".." are names here (export) */
	OP_TEXT		= 1 << 6,	/* what stands as a name is none of an entry */
	OP_AT_ONCE	= 1 << 7,	/* never goes to the pool: others wait for it, or it asks nobody below */
};

#define OP_TABLE(X)                                                                                \
	X(LOOKUP, 0, 1, NONE, OP_DOTS)                                                             \
	X(FORGET, sizeof(struct fuse_forget_in), 0, NONE, OP_NO_REPLY | OP_AT_ONCE)                \
	X(GETATTR, sizeof(struct fuse_getattr_in), 0, NONE, 0)                                     \
	X(SETATTR, sizeof(struct fuse_setattr_in), 0, NONE, OP_CHANGES)                            \
	X(READLINK, 0, 0, NONE, OP_OUT_DATA)                                                       \
	X(SYMLINK, 0, 2, NONE, OP_CHANGES | OP_EXTENDED)                                           \
	X(MKNOD, sizeof(struct fuse_mknod_in), 1, NONE, OP_CHANGES | OP_EXTENDED)                  \
	X(MKDIR, sizeof(struct fuse_mkdir_in), 1, NONE, OP_CHANGES | OP_EXTENDED)                  \
	X(UNLINK, 0, 1, NONE, OP_CHANGES)                                                          \
	X(RMDIR, 0, 1, NONE, OP_CHANGES)                                                           \
	X(RENAME, sizeof(struct fuse_rename_in), 2, NONE, OP_CHANGES)                              \
	X(LINK, sizeof(struct fuse_link_in), 1, NONE, OP_CHANGES)                                  \
	X(OPEN, sizeof(struct fuse_open_in), 0, NONE, 0)                                           \
	X(READ, sizeof(struct fuse_read_in), 0, NONE, OP_OUT_DATA)                                 \
	X(WRITE, sizeof(struct fuse_write_in), 0, WRITE, OP_CHANGES | OP_MAY_BLOCK)                \
	X(STATFS, 0, 0, NONE, 0)                                                                   \
	X(RELEASE, sizeof(struct fuse_release_in), 0, NONE, 0)                                     \
	X(FSYNC, sizeof(struct fuse_fsync_in), 0, NONE, OP_MAY_BLOCK)                              \
	X(SETXATTR, sizeof(struct fuse_setxattr_in), 1, VALUE, OP_CHANGES | OP_TEXT)                \
	X(GETXATTR, sizeof(struct fuse_getxattr_in), 1, NONE, OP_OUT_DATA | OP_TEXT)               \
	X(LISTXATTR, sizeof(struct fuse_getxattr_in), 0, NONE, OP_OUT_DATA)                        \
	X(REMOVEXATTR, 0, 1, NONE, OP_CHANGES | OP_TEXT)                                           \
	X(FLUSH, sizeof(struct fuse_flush_in), 0, NONE, 0)                                         \
	X(INIT, 16, 0, NONE, OP_AT_ONCE)                                                           \
	X(OPENDIR, sizeof(struct fuse_open_in), 0, NONE, 0)                                        \
	X(READDIR, sizeof(struct fuse_read_in), 0, NONE, OP_OUT_DATA)                              \
	X(RELEASEDIR, sizeof(struct fuse_release_in), 0, NONE, 0)                                  \
	X(FSYNCDIR, sizeof(struct fuse_fsync_in), 0, NONE, OP_MAY_BLOCK)                           \
	X(GETLK, sizeof(struct fuse_lk_in), 0, NONE, 0)                                            \
	X(SETLK, sizeof(struct fuse_lk_in), 0, NONE, 0)                                            \
	X(SETLKW, sizeof(struct fuse_lk_in), 0, NONE, 0)                                           \
	X(ACCESS, sizeof(struct fuse_access_in), 0, NONE, OP_AT_ONCE)                              \
	X(CREATE, sizeof(struct fuse_create_in), 1, NONE, OP_CHANGES | OP_EXTENDED)                \
	X(INTERRUPT, sizeof(struct fuse_interrupt_in), 0, NONE, OP_NO_REPLY | OP_AT_ONCE)          \
	X(BMAP, sizeof(struct fuse_bmap_in), 0, NONE, OP_AT_ONCE)                                  \
	X(DESTROY, 0, 0, NONE, OP_AT_ONCE)                                                         \
	X(IOCTL, sizeof(struct fuse_ioctl_in), 0, IOCTL, OP_OUT_DATA)                              \
	X(POLL, 24, 0, NONE, OP_AT_ONCE)                                                           \
	X(NOTIFY_REPLY, sizeof(struct fuse_notify_retrieve_in), 0, WRITE,                          \
	  OP_NO_REPLY | OP_AT_ONCE)                                                                \
	X(BATCH_FORGET, sizeof(struct fuse_batch_forget_in), 0, FORGETS,                           \
	  OP_NO_REPLY | OP_AT_ONCE)                                                                \
	X(FALLOCATE, sizeof(struct fuse_fallocate_in), 0, NONE, OP_CHANGES | OP_MAY_BLOCK)         \
	X(READDIRPLUS, sizeof(struct fuse_read_in), 0, NONE, OP_OUT_DATA)                          \
	X(RENAME2, sizeof(struct fuse_rename2_in), 2, NONE, OP_CHANGES)                            \
	X(LSEEK, sizeof(struct fuse_lseek_in), 0, NONE, 0)                                         \
	X(COPY_FILE_RANGE, sizeof(struct fuse_copy_file_range_in), 0, NONE,                        \
	  OP_CHANGES | OP_MAY_BLOCK)                                                               \
	X(SYNCFS, sizeof(struct fuse_syncfs_in), 0, NONE, OP_MAY_BLOCK)                            \
	X(TMPFILE, sizeof(struct fuse_create_in), 1, NONE, OP_CHANGES | OP_EXTENDED | OP_TEXT)     \
	X(STATX, sizeof(struct fuse_statx_in), 0, NONE, 0)                                         \
	X(COPY_FILE_RANGE_64, sizeof(struct fuse_copy_file_range_in), 0, NONE,                     \
	  OP_CHANGES | OP_MAY_BLOCK)

/* Opcodes are below this: tables are indexed by them. */
#define OP_MAX 64

struct op {
	const char *name;	/* NULL: the kernel has no such operation, or we do not know it */
	uint16_t arg_size;
	uint8_t n_names;
	uint8_t data;		/* enum op_data */
	uint16_t flags;
};

/* The row of an opcode; NULL when there is none. */
const struct op *op_find(uint32_t opcode);
