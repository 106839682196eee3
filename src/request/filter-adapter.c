// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The daemon's services for the filter core (filter/host.h). Copies a request to struct
 * filter_call, and the changes of programs from the call to the request. No locks.
 */
#include "request/filter-adapter.h"
#include "request/exact.h"
#include "ebpf/filter.h"
#include "filter/apply.h"
#include "filter/call-fill.h"
#include "filter/name-check.h"
#include "filter/place.h"
#include "request/served.h"
#include "request/shown.h"
#include "request/trace.h"
#include "util/cgroup.h"
#include "util/log.h"

#include <string.h>
#include <time.h>

#define MAX_DELAY_US  60000000u
#define DELAY_STEP_US 20000u

static struct req *req_of(const struct filter_call *call)
{
	return call->aux;
}

static struct fs *fs_of(const struct filter_call *call)
{
	return req_of(call)->fs;
}

void adapter_fill_attr(const struct statx *stx, struct pst_attr *ret_attr)
{
	*ret_attr = (struct pst_attr){
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

/* -- the table --------------------------------------------------------------------------------- */

static void fill_node(const struct filter_call *call, struct filter_node *filter, bool want_attr,
		      struct pst_node *ret_node)
{
	struct node *node = node_of_filter(filter);
	struct pst_attr *attr = &ret_node->attr;
	struct statx stx;

	*ret_node = (struct pst_node){
		.nodeid = node->id,
		.parent = atomic_load_explicit(&node->parent, memory_order_relaxed),
		.attr = { .ino = node->ino, .mode = node->type },
	};
	fs_node_device(fs_of(call), node, &attr->dev_major, &attr->dev_minor);
	if (want_attr && fs_node_stat(fs_of(call), node, &stx) == 0)
		adapter_fill_attr(&stx, attr);
}

static int peek(const struct filter_call *call, struct filter_node *dir, const char *name,
		struct pst_attr *ret_attr, struct filter_node **ret_node)
{
	struct node *node = NULL;
	struct statx stx;
	int r = fs_peek(fs_of(call), node_of_filter(dir), name, &stx, &node);

	if (r < 0)
		return r;
	adapter_fill_attr(&stx, ret_attr);
	if (node)
		*ret_node = &node->filter;
	return 0;
}

static void put_node(const struct filter_call *call, struct filter_node *filter)
{
	if (filter)
		fs_node_put(fs_of(call), node_of_filter(filter));
}

static int real_name(const struct filter_call *call, struct filter_node *dir, const char *name,
		     char ret_real[PST_NAME_SIZE])
{
	static_assert(FS_NAME_SIZE == PST_NAME_SIZE, "names have one size");

	return fs_real_name(fs_of(call), node_of_filter(dir), name, ret_real);
}

port_atomic_u64 *adapter_cell(struct fs *fs, const struct chain_entry *entry, struct node *node)
{
	port_atomic_u64 *cells = entry->cells;

	return &cells[fs_node_number(fs, node)];
}

static port_atomic_u64 *cell(const struct filter_call *call, const struct chain_entry *entry,
			     struct filter_node *filter, bool make)
{
	return adapter_cell(fs_of(call), entry, node_of_filter(filter));
}

static void filters_changed(const struct filter_call *call, struct filter_node *filter,
			    uint64_t changed)
{
	fs_filters_changed(fs_of(call), node_of_filter(filter), changed);
}

static void rename_begins(struct filter_call *call)
{
	struct req *req = req_of(call);

	if (!req->renaming)
		req->host->n_renaming++;
	req->renaming = true;
}

void adapter_rename_end(struct req *req)
{
	if (!req->renaming)
		return;
	req->host->n_renamed++;
	req->host->n_renaming--;
	req->renaming = false;
}

void adapter_lookup_begin(struct req *req)
{
	req->n_renamed = req->host->n_renamed;
}

static bool renamed_since(const struct filter_call *call)
{
	const struct req *req = req_of(call);

	return req->host->n_renaming || req->host->n_renamed != req->n_renamed;
}

static int run(struct filter_call *call, const struct chain_entry *entry, enum filter_kind kind,
	       uint32_t opcode, struct pst_ctx *ctx, int *ret_verdict)
{
	(void)call;
	/* The program would see the slot of another request. */
	assert(req_of(call)->slot.in_map);
	return filter_run(entry->filter, kind, opcode, ctx, ret_verdict);
}

/* Counts an invalid result of a program, and logs the first one of each filter and operation. */
static void bad(struct filter_call *call, const struct chain_entry *entry, enum filter_kind kind,
		uint32_t opcode, const char *what, int error)
{
	struct filter_count count;

	(void)call;
	if (!error)
		filter_count_bad(entry->filter, kind, opcode);
	filter_stat(entry->filter, kind, opcode, &count);
	if (count.n_bad != 1)
		return;
	log_error("filter %s: its program %s%s %s%s%s%s; the operation failed with EIO. Further "
		  "failures are counted (`penstock filter stat`), not logged",
		  entry->facts->name, filter_kind_name(kind), filter_kind_op(kind, opcode), what,
		  error ? " (" : "", error ? strerror(-error) : "", error ? ")" : "");
}

static bool may_serve(const struct filter_call *call, const struct chain_entry *entry)
{
	/* A request without a node is a check of a name outside of any operation. */
	return !req_of(call)->node || serve_has_callback(req_of(call), call->opcode);
}

static const struct filter_host host = {
	.fill_node = fill_node,
	.peek = peek,
	.put_node = put_node,
	.real_name = real_name,
	.cell = cell,
	.filters_changed = filters_changed,
	.rename_begins = rename_begins,
	.renamed_since = renamed_since,
	.run = run,
	.bad = bad,
	.may_serve = may_serve,
	.event = trace_event,
};

void adapter_init(struct req *req, unsigned int slot_number)
{
	req->call = (struct filter_call){
		.host = &host,
		.aux = req,
		.slot = (struct pst_call *)req->slot.base,
		.slot_number = slot_number,
		.slot_room = (uint32_t)req->slot.data_size,
		.saved = &req->saved->call,
	};
}

/* -- before ------------------------------------------------------------------------------------ */

void adapter_begin(struct req *req)
{
	struct filter_call *call = &req->call;

	call->chain = req->chain;
	call->op = req->msg.op;
	call->opcode = req->msg.head->opcode;
	call->node = node_filter(req->node);
	call->node2 = node_filter(req->node2);
	call->filters = chain_asked(call->chain, call->opcode, call->node, call->node2);
}

static void fill_call(struct req *req)
{
	struct filter_call *call = &req->call;
	const struct wire_msg *msg = &req->msg;

	call->type = req->node ? req->node->type : 0;
	call->type2 = req->node2 ? req->node2->type : 0;
	call->unique = msg->head->unique;
	call->caller = (struct pst_caller){
		.uid = req->caller.uid,
		.gid = req->caller.gid,
		.pid = req->caller.pid,
	};
	if (call->chain->want_cgroup & call->filters)
		call->caller.cgroup = cgroup_of(req->caller.pid);
	call->arg = msg->arg;
	call->name[0] = msg->name[0];
	call->name[1] = msg->name[1];
	call->data = msg->data;
	call->data_len = msg->data_len;
}

void adapter_delay(struct req *req, const struct filter_call *call)
{
	uint64_t us = (uint64_t)req->delay_us + call->delay_us;

	req->delay_us = us < MAX_DELAY_US ? (uint32_t)us : MAX_DELAY_US;
}

void adapter_wait(struct req *req)
{
	while (req->delay_us && !req->host->stopping) {
		uint32_t step = req->delay_us < DELAY_STEP_US ? req->delay_us : DELAY_STEP_US;
		struct timespec pause = { .tv_nsec = (long)step * 1000 };

		nanosleep(&pause, NULL);
		req->delay_us -= step;
	}
	req->delay_us = 0;
}

int adapter_answer_setattr(struct req *req)
{
	struct fs_attr attr;
	int r = fs_getattr(req->fs, req->node, req->handle, &attr);

	if (r < 0)
		return r;
	encode_attr_out(&attr.stx, attr.attr_ns, req_out(req, sizeof(struct fuse_attr_out)));
	return APPLY_DONE;
}

/* Copies the changes, or the reply, of pre programs from the call to the request. */
static void take_before(struct req *req, int r)
{
	const struct filter_call *call = &req->call;

	req->caller.uid = call->caller.uid;
	req->caller.gid = call->caller.gid;
	if (call->op->data_unit)
		req->msg.data_len = call->data_len;
	if (r != APPLY_DONE)
		return;
	req->out_len = call->out_len;
	req->data = slot_data(&req->slot);
	req->data_len = call->answer_len;
}

/*
 * Finds out if a program for names sends a LOOKUP to the program of the view. These programs decide
 * about the name only after the lookup, so here their other results are dropped.
 */
static void ask_names_to_serve(struct req *req)
{
	struct filter_call *call = &req->call;

	if (!req->host->served || call->op->effect != OP_FINDS)
		return;
	name_check(call, call->node, call->name[0], NAME_FIND, NULL);
	call->decided = 0;
	call->delay_us = 0;
}

int adapter_before(struct req *req)
{
	struct filter_call *call = &req->call;
	int r, names;

	fill_call(req);
	r = call_fill_save(call);
	/* From here on programs cannot change the names, and find the data in the slot. */
	req->msg.name[0] = call->name[0];
	req->msg.name[1] = call->name[1];
	req->msg.data = call->data;
	if (r < 0)
		return r;
	if (call->op->effect == OP_FINDS)
		adapter_lookup_begin(req);
	/* True without a verdict of filters, too, if the program answers the operation anyway. */
	call->serve = req->host->served && serve_wants(req);
	names = name_check_call(call);
	if (names == 0)
		ask_names_to_serve(req);
	if (names == 0)
		exact_lock(req->host->exact, req);
	r = apply_before(call, names);
	take_before(req, r);
	shown_check_made(req);
	adapter_delay(req, call);
	return r;
}

/* -- after ------------------------------------------------------------------------------------- */

int adapter_found(struct req *req, int r)
{
	struct filter_call *call = &req->call;
	struct node *node = req->entry.node;
	struct pst_attr attr;
	int found;

	req_move_in(req);
	if (node)
		adapter_fill_attr(&req->entry.attr.stx, &attr);
	found = apply_found(call, r, node_filter(node), node ? &attr : NULL);
	if (found < 0 && node) {
		fs_node_put(req->fs, node);
		req->entry = (struct fs_entry){ 0 };
	}
	return found;
}

void adapter_fill_after(const struct filter_call *call, struct node *node, const struct statx *stx,
			struct pst_node *ret_after)
{
	*ret_after = (struct pst_node){ 0 };
	if (!node || !(call->chain->exact & call->filters))
		return;
	ret_after->nodeid = node->id;
	ret_after->parent = atomic_load_explicit(&node->parent, memory_order_relaxed);
	if (stx)
		adapter_fill_attr(stx, &ret_after->attr);
}

static void fill_after(struct req *req, struct pst_node *ret_after)
{
	struct statx stx;
	bool known;

	if (!req->changed) {
		adapter_fill_after(&req->call, req->entry.node, &req->entry.attr.stx, ret_after);
		return;
	}
	known = fs_pin_stat(req->fs, req->changed, &req->pin, &stx) == 0;
	adapter_fill_after(&req->call, req->changed, known ? &stx : NULL, ret_after);
}

/* Returns the attributes in the slot of the file that an operation changes, from before it. */
static struct pst_attr *attr_before(struct req *req)
{
	struct pst_call *slot = req->call.slot;

	switch (req->msg.op->effect) {
	case OP_LINKS:
		return &slot->node2.attr;
	case OP_REMOVES:
		return &slot->child.attr;
	case OP_RENAMES:
		return &slot->replaced;
	}
	return &slot->node.attr;
}

void adapter_look_again(struct req *req)
{
	struct statx stx;

	if (fs_pin_stat(req->fs, req->changed, &req->pin, &stx) == 0)
		adapter_fill_attr(&stx, attr_before(req));
}

int adapter_after(struct req *req, int r)
{
	struct filter_call *call = &req->call;
	bool found = r == 0 && req->entry.node;
	struct pst_attr attr;
	struct pst_node after;

	if (!apply_asks_after(call))
		return r;
	req_move_in(req);
	if (found)
		adapter_fill_attr(&req->entry.attr.stx, &attr);
	fill_after(req, &after);
	/* The program has answered: the view itself has changed nothing. */
	if (req->unlocked && after.attr.mode)
		*attr_before(req) = after.attr;
	call->out_len = req->out_len;
	call->answer_len = req->data_len;
	r = apply_after(call, r, found ? &attr : NULL, &after);
	req->out_len = call->out_len;
	req->data = slot_data(&req->slot);
	req->data_len = call->answer_len;
	if (r == 0)
		shown_check(req);
	return r;
}

void adapter_place(struct req *req, struct node *node)
{
	place_give(&req->call, &node->filter, &req->call.child);
}
