// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Keeping mounts inside the view when a LOOKUP of a name that leads to one fails.
 *
 * The kernel revalidates a name by a LOOKUP. When the reply is an error or names another node, it
 * unhashes the dentry and detaches all that is mounted on or below it, for every process. So any
 * user could detach what root has mounted on a name that a filter hides from that user; an I/O
 * error, or a rename by somebody below, would do the same. -ENOMEM is the only
 * error (beside -EINTR, from Linux 6.12 on) that the kernel takes to say nothing about the name.
 *
 * Only replies to names that a scan has found (mount/submounts.c) are replaced. The mount tables
 * are scanned again before that, because mounts go and the kernel moves dentries, and where a
 * filter depends on the caller; not for a LOOKUP that succeeds, nor for a name that is absent
 * without such a filter. No locks.
 */
#include "request/keep-mounts.h"
#include "filter/chain.h"
#include "mount/submounts.h"

#include <errno.h>
#include <limits.h>

/*
 * Returns true where a filter may hide the name from this caller and not from others. Absent names
 * count, too, because the time until the reply must not tell absent names from hidden ones.
 */
static bool may_be_hidden(struct req *req, int r)
{
	struct chain *chain = req->chain;

	return r == -ENOENT && chain && (node_filters(req->node) & chain->by_caller);
}

/* Returns true where a mount lay under the name at the last scan; *ret_node is the file there. */
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
 * Scans again, and returns true where a mount lies under the name. If the file was moved the
 * kernel may have moved dentry and mount already: a reply by an older scan would move them back.
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

/* Returns true where a file still has a name below LOWER. */
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

/* Replies with the file that was moved below; false: the file is gone. */
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
