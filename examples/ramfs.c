// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * ramfs [-o OPTION,...] DIRECTORY MOUNTPOINT
 *
 * A whole file system in memory. The program answers all operations; DIRECTORY, the lower
 * directory, should be empty. With the option by_filters, the view shows DIRECTORY instead, and has
 * files in memory in each directory, under names for which a filter returns PST_SERVE. The files
 * are lost when the view is unmounted. The library calls one function at a time (`serial`), so the
 * program needs no locks. The library opens and closes the files, and seeks in them as in files
 * without holes, because the program has no callbacks for that.
 *
 *	cc -o ramfs ramfs.c -lpenstock
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <linux/falloc.h>
#include <penstock/node.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/sysmacros.h>
#include <time.h>

#define ROOT     1
#define N_HASHES (1u << 16)
/* The largest file: its bytes are one piece of memory. */
#define MAX_SIZE (1ULL << 32)

struct name {
	struct inode *dir, *inode;
	uint64_t number;             /* of the name: later ones are greater */
	struct name *before, *after; /* in the directory */
	struct name *next;           /* with the same hash */
	char text[];
};

struct inode {
	struct statx stx;          /* stx_ino is the key of the file */
	char *data;                /* the bytes of a file, the text of a link */
	size_t room;               /* bytes at data; those after stx_size are 0 */
	struct name *first, *last; /* of a directory */
};

static struct name *hashes[N_HASHES];
static struct inode **inodes; /* by number; a number is used once */
static uint64_t n_inodes = ROOT, n_names;

static struct inode *inode_of(const struct pst_file *file)
{
	uint64_t ino = pst_file_number(file, ROOT);

	return ino < n_inodes ? inodes[ino] : NULL;
}

static int answer_entry(const struct inode *inode, struct pst_entry *entry)
{
	pst_entry_number(entry, inode->stx.stx_ino);
	entry->stx = inode->stx;
	return 0;
}

static void changed(struct inode *inode, bool data)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	inode->stx.stx_ctime = (struct statx_timestamp){ now.tv_sec, (uint32_t)now.tv_nsec, 0 };
	if (data)
		inode->stx.stx_mtime = inode->stx.stx_ctime;
}

static struct inode *inode_new(uint32_t mode, uint32_t uid, uint32_t gid)
{
	struct inode *inode = calloc(1, sizeof(*inode)), **grown = inodes;

	if (!(n_inodes & (n_inodes - 1)))
		grown = realloc(inodes, 2 * n_inodes * sizeof(*grown));
	if (!inode || !grown) {
		free(inode);
		return NULL;
	}
	inodes = grown;
	inode->stx = (struct statx){ .stx_ino = n_inodes,
				     .stx_mode = (uint16_t)mode,
				     .stx_nlink = S_ISDIR(mode) ? 2 : 0,
				     .stx_uid = uid,
				     .stx_gid = gid };
	changed(inode, true);
	inode->stx.stx_atime = inode->stx.stx_ctime;
	inodes[n_inodes++] = inode;
	return inode;
}

/* The view has no nodeid of the file any more, so no process has it open. */
static void forget(void *aux, const struct pst_file *file)
{
	struct inode *inode = inode_of(file);

	if (inode->stx.stx_nlink)
		return;
	inodes[inode->stx.stx_ino] = NULL;
	free(inode->data);
	free(inode);
}

static uint32_t find(void *aux, const struct pst_file *file, uint64_t *ret_ino)
{
	struct inode *inode = inode_of(file);

	if (inode)
		*ret_ino = inode->stx.stx_ino;
	return inode ? inode->stx.stx_mode & S_IFMT : 0;
}

/* -- names ------------------------------------------------------------------------------------- */

static struct name **chain_of(const struct inode *dir, const char *text)
{
	uint64_t hash = dir->stx.stx_ino;

	while (*text)
		hash = (hash ^ (unsigned char)*text++) * 0x100000001b3;
	return &hashes[(hash ^ hash >> 32) % N_HASHES];
}

static struct name *find_name(const struct inode *dir, const char *text)
{
	struct name *name = *chain_of(dir, text);

	while (name && (name->dir != dir || strcmp(name->text, text) != 0))
		name = name->next;
	return name;
}

static int add_name(struct inode *dir, const char *text, struct inode *inode)
{
	struct name *name = malloc(sizeof(*name) + strlen(text) + 1);
	struct name **chain = chain_of(dir, text);

	if (!name)
		return -ENOMEM;
	*name = (struct name){ dir, inode, ++n_names, dir->last, NULL, *chain };
	strcpy(name->text, text);
	*chain = name;
	*(dir->last ? &dir->last->after : &dir->first) = name;
	dir->last = name;
	(S_ISDIR(inode->stx.stx_mode) ? dir : inode)->stx.stx_nlink++;
	changed(inode, false);
	changed(dir, true);
	return 0;
}

static void drop_name(struct name *name)
{
	struct inode *dir = name->dir, *inode = name->inode;
	struct name **at = chain_of(dir, name->text);

	while (*at != name)
		at = &(*at)->next;
	*at = name->next;
	*(name->before ? &name->before->after : &dir->first) = name->after;
	*(name->after ? &name->after->before : &dir->last) = name->before;
	(S_ISDIR(inode->stx.stx_mode) ? dir : inode)->stx.stx_nlink--;
	changed(inode, false);
	changed(dir, true);
	free(name);
}

static int look_up(struct pst_request *req, const char *text, struct pst_entry *entry)
{
	struct name *name = find_name(inode_of(req->file), text);

	/* Without a key: the kernel caches that the name does not exist. */
	return name ? answer_entry(name->inode, entry) : 0;
}

static int list(struct pst_request *req, uint64_t at, struct pst_listing *listing)
{
	struct name *name = inode_of(req->file)->first;
	struct pst_entry entry = { 0 };

	for (; name; name = name->after) {
		if (name->number <= at)
			continue;
		answer_entry(name->inode, &entry);
		if (pst_listing_add(listing, name->text, name->number, &entry) == 1)
			break;
	}
	return 0;
}

/* Makes a file. The owner is the caller, the group that of a directory with S_ISGID. */
static int make(struct pst_request *req, const char *text, uint32_t mode, dev_t rdev,
		const char *target, struct pst_entry *entry)
{
	struct inode *dir = inode_of(req->file), *inode;
	bool inherits = dir->stx.stx_mode & S_ISGID;
	int r = 0;

	if (dir->stx.stx_nlink == 0)
		return -ENOENT;
	if (text && find_name(dir, text)) /* a filter may hide it from the kernel */
		return -EEXIST;
	if (inherits && S_ISDIR(mode))
		mode |= S_ISGID;
	inode = inode_new(mode, req->uid, inherits ? dir->stx.stx_gid : req->gid);
	if (!inode)
		return -ENOMEM;
	inode->stx.stx_rdev_major = major(rdev);
	inode->stx.stx_rdev_minor = minor(rdev);
	if (target) {
		inode->data = strdup(target);
		inode->stx.stx_size = strlen(target);
	}
	if (text)
		r = add_name(dir, text, inode);
	return r < 0 ? r : answer_entry(inode, entry);
}

static int make_unnamed(struct pst_request *req, uint32_t mode, int flags, struct pst_entry *entry,
			struct pst_opened *opened)
{
	return make(req, NULL, mode, 0, NULL, entry);
}

static int link_file(struct pst_request *req, const char *text, struct pst_entry *entry)
{
	struct inode *inode = inode_of(req->file2);
	struct inode *dir = inode_of(req->file);
	int r = find_name(dir, text) ? -EEXIST : 0;

	if (r == 0)
		r = req->file2->key_len ? add_name(dir, text, inode) : -EXDEV;
	return r < 0 ? r : answer_entry(inode, entry);
}

/* Removes a name, and with it an empty directory. */
static int remove_it(struct name *name)
{
	struct inode *inode = name->inode;

	if (inode->first)
		return -ENOTEMPTY;
	drop_name(name);
	if (S_ISDIR(inode->stx.stx_mode))
		inode->stx.stx_nlink = 0;
	return 0;
}

static int remove_name(struct pst_request *req, const char *text, int is_dir)
{
	return remove_it(find_name(inode_of(req->file), text));
}

/* The kernel has checked that the names exist, their types, and RENAME_NOREPLACE. */
static int rename_file(struct pst_request *req, const char *text, const char *new_text,
		       unsigned int flags)
{
	struct inode *dir = inode_of(req->file), *new_dir = inode_of(req->file2);
	struct name *name = find_name(dir, text), *over = find_name(new_dir, new_text);
	struct inode *inode = name->inode, *other = over ? over->inode : NULL;
	int r = 0;

	if (flags & ~(RENAME_NOREPLACE | RENAME_EXCHANGE))
		return -EINVAL;
	if (flags & RENAME_EXCHANGE)
		drop_name(over);
	else if (over)
		r = remove_it(over);
	if (r == 0)
		r = add_name(new_dir, new_text, inode);
	if (r == 0)
		drop_name(name);
	if (r == 0 && (flags & RENAME_EXCHANGE))
		r = add_name(dir, text, other);
	return r;
}

/* -- attributes and data ----------------------------------------------------------------------- */

static int resize(struct inode *inode, uint64_t size)
{
	size_t room = inode->room ? inode->room : 4096;
	char *data;

	if (size > MAX_SIZE)
		return -EFBIG;
	if (size < inode->stx.stx_size)
		memset(inode->data + size, 0, inode->stx.stx_size - size);
	while (room < size)
		room *= 2;
	if (size > inode->room) {
		data = realloc(inode->data, room);
		if (!data)
			return -ENOSPC;
		memset(data + inode->room, 0, room - inode->room);
		inode->data = data;
		inode->room = room;
	}
	inode->stx.stx_size = size;
	inode->stx.stx_blocks = (size + 4095) / 4096 * 8;
	return 0;
}

static void clear_set_ids(struct inode *inode)
{
	inode->stx.stx_mode &= (uint16_t)~S_ISUID;
	if (inode->stx.stx_mode & S_IXGRP)
		inode->stx.stx_mode &= (uint16_t)~S_ISGID;
}

static int get_attributes(struct pst_request *req, struct statx *stx)
{
	*stx = inode_of(req->file)->stx;
	return 0;
}

static int change(struct pst_request *req, const struct statx *asked, struct statx *stx)
{
	struct inode *inode = inode_of(req->file);
	uint32_t mask = asked->stx_mask;
	int r = mask & STATX_SIZE ? resize(inode, asked->stx_size) : 0;

	if (r < 0)
		return r;
	if (req->clears_set_ids)
		clear_set_ids(inode);
	changed(inode, mask & STATX_SIZE);
	if (mask & STATX_MODE)
		inode->stx.stx_mode = asked->stx_mode;
	if (mask & STATX_UID)
		inode->stx.stx_uid = asked->stx_uid;
	if (mask & STATX_GID)
		inode->stx.stx_gid = asked->stx_gid;
	if (mask & STATX_ATIME)
		inode->stx.stx_atime = asked->stx_atime;
	if (mask & STATX_MTIME)
		inode->stx.stx_mtime = asked->stx_mtime;
	*stx = inode->stx;
	return 0;
}

static ssize_t read_file(struct pst_request *req, void *buf, size_t size, uint64_t off)
{
	struct inode *inode = inode_of(req->file);

	return pst_copy(buf, size, off, inode->data, inode->stx.stx_size);
}

static ssize_t read_link(struct pst_request *req, char *buf, size_t size)
{
	return read_file(req, buf, size, 0);
}

static ssize_t write_file(struct pst_request *req, const void *buf, size_t size, uint64_t off)
{
	struct inode *inode = inode_of(req->file);
	int r = off + size > inode->stx.stx_size ? resize(inode, off + size) : 0;

	if (r < 0)
		return r;
	memcpy(inode->data + off, buf, size);
	if (req->clears_set_ids)
		clear_set_ids(inode);
	changed(inode, true);
	return (ssize_t)size;
}

static int allocate(struct pst_request *req, int mode, uint64_t off, uint64_t len)
{
	struct inode *inode = inode_of(req->file);
	uint64_t size = inode->stx.stx_size, end = off + len;
	int r = 0;

	if (mode & ~(FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE))
		return -EOPNOTSUPP;
	if (!(mode & FALLOC_FL_KEEP_SIZE) && end > size)
		r = resize(inode, end);
	if (r == 0 && (mode & ~FALLOC_FL_KEEP_SIZE) && off < size)
		memset(inode->data + off, 0, (end < size ? end : size) - off);
	changed(inode, true);
	return r;
}

static int take_option(void *aux, const char *name, const char *value, struct pst_error *error)
{
	struct pst_node_ops *ops = aux;

	if (strcmp(name, "by_filters") != 0)
		return -ENOENT;
	ops->by_filters = 1;
	return 0;
}

int main(int argc, char **argv)
{
	struct pst_node_ops ops = {
		.size = sizeof(ops),
		.quick = PST_ANSWERS_ALL,
		.serial = 1,
		.timeout_ns = UINT64_MAX,
		.forget = forget,
		.find = find,
		.lookup = look_up,
		.getattr = get_attributes,
		.setattr = change,
		.readlink = read_link,
		.make = make,
		.link = link_file,
		.remove = remove_name,
		.rename = rename_file,
		.read = read_file,
		.write = write_file,
		.fallocate = allocate,
		.readdir = list,
		.tmpfile = make_unnamed,
	};
	struct pst_view_options options = PST_VIEW_OPTIONS_INIT;

	options.fsname = "ramfs";
	options.node_ops = &ops;
	inode_new(S_IFDIR | 0755, 0, 0);
	return pst_main(argc, argv, &options, take_option, &ops);
}
