/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Listings, plain and with entries. */
#include "core/filtered.h"
#include "core/req.h"
#include "util/cleanup.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

struct listing {
	struct fs_dirsink sink;
	struct dirbuf buf;
	struct fs *fs;
	struct req *req;
};

static bool listing_fits(struct fs_dirsink *sink, size_t name_len)
{
	return dirbuf_fits(&((struct listing *)sink)->buf, name_len);
}

/* The entry's node is counted as told to the kernel, and let go of: the buffer has its number. */
static void listing_add(struct fs_dirsink *sink, const struct fs_dirent *dirent,
			struct fs_entry *entry)
{
	struct listing *listing = (struct listing *)sink;
	struct fuse_entry_out out;

	if (entry->node) {
		node_remember(entry->node);
		encode_entry_out(&entry->attr.stx, entry->node->id,
				 fs_generation(listing->fs, entry->node), entry->entry_ns,
				 entry->attr.attr_ns, &out);
	}
	dirbuf_add(&listing->buf, dirent->name, dirent->name_len, dirent->ino, dirent->off,
		   dirent->type, entry->node ? &out : NULL);
	fs_node_put(listing->fs, entry->node);
}

static bool is_dots(const struct fs_dirent *dirent)
{
	return dirent->name[0] == '.' &&
	       (dirent->name_len == 1 || (dirent->name_len == 2 && dirent->name[1] == '.'));
}

/* As listing_add(), where filters hold for names or for what LOOKUP would answer. */
static void listing_add_filtered(struct fs_dirsink *sink, const struct fs_dirent *dirent,
				 struct fs_entry *entry)
{
	struct listing *listing = (struct listing *)sink;
	struct fuse_entry_out out = { 0 };
	int r = 0;

	if (!is_dots(dirent))
		r = listing->buf.plus ? filtered_lookup(listing->req, dirent->name, &out)
				      : filtered_listed(listing->req, dirent->name, dirent->type);
	/* A name that cannot be looked up now is listed, as it would be without filters. */
	if (r == -ENOENT || r == -EIO)
		return;
	dirbuf_add(&listing->buf, dirent->name, dirent->name_len, dirent->ino, dirent->off,
		   dirent->type, out.nodeid ? &out : NULL);
}

int op_readdir(struct req *req)
{
	const struct fuse_read_in *in = req->msg.arg;
	bool plus = req->msg.head->opcode == FUSE_READDIRPLUS;
	struct listing listing = {
		.sink = { .fits = listing_fits, .add = listing_add, .entries = plus },
		.buf = { .at = req->data, .size = in->size, .plus = plus },
		.fs = req_fs(req),
		.req = req,
	};
	bool filtered = filtered_names(req);
	char aside[offsetof(struct pst_call, out)];
	int r;

	/* Then it is looked up by way of the filters, name by name, each in the place of the request. */
	if (filtered) {
		listing.sink.add = listing_add_filtered;
		listing.sink.entries = false;
		memcpy(aside, req->slot.base, sizeof(aside));
	}

	if (listing.buf.size > req->slot.data_size)
		listing.buf.size = req->slot.data_size;
	r = fs_readdir(listing.fs, req->handle, in->offset, &listing.sink);
	if (filtered)
		memcpy(req->slot.base, aside, sizeof(aside));
	req->data_len = listing.buf.len;
	/* Names that were read before the error are not lost: the next call meets it first. */
	return listing.buf.len ? 0 : r;
}

/* The next entry of a listing of len bytes, plain or not; NULL at its end. */
static const struct fuse_dirent *next_entry(const struct req *req, size_t len, size_t *at,
					    uint64_t *ret_nodeid)
{
	bool plus = req->msg.head->opcode == FUSE_READDIRPLUS;
	size_t head = plus ? FUSE_NAME_OFFSET_DIRENTPLUS : FUSE_NAME_OFFSET;
	const char *record = req->data + *at;
	const struct fuse_dirent *dirent =
		(const struct fuse_dirent *)(record + head - FUSE_NAME_OFFSET);

	if (*at >= len)
		return NULL;
	*ret_nodeid = plus ? ((const struct fuse_direntplus *)record)->entry_out.nodeid : 0;
	*at += FUSE_REC_ALIGN(head + dirent->namelen);
	return dirent;
}

void op_readdir_undo(struct req *req)
{
	size_t at = 0;
	uint64_t nodeid;

	while (next_entry(req, req->data_len, &at, &nodeid))
		if (nodeid)
			fs_forget(req_fs(req), nodeid, 1);
}

/* What the kernel would have been told of: nodeids in the order of the listing. */
struct told {
	uint64_t *ids;
	size_t n;
	uint64_t end;			/* the offset behind the last name */
};

static int told_note(struct req *req, struct told *ret_told)
{
	size_t room = req->data_len / FUSE_NAME_OFFSET + 1;
	struct told told = { .ids = calloc(room, sizeof(*told.ids)) };
	const struct fuse_dirent *dirent;
	uint64_t nodeid;
	size_t at = 0;

	if (!told.ids)
		return -ENOMEM;
	while ((dirent = next_entry(req, req->data_len, &at, &nodeid))) {
		told.end = dirent->off;
		if (nodeid)
			told.ids[told.n++] = nodeid;
	}
	*ret_told = told;
	return 0;
}

/* Forgets what is not in the listing any more; false when it has what it did not have, or elsewhere. */
static bool told_settle(struct req *req, const struct told *told, bool keep)
{
	size_t at = 0, i = 0;
	bool good = true;
	uint64_t nodeid;

	while (keep && good && next_entry(req, req->data_len, &at, &nodeid)) {
		if (!nodeid)
			continue;
		while (i < told->n && told->ids[i] != nodeid)
			fs_forget(req_fs(req), told->ids[i++], 1);
		good = i++ < told->n;
	}
	if (good)
		for (; i < told->n; i++)
			fs_forget(req_fs(req), told->ids[i], 1);
	return good;
}

int op_readdir_leave(struct req *req, int r)
{
	while (r == 0) {
		struct told told;
		bool some = req->data_len;

		r = told_note(req, &told);
		if (r < 0) {
			op_readdir_undo(req);
			return r;
		}
		r = filtered_after(req, 0);
		if (!told_settle(req, &told, r == 0))
			r = -EIO;
		free(told.ids);
		if (r < 0 || req->data_len || !some)
			return r;
		/* All of it was dropped, which to the kernel would be the end. */
		((struct fuse_read_in *)req->msg.arg)->offset = told.end;
		r = op_readdir(req);
	}
	return filtered_after(req, r);
}
