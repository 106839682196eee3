// SPDX-License-Identifier: LGPL-2.1-or-later
/* Callbacks of struct pst_node_ops that a tree answers; aux is the tree. No locks. */
#include "tree/tree.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/sysmacros.h>

/* The file or directory of a request. The view knows it, so it is not gone. */
static struct pst_inode *inode_of(struct pst_request *req)
{
	return pst_tree_file(req->aux, req->file);
}

static int answer(const struct pst_inode *inode, struct pst_entry *ret_entry)
{
	pst_entry_number(ret_entry, inode->stx.stx_ino);
	ret_entry->stx = inode->stx;
	return 0;
}

static void forget(void *aux, const struct pst_file *file)
{
	struct pst_inode *inode = pst_tree_file(aux, file);

	if (inode)
		pst_inode_drop(aux, inode);
}

static uint32_t find(void *aux, const struct pst_file *file, uint64_t *ret_ino)
{
	/* Another length of a key, from a handle that nobody got, is not the root. */
	struct pst_inode *inode = pst_tree_inode(aux, pst_file_number(file, 0));

	if (inode)
		*ret_ino = inode->stx.stx_ino;
	return inode ? inode->stx.stx_mode & S_IFMT : 0;
}

/* An entry without a key: the kernel caches that the name does not exist. */
static int look_up(struct pst_request *req, const char *text, struct pst_entry *ret_entry)
{
	struct pst_name *name = pst_tree_find(req->aux, inode_of(req), text);

	return name ? answer(name->inode, ret_entry) : 0;
}

static int get_attributes(struct pst_request *req, struct statx *ret_stx)
{
	*ret_stx = inode_of(req)->stx;
	return 0;
}

int pst_tree_setattr(struct pst_request *req, const struct statx *change, struct statx *ret_stx)
{
	pst_inode_set(inode_of(req), change, (int)req->clears_set_ids);
	return get_attributes(req, ret_stx);
}

/* A tree has no content, so it cannot change the size. */
static int set_attributes(struct pst_request *req, const struct statx *change,
			  struct statx *ret_stx)
{
	if (change->stx_mask & STATX_SIZE)
		return -EPERM;
	return pst_tree_setattr(req, change, ret_stx);
}

static ssize_t read_link(struct pst_request *req, char *buf, size_t size)
{
	const struct pst_inode *inode = inode_of(req);

	return pst_copy(buf, size, 0, inode->data, inode->stx.stx_size);
}

static int list(struct pst_request *req, uint64_t at, struct pst_listing *listing)
{
	struct pst_entry entry = { 0 };

	for (struct pst_name *name = pst_tree_after(inode_of(req), at); name; name = name->after) {
		answer(name->inode, &entry);
		if (pst_listing_add(listing, name->text, name->number, &entry) == 1)
			break;
	}
	return 0;
}

/* Makes a file. The owner is the client, the group that of a directory with S_ISGID. */
static struct pst_inode *make_inode(struct pst_request *req, uint32_t mode, dev_t rdev)
{
	const struct statx *dir = &inode_of(req)->stx;
	struct statx stx = {
		.stx_mode = (uint16_t)mode,
		.stx_uid = req->uid,
		.stx_gid = req->gid,
		.stx_rdev_major = major(rdev),
		.stx_rdev_minor = minor(rdev),
	};

	if (dir->stx_mode & S_ISGID) {
		stx.stx_gid = dir->stx_gid;
		stx.stx_mode |= S_ISDIR(mode) ? S_ISGID : 0;
	}
	return pst_inode_new(req->aux, &stx);
}

static int make(struct pst_request *req, const char *text, uint32_t mode, dev_t rdev,
		const char *target, struct pst_entry *ret_entry)
{
	struct pst_inode *inode = make_inode(req, mode, rdev);
	int r = inode ? 0 : -ENOMEM;

	if (r == 0 && target) {
		inode->data = strdup(target);
		inode->stx.stx_size = strlen(target);
		r = inode->data ? 0 : -ENOMEM;
	}
	if (r == 0)
		r = pst_tree_link(req->aux, inode_of(req), text, inode);
	if (r == 0)
		return answer(inode, ret_entry);
	if (inode) {
		inode->stx.stx_nlink = 0;
		pst_inode_drop(req->aux, inode);
	}
	return r;
}

static int make_unnamed(struct pst_request *req, uint32_t mode, int flags,
			struct pst_entry *ret_entry, struct pst_opened *ret_opened)
{
	struct pst_inode *inode = make_inode(req, mode, 0);

	(void)flags;
	(void)ret_opened;
	return inode ? answer(inode, ret_entry) : -ENOMEM;
}

static int link_file(struct pst_request *req, const char *text, struct pst_entry *ret_entry)
{
	struct pst_inode *inode = pst_tree_file(req->aux, req->file2);
	int r;

	if (!req->file2->key_len)
		return -EXDEV;
	r = pst_tree_link(req->aux, inode_of(req), text, inode);
	return r < 0 ? r : answer(inode, ret_entry);
}

static int remove_name(struct pst_request *req, const char *text, int is_dir)
{
	return pst_tree_remove(req->aux, inode_of(req), text, is_dir);
}

static int rename_file(struct pst_request *req, const char *text, const char *new_text,
		       unsigned int flags)
{
	return pst_tree_rename(req->aux, inode_of(req), text, pst_tree_file(req->aux, req->file2),
			       new_text, flags);
}

void pst_tree_serve(struct pst_tree *tree, struct pst_node_ops *ops, int changes)
{
#define DEFAULT(NAME, FN)                                                                          \
	if (!ops->NAME)                                                                            \
	ops->NAME = (FN)
	ops->aux = tree;
	DEFAULT(forget, forget);
	DEFAULT(find, find);
	DEFAULT(lookup, look_up);
	DEFAULT(getattr, get_attributes);
	DEFAULT(readlink, read_link);
	DEFAULT(readdir, list);
	if (!changes)
		return;
	DEFAULT(setattr, set_attributes);
	DEFAULT(make, make);
	DEFAULT(link, link_file);
	DEFAULT(remove, remove_name);
	DEFAULT(rename, rename_file);
	DEFAULT(tmpfile, make_unnamed);
#undef DEFAULT
}
