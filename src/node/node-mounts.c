// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The lower mounts of a node table. A mount is never removed, and its number never changes.
 * Locking: mount_lock guards adding; readers take no lock.
 */
#include "node/node-private.h"
#include "util/fd.h"

#include <errno.h>
#include <stdlib.h>

#define MAX_MOUNTS 4096

int node_mounts_new(struct nodetab *tab)
{
	tab->mounts = calloc(MAX_MOUNTS, sizeof(*tab->mounts));
	return tab->mounts ? 0 : -ENOMEM;
}

void node_mounts_free(struct nodetab *tab)
{
	for (unsigned int i = 0; tab->mounts && i < tab->n_mounts; i++)
		fd_close(tab->mounts[i].fd);
	free(tab->mounts);
}

int nodetab_mount_find(struct nodetab *tab, int mnt_id)
{
	unsigned int n = atomic_load_explicit(&tab->n_mounts, memory_order_acquire);

	for (unsigned int i = 0; i < n; i++)
		if (tab->mounts[i].mnt_id == mnt_id)
			return (int)i;
	return -ENOENT;
}

static bool is_same_device(const struct lower_mount *a, const struct lower_mount *b)
{
	return a->dev_major == b->dev_major && a->dev_minor == b->dev_minor;
}

struct node *node_lookup_alias(struct nodetab *tab, const struct node *node, unsigned int *mount)
{
	unsigned int n = atomic_load_explicit(&tab->n_mounts, memory_order_acquire);
	struct node *alias = NULL;
	struct fhandle fh;

	if (!tab->has_aliases)
		return NULL;
	node_fhandle(tab, node, &fh);
	for (; *mount < n && !alias; ++*mount) {
		fh.mount = (uint16_t)*mount;
		if (*mount != node->fh.mount &&
		    is_same_device(&tab->mounts[*mount], &tab->mounts[node->fh.mount]))
			alias = node_lookup_fh(tab, &fh);
	}
	return alias;
}

int nodetab_mount_add(struct nodetab *tab, const struct lower_mount *mount)
{
	int number;

	pthread_mutex_lock(&tab->mount_lock);
	number = nodetab_mount_find(tab, mount->mnt_id);
	if (number >= 0) {
		fd_close(mount->fd);
	} else if (tab->n_mounts == MAX_MOUNTS) {
		fd_close(mount->fd);
		number = -ENFILE;
	} else {
		number = (int)tab->n_mounts;
		tab->mounts[number] = *mount;
		for (int i = 0; i < number; i++)
			tab->has_aliases |= is_same_device(&tab->mounts[i], mount);
		atomic_store_explicit(&tab->n_mounts, tab->n_mounts + 1, memory_order_release);
	}
	pthread_mutex_unlock(&tab->mount_lock);
	return number;
}

const struct lower_mount *nodetab_mount(struct nodetab *tab, unsigned int number)
{
	return &tab->mounts[number];
}
