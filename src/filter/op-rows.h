/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * The rows of the table of operations: X(NAME, FUNCTION, FLAGS, what else the operation has).
 *
 * NAME is the kernel's name without FUSE_; op_FUNCTION() in request/ runs the operation. FLAGS and
 * the rest become the members of a struct op (op.h). op.c defines the macros that the rest is made
 * of: a row names only what the operation has, and everything else is zero, which means "none".
 *
 * The operations whose function is op_unsupported() are answered with ENOSYS. The kernel remembers
 * that for the whole mount, which is right because it is true for every node: the kernel checks
 * permissions itself (ACCESS), and files are always ready (POLL).
 */
/* clang-format off */
#define OP_ROWS(X)                                                                                 \
	X(LOOKUP, lookup, OP_DOTS, ON_NODE, ENTRY, EFFECT(FINDS), ENTRY_OUT)                       \
	X(FORGET, forget, OP_NO_REPLY, ARG(fuse_forget_in), POOL(NEVER))                           \
	X(GETATTR, getattr, 0, ON_NODE_OR_OPEN(fuse_getattr_in, FUSE_GETATTR_FH),                  \
	  FIXED(fuse_getattr_in, getattr_flags), ATTR_OUT)                                         \
	X(SETATTR, setattr, OP_CHANGES | OP_EXACT,                                                 \
	  ON_NODE_OR_OPEN(fuse_setattr_in, FATTR_FH), ATTR_OUT)                                    \
	X(READLINK, readlink, 0, ON_NODE, .answer = OP_ANSWER_TEXT, .room_max = 4095)              \
	X(SYMLINK, symlink, OP_CHANGES | OP_EXTENDED, ON_NODE, ENTRY_AND_TEXT,                     \
	  CREATES(S_IFLNK), ENTRY_OUT)                                                             \
	X(MKNOD, mknod, OP_CHANGES | OP_EXTENDED, ARG(fuse_mknod_in), ON_NODE, ENTRY, CREATES(0),  \
	  MODE(fuse_mknod_in), BITS(fuse_mknod_in, mode, ~(uint32_t)S_IFMT), ENTRY_OUT)            \
	X(MKDIR, mkdir, OP_CHANGES | OP_EXTENDED, ARG(fuse_mkdir_in), ON_NODE, ENTRY,              \
	  CREATES(S_IFDIR), MODE(fuse_mkdir_in), ENTRY_OUT)                                        \
	X(UNLINK, unlink, OP_CHANGES, ON_NODE, ENTRY, EFFECT(REMOVES))                             \
	X(RMDIR, unlink, OP_CHANGES, ON_NODE, ENTRY, EFFECT(REMOVES))                              \
	X(RENAME, rename, OP_CHANGES, ARG(fuse_rename_in), RENAME_ROW)                             \
	X(LINK, link, OP_CHANGES, ARG(fuse_link_in), ON_NODE, NODE2(fuse_link_in, oldnodeid),      \
	  ENTRY, EFFECT(LINKS), ENTRY_OUT)                                                         \
	X(OPEN, open, OP_TRUNCATES, ARG(fuse_open_in), ON_NODE,                                    \
	  BITS(fuse_open_in, flags, OPEN_FLAGS), OPEN_OUT)                                         \
	X(READ, read, 0, ON_FILE(fuse_read_in), DATA_OUT(CONTENT, fuse_read_in, size))             \
	X(WRITE, write, OP_CHANGES | OP_EXACT, ON_FILE(fuse_write_in),                             \
	  DATA_IN(fuse_write_in, size), DATA_MAX(OP_SAME_SIZE), POOL(ALWAYS),                      \
	  RESULT(COUNT, fuse_write_out))                                                           \
	X(STATFS, statfs, 0, ON_NODE, RESULT(PLAIN, fuse_statfs_out))                              \
	X(RELEASE, release, OP_CLOSES, ON_OPEN(fuse_release_in))                                   \
	X(FSYNC, fsync, 0, ON_OPEN(fuse_fsync_in), POOL(ALWAYS))                                   \
	X(SETXATTR, setxattr, OP_CHANGES, ARG(fuse_setxattr_in), ON_NODE, XATTR_NAME,              \
	  DATA_IN(fuse_setxattr_in, size), DATA_MAX(65536))                                        \
	X(GETXATTR, getxattr, 0, ARG(fuse_getxattr_in), ON_NODE, XATTR_NAME,                       \
	  DATA_OUT(VALUE, fuse_getxattr_in, size))                                                 \
	X(LISTXATTR, listxattr, 0, ARG(fuse_getxattr_in), ON_NODE,                                 \
	  DATA_OUT(VALUE, fuse_getxattr_in, size))                                                 \
	X(REMOVEXATTR, removexattr, OP_CHANGES, ON_NODE, XATTR_NAME)                               \
	X(FLUSH, flush, 0, ON_FILE(fuse_flush_in), FIXED(fuse_flush_in, lock_owner))               \
	X(INIT, unsupported, 0, .arg_size = 16, POOL(NEVER))                                       \
	X(OPENDIR, opendir, 0, ARG(fuse_open_in), ON_NODE, OPEN_OUT)                               \
	X(READDIR, readdir, 0, READDIR_ROW)                                                        \
	X(RELEASEDIR, release, OP_CLOSES, ON_OPEN(fuse_release_in))                                \
	X(FSYNCDIR, fsync, 0, ON_OPEN(fuse_fsync_in), POOL(ALWAYS))                                \
	X(GETLK, getlk, 0, ON_FILE(fuse_lk_in), FIXED(fuse_lk_in, owner),                          \
	  RESULT(PLAIN, fuse_lk_out))                                                              \
	X(SETLK, setlk, 0, SETLK_ROW)                                                              \
	X(SETLKW, setlk, 0, SETLK_ROW)                                                             \
	X(ACCESS, unsupported, 0, ARG(fuse_access_in), POOL(NEVER))                                \
	X(CREATE, create, OP_CHANGES | OP_EXTENDED, ARG(fuse_create_in), ON_NODE, ENTRY,           \
	  CREATES(S_IFREG), MODE(fuse_create_in),                                                  \
	  BITS(fuse_create_in, flags, OPEN_FLAGS), CREATE_OUT)                                     \
	X(INTERRUPT, interrupt, OP_NO_REPLY, ARG(fuse_interrupt_in), POOL(NEVER))                  \
	X(BMAP, unsupported, 0, ARG(fuse_bmap_in), POOL(NEVER))                                    \
	X(DESTROY, destroy, 0, POOL(NEVER))                                                        \
	X(IOCTL, ioctl, 0, ON_OPEN(fuse_ioctl_in), FIXED(fuse_ioctl_in, cmd),                      \
	  DATA_IN(fuse_ioctl_in, in_size), DATA_MAX(OP_ANY_SIZE),                                  \
	  DATA_OUT(BYTES, fuse_ioctl_in, out_size), RESULT(PLAIN, fuse_ioctl_out))                 \
	X(POLL, unsupported, 0, .arg_size = 24, POOL(NEVER))                                       \
	X(NOTIFY_REPLY, unsupported, OP_NO_REPLY, ARG(fuse_notify_retrieve_in),                    \
	  DATA_IN(fuse_notify_retrieve_in, size), POOL(NEVER))                                     \
	X(BATCH_FORGET, batch_forget, OP_NO_REPLY, ARG(fuse_batch_forget_in),                      \
	  DATA_IN_OF(fuse_forget_one, fuse_batch_forget_in, count), POOL(NEVER))                   \
	X(FALLOCATE, fallocate, OP_CHANGES | OP_EXACT, ON_FILE(fuse_fallocate_in), POOL(ALWAYS))   \
	X(READDIRPLUS, readdir, 0, READDIR_ROW)                                                    \
	X(RENAME2, rename, OP_CHANGES, ARG(fuse_rename2_in), RENAME_ROW)                           \
	X(LSEEK, lseek, 0, ON_FILE(fuse_lseek_in), RESULT(PLAIN, fuse_lseek_out))                  \
	X(COPY_FILE_RANGE, copy, OP_CHANGES, COPY_ROW, RESULT(COUNT, fuse_write_out))              \
	X(SYNCFS, syncfs, 0, ARG(fuse_syncfs_in), ON_NODE, POOL(ALWAYS))                           \
	X(TMPFILE, tmpfile, OP_CHANGES | OP_EXTENDED, ARG(fuse_create_in), ON_NODE, NAME_UNUSED,   \
	  CREATES(S_IFREG), MODE(fuse_create_in),                                                  \
	  BITS(fuse_create_in, flags, OPEN_FLAGS), CREATE_OUT)                                     \
	X(STATX, statx, 0, ON_NODE_OR_OPEN(fuse_statx_in, FUSE_GETATTR_FH),                        \
	  FIXED(fuse_statx_in, getattr_flags), RESULT(STATX, fuse_statx_out))                      \
	X(COPY_FILE_RANGE_64, copy, OP_CHANGES, COPY_ROW,                                          \
	  RESULT(COUNT_64, fuse_copy_file_range_out))
