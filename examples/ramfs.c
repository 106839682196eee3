// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * ramfs [-o OPTION,...] DIRECTORY MOUNTPOINT
 *
 * A whole file system in memory. The program answers all operations; DIRECTORY, the lower
 * directory, should be empty. With the option by_filters, the view shows DIRECTORY instead, and has
 * files in memory in each directory, under names for which a filter returns PST_SERVE. The files
 * are lost when the view is unmounted.
 *
 * A tree of the library (<penstock/tree.h>) has the names and attributes. The program has the
 * content: a piece of memory for each file. The library calls one function at a time (`serial`), so
 * the program needs no locks. The library opens and closes the files, and seeks in them as in files
 * without holes, because the program has no callbacks for that.
 *
 *	cc -o ramfs ramfs.c -lpenstock
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <err.h>
#include <errno.h>
#include <linux/falloc.h>
#include <penstock/tree.h>
#include <stdlib.h>

/* The largest file: its bytes are one piece of memory. */
#define MAX_SIZE (1ULL << 32)

/*
 * Changes the size of a file. inode->value is the size of the memory at inode->data, in which all
 * bytes after the end of the file are 0.
 */
static int resize(struct pst_inode *inode, uint64_t size)
{
	uint64_t room = inode->value ? inode->value : 4096, old = inode->stx.stx_size;
	char *data = inode->data;

	if (size > MAX_SIZE)
		return -EFBIG;
	while (room < size)
		room *= 2;
	if (size > inode->value) {
		data = realloc(data, room);
		if (!data)
			return -ENOSPC;
		memset(data + inode->value, 0, room - inode->value);
		inode->data = data;
		inode->value = room;
	}
	if (size < old)
		memset(data + size, 0, old - size);
	inode->stx.stx_size = size;
	inode->stx.stx_blocks = (size + 4095) / 4096 * 8;
	return 0;
}

static void drop(struct pst_inode *inode)
{
	free(inode->data);
}

static int change(struct pst_request *req, const struct statx *asked, struct statx *stx)
{
	struct pst_inode *inode = pst_tree_file(req->aux, req->file);
	int r = asked->stx_mask & STATX_SIZE ? resize(inode, asked->stx_size) : 0;

	return r < 0 ? r : pst_tree_setattr(req, asked, stx);
}

static ssize_t read_file(struct pst_request *req, void *buf, size_t size, uint64_t off)
{
	const struct pst_inode *inode = pst_tree_file(req->aux, req->file);

	return pst_copy(buf, size, off, inode->data, inode->stx.stx_size);
}

static ssize_t write_file(struct pst_request *req, const void *buf, size_t size, uint64_t off)
{
	struct pst_inode *inode = pst_tree_file(req->aux, req->file);
	int r = off + size > inode->stx.stx_size ? resize(inode, off + size) : 0;

	if (r < 0)
		return r;
	memcpy((char *)inode->data + off, buf, size);
	pst_inode_changed(inode, 1, (int)req->clears_set_ids);
	return (ssize_t)size;
}

static int allocate(struct pst_request *req, int mode, uint64_t off, uint64_t len)
{
	struct pst_inode *inode = pst_tree_file(req->aux, req->file);
	uint64_t size = inode->stx.stx_size, end = off + len;
	int r = 0;

	if (mode & ~(FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE))
		return -EOPNOTSUPP;
	if (!(mode & FALLOC_FL_KEEP_SIZE) && end > size)
		r = resize(inode, end);
	if (r == 0 && (mode & ~FALLOC_FL_KEEP_SIZE) && off < size)
		memset((char *)inode->data + off, 0, (end < size ? end : size) - off);
	pst_inode_changed(inode, 1, 0);
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
		.setattr = change,
		.read = read_file,
		.write = write_file,
		.fallocate = allocate,
	};
	struct pst_view_options options = PST_VIEW_OPTIONS_INIT;
	struct pst_tree *tree = pst_tree_new(drop);
	int status;

	if (!tree)
		errx(1, "out of memory");
	pst_tree_serve(tree, &ops, 1);
	options.fsname = "ramfs";
	options.node_ops = &ops;
	status = pst_main(argc, argv, &options, take_option, &ops);
	pst_tree_free(tree);
	return status;
}
