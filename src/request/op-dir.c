// SPDX-License-Identifier: LGPL-2.1-or-later
/* Listings, plain and with entries. */
#include "filter/apply.h"
#include "filter/call.h"
#include "filter/name-check.h"
#include "request/keep.h"
#include "filter/listing.h"
#include "request/req.h"
#include "request/shown.h"
#include "util/cleanup.h"
#include "util/name.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

/* A name that waits until filters have been asked about it, together with others. */
struct waiting {
	uint64_t ino, off;
	uint32_t type;
	char name[PST_LISTED_SIZE];
};

struct listing {
	struct fs_dirsink sink;
	struct dirbuf buf;
	struct fs *fs;
	struct req *req;
	/* Where filters are asked about names: */
	struct link *together; /* what is to be asked before LOOKUP, and nothing else is; or NULL */
	struct waiting *waiting;
	unsigned int n_waiting;
	size_t waiting_size; /* what they take if all are shown */
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

	if (entry->node && !keep_lists(listing->req, dirent->name, entry->node->id)) {
		fs_node_put(listing->fs, entry->node);
		entry->node = NULL;
	}
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

/* What a name takes in the buffer. */
static size_t size_of(const struct listing *listing, size_t name_len)
{
	size_t head = listing->buf.plus ? FUSE_NAME_OFFSET_DIRENTPLUS : FUSE_NAME_OFFSET;

	return FUSE_REC_ALIGN(head + name_len);
}

/* A name that filters let pass; out: of the file that was looked up, or NULL. */
static void show(struct listing *listing, const char *name, uint64_t ino, uint64_t off,
		 uint32_t type, const struct fuse_entry_out *out)
{
	if (out && !keep_lists(listing->req, name, out->nodeid)) {
		fs_forget(listing->fs, out->nodeid, 1);
		out = NULL;
	}
	dirbuf_add(&listing->buf, name, strlen(name), ino, off, type, out);
}

static void show_waiting(struct listing *listing, unsigned int i, const struct fuse_entry_out *out)
{
	const struct waiting *w = &listing->waiting[i];

	show(listing, w->name, w->ino, w->off, w->type, out);
}

/* A name that cannot be looked up now is listed, as it would be without filters. */
static bool is_shown(int r)
{
	return r != -ENOENT && r != -EIO;
}

static void settle_names(struct listing *listing)
{
	bool hidden[PST_N_LISTED];

	listed_names(listing->req, listing->n_waiting, hidden);
	for (unsigned int i = 0; i < listing->n_waiting; i++)
		if (!hidden[i])
			show_waiting(listing, i, NULL);
}

static void settle_lookups(struct listing *listing)
{
	struct listed_found found[PST_N_LISTED];
	const char *names[PST_N_LISTED];

	for (unsigned int i = 0; i < listing->n_waiting; i++)
		names[i] = listing->waiting[i].name;
	listed_lookups(listing->req, listing->together, listing->n_waiting, names, found);
	for (unsigned int i = 0; i < listing->n_waiting; i++)
		if (is_shown(found[i].r))
			show_waiting(listing, i, found[i].r == 0 ? &found[i].out : NULL);
}

/* Asks about the names that wait, and adds those that are shown. */
static void listing_settle(struct listing *listing)
{
	if (!listing->n_waiting)
		return;
	if (listing->together)
		settle_lookups(listing);
	else
		settle_names(listing);
	listing->n_waiting = 0;
	listing->waiting_size = 0;
}

/* Names that wait are asked about first: those that are not shown take no room. */
static size_t listing_room(struct fs_dirsink *sink)
{
	struct listing *listing = (struct listing *)sink;

	listing_settle(listing);
	return dirbuf_room(&listing->buf);
}

/* Whether one more has room, if all are shown that are still asked about. */
static bool listing_fits_waiting(struct fs_dirsink *sink, size_t name_len)
{
	struct listing *listing = (struct listing *)sink;
	size_t room = listing->buf.size - listing->buf.len - listing->waiting_size;

	if (size_of(listing, name_len) <= room)
		return true;
	listing_settle(listing);
	return dirbuf_fits(&listing->buf, name_len);
}

/* As listing_add(), where filters hold for names or for what LOOKUP would answer: one by one ... */
static void listing_add_filtered(struct fs_dirsink *sink, const struct fs_dirent *dirent,
				 struct fs_entry *entry)
{
	struct listing *listing = (struct listing *)sink;
	struct fuse_entry_out out = { 0 };
	int r = 0;

	if (name_is_dots(dirent->name))
		r = 0;
	else if (listing->buf.plus)
		r = listed_lookup(listing->req, dirent->name, &out);
	else
		r = listed_name(listing->req, dirent->name, dirent->type);
	if (is_shown(r))
		show(listing, dirent->name, dirent->ino, dirent->off, dirent->type,
		     out.nodeid ? &out : NULL);
}

/* ... and many at once. */
static void listing_add_waiting(struct fs_dirsink *sink, const struct fs_dirent *dirent,
				struct fs_entry *entry)
{
	struct listing *listing = (struct listing *)sink;
	unsigned int i = listing->n_waiting;

	if (name_is_dots(dirent->name) ||
	    !frame_list(listing->req, i, dirent->name, dirent->ino, dirent->type)) {
		listing_settle(listing);
		listing_add_filtered(sink, dirent, entry);
		return;
	}
	listing->waiting[i] =
		(struct waiting){ .ino = dirent->ino, .off = dirent->off, .type = dirent->type };
	strcpy(listing->waiting[i].name, dirent->name);
	listing->waiting_size += size_of(listing, dirent->name_len);
	if (++listing->n_waiting == PST_N_LISTED)
		listing_settle(listing);
}

static int list_plain(struct req *req, struct listing *listing, uint64_t off)
{
	int r = fs_readdir(listing->fs, req->handle, off, &listing->sink);

	req->data_len = listing->buf.len;
	return r;
}

/*
 * A listing whose names are looked up by way of the filters, one by one or many at once, each in the
 * place of the request. It is put together where they do not reach.
 */
static int list_filtered(struct req *req, struct listing *listing, uint64_t off)
{
	_cleanup_(freep) char *memory = malloc(listing->buf.size);
	struct waiting waiting[PST_N_LISTED];
	char aside[FRAME_SIZE];
	bool one_by_one;
	int r;

	if (!memory)
		return -ENOMEM;
	memcpy(aside, req->slot.base, sizeof(aside));
	listing->buf.at = memory;
	listing->sink.entries = false;
	listing->waiting = waiting;
	listing->together = listing->buf.plus ? listed_together(req) : NULL;
	one_by_one = listing->buf.plus ? !listing->together : judge_wants_child(req, req->node);
	listing->sink.fits = one_by_one ? listing_fits : listing_fits_waiting;
	listing->sink.add = one_by_one ? listing_add_filtered : listing_add_waiting;
	r = fs_readdir(listing->fs, req->handle, off, &listing->sink);
	listing_settle(listing);
	memcpy(req->data, memory, listing->buf.len);
	req->data_len = listing->buf.len;
	memcpy(req->slot.base, aside, sizeof(aside));
	return r;
}

int op_readdir(struct req *req)
{
	const struct fuse_read_in *in = req->msg.arg;
	bool plus = req->msg.head->opcode == FUSE_READDIRPLUS;
	struct listing listing = {
		.sink = { .room = listing_room,
			  .fits = listing_fits,
			  .add = listing_add,
			  .entries = plus },
		.buf = { .at = req->data, .size = in->size, .plus = plus },
		.fs = req->fs,
		.req = req,
	};
	int r;

	if (listing.buf.size > req->slot.data_size)
		listing.buf.size = req->slot.data_size;
	r = listed_asks(req) ? list_filtered(req, &listing, in->offset) :
			       list_plain(req, &listing, in->offset);
	/* Names that were read before the error are not lost: the next call meets it first. */
	return listing.buf.len ? 0 : r;
}

/* The next entry of a listing of len bytes, plain or not, and what it tells of; NULL at its end. */
static const struct fuse_dirent *next_entry(const struct req *req, size_t len, size_t *at,
					    struct told *ret_told)
{
	bool plus = req->msg.head->opcode == FUSE_READDIRPLUS;
	size_t head = plus ? FUSE_NAME_OFFSET_DIRENTPLUS : FUSE_NAME_OFFSET;
	const char *record = req->data + *at;
	const struct fuse_dirent *dirent =
		(const struct fuse_dirent *)(record + head - FUSE_NAME_OFFSET);

	if (len - *at < head)
		return NULL;
	*ret_told = plus ? frame_told((const struct fuse_direntplus *)record) : (struct told){ 0 };
	*at += FUSE_REC_ALIGN(head + dirent->namelen);
	return dirent;
}

/*
 * The kernel takes an empty reply for the end, and completes its cached listing. A reply that is too short for a
 * name is the end to whoever reads, and completes nothing.
 */
#define END_UNCACHED_SIZE 8

void op_readdir_commit(struct req *req)
{
	const struct fuse_read_in *in = req->msg.arg;

	if (req->data_len || in->size < END_UNCACHED_SIZE ||
	    fs_listing_is_settled(req->fs, req->node))
		return;
	memset(req->data, 0, END_UNCACHED_SIZE);
	req->data_len = END_UNCACHED_SIZE;
}

void op_readdir_undo(struct req *req)
{
	struct told told;
	size_t at = 0;

	while (next_entry(req, req->data_len, &at, &told))
		if (told.nodeid)
			fs_forget(req->fs, told.nodeid, 1);
}

/* What the kernel would have been told of, in the order of the listing. */
struct told_list {
	struct told *files;
	size_t n;
	uint64_t end; /* the offset behind the last name */
};

static int told_note(struct req *req, struct told_list *ret_list)
{
	size_t room = req->data_len / FUSE_NAME_OFFSET + 1;
	struct told_list list = { .files = calloc(room, sizeof(*list.files)) };
	const struct fuse_dirent *dirent;
	struct told told;
	size_t at = 0;

	if (!list.files)
		return -ENOMEM;
	while ((dirent = next_entry(req, req->data_len, &at, &told))) {
		list.end = dirent->off;
		if (told.nodeid)
			list.files[list.n++] = told;
	}
	*ret_list = list;
	return 0;
}

/* Forgets what is not in the listing any more; all of it where nothing is kept. */
static void told_settle(struct req *req, const struct told_list *list, bool keep)
{
	size_t at = 0, began = 0, i = 0;
	struct told told;

	for (; keep && next_entry(req, req->data_len, &at, &told); began = at) {
		if (!told.nodeid)
			continue;
		for (; list->files[i].nodeid != told.nodeid; i++)
			fs_forget(req->fs, list->files[i].nodeid, 1);
		shown_check_listed(req, (struct fuse_direntplus *)(req->data + began),
				   &list->files[i++]);
	}
	for (; i < list->n; i++)
		fs_forget(req->fs, list->files[i].nodeid, 1);
}

int op_readdir_leave(struct req *req, int r, bool answered)
{
	struct fuse_read_in *in = req->msg.arg;

	while (r == 0) {
		struct told_list list;
		bool some = req->data_len;

		r = told_note(req, &list);
		if (r < 0) {
			op_readdir_undo(req);
			return r;
		}
		req->told = list.files;
		req->n_told = list.n;
		r = filtered_after(req, 0);
		told_settle(req, &list, r == 0);
		req->told = NULL;
		req->n_told = 0;
		free(list.files);
		if (r < 0 || req->data_len || !some || answered)
			return r;
		/* All of it was dropped, which to the kernel would be the end. */
		in->offset = list.end;
		r = op_readdir(req);
	}
	return filtered_after(req, r);
}
