// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Operations need of hollow files:
 *
 *	a name in a directory, its listing	the names of the directory
 *	removing a directory			the names of that directory
 *	an open, a truncation to a size		the content
 *	a truncation to 0 bytes			nothing: the file has content then, but no fill runs
 *						meanwhile, which would write to it
 *	a change of times, owner, capabilities	nothing, but no fill runs meanwhile, which would
 *						restore those from before
 *
 * All other operations work on hollow files as on others. The gate comes after the programs of
 * filters that run before the operation, so what they refuse is not fetched. No locks.
 */
#include "request/source-gate.h"
#include "fs/hollow.h"

#include <errno.h>
#include <fcntl.h>

static bool has_fsetattr(const struct req *req, uint32_t bits)
{
	const struct fuse_setattr_in *in = req->msg.arg;

	return req->msg.head->opcode == FUSE_SETATTR && (in->valid & bits);
}

/* Returns true if the operation truncates its file to 0 bytes. */
static bool empties(const struct req *req)
{
	const struct fuse_setattr_in *set = req->msg.arg;
	const struct fuse_open_in *open = req->msg.arg;

	if (req->msg.head->opcode == FUSE_OPEN)
		return open->flags & O_TRUNC;
	return has_fsetattr(req, FATTR_SIZE) && set->size == 0;
}

/* Returns what the operation changes of the marks of a hollow file, FS_HOLLOW_*. */
static unsigned int changes(const struct req *req)
{
	uint32_t opcode = req->msg.head->opcode;
	unsigned int r = empties(req) ? FS_HOLLOW_EMPTIED : 0;

	if (has_fsetattr(req, FATTR_ATIME))
		r |= FS_HOLLOW_ATIME;
	if (has_fsetattr(req, FATTR_MTIME))
		r |= FS_HOLLOW_MTIME;
	if (S_ISREG(req->node->type) && (has_fsetattr(req, FATTR_UID | FATTR_GID) ||
					 ((opcode == FUSE_SETXATTR || opcode == FUSE_REMOVEXATTR) &&
					  strcmp(req->msg.name[0], "security.capability") == 0)))
		r |= FS_HOLLOW_CAPABILITY;
	return r;
}

/* Returns true if the operation needs the content of its file. */
static bool needs_content(const struct req *req)
{
	return req->msg.head->opcode == FUSE_OPEN || has_fsetattr(req, FATTR_SIZE);
}

/* Returns true if the operation needs the names of its directory. */
static bool needs_names(const struct req *req)
{
	const struct op *op = req->msg.op;

	if (op->effect == OP_FINDS)
		return strcmp(req->msg.name[0], ".") != 0 && strcmp(req->msg.name[0], "..") != 0;
	return op->effect != OP_NO_EFFECT || op->answer == OP_ANSWER_LIST ||
	       req->msg.head->opcode == FUSE_OPENDIR;
}

/*
 * Returns true if the operation may change the content of its file, or times by which a fill would
 * recognise a change.
 */
static bool may_change(const struct req *req)
{
	const struct fuse_open_in *open = req->msg.arg;

	if (req->msg.head->opcode == FUSE_OPEN)
		return (open->flags & O_ACCMODE) != O_RDONLY || (open->flags & O_TRUNC);
	return has_fsetattr(req, FATTR_SIZE) ||
	       (has_fsetattr(req, FATTR_ATIME | FATTR_MTIME) && S_ISREG(req->node->type) &&
		fs_is_whole(req->node));
}

/* Waits for a file if it is hollow. Returns 0, REQ_PARK or -errno. */
static int need(struct req *req, struct node *node)
{
	int r = source_is_hollow(req->host->source, node);

	if (r <= 0)
		return r;
	req->wait.node = node_get(node);
	req->wait.holds = false;
	return REQ_PARK;
}

/*
 * Waits for the directory that a RMDIR or RENAME removes if it is hollow: the lower file system
 * would take it for an empty one.
 */
static int need_removed(struct req *req, struct node *dir, const char *name)
{
	struct node *node = NULL;
	struct statx stx;
	int r = fs_peek(req->fs, dir, name, &stx, &node);

	if (r < 0 || !node)
		return 0;
	r = S_ISDIR(node->type) ? need(req, node) : 0;
	fs_node_put(req->fs, node);
	return r;
}

static int need_names(struct req *req)
{
	const struct op *op = req->msg.op;
	uint32_t opcode = req->msg.head->opcode;
	int r = need(req, req->node);

	if (r != 0)
		return r;
	if (opcode == FUSE_RMDIR)
		return need_removed(req, req->node, req->msg.name[0]);
	if (op->effect != OP_RENAMES)
		return 0;
	r = need(req, req->node2);
	return r == 0 ? need_removed(req, req->node2, req->msg.name[1]) : r;
}

/* Holds the file, or waits for it. */
static int hold(struct req *req)
{
	if (req->held)
		return 0;
	if (!source_hold(req->host->source, req->node)) {
		req->wait.node = node_get(req->node);
		req->wait.holds = true;
		return REQ_PARK;
	}
	req->held = node_get(req->node);
	return 0;
}

/* Holds the file if it is hollow, or waits for it. */
static int hold_hollow(struct req *req)
{
	int r = req->held ? 0 : source_is_hollow(req->host->source, req->node);

	if (r <= 0)
		return r;
	r = hold(req);
	/* A fill may have ended between the two calls. */
	if (r == 0)
		r = source_held_is_hollow(req->host->source, req->node);
	return r == 1 ? 0 : r;
}

/* Waits for the content of the file. A change of its size also excludes evictions. */
static int need_content(struct req *req)
{
	int r = need(req, req->node);

	return r == 0 && req->msg.head->opcode == FUSE_SETATTR ? hold(req) : r;
}

int source_gate(struct req *req)
{
	struct node *waited_for = req->wait.node;
	int r = 0;

	if (req->waited < 0)
		return req->waited;
	req->wait.node = NULL;
	fs_node_put(req->fs, waited_for);
	if (!req->node || node_is_keyed(req->node))
		return 0;
	if (S_ISDIR(req->node->type) && needs_names(req))
		return need_names(req);
	if (empties(req) || (!needs_content(req) && changes(req)))
		r = hold_hollow(req);
	else if (S_ISREG(req->node->type) && needs_content(req))
		r = need_content(req);
	if (r == 0 && may_change(req))
		r = fs_hollow_written(req->fs, req->node);
	return r == FS_WOULD_WAIT ? REQ_TO_POOL : r;
}

int source_gate_after(struct req *req)
{
	if (req->held && !fs_is_whole(req->held))
		return fs_hollow_changed(req->fs, req->held, changes(req));
	if (req->msg.op->effect == OP_FINDS && req->entry.node && S_ISREG(req->entry.node->type))
		source_ahead(req->host->source, req->entry.node);
	else if (req->msg.op->answer == OP_ANSWER_LIST)
		source_ahead(req->host->source, req->node);
	/* An eviction may have begun after the gate and before the open was counted. */
	if (req->msg.head->opcode != FUSE_OPEN)
		return 0;
	source_opened(req->host->source, req->node);
	return need(req, req->node);
}

void source_gate_end(struct req *req)
{
	if (req->held)
		source_release(req->host->source, req->held);
	fs_node_put(req->fs, req->held);
	fs_node_put(req->fs, req->wait.node);
	req->held = req->wait.node = NULL;
}
