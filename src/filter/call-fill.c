// SPDX-License-Identifier: LGPL-2.1-or-later
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
#include "filter/call-private.h"
#include "util/cgroup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define MAX_TARGET 4095
#define MAX_VALUE 65536

/* -- what differs between operations --------------------------------------------------------- */

enum frame_result frame_result_of(uint32_t opcode, size_t *ret_size)
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

const union pst_in *frame_came(const struct req *req)
{
	return &req->kept->came;
}

static uint32_t at_most(const struct req *req, size_t asked)
{
	return (uint32_t)(asked < req->slot.data_size ? asked : req->slot.data_size);
}

/* Bytes of data that the kernel has room for in the answer. */
uint32_t frame_room_out(const struct req *req)
{
	switch (req->msg.head->opcode) {
	case FUSE_READ:
	case FUSE_READDIR:
	case FUSE_READDIRPLUS:
		return at_most(req, frame_came(req)->read.size);
	case FUSE_READLINK:
		return at_most(req, MAX_TARGET);
	case FUSE_GETXATTR:
	case FUSE_LISTXATTR:
		return at_most(req, frame_came(req)->getxattr.size);
	case FUSE_IOCTL:
		return at_most(req, frame_came(req)->ioctl.out_size);
	default:
		return 0;
	}
}

/* Bytes that the data of a request may become. */
uint32_t frame_room_in(const struct req *req)
{
	switch (req->msg.head->opcode) {
	case FUSE_SYMLINK:
		return at_most(req, MAX_TARGET);
	case FUSE_SETXATTR:
		return at_most(req, MAX_VALUE);
	case FUSE_WRITE:
		/* Shorter is a short write. Longer there is nothing to take from. */
		return at_most(req, frame_came(req)->write.size);
	case FUSE_IOCTL:
		return at_most(req, req->slot.data_size);
	default:
		return 0;
	}
}

/* Whether the answer is data. */
bool frame_answers_data(const struct req *req)
{
	switch (req->msg.head->opcode) {
	case FUSE_GETXATTR:
	case FUSE_LISTXATTR:
		return frame_came(req)->getxattr.size;
	default:
		return req->msg.op->answer;
	}
}

/* SYMLINK's second text is data to filters; TMPFILE's only one says nothing. */
unsigned int frame_n_names(const struct wire_msg *msg)
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

void frame_fill_attr(struct pst_attr *attr, const struct statx *stx)
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
		fs_node_device(req->fs, node, &filled.attr.dev_major, &filled.attr.dev_minor);
		if ((req->chain->want_attr & req->filters) &&
		    fs_node_stat(req->fs, node, &stx) == 0)
			frame_fill_attr(&filled.attr, &stx);
	}
	*ret_node = filled;
}

void frame_after(struct req *req)
{
	struct node *node = req->changed ? req->changed : req->entry.node;
	struct pst_node after = { 0 };
	struct statx stx = req->entry.attr.stx;

	if (node && (req->chain->exact & req->filters)) {
		after.nodeid = node->id;
		after.parent = atomic_load_explicit(&node->parent, memory_order_relaxed);
		if (!req->changed || fs_pin_stat(req->fs, node, &req->pin, &stx) == 0)
			frame_fill_attr(&after.attr, &stx);
	}
	frame_of(req)->after = after;
}

void frame_forgotten(struct req *req, struct node *node)
{
	struct pst_call *call = frame_of(req);

	memset(call, 0, FRAME_SIZE);
	call->opcode = FUSE_FORGET;
	call->node.nodeid = node->id;
	call->node.parent = atomic_load_explicit(&node->parent, memory_order_relaxed);
	call->node.attr.ino = node->ino;
	call->node.attr.mode = node->type;
	fs_node_device(req->fs, node, &call->node.attr.dev_major, &call->node.attr.dev_minor);
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
	name->pad = 0;
	memcpy(name->text, text, len + 1);
	return 0;
}

/* The file under the first name, before the operation. */
static void fill_child(struct req *req, struct pst_call *call)
{
	struct node *known = NULL;
	struct statx stx;

	if (!call->n_names || !req->msg.op->n_entries)
		return;
	if (fs_peek(req->fs, req->node, call->name[0].text, &stx, &known) < 0)
		return;
	frame_fill_attr(&call->child.attr, &stx);
	call->child.known = known != NULL;
	fs_node_put(req->fs, known);
}

/* What a RENAME puts its file in the place of. */
static void fill_replaced(struct req *req, struct pst_call *call)
{
	struct node *known = NULL;
	struct statx stx;

	if (call->n_names != 2 || fs_peek(req->fs, req->node2, call->name[1].text, &stx, &known) < 0)
		return;
	frame_fill_attr(&call->replaced, &stx);
	fs_node_put(req->fs, known);
}

/* -- out of reach ----------------------------------------------------------------------------- */

static int keep_names(struct req *req)
{
	unsigned int n = frame_n_names(&req->msg);

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
	} else if (frame_room_in(req)) {
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
	req->kept->uid = req->caller.uid;
	req->kept->gid = req->caller.gid;
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
	call->opcode = op_filter_opcode(req->msg.head->opcode);
	call->error = 0;
	call->unique = req->msg.head->unique;
	call->delay_us = call->n_events = call->n_asked = 0;
	fill_caller(req, call);
}

void frame_begin(struct req *req, bool look)
{
	struct pst_call *call = frame_of(req);
	size_t out_size;

	begin(req, call);
	fill_node(req, req->node, &call->node);
	fill_node(req, req->node2, &call->node2);
	call->n_names = frame_n_names(&req->msg);
	for (unsigned int i = 0; i < call->n_names; i++)
		fill_name(&call->name[i], req->kept->name[i]);
	call->in = req->kept->came;
	if (req->msg.head->opcode == FUSE_READDIRPLUS)
		call->in.read.read_flags |= PST_READ_PLUS;
	call->data_len = frame_room_in(req) ? (uint32_t)req->kept->data_len : 0;
	/* Also of what a program may answer by itself. */
	call->data_size = frame_room_in(req) ? frame_room_in(req) : frame_room_out(req);
	call->child = (struct pst_child){ 0 };
	call->replaced = (struct pst_attr){ 0 };
	if (look && (req->chain->want_child & req->filters)) {
		fill_child(req, call);
		fill_replaced(req, call);
	}
	frame_result_of(req->msg.head->opcode, &out_size);
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
	frame_fill_attr(&frame_of(req)->child.attr, stx);
}

static uint64_t cell_of(struct req *req, const struct link *link, const struct node *node)
{
	return link->cells && node ? link->cells[fs_node_number(req->fs, node)] : 0;
}

void frame_enter(struct req *req, const struct link *link)
{
	struct pst_call *call = frame_of(req);

	call->cell = cell_of(req, link, req->dir ? req->dir : req->node);
	call->cell2 = cell_of(req, link, req->node2);
	call->child.held = req->child.filters >> link->bit & 1;
	call->child.cell = link->cells ? req->child.cells[link->bit] : 0;
	call->child.known_cell = req->child.node && (req->child.node->filters >> link->bit & 1) ?
					 cell_of(req, link, req->child.node) :
					 0;
	if (req->child.node)
		call->child.known = 1;
	call->n_events = 0;
	call->note[0] = call->note[1] = 0;
	if (req->noted >> link->bit & 1)
		memcpy(call->note, req->kept->note[link->bit], sizeof(call->note));
}

void frame_leave(struct req *req, struct link *link)
{
	struct pst_call *call = frame_of(req);
	struct node *node = req->dir ? req->dir : req->node;
	uint64_t bit = 1ULL << link->bit;

	/* Whatever reads them from here on comes to an end. */
	for (int i = 0; i < PST_N_EVENTS; i++)
		call->event[i].what[PST_EVENT_SIZE - 1] = '\0';
	if (call->n_events > PST_N_EVENTS)
		call->n_events = PST_N_EVENTS;
	if (link->cells && node)
		link->cells[fs_node_number(req->fs, node)] = call->cell;
	req->child.cells[link->bit] = call->child.cell;
	req->noted &= ~bit;
	if (call->note[0] || call->note[1]) {
		memcpy(req->kept->note[link->bit], call->note, sizeof(call->note));
		req->noted |= bit;
	}
	/* A filter can be on a child only where it is on the directory. */
	if (!call->child.held) {
		if (req->child.filters & bit)
			atomic_store_explicit(&link->picks, true, memory_order_relaxed);
		req->child.filters &= ~bit;
	} else if (node && (node->filters & bit))
		req->child.filters |= bit;
}
