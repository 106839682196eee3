// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What programs leave in a call: taken over, or refused as a whole.
 *
 * All of the call is writable for filters, so nothing that limits anything is read from it: limits come
 * from the request as it arrived.
 */
#include "filter/call-private.h"
#include "request/shown.h"
#include "util/hash.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* Flags of an open that filters may change. O_PATH and the like would open something else. */
#define OPEN_FLAGS (O_TRUNC | O_EXCL)

/* Members of an argument that are not the filters' to change: offset and length, up to three. */
struct fixed {
	uint8_t at, len;
};

#define FIXED(type, member)                                                                        \
	{                                                                                          \
		offsetof(struct type, member), sizeof(((struct type *)NULL)->member)               \
	}
#define FH(type)                                                                                   \
	{                                                                                          \
		FIXED(type, fh)                                                                    \
	}

static const struct fixed fixed[OP_MAX][4] = {
	[FUSE_GETATTR] = { FIXED(fuse_getattr_in, getattr_flags), FIXED(fuse_getattr_in, fh) },
	[FUSE_STATX] = { FIXED(fuse_statx_in, getattr_flags), FIXED(fuse_statx_in, fh) },
	[FUSE_SETATTR] = FH(fuse_setattr_in),
	[FUSE_RENAME] = { FIXED(fuse_rename_in, newdir) },
	[FUSE_RENAME2] = { FIXED(fuse_rename2_in, newdir) },
	[FUSE_LINK] = { FIXED(fuse_link_in, oldnodeid) },
	[FUSE_READ] = FH(fuse_read_in),
	[FUSE_WRITE] = FH(fuse_write_in),
	[FUSE_FLUSH] = { FIXED(fuse_flush_in, fh), FIXED(fuse_flush_in, lock_owner) },
	[FUSE_RELEASE] = FH(fuse_release_in),
	[FUSE_RELEASEDIR] = FH(fuse_release_in),
	[FUSE_FSYNC] = FH(fuse_fsync_in),
	[FUSE_FSYNCDIR] = FH(fuse_fsync_in),
	[FUSE_READDIR] = FH(fuse_read_in),
	[FUSE_READDIRPLUS] = FH(fuse_read_in),
	[FUSE_GETLK] = { FIXED(fuse_lk_in, fh), FIXED(fuse_lk_in, owner) },
	[FUSE_SETLK] = { FIXED(fuse_lk_in, fh), FIXED(fuse_lk_in, owner) },
	[FUSE_SETLKW] = { FIXED(fuse_lk_in, fh), FIXED(fuse_lk_in, owner) },
	[FUSE_FALLOCATE] = FH(fuse_fallocate_in),
	[FUSE_LSEEK] = FH(fuse_lseek_in),
	[FUSE_COPY_FILE_RANGE] = { FIXED(fuse_copy_file_range_in, fh_in),
				   FIXED(fuse_copy_file_range_in, nodeid_out),
				   FIXED(fuse_copy_file_range_in, fh_out) },
	[FUSE_COPY_FILE_RANGE_64] = { FIXED(fuse_copy_file_range_in, fh_in),
				      FIXED(fuse_copy_file_range_in, nodeid_out),
				      FIXED(fuse_copy_file_range_in, fh_out) },
	[FUSE_IOCTL] = { FIXED(fuse_ioctl_in, fh), FIXED(fuse_ioctl_in, cmd) },
};

/* -- what pre programs leave ------------------------------------------------------------------ */

static bool fixed_untouched(const struct req *req)
{
	const struct fixed *f = fixed[req->msg.head->opcode];
	const char *now = frame_of(req)->in.bytes, *then = frame_came(req)->bytes;

	for (; f->len; f++)
		if (memcmp(now + f->at, then + f->at, f->len) != 0)
			return false;
	return true;
}

static bool take_names(struct req *req, struct pst_call *call)
{
	unsigned int n = frame_n_names(&req->msg);

	for (unsigned int i = 0; i < n; i++) {
		struct pst_name *name = &call->name[i];
		size_t len = strnlen(name->text, sizeof(name->text));

		if (len == sizeof(name->text) || len == 0)
			return false;
		if (req->msg.op->n_entries &&
		    !wire_name_ok(name->text, req->msg.op->flags & OP_DOTS))
			return false;
		name->len = (uint32_t)len;
	}
	for (unsigned int i = 0; i < n; i++)
		strcpy(req->kept->name[i], call->name[i].text);
	return true;
}

static bool is_written_back(const struct req *req)
{
	return frame_came(req)->write.write_flags & FUSE_WRITE_CACHE;
}

static bool take_data(struct req *req, struct pst_call *call)
{
	uint32_t len = call->data_len;

	if (!frame_room_in(req))
		return true;
	if (len > frame_room_in(req))
		return false;
	switch (req->msg.head->opcode) {
	case FUSE_SYMLINK:
		if (!len || memchr(call->data, 0, len))
			return false;
		call->data[len] = '\0';
		return true;
	case FUSE_SETXATTR:
		call->in.setxattr.size = len;
		break;
	case FUSE_WRITE:
		/* The kernel takes pages for written that it wrote back, however few bytes were. */
		if (is_written_back(req) && len < frame_came(req)->write.size)
			return false;
		call->in.write.size = len;
		break;
	case FUSE_IOCTL:
		call->in.ioctl.in_size = len;
		break;
	}
	req->msg.data_len = len;
	return true;
}

/* Asking for more than the kernel has room for would only be cut off. */
static bool sizes_shrunk(const struct req *req, const struct pst_call *call)
{
	const union pst_in *then = frame_came(req);

	switch (req->msg.head->opcode) {
	case FUSE_READ:
	case FUSE_READDIR:
	case FUSE_READDIRPLUS:
		return call->in.read.size <= then->read.size;
	case FUSE_GETXATTR:
	case FUSE_LISTXATTR:
		return call->in.getxattr.size <= then->getxattr.size &&
		       !call->in.getxattr.size == !then->getxattr.size;
	case FUSE_IOCTL:
		return call->in.ioctl.out_size <= then->ioctl.out_size;
	default:
		return true;
	}
}

/* What the kernel has in mind of the file, and would not take back. */
static bool kinds_kept(const struct req *req, const struct pst_call *call)
{
	const union pst_in *then = frame_came(req);

	switch (req->msg.head->opcode) {
	case FUSE_MKNOD:
		return (call->in.mknod.mode & S_IFMT) == (then->mknod.mode & S_IFMT);
	case FUSE_RENAME:
	case FUSE_RENAME2:
		return !((call->in.rename.flags ^ then->rename.flags) & ~RENAME_NOREPLACE);
	case FUSE_OPEN:
		return !((call->in.open.flags ^ then->open.flags) & ~OPEN_FLAGS);
	case FUSE_CREATE:
	case FUSE_TMPFILE:
		return !((call->in.create.flags ^ then->create.flags) & ~OPEN_FLAGS);
	default:
		return true;
	}
}

/* Nobody is -1, which to the calls that would be made means "as it is". */
static bool caller_ok(const struct req *req, const struct pst_call *call)
{
	return (call->caller.uid != UINT32_MAX || req->caller.uid == UINT32_MAX) &&
	       (call->caller.gid != UINT32_MAX || req->caller.gid == UINT32_MAX);
}

bool frame_take_request(struct req *req)
{
	struct pst_call *call = frame_of(req);

	if (!fixed_untouched(req) || !sizes_shrunk(req, call) || !kinds_kept(req, call) ||
	    !caller_ok(req, call) || !take_names(req, call) || !take_data(req, call))
		return false;
	req->kept->now = call->in;
	req->caller.uid = call->caller.uid;
	req->caller.gid = call->caller.gid;
	shown_check_made(req);
	return true;
}

bool frame_take_answer(struct req *req)
{
	enum frame_result result = frame_result_of(req->msg.head->opcode, &req->out_len);

	/* Files are known, and open, only to the engine. */
	if (result != RESULT_NONE && result != RESULT_PLAIN) {
		req->out_len = 0;
		return false;
	}
	req->data = slot_data(&req->slot);
	if (req->msg.head->opcode == FUSE_GETXATTR || req->msg.head->opcode == FUSE_LISTXATTR) {
		if (!frame_answers_data(req))
			req->out_len = sizeof(struct fuse_getxattr_out);
	}
	req->sent = (struct sent){ 0 };
	return frame_take_results(req);
}

/* -- what post programs leave ----------------------------------------------------------------- */

void frame_results(struct req *req, int r)
{
	struct pst_call *call = frame_of(req);

	call->error = r;
	if (req->msg.op->answer) {
		call->data_len = r == 0 && frame_answers_data(req) ? (uint32_t)req->data_len : 0;
		call->data_size = frame_room_out(req);
	}
	req->sent = (struct sent){ 0 };
	if (r < 0)
		return;
	switch (frame_result_of(req->msg.head->opcode, &(size_t){ 0 })) {
	case RESULT_ENTRY:
		req->sent.entry = call->out.entry;
		break;
	case RESULT_CREATE:
		req->sent.entry = call->out.create.entry;
		req->sent.open = call->out.create.open;
		break;
	case RESULT_OPEN:
		req->sent.open = call->out.open;
		break;
	default:
		break;
	}
	if (req->entry.node)
		frame_fill_attr(&call->child.attr, &req->entry.attr.stx);
}

bool frame_asked(const struct req *req, const union pst_in *in)
{
	const struct pst_call *call = frame_of(req);
	bool same = memcmp(&call->in, in, sizeof(*in)) == 0;

	for (unsigned int i = 0; same && i < frame_n_names(&req->msg); i++)
		same = strncmp(call->name[i].text, req->kept->name[i], PST_NAME_SIZE) == 0;
	return same;
}

void frame_ask(struct req *req, const union pst_in *in)
{
	struct pst_call *call = frame_of(req);

	call->in = *in;
	for (unsigned int i = 0; i < frame_n_names(&req->msg); i++)
		strcpy(call->name[i].text, req->kept->name[i]);
}

/* The kernel takes no larger file for one. */
static bool size_ok(uint64_t size)
{
	return size <= INT64_MAX;
}

/* A file is the one that it was, of the kind that it was. Without one, it is absent. */
static bool entry_kept(const struct req *req, const struct fuse_entry_out *now)
{
	const struct fuse_entry_out *then = &req->sent.entry;

	return now->nodeid == then->nodeid && now->generation == then->generation &&
	       (now->attr.mode & S_IFMT) == (then->attr.mode & S_IFMT) && size_ok(now->attr.size);
}

static bool open_kept(const struct req *req, const struct fuse_open_out *now)
{
	const struct fuse_open_out *then = &req->sent.open;

	return now->fh == then->fh && now->open_flags == then->open_flags &&
	       now->backing_id == then->backing_id;
}

struct told frame_told(const struct fuse_direntplus *entry)
{
	return (struct told){
		.nodeid = entry->entry_out.nodeid,
		.generation = entry->entry_out.generation,
		.name = hash_bytes(0, entry->dirent.name, entry->dirent.namelen),
		.type = entry->entry_out.attr.mode & S_IFMT,
		.uid = entry->entry_out.attr.uid,
		.gid = entry->entry_out.attr.gid,
	};
}

static bool told_same(const struct told *a, const struct told *b)
{
	return a->nodeid == b->nodeid && a->generation == b->generation && a->name == b->name &&
	       a->type == b->type;
}

/*
 * Whether the file of an entry, if it has one, is among those that were told of from *at on, by the
 * name that it had: the kernel would find it by this name from then on.
 */
static bool told_next(const struct req *req, const char *record, size_t *at)
{
	const struct fuse_direntplus *entry = (const struct fuse_direntplus *)record;
	struct told told = frame_told(entry);

	if (!told.nodeid)
		return true;
	while (*at < req->n_told && req->told[*at].nodeid != told.nodeid)
		(*at)++;
	if (*at == req->n_told || !size_ok(entry->entry_out.attr.size))
		return false;
	return told_same(&told, &req->told[(*at)++]);
}

/*
 * Whether a listing that a filter has changed is one: records within bounds, names that are names, and
 * no files but those that the engine has put there, in their order and by their names.
 */
static bool listing_ok(const struct req *req, const struct pst_call *call)
{
	bool plus = req->msg.head->opcode == FUSE_READDIRPLUS;
	size_t head = plus ? FUSE_NAME_OFFSET_DIRENTPLUS : FUSE_NAME_OFFSET;
	size_t told = 0;

	for (size_t at = 0; at < req->data_len;) {
		const struct fuse_dirent *dirent =
			(const struct fuse_dirent *)(call->data + at + head - FUSE_NAME_OFFSET);
		size_t left = req->data_len - at, size;

		if (left < head)
			return false;
		if (!dirent->namelen || dirent->namelen >= PST_NAME_SIZE)
			return false;
		size = FUSE_REC_ALIGN(head + dirent->namelen);
		if (size > left || memchr(dirent->name, '/', dirent->namelen) ||
		    memchr(dirent->name, 0, dirent->namelen))
			return false;
		if (plus && !told_next(req, call->data + at, &told))
			return false;
		at += size;
	}
	return true;
}

static bool counts_ok(const struct req *req, const struct pst_call *call)
{
	switch (req->msg.head->opcode) {
	case FUSE_WRITE:
		if (is_written_back(req) && call->out.write.size < frame_came(req)->write.size)
			return false;
		return call->out.write.size <= frame_came(req)->write.size;
	case FUSE_COPY_FILE_RANGE:
		return call->out.write.size <= frame_came(req)->copy.len;
	case FUSE_COPY_FILE_RANGE_64:
		return call->out.copy.bytes_copied <= frame_came(req)->copy.len;
	case FUSE_GETATTR:
	case FUSE_SETATTR:
		return (call->out.attr.attr.mode & S_IFMT) == req->node->type &&
		       size_ok(call->out.attr.attr.size);
	case FUSE_STATX:
		return (call->out.statx.stat.mode & S_IFMT) == req->node->type &&
		       size_ok(call->out.statx.stat.size);
	case FUSE_READDIR:
	case FUSE_READDIRPLUS:
		return listing_ok(req, call);
	case FUSE_READLINK:
		return req->data_len && !memchr(call->data, 0, req->data_len);
	default:
		return true;
	}
}

bool frame_take_results(struct req *req)
{
	struct pst_call *call = frame_of(req);
	bool ok;

	if (frame_answers_data(req)) {
		if (call->data_len > frame_room_out(req))
			return false;
		req->data_len = call->data_len;
	}
	switch (frame_result_of(req->msg.head->opcode, &(size_t){ 0 })) {
	case RESULT_ENTRY:
		ok = entry_kept(req, &call->out.entry);
		break;
	case RESULT_CREATE:
		ok = entry_kept(req, &call->out.create.entry) &&
		     open_kept(req, &call->out.create.open);
		break;
	case RESULT_OPEN:
		ok = open_kept(req, &call->out.open);
		break;
	default:
		ok = counts_ok(req, call);
		break;
	}
	return ok;
}
