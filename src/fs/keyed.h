/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Files of a program, struct pst_node_ops: which operations of a lower file the program answers,
 * nodes that have a key and no lower file, and files that the program reads and writes. The rules
 * of fs.h apply.
 */
#include "fs/fs.h"

/* Describes a node for a program. *ret_file points to *fh, to which this writes handle or key. */
void fs_describe(struct fs *fs, struct node *node, struct fhandle *fh, struct pst_file *ret_file);
/*
 * Returns which operations the program answers of a node, PST_ANSWERS_*. The first call for a lower
 * file asks the program.
 */
uint32_t fs_answers(struct fs *fs, struct node *node);
/*
 * Finds or makes the node of a program's answer in the directory dir: a key of len bytes, and the
 * attributes. -EIO if the answer has values that no file can have, after a line in the log;
 * ret_entry->node is NULL then.
 */
int fs_keyed_entry(struct fs *fs, struct node *dir, const void *key, size_t len,
		   const struct statx *stx, struct fs_entry *ret_entry);
/*
 * With `serial`, waits until no other thread runs a callback of the program. The thread may hold
 * the lock already, when a callback has called pst_reply(). It is taken before fs->keyed_lock.
 */
void fs_program_lock(struct fs *fs);
void fs_program_unlock(struct fs *fs);
/* Fills the entry of a name that does not exist. -ENOENT if the kernel must not cache this. */
int fs_keyed_absent(struct fs *fs, struct node *dir, struct fs_entry *ret_entry);
/* Checks and completes the attributes of a node for which the program has answered. */
int fs_keyed_attr(struct fs *fs, struct node *node, const struct statx *stx,
		  struct fs_attr *ret_attr);
/*
 * For a program without getattr(): the attributes of the last entry of a node. Returns 0, or
 * -ESTALE if there are none.
 */
int fs_entry_attr(struct fs *fs, struct node *node, struct statx *ret_stx);
/* Opens a file that the program reads and writes. flags are those of open(2). */
int fs_open_served(struct fs *fs, struct node *node, int flags, const struct pst_opened *from,
		   struct fs_open *ret_open);
/* Returns a strong reference to the node of a key, or NULL if the kernel does not know it. */
struct node *fs_keyed_node(struct fs *fs, const void *key, size_t len);
/*
 * Gives a node with a key the lower file of a descriptor, which the caller keeps. Returns -EXDEV
 * for a file on another file system than LOWER, -EBUSY if the node has a lower file already, and
 * -EINVAL if one of them is no regular file, or the node has no key.
 */
int fs_keyed_back(struct fs *fs, struct node *node, int fd);
/*
 * Makes the kernel drop a name that the program has changed, soon. removed is the node that was
 * removed with the name, or NULL.
 */
void fs_name_changed(struct fs *fs, struct node *dir, const char *name, struct node *removed);
