// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Operations on hollow files need
 *
 *	a name in a directory, its listing	the names of the directory
 *	removing a directory			the names of that directory
 *	an open, a truncation to a size		the content
 *	a truncation to 0 bytes			nothing: the file has content then, but no fill runs
 *						meanwhile, which would write to it
 *	a change of times, owner, capabilities	nothing, but no fill runs meanwhile, which would
 *						restore those from before
 *
 * Operations on a file that is fetched in pieces (PST_FETCH_READ) need
 *
 *	a read, a page fault, copying from it	the pieces of its range
 *	a write, zeroing, copying to it		the pieces that it changes in part
 *	an open, a truncation			nothing
 *
 * and all that change content, size or times prevent fills meanwhile. They run in the pool, because
 * they wait for the disk.
 *
 * All other operations work on hollow files as on others. The gate comes after the programs of
 * filters that run before the operation, so what they refuse is not fetched. No locks.
 */
#include "request/source-gate.h"
#include "fs/hollow.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>

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

/* Makes the request wait for a flight of a file, or to hold the file. Returns REQ_PARK. */
static int wait_for(struct req *req, struct node *node, uint64_t piece, bool holds)
{
	req->wait.node = node_get(node);
	req->wait.piece = piece;
	req->wait.holds = holds;
	return REQ_PARK;
}

/* Waits for a file if it is hollow. Returns 0, REQ_PARK or -errno. */
static int need(struct req *req, struct node *node)
{
	int r = source_is_hollow(req->host->source, node);

	return r <= 0 ? r : wait_for(req, node, FS_WHOLE, false);
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

/* Holds a file, or waits for it. */
static int hold(struct req *req, struct node *node)
{
	if (req->held)
		return 0;
	if (!source_hold(req->host->source, node))
		return wait_for(req, node, FS_WHOLE, true);
	req->held = node_get(node);
	return 0;
}

/* Holds the file if it is hollow, or waits for it. */
static int hold_hollow(struct req *req)
{
	int r = req->held ? 0 : source_is_hollow(req->host->source, req->node);

	if (r <= 0)
		return r;
	r = hold(req, req->node);
	/* A fill may have ended between the two calls. */
	if (r == 0)
		r = source_held_is_hollow(req->host->source, req->node);
	return r == 1 ? 0 : r;
}

/* The modes of fallocate(2) that change content; the kernel forwards no mode that moves it. */
#define FALLOC_ZEROES (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE)

/* Waits for the first piece that the operation needs and that is not there. */
static int need_pieces(struct req *req, struct node *node, uint64_t off, uint64_t len, bool covers)
{
	uint64_t piece;
	int r = fs_is_whole(node) ? 0 : fs_pieces_missing(req->fs, node, off, len, covers, &piece);

	return r <= 0 ? r : wait_for(req, node, piece, false);
}

/* Prepares a file for a change of len bytes at off. Returns 0, REQ_PARK, REQ_TO_POOL or -errno. */
static int change_pieces(struct req *req, struct node *node, uint64_t off, uint64_t len,
			 bool covers)
{
	int r;

	if (fs_is_whole(node))
		return 0;
	if (!req->in_pool)
		return REQ_TO_POOL;
	r = need_pieces(req, node, off, len, covers);
	if (r == 0)
		r = hold(req, node);
	/* A fill may have ended before the hold. */
	if (r == 0)
		r = source_held_is_hollow(req->host->source, node);
	return r == 1 ? fs_pieces_before_write(req->fs, node, off, len, covers) : r;
}

/*
 * Waits for the content of the file, unless it is fetched in pieces. A change of its size also
 * excludes evictions.
 */
static int need_content(struct req *req)
{
	int r = source_is_hollow(req->host->source, req->node);
	bool sets = req->msg.head->opcode == FUSE_SETATTR, hollow = r == 1;
	enum pst_fetch_when when = PST_FETCH_OPEN;

	if (hollow)
		r = source_when(req->host->source, req->node, &when);
	if (r < 0)
		return r;
	if (hollow && when != PST_FETCH_READ)
		return wait_for(req, req->node, FS_WHOLE, false);
	if (sets && hollow)
		r = change_pieces(req, req->node, 0, 0, true);
	return r == 0 && sets ? hold(req, req->node) : r;
}

static int gate_of_data(struct req *req)
{
	switch (req->msg.head->opcode) {
	case FUSE_READ: {
		const struct fuse_read_in *in = req->msg.arg;

		return need_pieces(req, req->node, in->offset, in->size, false);
	}
	case FUSE_WRITE: {
		const struct fuse_write_in *in = req->msg.arg;

		return change_pieces(req, req->node, in->offset, in->size, true);
	}
	case FUSE_FALLOCATE: {
		const struct fuse_fallocate_in *in = req->msg.arg;

		return change_pieces(req, req->node, in->offset,
				     in->mode & FALLOC_ZEROES ? in->length : 0, true);
	}
	case FUSE_COPY_FILE_RANGE:
	case FUSE_COPY_FILE_RANGE_64: {
		const struct fuse_copy_file_range_in *in = req->msg.arg;
		uint64_t len = source_gate_copies(req, in->len);
		int r = need_pieces(req, req->node, in->off_in, len, false);

		return r == 0 ? change_pieces(req, req->node2, in->off_out, len, false) : r;
	}
	default:
		return 0;
	}
}

uint64_t source_gate_copies(struct req *req, uint64_t len)
{
	const struct fuse_copy_file_range_in *in = req->msg.arg;
	uint64_t from = fs_piece_rest(req->fs, req->node, in->off_in);
	uint64_t to = fs_piece_rest(req->fs, req->node2, in->off_out);

	len = len < from ? len : from;
	return len < to ? len : to;
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
	if (req->handle && req->msg.head->opcode != FUSE_SETATTR)
		return gate_of_data(req);
	if (empties(req) || (!needs_content(req) && changes(req)))
		r = hold_hollow(req);
	else if (S_ISREG(req->node->type) && needs_content(req))
		r = need_content(req);
	if (r == 0 && may_change(req))
		r = fs_hollow_written(req->fs, req->node);
	return r == FS_WOULD_WAIT ? REQ_TO_POOL : r;
}

/* Updates the marks of the held file, which is hollow, after the operation. */
static int update_marks(struct req *req)
{
	switch (req->msg.head->opcode) {
	case FUSE_WRITE: {
		const struct fuse_write_in *in = req->msg.arg;
		const struct fuse_write_out *out = (const void *)req_result(req);

		return fs_pieces_written(req->fs, req->held, in->offset, out->size);
	}
	case FUSE_FALLOCATE: {
		const struct fuse_fallocate_in *in = req->msg.arg;

		return fs_pieces_written(req->fs, req->held, in->offset,
					 in->mode & FALLOC_ZEROES ? in->length : 0);
	}
	case FUSE_COPY_FILE_RANGE:
	case FUSE_COPY_FILE_RANGE_64:
		return fs_pieces_written(req->fs, req->held, 0, 0);
	default:
		if (has_fsetattr(req, FATTR_SIZE) && !empties(req))
			return fs_pieces_written(req->fs, req->held, 0, 0);
		return fs_hollow_changed(req->fs, req->held, changes(req));
	}
}

int source_gate_after(struct req *req)
{
	if (req->held && !fs_is_whole(req->held))
		return update_marks(req);
	if (req->msg.op->effect == OP_FINDS && req->entry.node && S_ISREG(req->entry.node->type))
		source_ahead(req->host->source, req->entry.node);
	else if (req->msg.op->answer == OP_ANSWER_LIST)
		source_ahead(req->host->source, req->node);
	/* An eviction may have begun after the gate and before the open was counted. */
	if (req->msg.head->opcode != FUSE_OPEN)
		return 0;
	source_opened(req->host->source, req->node);
	return need_content(req);
}

void source_gate_end(struct req *req)
{
	if (req->held)
		source_release(req->host->source, req->held);
	fs_node_put(req->fs, req->held);
	fs_node_put(req->fs, req->wait.node);
	req->held = req->wait.node = NULL;
}
