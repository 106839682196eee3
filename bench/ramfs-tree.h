/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * A tree of files in memory, for ramfs-libfuse.c, as that of examples/ramfs.c. The caller holds
 * tree_lock: for reading, or for writing around functions that change something (those that take
 * pointers to inodes without const). Functions return 0, a length, or -errno.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <linux/stat.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

struct name {
	struct inode *dir, *inode;
	uint64_t number;             /* of the name: later ones are greater */
	struct name *before, *after; /* in the directory */
	struct name *next;           /* with the same hash */
	char text[];
};

struct inode {
	struct statx stx;          /* stx_ino is the number for tree_inode() */
	char *data;                /* the bytes of a file, the text of a link */
	size_t room;               /* bytes at data; those after stx_size are 0 */
	struct name *first, *last; /* of a directory */
	unsigned int n_open;
};

#define TREE_ROOT 1

extern pthread_rwlock_t tree_lock;

/* Makes the root. */
void tree_init(void);
/* Returns the inode with this number, or NULL if it has been freed. */
struct inode *tree_inode(uint64_t ino);
struct name *tree_find(const struct inode *dir, const char *text);
/* Makes a file; the owner is the caller, the group that of a directory with S_ISGID. */
int tree_make(struct inode *dir, const char *text, uint32_t mode, uint32_t uid, uint32_t gid,
	      dev_t rdev, const char *target, struct inode **ret_inode);
int tree_link(struct inode *dir, const char *text, struct inode *inode);
int tree_remove(struct inode *dir, const char *text, bool is_dir);
int tree_rename(struct inode *dir, const char *text, struct inode *new_dir, const char *new_text,
		unsigned int flags);
/* Changes the attributes of change->stx_mask; clears: also clears the set-ID bits. */
int tree_change(struct inode *inode, const struct statx *change, bool clears);
ssize_t tree_read(const struct inode *inode, void *buf, size_t size, uint64_t off);
ssize_t tree_write(struct inode *inode, const void *buf, size_t size, uint64_t off, bool clears);
int tree_allocate(struct inode *inode, int mode, uint64_t off, uint64_t len);
/* Frees an inode that has no name and is not open. */
void tree_forget(struct inode *inode);
