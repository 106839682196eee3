/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Listings, plain and with entries. */
#include "core/req.h"

#include <errno.h>

struct listing {
	struct fs_dirsink sink;
	struct dirbuf buf;
	struct fs *fs;
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

int op_readdir(struct req *req)
{
	const struct fuse_read_in *in = req->msg.arg;
	bool plus = req->msg.head->opcode == FUSE_READDIRPLUS;
	struct listing listing = {
		.sink = { .fits = listing_fits, .add = listing_add, .entries = plus },
		.buf = { .at = req->data, .size = in->size, .plus = plus },
		.fs = req_fs(req),
	};
	int r;

	if (listing.buf.size > req->slot.data_size)
		listing.buf.size = req->slot.data_size;
	r = fs_readdir(listing.fs, req->handle, in->offset, &listing.sink);
	req->data_len = listing.buf.len;
	/* Names that were read before the error are not lost: the next call meets it first. */
	return listing.buf.len ? 0 : r;
}

void op_readdir_undo(struct req *req)
{
	for (size_t at = 0; at < req->data_len;) {
		const struct fuse_direntplus *plus = (struct fuse_direntplus *)(req->data + at);

		if (plus->entry_out.nodeid)
			fs_forget(req_fs(req), plus->entry_out.nodeid, 1);
		at += FUSE_REC_ALIGN(FUSE_NAME_OFFSET_DIRENTPLUS + plus->dirent.namelen);
	}
}
