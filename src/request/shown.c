// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Set-ID bits of files whose owner a filter has replaced. No reply may have a set-ID bit together
 * with an owner that a filter has chosen, or a program could run as that owner; fs/set-id.c
 * explains this. The engine clears the bits, because the author of a filter may not know it. No
 * locks.
 */
#include "request/shown.h"

#include <sys/stat.h>

#define SET_IDS (S_ISUID | S_ISGID)

/* Sets *ret_stx to the attributes of the lower file. Returns false if they are not known. */
static bool real_attr(struct req *req, struct statx *ret_stx)
{
	*ret_stx = req->entry.attr.stx;
	/* The mode is 0 if a filter has made the reply and the operation has not run. */
	return ret_stx->stx_mode || fs_node_stat(req->fs, req->node, ret_stx) == 0;
}

static uint32_t checked(struct req *req, uint32_t mode, uint32_t uid, uint32_t gid)
{
	struct node *node = req->entry.node ? req->entry.node : req->node;
	struct statx real;
	bool known = real_attr(req, &real);

	return fs_show_mode(node, mode, !known || uid != real.stx_uid,
			    !known || gid != real.stx_gid);
}

static void check_attr(struct req *req, struct fuse_attr *attr)
{
	attr->mode = checked(req, attr->mode, attr->uid, attr->gid);
}

void shown_check(struct req *req)
{
	union pst_out *out = req_result(req);
	struct fuse_statx *stat = &out->statx.stat;

	switch (req->msg.op->result) {
	case OP_RESULT_ENTRY:
		if (req->entry.node)
			check_attr(req, &out->entry.attr);
		break;
	case OP_RESULT_CREATE:
		check_attr(req, &out->create.entry.attr);
		break;
	case OP_RESULT_ATTR:
		check_attr(req, &out->attr.attr);
		break;
	case OP_RESULT_STATX:
		stat->mode = (uint16_t)checked(req, stat->mode, stat->uid, stat->gid);
		break;
	default:
		break;
	}
}

void shown_check_looked_up(struct node *node, const struct statx *real, struct fuse_attr *attr)
{
	attr->mode = fs_show_mode(node, attr->mode, attr->uid != real->stx_uid,
				  attr->gid != real->stx_gid);
}

void shown_check_listed(struct req *req, const struct filter_entry_id *id)
{
	struct fuse_direntplus *entry = (struct fuse_direntplus *)(req->data + id->at);
	bool other_uid = id->shown_uid != id->uid, other_gid = id->shown_gid != id->gid;
	struct node *node;

	if (!other_uid && !other_gid)
		return;
	node = fs_node(req->fs, id->nodeid);
	if (!node)
		return;
	entry->entry_out.attr.mode = fs_show_mode(node, id->shown_mode, other_uid, other_gid);
	fs_node_put(req->fs, node);
}

void shown_check_made(struct req *req)
{
	const struct op *op = req->msg.op;
	uint32_t *mode = (uint32_t *)(req->saved->call.cur.bytes + op->mode.at);

	if (req->caller.uid == req->call.uid && req->caller.gid == req->call.gid)
		return;
	/* In a directory, S_ISGID means that new files inherit the group. */
	if (op->mode.len && op->creates != S_IFDIR)
		*mode &= ~(uint32_t)SET_IDS;
}
