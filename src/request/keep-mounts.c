// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Keeps mounts inside the view when a LOOKUP of a name that leads to one fails.
 *
 * The kernel revalidates a name by a LOOKUP. If the reply is an error or has another node, the
 * kernel unhashes the dentry and detaches all that is mounted on or below it, for every process. So
 * any user could detach a file system that root has mounted on a name which a filter hides from
 * that user; an I/O error, or a rename in the lower tree, would do the same. -ENOMEM is the only
 * error (beside -EINTR, from Linux 6.12 on) after which the kernel keeps the dentry.
 *
 * This file replaces replies only for names that a scan of the mount tables has found
 * (mount/submounts.c). It scans again before it replaces a reply, because mounts end and the kernel
 * moves dentries; also if a filter depends on the caller. It does not scan for a LOOKUP that
 * succeeds, nor for an absent name without such a filter. No locks.
 */
#include "request/keep-mounts.h"
#include "filter/chain.h"
#include "mount/submounts.h"

#include <errno.h>
#include <limits.h>

/*
 * Returns true if a filter may hide the name from this caller only. Treats absent names alike, so
 * that the time until the reply does not reveal which names are hidden.
 */
static bool may_be_hidden(struct req *req, int r)
{
	struct chain *chain = req->chain;

	return r == -ENOENT && chain && (node_filters(req->node) & chain->by_caller);
}

/*
 * Returns true if the last scan has found a mount at or below the name, and the reply would detach
 * it. Sets *ret_node to the nodeid of the file that the kernel has under the name.
 */
static bool was_covered(struct req *req, int r, uint64_t *ret_node)
{
	struct submounts *submounts = req->host->submounts;
	const char *name = req->msg.name[0];

	if (submounts_covers(submounts, req->node->id, name, ret_node))
		return r < 0 || !req->entry.node || req->entry.node->id != *ret_node;
	if (!may_be_hidden(req, r))
		return false;
	submounts_scan_sparingly(submounts);
	return submounts_covers(submounts, req->node->id, name, ret_node);
}

/*
 * As was_covered(), by a new scan. If the file was moved, the kernel may have moved dentry and
 * mount already, and a reply by an older scan would move them back.
 */
static bool is_covered(struct req *req, bool moved, uint64_t *ret_node)
{
	struct submounts *submounts = req->host->submounts;

	if (moved)
		submounts_scan(submounts, 0);
	else
		submounts_scan_sparingly(submounts);
	return submounts_covers(submounts, req->node->id, req->msg.name[0], ret_node);
}

/* Returns true if a file still has a name below LOWER. */
static bool is_in_lower(struct fs *fs, struct node *node)
{
	char path[PATH_MAX];
	struct node *found;
	bool is;

	fs_node_path(fs, node, path, sizeof(path));
	if (path[0] != '/' || fs_walk_path(fs, path + 1, &found) < 0)
		return false;
	is = found == node;
	fs_node_put(fs, found);
	return is;
}

/*
 * Replaces the entry by the file that was moved in the lower tree. Returns false if the file was
 * removed.
 */
static bool answer_with(struct req *req, uint64_t nodeid)
{
	struct fs *fs = req->fs;
	struct node *node = fs_node(fs, nodeid);
	struct fs_entry entry = { .node = node };

	if (!node || !is_in_lower(fs, node) || fs_getattr(fs, node, NULL, &entry.attr) < 0) {
		fs_node_put(fs, node);
		return false;
	}
	fs_node_put(fs, req->entry.node);
	req->entry = entry;
	return true;
}

bool keep_mounts(struct req *req, int *r)
{
	struct fs *fs = req->fs;
	struct node *below = NULL;
	struct statx stx;
	uint64_t nodeid;
	bool same, moved;
	int peeked;

	if (!req->node || *r == -ENOMEM || *r == -ENOTDIR)
		return false;
	if (*r == 0 && req->entry.node && !submounts_any(req->host->submounts))
		return false;
	if (!was_covered(req, *r, &nodeid))
		return false;
	peeked = fs_peek(fs, req->node, req->msg.name[0], &stx, &below);
	same = below && below->id == nodeid;
	fs_node_put(fs, below);
	moved = peeked == -ENOENT || (peeked == 0 && !same);
	if (!is_covered(req, moved, &nodeid))
		return false;
	if (moved && answer_with(req, nodeid)) {
		*r = 0;
		return true;
	}
	/* The file is at its place, but a filter or an error hides it. */
	if (!moved)
		*r = -ENOMEM;
	return false;
}

bool keep_mounts_may_list(const struct req *req, const char *name, uint64_t nodeid)
{
	struct submounts *submounts = req->host->submounts;
	uint64_t covered;

	return !submounts_any(submounts) ||
	       !submounts_covers(submounts, req->node->id, name, &covered) || covered == nodeid;
}
