// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Keeps directories that filters are attached to (at=) in place. When the view is mounted again,
 * the path in at= has to lead to the same directory, so clients cannot move or remove any directory
 * of such a path. No locks.
 */
#include "request/attached.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

static bool is_within(const char *path, const char *dir)
{
	size_t len = strlen(dir);

	return strncmp(path, dir, len) == 0 && (path[len] == '/' || path[len] == '\0');
}

/* Returns true if a filter is attached to a node, or to a directory below it. */
static bool is_attached(struct req *req, struct node *node)
{
	const struct chain *chain = req->chain;
	char path[PATH_MAX], at[PATH_MAX];

	fs_node_path(req->fs, node, path, sizeof(path));
	for (unsigned int i = 0; i < chain->n; i++) {
		const struct chain_entry *entry = chain->entries[i];
		const char *said = entry->facts->at;

		if (!entry->at)
			continue;
		fs_node_path(req->fs, node_of_filter(entry->at), at, sizeof(at));
		if (entry->at == &node->filter || is_within(at, path) ||
		    is_within(said + strspn(said, "/"), path + 1))
			return true;
	}
	return false;
}

int attached_check(struct req *req)
{
	struct node *const dirs[2] = { req->node, req->node2 };
	const struct op *op = req->msg.op;
	bool is = false;

	if (op->effect != OP_REMOVES && op->effect != OP_RENAMES)
		return 0;
	for (int i = 0; i < op->n_entries && !is; i++) {
		struct node *node = NULL;
		struct statx stx;

		if (fs_peek(req->fs, dirs[i], req->msg.name[i], &stx, &node) == 0 && node)
			is = is_attached(req, node);
		fs_node_put(req->fs, node);
	}
	return is ? -EPERM : 0;
}
