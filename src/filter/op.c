// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The rows of the table of operations (op.h). A row names only what the operation has: everything
 * else is zero, which means "none" in every column.
 *
 * OP_ROWS is a macro so that the assertions below can check the rows against PST_OPS, the public list
 * of the operations that filters see, while this file is compiled.
 */
#include "filter/op.h"

#include <fcntl.h>
#include <stdio.h>

/* clang-format off */
#define MEMBER(TYPE, NAME)                                                                         \
	{ __builtin_offsetof(struct TYPE, NAME), sizeof(((struct TYPE *)0)->NAME) }
#define ARG(TYPE) .arg_size = sizeof(struct TYPE)
#define RESULT(KIND, TYPE) .result = OP_RESULT_##KIND, .result_size = sizeof(struct TYPE)

/* Strings behind the argument: how many, names of entries among them, names in struct pst_call. */
#define NAMES(ALL, ENTRIES, IN_CALL)                                                               \
	.n_names = ALL, .n_entries = ENTRIES, .n_call_names = IN_CALL
#define ENTRY NAMES(1, 1, 1)
#define TWO_ENTRIES NAMES(2, 2, 2)
/* The text of a link is data to filters. */
#define ENTRY_AND_TEXT NAMES(2, 1, 1), .data_max = 4095
#define XATTR_NAME NAMES(1, 0, 1)
/* The kernel sends a name with TMPFILE that means nothing. */
#define NAME_UNUSED NAMES(1, 0, 0)

/* Data behind the names. */
#define DATA(TYPE, LENGTH) .data_unit = 1, .data_len = MEMBER(TYPE, LENGTH)

#define NODE .check_in = OP_NEEDS_NODE
#define HANDLE(NEEDS, TYPE) .check_in = OP_NEEDS_##NEEDS, .fh = MEMBER(TYPE, fh)
/* The bit that says that fh is set is in the first word, and not the filter's either. */
#define HANDLE_IF(BIT, TYPE)                                                                       \
	.check_in = OP_MAY_HAVE_HANDLE, .fh = MEMBER(TYPE, fh), .fh_given = BIT

/* A filter must not change what kind of file an open gives: O_PATH, O_DIRECTORY and the like. */
#define OPEN_FLAGS(TYPE)                                                                           \
	.bits_at = __builtin_offsetof(struct TYPE, flags), .bits = O_TRUNC | O_EXCL

#define CREATES(TYPE) .effect = OP_CREATES, .creates = TYPE
#define ATTR_OUT RESULT(ATTR, fuse_attr_out)
#define ENTRY_OUT RESULT(ENTRY, fuse_entry_out)
#define OPEN_OUT RESULT(OPEN, fuse_open_out)
#define CREATE_OUT RESULT(CREATE, pst_create_out)

#define RENAME_ROW                                                                                 \
	NODE, .node2 = MEMBER(fuse_rename2_in, newdir), TWO_ENTRIES, .effect = OP_RENAMES,         \
	.bits_at = __builtin_offsetof(struct fuse_rename2_in, flags), .bits = RENAME_NOREPLACE,    \
	.filter_opcode = FUSE_RENAME2
#define SETLK_ROW                                                                                  \
	ARG(fuse_lk_in), HANDLE(FILE, fuse_lk_in), .fixed = MEMBER(fuse_lk_in, owner),             \
	.filter_opcode = FUSE_SETLK
#define READDIR_ROW                                                                                \
	ARG(fuse_read_in), HANDLE(DIR, fuse_read_in), .answer = OP_ANSWER_LIST,                    \
	.room = MEMBER(fuse_read_in, size), .filter_opcode = FUSE_READDIR
#define COPY_ROW                                                                                   \
	ARG(fuse_copy_file_range_in), .check_in = OP_NEEDS_FILE,                                   \
	.fh = MEMBER(fuse_copy_file_range_in, fh_in),                                              \
	.node2 = MEMBER(fuse_copy_file_range_in, nodeid_out),                                      \
	.fh2 = MEMBER(fuse_copy_file_range_in, fh_out), .pool = OP_POOL_ALWAYS,                    \
	.filter_opcode = FUSE_COPY_FILE_RANGE

/* X(NAME, FLAGS, what else the operation has) */
#define OP_ROWS(X)                                                                                 \
	X(LOOKUP, OP_DOTS, NODE, ENTRY, .effect = OP_FINDS, ENTRY_OUT)                             \
	X(FORGET, OP_NO_REPLY, ARG(fuse_forget_in), .pool = OP_POOL_NEVER)                         \
	X(GETATTR, 0, ARG(fuse_getattr_in), HANDLE_IF(FUSE_GETATTR_FH, fuse_getattr_in),           \
	  .fixed = MEMBER(fuse_getattr_in, getattr_flags), ATTR_OUT)                               \
	X(SETATTR, OP_CHANGES, ARG(fuse_setattr_in), HANDLE_IF(FATTR_FH, fuse_setattr_in),         \
	  ATTR_OUT)                                                                                \
	X(READLINK, 0, NODE, .answer = OP_ANSWER_TEXT, .room_max = 4095)                           \
	X(SYMLINK, OP_CHANGES | OP_EXTENDED, NODE, ENTRY_AND_TEXT, CREATES(S_IFLNK), ENTRY_OUT)    \
	X(MKNOD, OP_CHANGES | OP_EXTENDED, ARG(fuse_mknod_in), NODE, ENTRY, CREATES(0),            \
	  .bits_at = __builtin_offsetof(struct fuse_mknod_in, mode), .bits = ~(uint32_t)S_IFMT,    \
	  ENTRY_OUT)                                                                               \
	X(MKDIR, OP_CHANGES | OP_EXTENDED, ARG(fuse_mkdir_in), NODE, ENTRY, CREATES(S_IFDIR),      \
	  ENTRY_OUT)                                                                               \
	X(UNLINK, OP_CHANGES, NODE, ENTRY, .effect = OP_REMOVES)                                   \
	X(RMDIR, OP_CHANGES, NODE, ENTRY, .effect = OP_REMOVES)                                    \
	X(RENAME, OP_CHANGES, ARG(fuse_rename_in), RENAME_ROW)                                     \
	X(LINK, OP_CHANGES, ARG(fuse_link_in), NODE, .node2 = MEMBER(fuse_link_in, oldnodeid),     \
	  ENTRY, .effect = OP_LINKS, ENTRY_OUT)                                                    \
	X(OPEN, 0, ARG(fuse_open_in), NODE, OPEN_FLAGS(fuse_open_in), OPEN_OUT)                    \
	X(READ, 0, ARG(fuse_read_in), HANDLE(FILE, fuse_read_in), .answer = OP_ANSWER_CONTENT,     \
	  .room = MEMBER(fuse_read_in, size))                                                      \
	X(WRITE, OP_CHANGES, ARG(fuse_write_in), HANDLE(FILE, fuse_write_in),                      \
	  DATA(fuse_write_in, size), .data_max = OP_AS_CAME, .pool = OP_POOL_ALWAYS,               \
	  RESULT(COUNT, fuse_write_out))                                                           \
	X(STATFS, 0, NODE, RESULT(PLAIN, fuse_statfs_out))                                         \
	X(RELEASE, OP_CLOSES, ARG(fuse_release_in), HANDLE(HANDLE, fuse_release_in))               \
	X(FSYNC, 0, ARG(fuse_fsync_in), HANDLE(HANDLE, fuse_fsync_in), .pool = OP_POOL_ALWAYS)     \
	X(SETXATTR, OP_CHANGES, ARG(fuse_setxattr_in), NODE, XATTR_NAME,                           \
	  DATA(fuse_setxattr_in, size), .data_max = 65536)                                         \
	X(GETXATTR, 0, ARG(fuse_getxattr_in), NODE, XATTR_NAME, .answer = OP_ANSWER_VALUE,         \
	  .room = MEMBER(fuse_getxattr_in, size))                                                  \
	X(LISTXATTR, 0, ARG(fuse_getxattr_in), NODE, .answer = OP_ANSWER_VALUE,                    \
	  .room = MEMBER(fuse_getxattr_in, size))                                                  \
	X(REMOVEXATTR, OP_CHANGES, NODE, XATTR_NAME)                                               \
	X(FLUSH, 0, ARG(fuse_flush_in), HANDLE(FILE, fuse_flush_in),                               \
	  .fixed = MEMBER(fuse_flush_in, lock_owner))                                              \
	X(INIT, 0, .arg_size = 16, .pool = OP_POOL_NEVER)                                          \
	X(OPENDIR, 0, ARG(fuse_open_in), NODE, OPEN_OUT)                                           \
	X(READDIR, 0, READDIR_ROW)                                                                 \
	X(RELEASEDIR, OP_CLOSES, ARG(fuse_release_in), HANDLE(HANDLE, fuse_release_in))            \
	X(FSYNCDIR, 0, ARG(fuse_fsync_in), HANDLE(HANDLE, fuse_fsync_in), .pool = OP_POOL_ALWAYS)  \
	X(GETLK, 0, ARG(fuse_lk_in), HANDLE(FILE, fuse_lk_in), .fixed = MEMBER(fuse_lk_in, owner), \
	  RESULT(PLAIN, fuse_lk_out))                                                              \
	X(SETLK, 0, SETLK_ROW)                                                                     \
	X(SETLKW, 0, SETLK_ROW)                                                                    \
	X(ACCESS, 0, ARG(fuse_access_in), .pool = OP_POOL_NEVER)                                   \
	X(CREATE, OP_CHANGES | OP_EXTENDED, ARG(fuse_create_in), NODE, ENTRY, CREATES(S_IFREG),    \
	  OPEN_FLAGS(fuse_create_in), CREATE_OUT)                                                  \
	X(INTERRUPT, OP_NO_REPLY, ARG(fuse_interrupt_in), .pool = OP_POOL_NEVER)                   \
	X(BMAP, 0, ARG(fuse_bmap_in), .pool = OP_POOL_NEVER)                                       \
	X(DESTROY, 0, .pool = OP_POOL_NEVER)                                                       \
	X(IOCTL, 0, ARG(fuse_ioctl_in), HANDLE(HANDLE, fuse_ioctl_in),                             \
	  .fixed = MEMBER(fuse_ioctl_in, cmd), DATA(fuse_ioctl_in, in_size),                       \
	  .data_max = OP_ANY_SIZE, .answer = OP_ANSWER_BYTES,                                      \
	  .room = MEMBER(fuse_ioctl_in, out_size), RESULT(PLAIN, fuse_ioctl_out))                  \
	X(POLL, 0, .arg_size = 24, .pool = OP_POOL_NEVER)                                          \
	X(NOTIFY_REPLY, OP_NO_REPLY, ARG(fuse_notify_retrieve_in),                                 \
	  DATA(fuse_notify_retrieve_in, size), .pool = OP_POOL_NEVER)                              \
	X(BATCH_FORGET, OP_NO_REPLY, ARG(fuse_batch_forget_in),                                    \
	  .data_unit = sizeof(struct fuse_forget_one),                                             \
	  .data_len = MEMBER(fuse_batch_forget_in, count), .pool = OP_POOL_NEVER)                  \
	X(FALLOCATE, OP_CHANGES, ARG(fuse_fallocate_in), HANDLE(FILE, fuse_fallocate_in),          \
	  .pool = OP_POOL_ALWAYS)                                                                  \
	X(READDIRPLUS, 0, READDIR_ROW)                                                             \
	X(RENAME2, OP_CHANGES, ARG(fuse_rename2_in), RENAME_ROW)                                   \
	X(LSEEK, 0, ARG(fuse_lseek_in), HANDLE(FILE, fuse_lseek_in),                               \
	  RESULT(PLAIN, fuse_lseek_out))                                                           \
	X(COPY_FILE_RANGE, OP_CHANGES, COPY_ROW, RESULT(COUNT, fuse_write_out))                    \
	X(SYNCFS, 0, ARG(fuse_syncfs_in), NODE, .pool = OP_POOL_ALWAYS)                            \
	X(TMPFILE, OP_CHANGES | OP_EXTENDED, ARG(fuse_create_in), NODE, NAME_UNUSED,               \
	  CREATES(S_IFREG), OPEN_FLAGS(fuse_create_in), CREATE_OUT)                                \
	X(STATX, 0, ARG(fuse_statx_in), HANDLE_IF(FUSE_GETATTR_FH, fuse_statx_in),                 \
	  .fixed = MEMBER(fuse_statx_in, getattr_flags), RESULT(STATX, fuse_statx_out))            \
	X(COPY_FILE_RANGE_64, OP_CHANGES, COPY_ROW, RESULT(COUNT_64, fuse_copy_file_range_out))

#define ROW(NAME, FLAGS, ...) [FUSE_##NAME] = { .name = #NAME, .flags = (FLAGS), __VA_ARGS__ },
#define FILTER_NAME(NAME, OPCODE, FACTS) [OPCODE].filter_name = #NAME,
/* clang-format on */

const struct op op_table[OP_MAX] = {
	OP_ROWS(ROW)
	PST_OPS(FILTER_NAME)
	/* No operation: filters only hear of it. */
	[FUSE_FORGET].filter_name = "forget",
};

/* Sets of opcodes, a bit each: of all rows, of rows for which something holds, of PST_OPS. */
#define BIT(OPCODE) (1ULL << (OPCODE))
#define ROW_BIT(NAME, FLAGS, ...) | BIT(FUSE_##NAME)
#define CHANGES_BIT(NAME, FLAGS, ...) | ((FLAGS) & OP_CHANGES ? BIT(FUSE_##NAME) : 0)
#define SEEN_BIT(NAME, OPCODE, FACTS) | BIT(OPCODE)
#define SEEN (0 PST_OPS(SEEN_BIT))

_Static_assert((SEEN & (0 OP_ROWS(ROW_BIT))) == SEEN, "an operation of PST_OPS has no row");
_Static_assert((SEEN & (0 OP_ROWS(CHANGES_BIT))) == PST_OPS_THAT_CHANGE,
	       "PST_OPS and the rows differ in which operations change something");
