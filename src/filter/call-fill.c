// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Fills a slot (struct pst_call of the filter ABI) with an operation.
 *
 * The argument, the names and the result of the operation are copied into the slot, to places that
 * do not depend on the transport. Data of reads and writes is there already; short data of a
 * request (the text of a link, the value of an attribute) is moved to the place of data.
 */
#include "filter/call-fill.h"
#include "filter/name.h"

/* -- members of arguments --------------------------------------------------------------------- */

uint64_t call_member(const union pst_in *in, struct op_member member)
{
	uint64_t wide;
	uint32_t narrow;

	if (member.len == sizeof(wide)) {
		memcpy(&wide, in->bytes + member.at, sizeof(wide));
		return wide;
	}
	if (!member.len)
		return 0;
	memcpy(&narrow, in->bytes + member.at, sizeof(narrow));
	return narrow;
}

static uint32_t at_most(const struct filter_call *call, uint64_t asked)
{
	return asked < call->slot_room ? (uint32_t)asked : call->slot_room;
}

uint32_t call_room_out(const struct filter_call *call)
{
	const struct op *op = call->op;

	return at_most(call,
		       op->room.len ? call_member(&call->saved->orig, op->room) : op->room_max);
}

uint32_t call_room_in(const struct filter_call *call)
{
	const struct op *op = call->op;

	/* A filter may shorten the data of a WRITE, but not add to it. */
	if (op->data_max == OP_SAME_SIZE)
		return at_most(call, call_member(&call->saved->orig, op->data_len));
	return at_most(call, op->data_max);
}

bool call_answers_data(const struct filter_call *call)
{
	const struct op *op = call->op;

	return op->answer == OP_ANSWER_VALUE ? call_member(&call->saved->orig, op->room) != 0 :
					       op->answer != OP_ANSWER_NONE;
}

bool call_has_text(const struct op *op)
{
	return op->data_max && !op->data_unit;
}

void call_begin(struct filter_call *call, const struct chain *chain, uint32_t opcode)
{
	const size_t constant = offsetof(struct filter_call, chain);

	/* Not &call->chain: the kernel's memset() warns if a member is smaller than the size. */
	memset((char *)call + constant, 0, sizeof(*call) - constant);
	call->chain = chain;
	call->opcode = opcode;
	call->op = op_find(opcode);
}

/* -- out of the reach of programs -------------------------------------------------------------- */

int call_save_name(char saved[PST_NAME_SIZE], const char *name)
{
	size_t len = strnlen(name, PST_NAME_SIZE);
	bool fits = len < PST_NAME_SIZE;

	if (fits)
		memcpy(saved, name, len);
	saved[fits ? len : 0] = '\0';
	return fits ? 0 : -ENAMETOOLONG;
}

static int save_names(struct filter_call *call)
{
	unsigned int i, n = call->op->n_call_names;

	for (i = 0; i < n; i++) {
		char *saved = call->saved->name[i];

		/* The names of requests were saved, and checked, before. */
		if (call->name[i] == saved)
			continue;
		if (call_save_name(saved, call->name[i]) < 0)
			return -ENAMETOOLONG;
		call->name[i] = saved;
		if (i < call->op->n_entries && !filter_name_ok(saved, call->op->flags & OP_DOTS))
			return -EINVAL;
	}
	/* The name of a TMPFILE has no meaning, but must not stay where programs can write. */
	for (; i < call->op->n_names && !call_has_text(call->op); i++)
		call->name[i] = "";
	return 0;
}

/*
 * Moves the data of the request to the place of data. Names, which may lie there, were saved
 * before. Returns 0 or -ENAMETOOLONG.
 */
static int place_data(struct filter_call *call)
{
	uint32_t most = call->op->data_max;
	char *data = call->slot->data;

	if (call_has_text(call->op)) {
		/* Programs can write over the NUL that was there when the request was decoded. */
		call->data_len = strnlen(call->name[1], most + 1);
		if (call->data_len > most)
			return -ENAMETOOLONG;
		memmove(data, call->name[1], call->data_len);
		data[call->data_len] = '\0';
		call->name[1] = data;
	} else if (call_room_in(call)) {
		if (call->data != data)
			memmove(data, call->data, call->data_len);
		call->data = data;
	}
	return 0;
}

int call_fill_save(struct filter_call *call)
{
	struct filter_saved *saved = call->saved;
	size_t size = call->op->arg_size, seen = call_in_size(call);
	int r;

	/* The daemon passes saved->cur as call->arg, so saved->cur is written last. */
	if (size) {
		memcpy(&saved->orig, call->arg, size);
		/* The argument of RENAME is the beginning of that of RENAME2. */
		if (size < seen)
			memset(saved->orig.bytes + size, 0, seen - size);
		memcpy(&saved->cur, &saved->orig, seen);
	}
	call->uid = call->caller.uid;
	call->gid = call->caller.gid;
	r = save_names(call);
	return r == 0 ? place_data(call) : r;
}

/* -- before ----------------------------------------------------------------------------------- */

static void fill_node(struct filter_call *call, struct filter_node *node, struct pst_node *ret_node)
{
	if (node)
		call->host->fill_node(call, node, call->chain->want_attr & call->filters, ret_node);
	else
		*ret_node = (struct pst_node){ 0 };
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

/* Fills the attributes of the file under a name. Returns whether the kernel knows the file. */
static bool fill_file(struct filter_call *call, struct filter_node *dir, const char *name,
		      struct pst_attr *ret_attr)
{
	struct filter_node *known = NULL;
	struct pst_attr attr;

	if (call->host->peek(call, dir, name, &attr, &known) < 0)
		return false;
	*ret_attr = attr;
	call->host->put_node(call, known);
	return known;
}

static void fill_head(struct filter_call *call)
{
	struct pst_call *slot = call->slot;

	slot->opcode = call_filter_opcode(call);
	slot->error = 0;
	slot->unique = call->unique;
	slot->delay_us = slot->n_events = slot->n_asked = 0;
	slot->caller = call->caller;
	call->delay_us = 0;
}

static void fill_asked(struct filter_call *call, const union pst_in *in)
{
	struct pst_call *slot = call->slot;

	memset(&slot->in, 0, sizeof(slot->in));
	if (call->op->arg_size)
		memcpy(&slot->in, in, call_in_size(call));
	if (call->opcode == FUSE_READDIRPLUS)
		slot->in.read.read_flags |= PST_READ_PLUS;
	for (unsigned int i = 0; i < call->op->n_call_names; i++)
		fill_name(&slot->name[i], call->saved->name[i]);
}

void call_fill(struct filter_call *call, bool look)
{
	const struct filter_saved *saved = call->saved;
	const struct op *op = call->op;
	struct pst_call *slot = call->slot;
	uint32_t room_in = call_room_in(call);

	fill_head(call);
	fill_node(call, call->node, &slot->node);
	fill_node(call, call->node2, &slot->node2);
	slot->n_names = op->n_call_names;
	fill_asked(call, &saved->orig);
	slot->data_len = room_in ? (uint32_t)call->data_len : 0;
	/* If the request has no data, data_size is the room for the reply of a pre program. */
	slot->data_size = room_in ? room_in : call_room_out(call);
	slot->child = (struct pst_child){ 0 };
	slot->replaced = (struct pst_attr){ 0 };
	if (look && (call->chain->want_child & call->filters)) {
		if (op->n_entries)
			slot->child.known =
				fill_file(call, call->node, saved->name[0], &slot->child.attr);
		if (op->n_entries == 2)
			fill_file(call, call->node2, saved->name[1], &slot->replaced);
	}
}

void call_fill_before(struct filter_call *call, bool look)
{
	call_fill(call, look);
	memset(&call->slot->out, 0, call->op->result_size);
}

void call_fill_again(struct filter_call *call, bool look)
{
	uint32_t delay_us = call->delay_us;

	call_fill(call, look);
	fill_asked(call, &call->saved->cur);
	call->delay_us = call->slot->delay_us = delay_us;
}

int call_fill_name(struct filter_call *call, struct filter_node *dir, const char *name)
{
	struct pst_call *slot = call->slot;

	fill_head(call);
	fill_node(call, dir, &slot->node);
	slot->node2 = (struct pst_node){ 0 };
	slot->n_names = 1;
	slot->data_len = 0;
	slot->child = (struct pst_child){ 0 };
	return fill_name(&slot->name[0], name);
}

void call_fill_forgotten(struct filter_call *call, struct filter_node *node)
{
	struct pst_call *slot = call->slot;

	memset(slot, 0, offsetof(struct pst_call, scratch));
	slot->opcode = FUSE_FORGET;
	call->host->fill_node(call, node, false, &slot->node);
	/* Used for its cells only. Taking a reference now would lead to a use after free. */
	call->dir = node;
}

/* -- after ------------------------------------------------------------------------------------ */

void call_fill_result(struct filter_call *call, int r, const struct pst_attr *found,
		      const struct pst_node *after)
{
	struct pst_call *slot = call->slot;

	/* The program that has decided the operation may have changed these before. */
	if (r < 0 || call->decided) {
		fill_asked(call, &call->saved->cur);
		slot->caller = call->caller;
	}
	slot->error = r;
	if (call->op->answer) {
		slot->data_len = r == 0 && call_answers_data(call) ? (uint32_t)call->answer_len : 0;
		slot->data_size = call_room_out(call);
	}
	if (r == 0)
		memcpy(&slot->out, &call->saved->out, call->out_len);
	else
		memset(&slot->out, 0, call->op->result_size);
	if (found)
		slot->child.attr = *found;
	slot->after = after ? *after : (struct pst_node){ 0 };
}
