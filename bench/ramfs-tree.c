// SPDX-License-Identifier: LGPL-2.1-or-later
#include "ramfs-tree.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <time.h>

#define N_HASHES (1u << 16)
/* The largest file: its bytes are one piece of memory. */
#define MAX_SIZE (1ULL << 32)

pthread_rwlock_t tree_lock = PTHREAD_RWLOCK_INITIALIZER;

static struct name *hashes[N_HASHES];
static struct inode **inodes; /* by number; a number is used once */
static uint64_t n_inodes = TREE_ROOT, room_inodes;
static uint64_t n_names = 1;

static struct statx_timestamp now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (struct statx_timestamp){ .tv_sec = t.tv_sec, .tv_nsec = (uint32_t)t.tv_nsec };
}

static void changed(struct inode *inode, bool data)
{
	inode->stx.stx_ctime = now();
	if (data)
		inode->stx.stx_mtime = inode->stx.stx_ctime;
}

static struct inode *inode_new(uint32_t mode, uint32_t uid, uint32_t gid)
{
	struct inode *inode = calloc(1, sizeof(*inode)), **grown;

	if (inode && n_inodes >= room_inodes) {
		grown = realloc(inodes, (2 * room_inodes + 64) * sizeof(*grown));
		if (!grown) {
			free(inode);
			return NULL;
		}
		inodes = grown;
		room_inodes = 2 * room_inodes + 64;
	}
	if (!inode)
		return NULL;
	inode->stx = (struct statx){
		.stx_ino = n_inodes,
		.stx_mode = (uint16_t)mode,
		.stx_nlink = S_ISDIR(mode) ? 2 : 0,
		.stx_uid = uid,
		.stx_gid = gid,
		.stx_blksize = 4096,
	};
	changed(inode, true);
	inode->stx.stx_atime = inode->stx.stx_ctime;
	inodes[n_inodes++] = inode;
	return inode;
}

void tree_init(void)
{
	inode_new(S_IFDIR | 0755, 0, 0);
}

struct inode *tree_inode(uint64_t ino)
{
	return ino >= TREE_ROOT && ino < n_inodes ? inodes[ino] : NULL;
}

/* -- names ------------------------------------------------------------------------------------- */

static struct name **chain_of(const struct inode *dir, const char *text)
{
	uint64_t hash = dir->stx.stx_ino;

	while (*text)
		hash = (hash ^ (unsigned char)*text++) * 0x100000001b3;
	return &hashes[(hash ^ hash >> 32) % N_HASHES];
}

struct name *tree_find(const struct inode *dir, const char *text)
{
	struct name *name = *chain_of(dir, text);

	while (name && (name->dir != dir || strcmp(name->text, text) != 0))
		name = name->next;
	return name;
}

int tree_link(struct inode *dir, const char *text, struct inode *inode)
{
	struct name *name = malloc(sizeof(*name) + strlen(text) + 1);
	struct name **chain = chain_of(dir, text);

	if (!name)
		return -ENOMEM;
	*name = (struct name){
		.dir = dir, .inode = inode, .number = n_names++, .before = dir->last, .next = *chain
	};
	strcpy(name->text, text);
	*chain = name;
	*(dir->last ? &dir->last->after : &dir->first) = name;
	dir->last = name;
	if (S_ISDIR(inode->stx.stx_mode))
		dir->stx.stx_nlink++;
	else
		inode->stx.stx_nlink++;
	changed(inode, false);
	changed(dir, true);
	return 0;
}

static void unlink_name(struct name *name)
{
	struct inode *dir = name->dir, *inode = name->inode;
	struct name **at = chain_of(dir, name->text);

	while (*at != name)
		at = &(*at)->next;
	*at = name->next;
	*(name->before ? &name->before->after : &dir->first) = name->after;
	*(name->after ? &name->after->before : &dir->last) = name->before;
	if (S_ISDIR(inode->stx.stx_mode))
		dir->stx.stx_nlink--;
	else
		inode->stx.stx_nlink--;
	changed(inode, false);
	changed(dir, true);
	free(name);
}

int tree_make(struct inode *dir, const char *text, uint32_t mode, uint32_t uid, uint32_t gid,
	      dev_t rdev, const char *target, struct inode **ret_inode)
{
	bool inherits = dir->stx.stx_mode & S_ISGID;
	struct inode *inode;
	int r;

	if (dir->stx.stx_nlink == 0)
		return -ENOENT;
	if (tree_find(dir, text))
		return -EEXIST;
	if (inherits && S_ISDIR(mode))
		mode |= S_ISGID;
	inode = inode_new(mode, uid, inherits ? dir->stx.stx_gid : gid);
	if (!inode)
		return -ENOMEM;
	inode->stx.stx_rdev_major = major(rdev);
	inode->stx.stx_rdev_minor = minor(rdev);
	if (target) {
		inode->data = strdup(target);
		inode->stx.stx_size = strlen(target);
	}
	r = target && !inode->data ? -ENOMEM : tree_link(dir, text, inode);
	if (r < 0)
		tree_forget(inode);
	else
		*ret_inode = inode;
	return r;
}

/* Removes a name, and with it an empty directory. */
static int remove_name(struct name *name)
{
	struct inode *inode = name->inode;

	if (inode->first)
		return -ENOTEMPTY;
	unlink_name(name);
	if (S_ISDIR(inode->stx.stx_mode))
		inode->stx.stx_nlink = 0;
	return 0;
}

int tree_remove(struct inode *dir, const char *text, bool is_dir)
{
	struct name *name = tree_find(dir, text);

	if (!name)
		return -ENOENT;
	if (is_dir != S_ISDIR(name->inode->stx.stx_mode))
		return is_dir ? -ENOTDIR : -EISDIR;
	return remove_name(name);
}

int tree_rename(struct inode *dir, const char *text, struct inode *new_dir, const char *new_text,
		unsigned int flags)
{
	struct name *name = tree_find(dir, text), *over = tree_find(new_dir, new_text);
	struct inode *inode = name ? name->inode : NULL, *other = over ? over->inode : NULL;
	int r = 0;

	if (flags & ~(RENAME_NOREPLACE | RENAME_EXCHANGE))
		return -EINVAL;
	if (!name || (!over && (flags & RENAME_EXCHANGE)))
		return -ENOENT;
	if (over && (flags & RENAME_NOREPLACE))
		return -EEXIST;
	if (inode == other)
		return 0;
	if (over && !(flags & RENAME_EXCHANGE) &&
	    S_ISDIR(other->stx.stx_mode) != S_ISDIR(inode->stx.stx_mode))
		return S_ISDIR(inode->stx.stx_mode) ? -ENOTDIR : -EISDIR;
	if (over && (flags & RENAME_EXCHANGE))
		unlink_name(over);
	else if (over)
		r = remove_name(over);
	if (r == 0)
		r = tree_link(new_dir, new_text, inode);
	if (r == 0)
		unlink_name(name);
	if (r == 0 && (flags & RENAME_EXCHANGE))
		r = tree_link(dir, text, other);
	return r;
}

/* -- attributes and data ----------------------------------------------------------------------- */

static void count_blocks(struct inode *inode)
{
	inode->stx.stx_blocks = (inode->stx.stx_size + 4095) / 4096 * 8;
}

static int resize(struct inode *inode, uint64_t size)
{
	size_t room = inode->room ? inode->room : 4096;
	char *data;

	if (size > MAX_SIZE)
		return -EFBIG;
	if (size < inode->stx.stx_size)
		memset(inode->data + size, 0, inode->stx.stx_size - size);
	if (size > inode->room) {
		while (room < size)
			room *= 2;
		data = realloc(inode->data, room);
		if (!data)
			return -ENOSPC;
		memset(data + inode->room, 0, room - inode->room);
		inode->data = data;
		inode->room = room;
	}
	inode->stx.stx_size = size;
	count_blocks(inode);
	return 0;
}

static void clear_set_ids(struct inode *inode)
{
	inode->stx.stx_mode &= (uint16_t)~S_ISUID;
	if (inode->stx.stx_mode & S_IXGRP)
		inode->stx.stx_mode &= (uint16_t)~S_ISGID;
}

int tree_change(struct inode *inode, const struct statx *change, bool clears)
{
	uint32_t mask = change->stx_mask;
	int r = mask & STATX_SIZE ? resize(inode, change->stx_size) : 0;

	if (r < 0)
		return r;
	if (clears)
		clear_set_ids(inode);
	if (mask & STATX_MODE)
		inode->stx.stx_mode = change->stx_mode;
	if (mask & STATX_UID)
		inode->stx.stx_uid = change->stx_uid;
	if (mask & STATX_GID)
		inode->stx.stx_gid = change->stx_gid;
	changed(inode, mask & STATX_SIZE);
	if (mask & STATX_ATIME)
		inode->stx.stx_atime = change->stx_atime;
	if (mask & STATX_MTIME)
		inode->stx.stx_mtime = change->stx_mtime;
	return 0;
}

ssize_t tree_read(const struct inode *inode, void *buf, size_t size, uint64_t off)
{
	size_t left = off < inode->stx.stx_size ? inode->stx.stx_size - off : 0;

	if (size > left)
		size = left;
	if (size)
		memcpy(buf, inode->data + off, size);
	return (ssize_t)size;
}

ssize_t tree_write(struct inode *inode, const void *buf, size_t size, uint64_t off, bool clears)
{
	int r = 0;

	if (off + size > inode->stx.stx_size)
		r = resize(inode, off + size);
	if (r < 0)
		return r;
	if (size)
		memcpy(inode->data + off, buf, size);
	if (clears)
		clear_set_ids(inode);
	changed(inode, true);
	return (ssize_t)size;
}

int tree_allocate(struct inode *inode, int mode, uint64_t off, uint64_t len)
{
	bool zeroes = mode & (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE);
	uint64_t size = inode->stx.stx_size, end = off + len;
	int r = 0;

	if (mode & ~(FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE))
		return -EOPNOTSUPP;
	if (!(mode & FALLOC_FL_KEEP_SIZE) && end > size)
		r = resize(inode, end);
	if (r == 0 && zeroes && off < size)
		memset(inode->data + off, 0, (end < size ? end : size) - off);
	if (r == 0)
		changed(inode, true);
	return r;
}

void tree_forget(struct inode *inode)
{
	if (inode->stx.stx_nlink || inode->n_open)
		return;
	inodes[inode->stx.stx_ino] = NULL;
	free(inode->data);
	free(inode);
}
