// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Results with nodeids and handles. When the kernel gets a reply it has one more lookup of the
 * node, or an open file, until it sends FORGET or RELEASE. Only this file, and op-dir.c for
 * listings, add to the lookup counts, and subtract if the kernel did not get the reply. No locks.
 */
#include "request/result.h"
#include "request/filter-adapter.h"
#include "request/serve-calls.h"
#include "util/name.h"

static void encode_entry(struct req *req)
{
	struct fuse_entry_out *out = req_out(req, sizeof(*out));
	struct fs_entry *entry = &req->entry;

	if (entry->node) {
		encode_entry_out(&entry->attr.stx, entry->node->id,
				 fs_generation(req->fs, entry->node), entry->entry_ns,
				 entry->attr.attr_ns, out);
	} else {
		*out = (struct fuse_entry_out){
			.entry_valid = entry->entry_ns / 1000000000,
			.entry_valid_nsec = (uint32_t)(entry->entry_ns % 1000000000),
		};
	}
}

static void fill_open(struct req *req, struct fuse_open_out *out)
{
	const struct fs_open *open = &req->open;

	out->fh = handle_fh(open->handle);
	out->backing_id = open->backing_id;
	if (open->mode == IO_PASSTHROUGH)
		out->open_flags |= FOPEN_PASSTHROUGH;
	if (open->mode == IO_DIRECT)
		out->open_flags |= FOPEN_DIRECT_IO | FOPEN_PARALLEL_DIRECT_WRITES;
	if (open->keep_cache)
		out->open_flags |= FOPEN_KEEP_CACHE;
	if (open->cache_dir)
		out->open_flags |= FOPEN_CACHE_DIR;
	if (open->no_flush)
		out->open_flags |= FOPEN_NOFLUSH;
}

void result_encode(struct req *req)
{
	uint8_t result = req->msg.op->result;
	struct pst_create_out *both;

	if (result == OP_RESULT_ENTRY || result == OP_RESULT_CREATE)
		encode_entry(req);
	if (result == OP_RESULT_OPEN)
		fill_open(req, req_out(req, sizeof(struct fuse_open_out)));
	if (result == OP_RESULT_CREATE) {
		both = req_out(req, sizeof(*both));
		fill_open(req, &both->open);
	}
}

/* Returns the node of the entry in the reply, or NULL if there is no entry or no file. */
static struct node *entry_node(const struct req *req)
{
	uint8_t result = req->msg.op->result;

	return result == OP_RESULT_ENTRY || result == OP_RESULT_CREATE ? req->entry.node : NULL;
}

void result_commit(struct req *req)
{
	bool dots = (req->msg.op->flags & OP_DOTS) && name_is_dots(req->msg.name[0]);
	struct node *node = entry_node(req);

	/* ".." does not inherit the filters of the directory in which it is looked up. */
	if (node && req->chain && !dots)
		adapter_place(req, node);
	if (node)
		node_remember(node);
	if (req->msg.op->answer == OP_ANSWER_LIST)
		op_readdir_commit(req);
}

void result_undo_open(struct req *req)
{
	struct handle *handle = req->open.handle;

	if (handle->served)
		serve_release(req, handle->node);
	fs_release(req->fs, handle);
	fs_handle_put(req->fs, handle);
}

void result_undo(struct req *req)
{
	struct node *node = entry_node(req);

	if (req->open.handle)
		result_undo_open(req);
	if (node)
		fs_forget(req->fs, node->id, 1);
	if (req->msg.op->answer == OP_ANSWER_LIST)
		op_readdir_undo(req);
}
