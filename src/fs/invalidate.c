// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Invalidates what the kernel has cached, after a change that the kernel does not know of: by
 * another process below (watch-events.c), by a server, or by a request whose reply does not say
 * what it did. Uses the callbacks of struct fs_host. No state, no locks.
 */
#include "fs/fs-private.h"

void fs_invalidate_node(struct fs *fs, struct node *node, bool data)
{
	const struct fs_host *host = &fs->config.host;

	host->invalidate_node(host->aux, node->id, data);
}

void invalidate_name(struct fs *fs, struct node *dir, const char *name, struct node *child,
		     bool expire)
{
	const struct fs_host *host = &fs->config.host;

	fs_listing_changed(fs, dir);
	namecache_put(&fs->names, dir, name, NAMECACHE_UNKNOWN);
	host->invalidate_name(host->aux, dir->id, name, child ? child->id : 0, expire);
}

void fs_invalidate(struct fs *fs, struct node *node, const char *name)
{
	shadow_drop(fs, node);
	if (name)
		invalidate_name(fs, node, name, NULL, true);
}

void invalidate_all(struct fs *fs)
{
	const struct fs_host *host = &fs->config.host;

	/*
	 * If the descriptor of a file that was removed meanwhile stays cached, GETATTR succeeds and
	 * the kernel keeps the name. Without the descriptor GETATTR fails with ESTALE, and the
	 * kernel looks the name up again.
	 */
	fdcache_trim(fs->fds);
	host->invalidate_all(host->aux);
}

void invalidate_moved(struct fs *fs, struct node *node, struct node *dir)
{
	node->parent = dir ? dir->id : 0;
	if (!dir || dir->watch != WATCH_ON)
		fs_invalidate_node(fs, node, false);
}
