/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Between requests and the filter ABI.
 *
 * A slot is a struct pst_call, so results and the data of reads and writes are seen and changed where
 * they lie. Names and arguments are copied into it, at places that do not depend on the transport;
 * short data that comes with a request (the text of a link, the value of an attribute) is moved to
 * where data is.
 *
 * What says which node, handle or backing file is meant stands in the call, too, but was decided
 * before: it may not be changed, and neither may lengths grow beyond what the kernel has room for.
 * All of the call is writable for filters, so nothing that limits anything is ever read from it:
 * limits come from the request as it arrived.
 */
#include "core/frame.h"
#include "core/cgroup.h"
#include "core/server-private.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define MAX_TARGET 4095
#define MAX_VALUE 65536

/* Flags of an open that filters may change. O_PATH and the like would open something else. */
#define OPEN_FLAGS (O_TRUNC | O_EXCL)

/* -- what differs between operations --------------------------------------------------------- */

/* Members of an argument that are not the filters' to change: offset and length, up to three. */
struct fixed {
	uint8_t at, len;
};

#define FIXED(type, member)                                                                        \
	{                                                                                          \
		offsetof(struct type, member), sizeof(((struct type *)NULL)->member)               \
	}
#define FH(type) { FIXED(type, fh) }

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

/* The result of an operation. Entries and open files come with numbers that only the engine has. */
enum result {
	RESULT_NONE,
	RESULT_PLAIN,
	RESULT_ENTRY,
	RESULT_CREATE,
	RESULT_OPEN,
};

static enum result result_of(uint32_t opcode, size_t *ret_size)
{
	switch (opcode) {
	case FUSE_LOOKUP:
	case FUSE_MKNOD:
	case FUSE_MKDIR:
	case FUSE_SYMLINK:
	case FUSE_LINK:
		*ret_size = sizeof(struct fuse_entry_out);
		return RESULT_ENTRY;
	case FUSE_CREATE:
	case FUSE_TMPFILE:
		*ret_size = sizeof(struct pst_create_out);
		return RESULT_CREATE;
	case FUSE_OPEN:
	case FUSE_OPENDIR:
		*ret_size = sizeof(struct fuse_open_out);
		return RESULT_OPEN;
	case FUSE_GETATTR:
	case FUSE_SETATTR:
		*ret_size = sizeof(struct fuse_attr_out);
		return RESULT_PLAIN;
	case FUSE_STATX:
		*ret_size = sizeof(struct fuse_statx_out);
		return RESULT_PLAIN;
	case FUSE_WRITE:
	case FUSE_COPY_FILE_RANGE:
		*ret_size = sizeof(struct fuse_write_out);
		return RESULT_PLAIN;
	case FUSE_COPY_FILE_RANGE_64:
		*ret_size = sizeof(struct fuse_copy_file_range_out);
		return RESULT_PLAIN;
	case FUSE_STATFS:
		*ret_size = sizeof(struct fuse_statfs_out);
		return RESULT_PLAIN;
	case FUSE_GETLK:
		*ret_size = sizeof(struct fuse_lk_out);
		return RESULT_PLAIN;
	case FUSE_LSEEK:
		*ret_size = sizeof(struct fuse_lseek_out);
		return RESULT_PLAIN;
	case FUSE_IOCTL:
		*ret_size = sizeof(struct fuse_ioctl_out);
		return RESULT_PLAIN;
	default:
		*ret_size = 0;
		return RESULT_NONE;
	}
}

static const union pst_in *original(const struct req *req)
{
	return &req->kept->came;
}

static uint32_t at_most(const struct req *req, size_t asked)
{
	return (uint32_t)(asked < req->slot.data_size ? asked : req->slot.data_size);
}

/* Bytes of data that the kernel has room for in the answer. */
static uint32_t room_out(const struct req *req)
{
	switch (req->msg.head->opcode) {
	case FUSE_READ:
	case FUSE_READDIR:
	case FUSE_READDIRPLUS:
		return at_most(req, original(req)->read.size);
	case FUSE_READLINK:
		return at_most(req, MAX_TARGET);
	case FUSE_GETXATTR:
	case FUSE_LISTXATTR:
		return at_most(req, original(req)->getxattr.size);
	case FUSE_IOCTL:
		return at_most(req, original(req)->ioctl.out_size);
	default:
		return 0;
	}
}

/* Bytes that the data of a request may become. */
static uint32_t room_in(const struct req *req)
{
	switch (req->msg.head->opcode) {
	case FUSE_SYMLINK:
		return at_most(req, MAX_TARGET);
	case FUSE_SETXATTR:
		return at_most(req, MAX_VALUE);
	case FUSE_WRITE:
		/* Shorter is a short write. Longer there is nothing to take from. */
		return at_most(req, original(req)->write.size);
	case FUSE_IOCTL:
		return at_most(req, req->slot.data_size);
	default:
		return 0;
	}
}

/* Whether the answer is data. */
static bool answers_data(const struct req *req)
{
	switch (req->msg.head->opcode) {
	case FUSE_GETXATTR:
	case FUSE_LISTXATTR:
		return original(req)->getxattr.size;
	default:
		return req->msg.op->flags & OP_OUT_DATA;
	}
}

/* SYMLINK's second text is data to filters; TMPFILE's only one says nothing. */
static unsigned int n_names(const struct wire_msg *msg)
{
	switch (msg->head->opcode) {
	case FUSE_SYMLINK:
		return 1;
	case FUSE_TMPFILE:
		return 0;
	default:
		return msg->op->n_names;
	}
}

/* -- before ---------------------------------------------------------------------------------- */

struct pst_call *frame_of(const struct req *req)
{
	return (struct pst_call *)req->slot.base;
}

static void fill_attr(struct pst_attr *attr, const struct statx *stx)
{
	*attr = (struct pst_attr){
		.ino = stx->stx_ino,
		.size = stx->stx_size,
		.blocks = stx->stx_blocks,
		.mode = stx->stx_mode,
		.nlink = stx->stx_nlink,
		.uid = stx->stx_uid,
		.gid = stx->stx_gid,
		.dev_major = stx->stx_dev_major,
		.dev_minor = stx->stx_dev_minor,
	};
}

static void fill_node(struct req *req, struct node *node, struct pst_node *ret_node)
{
	struct pst_node filled = { 0 };
	struct statx stx;

	if (node) {
		filled.nodeid = node->id;
		filled.parent = atomic_load_explicit(&node->parent, memory_order_relaxed);
		filled.attr.ino = node->ino;
		filled.attr.mode = node->type;
		fs_node_device(req_fs(req), node, &filled.attr.dev_major, &filled.attr.dev_minor);
		if ((req->chain->want_attr & req->filters) &&
		    fs_node_stat(req_fs(req), node, &stx) == 0)
			fill_attr(&filled.attr, &stx);
	}
	*ret_node = filled;
}

static void fill_caller(struct req *req, struct pst_call *call)
{
	call->caller = (struct pst_caller){
		.uid = req->caller.uid,
		.gid = req->caller.gid,
		.pid = req->caller.pid,
	};
	if (req->chain->want_cgroup & req->filters)
		call->caller.cgroup = cgroup_of(req->caller.pid);
}

static int fill_name(struct pst_name *name, const char *text)
{
	size_t len = strlen(text);

	if (len >= sizeof(name->text))
		return -ENAMETOOLONG;
	name->len = (uint32_t)len;
	name->reserved = 0;
	memcpy(name->text, text, len + 1);
	return 0;
}

/* The file under the first name, before the operation. */
static void fill_child(struct req *req, struct pst_call *call)
{
	struct node *known = NULL;
	struct statx stx;

	call->child = (struct pst_child){ 0 };
	if (!(req->chain->want_child & req->filters) || !call->n_names ||
	    (req->msg.op->flags & OP_TEXT))
		return;
	if (fs_peek(req_fs(req), req->node, call->name[0].text, &stx, &known) < 0)
		return;
	fill_attr(&call->child.attr, &stx);
	call->child.known = known != NULL;
	fs_node_put(req_fs(req), known);
}

/* What a RENAME puts its file in the place of. */
static void fill_replaced(struct req *req, struct pst_call *call)
{
	struct node *known = NULL;
	struct statx stx;

	call->replaced = (struct pst_attr){ 0 };
	if (!(req->chain->want_child & req->filters) || call->n_names != 2 ||
	    fs_peek(req_fs(req), req->node2, call->name[1].text, &stx, &known) < 0)
		return;
	fill_attr(&call->replaced, &stx);
	fs_node_put(req_fs(req), known);
}

/* -- out of reach ----------------------------------------------------------------------------- */

static int keep_names(struct req *req)
{
	unsigned int n = n_names(&req->msg);

	for (unsigned int i = 0; i < n; i++) {
		if (strlen(req->msg.name[i]) >= sizeof(req->kept->name[i]))
			return -ENAMETOOLONG;
		strcpy(req->kept->name[i], req->msg.name[i]);
		req->msg.name[i] = req->kept->name[i];
	}
	/* TMPFILE's says nothing; but no name must lead to where filters can write. */
	if (req->msg.head->opcode == FUSE_TMPFILE)
		req->msg.name[0] = "";
	return 0;
}

static void keep_argument(struct req *req)
{
	struct kept *kept = req->kept;

	memset(&kept->came, 0, sizeof(kept->came));
	if (kept->head.opcode == FUSE_RENAME)
		kept->came.rename.newdir = ((struct fuse_rename_in *)req->msg.arg)->newdir;
	else
		memcpy(&kept->came, req->msg.arg, req->msg.op->arg_size);
	kept->now = kept->came;
	req->msg.arg = &kept->now;
	req->framed = true;
}

/* Data that came moves to the place of data. Names have been taken away before: they may lie there. */
static void keep_data(struct req *req)
{
	char *data = slot_data(&req->slot), *from = req->msg.data;
	size_t len = req->msg.data_len;

	if (req->msg.head->opcode == FUSE_SYMLINK) {
		from = (char *)req->msg.name[1];
		len = strlen(from);
		memmove(data, from, len + 1);
		req->msg.name[1] = data;
	} else if (room_in(req)) {
		if (from != data)
			memmove(data, from, len);
		req->msg.data = data;
	}
	req->kept->data_len = len;
}

int frame_keep(struct req *req)
{
	int r;

	/* The whole message may be that of another request of ours, which is out of reach already. */
	req->kept->head = *req->msg.head;
	req->msg.head = &req->kept->head;
	keep_argument(req);
	r = keep_names(req);
	if (r == 0)
		keep_data(req);
	return r;
}

/* -- before ----------------------------------------------------------------------------------- */

static void begin(struct req *req, struct pst_call *call)
{
	call->opcode = filter_opcode(req->msg.head->opcode);
	call->error = 0;
	call->unique = req->msg.head->unique;
	call->delay_us = call->n_events = call->reserved = 0;
	fill_caller(req, call);
}

void frame_begin(struct req *req)
{
	struct pst_call *call = frame_of(req);
	size_t out_size;

	begin(req, call);
	fill_node(req, req->node, &call->node);
	fill_node(req, req->node2, &call->node2);
	call->n_names = n_names(&req->msg);
	for (unsigned int i = 0; i < call->n_names; i++)
		fill_name(&call->name[i], req->kept->name[i]);
	call->in = req->kept->came;
	if (req->msg.head->opcode == FUSE_READDIRPLUS)
		call->in.read.read_flags |= PST_READ_PLUS;
	call->data_len = room_in(req) ? (uint32_t)req->kept->data_len : 0;
	/* Also of what a program may answer by itself. */
	call->data_size = room_in(req) ? room_in(req) : room_out(req);
	fill_child(req, call);
	fill_replaced(req, call);
	result_of(req->msg.head->opcode, &out_size);
	memset(&call->out, 0, out_size);
}

int frame_name(struct req *req, struct node *dir, const char *name)
{
	struct pst_call *call = frame_of(req);

	begin(req, call);
	fill_node(req, dir, &call->node);
	call->node2 = (struct pst_node){ 0 };
	call->n_names = 1;
	call->data_len = 0;
	call->child = (struct pst_child){ 0 };
	return fill_name(&call->name[0], name);
}

bool frame_list(struct req *req, unsigned int i, const char *name, uint64_t ino, uint32_t type)
{
	struct pst_listed *listed = &frame_of(req)->listed[i];
	size_t len = strlen(name);

	if (len >= sizeof(listed->text))
		return false;
	listed->ino = ino;
	listed->mode = DTTOIF(type);
	listed->verdict = 0;
	listed->len = (uint32_t)len;
	memcpy(listed->text, name, len + 1);
	return true;
}

void frame_child(struct req *req, const struct statx *stx)
{
	fill_attr(&frame_of(req)->child.attr, stx);
}

static uint64_t cell_of(struct req *req, const struct link *link, const struct node *node)
{
	return link->cells && node ? link->cells[fs_node_number(req_fs(req), node)] : 0;
}

void frame_enter(struct req *req, const struct link *link)
{
	struct pst_call *call = frame_of(req);

	call->cell = cell_of(req, link, req->dir ? req->dir : req->node);
	call->cell2 = cell_of(req, link, req->node2);
	call->child.held = req->child.filters >> link->bit & 1;
	call->child.cell = req->child.cells[link->bit];
	call->child.known_cell = req->child.node && (req->child.node->filters >> link->bit & 1)
					 ? cell_of(req, link, req->child.node)
					 : 0;
	if (req->child.node)
		call->child.known = 1;
	call->n_events = 0;
}

void frame_leave(struct req *req, const struct link *link)
{
	struct pst_call *call = frame_of(req);
	struct node *node = req->dir ? req->dir : req->node;
	uint64_t bit = 1ULL << link->bit;

	/* Whatever reads them from here on comes to an end. */
	for (int i = 0; i < 2; i++)
		call->name[i].text[PST_NAME_SIZE - 1] = '\0';
	for (int i = 0; i < PST_N_EVENTS; i++)
		call->event[i].what[PST_EVENT_SIZE - 1] = '\0';
	if (call->n_events > PST_N_EVENTS)
		call->n_events = PST_N_EVENTS;
	if (link->cells && node)
		link->cells[fs_node_number(req_fs(req), node)] = call->cell;
	req->child.cells[link->bit] = call->child.cell;
	/* A filter can be on a child only where it is on the directory. */
	if (!call->child.held)
		req->child.filters &= ~bit;
	else if (node && (node->filters & bit))
		req->child.filters |= bit;
}

/* -- what pre programs leave ------------------------------------------------------------------ */

static bool fixed_untouched(const struct req *req)
{
	const struct fixed *f = fixed[req->msg.head->opcode];
	const char *now = frame_of(req)->in.bytes, *then = original(req)->bytes;

	for (; f->len; f++)
		if (memcmp(now + f->at, then + f->at, f->len) != 0)
			return false;
	return true;
}

static bool take_names(struct req *req, struct pst_call *call)
{
	unsigned int n = n_names(&req->msg);

	for (unsigned int i = 0; i < n; i++) {
		struct pst_name *name = &call->name[i];
		size_t len = strnlen(name->text, sizeof(name->text));

		if (len == sizeof(name->text) || len == 0)
			return false;
		if (!(req->msg.op->flags & OP_TEXT) &&
		    !wire_name_ok(name->text, req->msg.op->flags & OP_DOTS))
			return false;
		name->len = (uint32_t)len;
	}
	for (unsigned int i = 0; i < n; i++)
		strcpy(req->kept->name[i], call->name[i].text);
	return true;
}

static bool take_data(struct req *req, struct pst_call *call)
{
	uint32_t len = call->data_len;

	if (!room_in(req))
		return true;
	if (len > room_in(req))
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
	const union pst_in *then = original(req);

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
	const union pst_in *then = original(req);

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
	return true;
}

bool frame_take_answer(struct req *req)
{
	enum result result = result_of(req->msg.head->opcode, &req->out_len);

	/* Files are known, and open, only to the engine. */
	if (result != RESULT_NONE && result != RESULT_PLAIN) {
		req->out_len = 0;
		return false;
	}
	req->data = slot_data(&req->slot);
	if (req->msg.head->opcode == FUSE_GETXATTR || req->msg.head->opcode == FUSE_LISTXATTR) {
		if (!answers_data(req))
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
	if (req->msg.op->flags & OP_OUT_DATA) {
		call->data_len = r == 0 && answers_data(req) ? (uint32_t)req->data_len : 0;
		call->data_size = room_out(req);
	}
	req->sent = (struct sent){ 0 };
	if (r < 0)
		return;
	switch (result_of(req->msg.head->opcode, &(size_t){ 0 })) {
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
		fill_attr(&call->child.attr, &req->entry.attr.stx);
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

/* Whether the file of an entry, if it has one, is among those that were told of from *at on. */
static bool told_next(const struct req *req, const char *record, size_t *at)
{
	uint64_t nodeid = ((const struct fuse_direntplus *)record)->entry_out.nodeid;

	if (!nodeid)
		return true;
	while (*at < req->n_told && req->told[*at] != nodeid)
		(*at)++;
	return (*at)++ < req->n_told;
}

/*
 * Whether a listing that a filter has changed is one: records within bounds, names that are names, and
 * no files but those that the engine has put there, in their order.
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
		if (size > left ||
		    memchr(dirent->name, '/', dirent->namelen) ||
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
		return call->out.write.size <= original(req)->write.size;
	case FUSE_COPY_FILE_RANGE:
		return call->out.write.size <= original(req)->copy.len;
	case FUSE_COPY_FILE_RANGE_64:
		return call->out.copy.bytes_copied <= original(req)->copy.len;
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

	if (answers_data(req)) {
		if (call->data_len > room_out(req))
			return false;
		req->data_len = call->data_len;
	}
	switch (result_of(req->msg.head->opcode, &(size_t){ 0 })) {
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
