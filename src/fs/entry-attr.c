// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Attributes of files of a program that has no getattr(): those of the last entry of each node with
 * a key, by the node's number. A program with getattr() has no such table.
 *
 * Locks: fs->keyed_lock guards the entries; a node's entry ends with the node.
 */
#include "fs/fs-private.h"
#include "fs/keyed.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

#define ENTRY_ATTR_BYTES (NODE_MAX * sizeof(*((struct fs *)0)->entry_attrs))

int entry_attr_init(struct fs *fs)
{
	void *p;

	if (!fs->config.node_ops.size || fs->config.node_ops.getattr)
		return 0;
	p = mmap(NULL, ENTRY_ATTR_BYTES, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (p == MAP_FAILED)
		return -errno;
	fs->entry_attrs = p;
	return 0;
}

void entry_attr_fini(struct fs *fs)
{
	if (fs->entry_attrs)
		munmap(fs->entry_attrs, ENTRY_ATTR_BYTES);
}

int entry_attr_set(struct fs *fs, struct node *node, const struct statx *stx)
{
	struct statx **kept;
	int r;

	if (!fs->entry_attrs)
		return 0;
	pthread_mutex_lock(&fs->keyed_lock);
	kept = &fs->entry_attrs[node_number(fs->nodes, node)];
	if (!*kept)
		*kept = malloc(sizeof(**kept));
	if (*kept)
		**kept = *stx;
	r = *kept ? 0 : -ENOMEM;
	pthread_mutex_unlock(&fs->keyed_lock);
	return r;
}

int fs_entry_attr(struct fs *fs, struct node *node, struct statx *ret_stx)
{
	const struct statx *kept;

	if (!fs->entry_attrs)
		return -ESTALE;
	pthread_mutex_lock(&fs->keyed_lock);
	kept = fs->entry_attrs[node_number(fs->nodes, node)];
	if (kept)
		*ret_stx = *kept;
	pthread_mutex_unlock(&fs->keyed_lock);
	return kept ? 0 : -ESTALE;
}

void entry_attr_drop(struct fs *fs, struct node *node)
{
	struct statx **kept = fs->entry_attrs ? &fs->entry_attrs[node_number(fs->nodes, node)] :
						NULL;

	if (!kept)
		return;
	free(*kept);
	*kept = NULL;
}
