// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * READDIR and READDIRPLUS. A listing of READDIRPLUS has entries: with each name, the reply to a
 * LOOKUP of the name. No locks besides those of fs.
 */
#include "filter/apply.h"
#include "filter/call-fill.h"
#include "filter/name-check.h"
#include "filter/listing.h"
#include "filter/place.h"
#include "filter/records.h"
#include "request/filter-adapter.h"
#include "request/keep-mounts.h"
#include "request/served.h"
#include "request/shown.h"
#include "util/cleanup.h"
#include "util/name.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

struct dir_reply {
	struct fs_dirsink sink;
	struct dirbuf buf;
	struct req *req;
	struct filtered *filtered; /* NULL if no filter has programs for these names */
	bool served;               /* a program adds names */
};

/*
 * The names to run programs on, and memory in which the listing is built, where programs cannot
 * change it.
 */
struct filtered {
	struct dir_reply *reply;
	size_t size; /* bytes of the names in listing, if filters show all of them */
	struct listing listing;
	char memory[];
};

static struct dir_reply *reply_of(struct fs_dirsink *sink)
{
	return (struct dir_reply *)sink;
}

static bool fits(struct fs_dirsink *sink, size_t name_len)
{
	return dirbuf_fits(&reply_of(sink)->buf, name_len);
}

static void encode(const struct req *req, const struct fs_entry *entry,
		   struct fuse_entry_out *ret_out)
{
	encode_entry_out(&entry->attr.stx, entry->node->id, fs_generation(req->fs, entry->node),
			 entry->entry_ns, entry->attr.attr_ns, ret_out);
}

/* Fills the reply to the LOOKUP of a name that gives the kernel no node. */
static void encode_none(uint64_t ino, struct fuse_entry_out *ret_out)
{
	*ret_out = (struct fuse_entry_out){ .attr = { .ino = ino } };
}

/* Adds a name. Adds one to the lookup count of the entry's node, and puts the node. */
static void add(struct fs_dirsink *sink, const struct fs_dirent *dirent, struct fs_entry *entry)
{
	struct dir_reply *reply = reply_of(sink);
	struct req *req = reply->req;
	struct fuse_entry_out *out;

	if (entry->node && !keep_mounts_may_list(req, dirent->name, entry->node->id)) {
		fs_node_put(req->fs, entry->node);
		entry->node = NULL;
	}
	out = dirbuf_add(&reply->buf, dirent->name, dirent->name_len, dirent->ino, dirent->off,
			 dirent->type);
	if (entry->node) {
		encode(req, entry, out);
		node_remember_ref(entry->node);
	} else if (out) {
		encode_none(dirent->ino, out);
	}
}

/* -- names with filters ------------------------------------------------------------------------ */

/* Adds a name that filters do not hide. out is the reply to its LOOKUP, or NULL. */
static void show(struct dir_reply *reply, const char *name, uint64_t ino, uint64_t off,
		 uint32_t type, const struct fuse_entry_out *out)
{
	struct fuse_entry_out *to;

	if (out && !keep_mounts_may_list(reply->req, name, out->nodeid)) {
		fs_forget(reply->req->fs, out->nodeid, 1);
		out = NULL;
	}
	to = dirbuf_add(&reply->buf, name, strlen(name), ino, off, type);
	if (to && out)
		*to = *out;
	else if (to)
		encode_none(ino, to);
}

/* Returns true if a name is listed: even if its LOOKUP fails with r, as without filters. */
static bool is_shown(int r)
{
	return r != -ENOENT && r != -EIO;
}

/* Records the filters of a node, adds one to its lookup count, and puts the node. */
static void place(struct filter_call *call, struct req *req, struct node *node)
{
	place_give(call, &node->filter, &call->child);
	node_remember(node);
	fs_node_put(req->fs, node);
}

/*
 * Looks up a name that filters do not hide, if no filter has a program after LOOKUP. Returns 0 or
 * -errno.
 */
static int look_up(struct filter_call *call, const char *name, struct fuse_entry_out *ret_out)
{
	struct req *req = call->aux;
	struct fs_entry entry = { 0 };
	int r = fs_lookup(req->fs, req->node, name, &entry);

	if (r < 0 || !entry.node)
		return r < 0 ? r : -ENOENT;
	encode(req, &entry, ret_out);
	place(call, req, entry.node);
	return 0;
}

/* Runs the programs after a LOOKUP that has found a file. Returns 0 or -errno. */
static int leave_lookup(struct filter_call *call, struct fs_entry *entry,
			struct fuse_entry_out *ret_out)
{
	struct fuse_entry_out *out = &call->saved->out.entry;
	struct req *req = call->aux;
	struct pst_attr attr;
	struct pst_node after;
	int r;

	encode(req, entry, out);
	call->out_len = sizeof(*out);
	adapter_fill_attr(&entry->attr.stx, &attr);
	adapter_fill_after(call, entry->node, &entry->attr.stx, &after);
	r = apply_after(call, 0, &attr, &after);
	if (r < 0)
		return r;
	shown_check_looked_up(entry->node, &entry->attr.stx, &out->attr);
	*ret_out = *out;
	place(call, req, entry->node);
	entry->node = NULL;
	return 0;
}

/* Looks up a name, with all filters. Returns 0 or -errno. */
static int look_up_filtered(struct listing *listing, const char *name,
			    struct fuse_entry_out *ret_out)
{
	struct filter_call *call = &listing->call;
	struct req *req = call->aux;
	struct fs_entry entry = { 0 };
	struct pst_attr attr;
	int r;

	listing_lookup(listing, name);
	adapter_lookup_begin(req);
	r = call_fill_save(call);
	if (r < 0)
		return r;
	r = apply_before(call, name_check_call(call));
	adapter_delay(req, call);
	/* A program answers the LOOKUP, which the kernel sends for a name without an entry. */
	if (r == 0 && call->serve)
		return -EAGAIN;
	if (r == 0) {
		r = fs_lookup(req->fs, req->node, call->name[0], &entry);
		if (entry.node)
			adapter_fill_attr(&entry.attr.stx, &attr);
		r = apply_found(call, r, node_filter(entry.node), entry.node ? &attr : NULL);
	}
	/* A program for names has returned PST_SERVE. */
	if (r == 0 && call->serve) {
		fs_node_put(req->fs, entry.node);
		return -EAGAIN;
	}
	if (r == 0 && entry.node) {
		r = leave_lookup(call, &entry, ret_out);
	} else {
		r = apply_after(call, r, NULL, NULL);
		if (r == 0)
			r = -ENOENT;
	}
	fs_node_put(req->fs, entry.node);
	return r > 0 ? -EIO : r;
}

static void found(struct listing *listing, unsigned int i, const char *name, int r)
{
	struct filtered *filtered =
		(struct filtered *)((char *)listing - offsetof(struct filtered, listing));
	const struct listing_name *listed = &listing->names[i];
	struct fuse_entry_out out;

	if (r == 0)
		r = look_up(&listing->call, name, &out);
	if (is_shown(r))
		show(filtered->reply, listed->text, listed->ino, listed->off, listed->type,
		     r == 0 ? &out : NULL);
}

/* Runs programs on the names in listing, and adds the names that filters do not hide. */
static void filter_added(struct filtered *filtered)
{
	struct listing *listing = &filtered->listing;

	if (listing->together) {
		listing_filter_lookups(listing, found);
	} else {
		listing_filter_names(listing);
		for (unsigned int i = 0; i < listing->n; i++) {
			const struct listing_name *listed = &listing->names[i];

			if (!listed->hidden)
				show(filtered->reply, listed->text, listed->ino, listed->off,
				     listed->type, NULL);
		}
	}
	listing->n = 0;
	filtered->size = 0;
}

/* Runs the programs on the names in listing first, because hidden names need no room. */
static size_t room(struct fs_dirsink *sink)
{
	struct dir_reply *reply = reply_of(sink);

	if (reply->filtered)
		filter_added(reply->filtered);
	return dirbuf_room(&reply->buf);
}

/* Returns true if one more name has room even if filters hide none of the names in listing. */
static bool fits_together(struct fs_dirsink *sink, size_t name_len)
{
	struct dir_reply *reply = reply_of(sink);
	size_t left = reply->buf.size - reply->buf.len - reply->filtered->size;

	if (dirbuf_size(&reply->buf, name_len) <= left)
		return true;
	filter_added(reply->filtered);
	return dirbuf_fits(&reply->buf, name_len);
}

/* As add(), if filters have programs for names or for LOOKUP: runs them for one name. */
static void add_filtered(struct fs_dirsink *sink, const struct fs_dirent *dirent,
			 struct fs_entry *entry)
{
	struct dir_reply *reply = reply_of(sink);
	struct listing *listing = &reply->filtered->listing;
	/* DT_* are the bits of S_IFMT, shifted. */
	const struct pst_attr attr = { .mode = dirent->type << 12 };
	struct fuse_entry_out out = { 0 };
	int r = 0;

	(void)entry;
	if (name_is_dots(dirent->name))
		r = 0;
	else if (reply->buf.plus && !reply->served)
		r = look_up_filtered(listing, dirent->name, &out);
	else
		r = listing_check(listing, dirent->name, &attr);
	if (is_shown(r))
		show(reply, dirent->name, dirent->ino, dirent->off, dirent->type,
		     out.nodeid ? &out : NULL);
}

/* As add_filtered(), but collects names, so that one run of a program handles many names. */
static void add_together(struct fs_dirsink *sink, const struct fs_dirent *dirent,
			 struct fs_entry *entry)
{
	struct dir_reply *reply = reply_of(sink);
	struct filtered *filtered = reply->filtered;

	if (name_is_dots(dirent->name) || !listing_add(&filtered->listing, dirent->name,
						       dirent->ino, dirent->off, dirent->type)) {
		filter_added(filtered);
		add_filtered(sink, dirent, entry);
		return;
	}
	filtered->size += dirbuf_size(&reply->buf, dirent->name_len);
	if (filtered->listing.n == PST_N_LISTED)
		filter_added(filtered);
}

/* -- READDIR ----------------------------------------------------------------------------------- */

static int list(struct req *req, struct dir_reply *reply, uint64_t off)
{
	return reply->served ? serve_list(req, off, &reply->sink) :
			       fs_readdir(req->fs, req->handle, off, &reply->sink);
}

/*
 * Lists a directory and runs programs on the names, one by one or many in one run. In the slot, the
 * call of each name overwrites the call of the request.
 */
static int list_filtered(struct req *req, struct dir_reply *reply, uint64_t off)
{
	_cleanup_(freep) struct filtered *filtered = malloc(sizeof(*filtered) + reply->buf.size);
	bool one_by_one;
	int r;

	if (!filtered)
		return -ENOMEM;
	filtered->reply = reply;
	filtered->size = 0;
	listing_init(&filtered->listing, &req->call);
	/* The kernel looks up the names of a program by itself. */
	one_by_one = reply->served || listing_is_one_by_one(&filtered->listing, &req->call);
	reply->filtered = filtered;
	reply->buf.at = filtered->memory;
	reply->sink.entries = false;
	reply->sink.fits = one_by_one ? fits : fits_together;
	reply->sink.add = one_by_one ? add_filtered : add_together;
	r = list(req, reply, off);
	filter_added(filtered);
	memcpy(req->data, filtered->memory, reply->buf.len);
	call_fill_again(&req->call, true);
	return r;
}

/* Returns true if the listing has entries, which add to lookup counts. */
static bool has_entries(const struct req *req)
{
	return req->msg.head->opcode == FUSE_READDIRPLUS;
}

int op_readdir(struct req *req)
{
	const struct fuse_read_in *in = req->msg.arg;
	bool plus = has_entries(req);
	struct dir_reply reply = {
		.sink = { .room = room, .fits = fits, .add = add, .entries = plus },
		.buf = { .at = req->data, .size = in->size, .plus = plus },
		.req = req,
		.served = req->host->served && serve_wants(req),
	};
	int r;

	if (reply.buf.size > req->slot.data_size)
		reply.buf.size = req->slot.data_size;
	if (listing_needs_filters(&req->call))
		r = list_filtered(req, &reply, in->offset);
	else
		r = list(req, &reply, in->offset);
	req->data_len = reply.buf.len;
	/* Return the names that were read before an error; the next READDIR gets the error. */
	return req->data_len ? 0 : r;
}

/*
 * After an empty reply, which is the end of the directory, the kernel marks its cached listing as
 * complete. A reply that is too short for a name also is the end for the client, but leaves the
 * cached listing incomplete.
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

/*
 * A program may have written to the slot since the listing was checked, so the nodeids here may be
 * wrong. fs_forget() never subtracts more than a node's lookup count: at worst another node is
 * freed early, and its use fails with ESTALE.
 */
void op_readdir_undo(struct req *req)
{
	struct record record = { 0 };

	if (!has_entries(req))
		return;
	while (records_next(req->data, req->data_len, true, &record) > 0)
		if (record.entry.nodeid)
			fs_forget(req->fs, record.entry.nodeid, 1);
}

/* Subtracts the lookups of files that filters have dropped, or of all files if keep is false. */
static void forget_unlisted(struct req *req, bool keep)
{
	const struct filter_call *call = &req->call;

	for (size_t i = 0; i < call->n_ids; i++) {
		if (keep && call->ids[i].listed)
			shown_check_listed(req, &call->ids[i]);
		else
			fs_forget(req->fs, call->ids[i].nodeid, 1);
	}
}

/*
 * Runs the programs after a listing, and subtracts the lookups of the files that they drop. Sets
 * *ret_end to the offset after the last name.
 */
static int leave_listing(struct req *req, uint64_t *ret_end)
{
	struct filter_call *call = &req->call;
	size_t n = req->data_len / FUSE_NAME_OFFSET + 1;
	_cleanup_(freep) struct filter_entry_id *ids = calloc(n, sizeof(*ids));
	int r;

	if (!ids) {
		op_readdir_undo(req);
		return -ENOMEM;
	}
	call->n_ids = records_note(req->data, req->data_len, has_entries(req), ids, n, ret_end);
	call->ids = ids;
	r = adapter_after(req, 0);
	forget_unlisted(req, r == 0);
	call->ids = NULL;
	call->n_ids = 0;
	return r;
}

int op_readdir_post(struct req *req, int r, bool answered)
{
	struct fuse_read_in *in = req->msg.arg;

	if (!apply_asks_after(&req->call))
		return r;
	while (r == 0) {
		bool some = req->data_len;
		uint64_t end;

		r = leave_listing(req, &end);
		if (r < 0 || req->data_len || !some || answered)
			return r;
		/* Filters have dropped all names, and an empty reply would be the end. */
		in->offset = end;
		r = op_readdir(req);
		adapter_wait(req);
	}
	return adapter_after(req, r);
}
