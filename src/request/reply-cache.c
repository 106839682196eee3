// SPDX-License-Identifier: LGPL-2.1-or-later
/* Results that the kernel must not cache, or that clients do not get. No locks. */
#include "request/reply-cache.h"
#include "request/result.h"

#include <fcntl.h>

void reply_discard(struct req *req)
{
	bool names = req->msg.op->n_entries;
	bool cut = req->open.handle && (req->open.handle->flags & O_TRUNC);

	if (req->open.handle)
		result_undo_open(req);
	if (!cut && !(req->msg.op->flags & OP_CHANGES))
		return;
	fs_invalidate(req->fs, req->node, names ? req->msg.name[0] : NULL);
	if (req->node2)
		fs_invalidate(req->fs, req->node2,
			      req->msg.op->n_entries > 1 ? req->msg.name[1] : NULL);
}

bool reply_is_outdated(const struct req *req)
{
	return req->slept && atomic_load(&req->host->chain) != req->chain;
}

void reply_uncache(struct req *req)
{
	const struct wire_msg *msg = &req->msg;

	if (req->node) {
		fs_invalidate(req->fs, req->node, msg->op->n_entries ? msg->name[0] : NULL);
		fs_invalidate_node(req->fs, req->node, true);
	}
	if (req->node2)
		fs_invalidate(req->fs, req->node2, msg->op->n_entries > 1 ? msg->name[1] : NULL);
	if (req->entry.node)
		fs_invalidate_node(req->fs, req->entry.node, true);
}
