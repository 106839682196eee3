// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Check-in: finds the nodes and handles of the numbers in a request, so an operation never sees an
 * invalid number. The row of the operation (filter/op-rows.h) has which numbers the operation needs
 * and where they are in the argument. Programs of filters cannot change the numbers or the names
 * after the check: if filters can access the slot, header, argument and names are in req->saved. No
 * locks.
 */
#include "request/check-in.h"
#include "filter/name.h"

#include <errno.h>
#include <string.h>

bool req_is_disabled(const struct req *req, uint32_t opcode)
{
	return req->host->disabled_ops >> opcode & 1;
}

static uint64_t number(const struct req *req, struct op_member member)
{
	return *(const uint64_t *)((const char *)req->msg.arg + member.at);
}

static struct node *find_node(struct req *req)
{
	struct node *node = fs_node(req->fs, req->msg.head->nodeid);

	/* An NFS server looks up "." of a forgotten node if a client has kept its file handle. */
	if (!node && req->msg.op->effect == OP_FINDS && strcmp(req->msg.name[0], ".") == 0)
		node = fs_node_revive(req->fs, req->msg.head->nodeid);
	return node;
}

static int find_handle(struct req *req)
{
	const struct fuse_read_in *in = req->msg.arg;
	const struct op *op = req->msg.op;
	int r;

	if (op->check_in == OP_MAY_HAVE_HANDLE) {
		if (*(const uint32_t *)req->msg.arg & op->fh_given)
			req->handle = fs_handle(req->fs, number(req, op->fh), req->node);
		return 0;
	}
	if (S_ISDIR(req->node->type) && req_is_disabled(req, FUSE_OPENDIR)) {
		/* Without OPENDIR the directory has no handle: find one by node and offset. */
		r = fs_dir_at(req->fs, req->node, op->answer == OP_ANSWER_LIST ? in->offset : 0,
			      &req->handle);
		if (r < 0)
			return r;
	} else {
		req->handle = fs_handle(req->fs, number(req, op->fh), req->node);
		if (!req->handle)
			return -EBADF;
	}
	if (op->check_in == OP_NEEDS_FILE && req->handle->dir)
		return -EISDIR;
	return op->check_in == OP_NEEDS_DIR && !req->handle->dir ? -ENOTDIR : 0;
}

static int find_second(struct req *req)
{
	const struct op *op = req->msg.op;

	req->node2 = fs_node(req->fs, number(req, op->node2));
	if (!req->node2)
		return -ESTALE;
	if (!op->fh2.len)
		return 0;
	req->handle2 = fs_handle(req->fs, number(req, op->fh2), req->node2);
	return req->handle2 && !req->handle2->dir ? 0 : -EBADF;
}

int check_in(struct req *req)
{
	const struct op *op = req->msg.op;
	int r = 0;

	if (req->long_name)
		return -ENAMETOOLONG;
	for (int i = 0; i < op->n_entries; i++)
		if (!filter_name_ok(req->msg.name[i], op->flags & OP_DOTS))
			return -EINVAL;
	if (op->check_in == OP_NEEDS_NOTHING)
		return 0;
	req->node = find_node(req);
	if (!req->node)
		return -ESTALE;
	if (op->fh.len)
		r = find_handle(req);
	return r == 0 && op->node2.len ? find_second(req) : r;
}

void check_in_undo(struct req *req)
{
	struct fs *fs = req->fs;

	fs_handle_put(fs, req->handle);
	fs_handle_put(fs, req->handle2);
	fs_node_put(fs, req->node);
	fs_node_put(fs, req->node2);
	req->handle = req->handle2 = NULL;
	req->node = req->node2 = NULL;
}
