// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Applies the changes that a program has left in a slot, or refuses all of them. No locks.
 *
 * Programs must not change the numbers of nodes, handles and backing files, and must not make
 * lengths exceed the room of the kernel. The limits come from the request as it arrived, never from
 * the slot. Each member of the slot is fetched once (filter/call.h).
 */
#include "filter/call-validate.h"
#include "filter/call-fill.h"
#include "filter/name.h"
#include "filter/records.h"

/* -- changes of pre programs ------------------------------------------------------------------ */

static bool member_kept(const union pst_in *now, const union pst_in *then, struct op_member member)
{
	return memcmp(now->bytes + member.at, then->bytes + member.at, member.len) == 0;
}

/* Returns whether the members that filters must not change are those of the request. */
static bool members_kept(const struct filter_call *call, const union pst_in *now)
{
	const struct op_member word = { call->op->bits_at, sizeof(uint32_t) };
	const union pst_in *then = &call->saved->orig;
	const struct op *op = call->op;

	if (!member_kept(now, then, op->fh) || !member_kept(now, then, op->node2) ||
	    !member_kept(now, then, op->fh2) || !member_kept(now, then, op->fixed))
		return false;
	if (!op->bits)
		return true;
	return !((call_member(now, word) ^ call_member(then, word)) & ~(uint64_t)op->bits);
}

/* Returns whether the argument asks for no more data than the kernel has room for. */
static bool room_ok(const struct filter_call *call, const union pst_in *now)
{
	const struct op *op = call->op;
	uint64_t is = call_member(now, op->room), was = call_member(&call->saved->orig, op->room);

	return is <= was && (op->answer != OP_ANSWER_VALUE || !is == !was);
}

/* Refuses the ID -1, which means "unchanged" to system calls. */
static bool caller_ok(const struct filter_call *call, uint32_t uid, uint32_t gid)
{
	return (uid != UINT32_MAX || call->caller.uid == UINT32_MAX) &&
	       (gid != UINT32_MAX || call->caller.gid == UINT32_MAX);
}

/* Copies a name out of the slot to saved->left. Returns false if it is invalid. */
static bool fetch_name(struct filter_call *call, unsigned int i)
{
	const char *text = call->slot->name[i].text;
	size_t len = strnlen(text, PST_NAME_SIZE);
	char *left = call->saved->left[i];

	if (len == PST_NAME_SIZE)
		return false;
	port_fetch(left, text, len);
	left[len] = '\0';
	return i < call->op->n_entries ? filter_name_ok(left, call->op->flags & OP_DOTS) : *left;
}

static bool fetch_names(struct filter_call *call)
{
	for (unsigned int i = 0; i < call->op->n_call_names; i++)
		if (!fetch_name(call, i))
			return false;
	return true;
}

/* Makes the copied names those of the operation. */
static void take_names(struct filter_call *call)
{
	for (unsigned int i = 0; i < call->op->n_call_names; i++) {
		char *name = call->saved->name[i], *left = call->saved->left[i];
		size_t len = strlen(left);

		call->slot->name[i].len = (uint32_t)len;
		if (strcmp(name, left) == 0)
			continue;
		call->names_changed = true;
		memcpy(name, left, len + 1);
	}
}

static bool is_written_back(const struct filter_call *call)
{
	return call->op->data_max == OP_SAME_SIZE &&
	       (call->saved->orig.write.write_flags & FUSE_WRITE_CACHE);
}

static void set_data_len(const struct op *op, union pst_in *in, uint32_t len)
{
	memcpy(in->bytes + op->data_len.at, &len, sizeof(len));
}

static bool take_data(struct filter_call *call, union pst_in *in)
{
	struct pst_call *slot = call->slot;
	uint32_t len = port_read_once(slot->data_len), room = call_room_in(call);

	if (!room)
		return true;
	if (len > room)
		return false;
	if (call_has_text(call->op)) {
		if (!len || memchr(slot->data, 0, len))
			return false;
		slot->data[len] = '\0';
	} else {
		/*
		 * When the kernel writes pages back, it ignores the length of the reply: shortened
		 * data would be lost.
		 */
		if (is_written_back(call) && len < call->saved->orig.write.size)
			return false;
		set_data_len(call->op, in, len);
		set_data_len(call->op, &slot->in, len);
	}
	call->data_len = len;
	return true;
}

bool call_validate_request(struct filter_call *call)
{
	uint32_t uid = port_read_once(call->slot->caller.uid);
	uint32_t gid = port_read_once(call->slot->caller.gid);
	size_t size = call_in_size(call);
	union pst_in in port_uninitialized;

	port_fetch(&in, &call->slot->in, size);
	if (!members_kept(call, &in) || !room_ok(call, &in) || !caller_ok(call, uid, gid) ||
	    !fetch_names(call) || !take_data(call, &in))
		return false;
	take_names(call);
	memcpy(&call->saved->cur, &in, size);
	call->caller.uid = uid;
	call->caller.gid = gid;
	return true;
}

/* -- changes of post programs ----------------------------------------------------------------- */

/* The kernel refuses an inode with a larger size. */
static bool size_ok(uint64_t size)
{
	return size <= INT64_MAX;
}

/* Returns whether an entry still has the same file of the same type, or still no file. */
static bool entry_kept(const struct fuse_entry_out *now, const struct fuse_entry_out *then)
{
	return now->nodeid == then->nodeid && now->generation == then->generation &&
	       (now->attr.mode & S_IFMT) == (then->attr.mode & S_IFMT) && size_ok(now->attr.size);
}

static bool open_kept(const struct fuse_open_out *now, const struct fuse_open_out *then)
{
	return now->fh == then->fh && now->open_flags == then->open_flags &&
	       now->backing_id == then->backing_id;
}

static bool count_ok(const struct filter_call *call, uint64_t count)
{
	const union pst_in *came = &call->saved->orig;

	if (is_written_back(call) && count < came->write.size)
		return false;
	return count <= (call->op->fh2.len ? came->copy.len : came->write.size);
}

/* Returns whether the result has a file: only the engine can look up and open files. */
static bool has_file(const struct op *op)
{
	return op->result == OP_RESULT_ENTRY || op->result == OP_RESULT_CREATE ||
	       op->result == OP_RESULT_OPEN;
}

/* The results with a file. */
union file_result {
	struct fuse_entry_out entry;
	struct pst_create_out create;
	struct fuse_open_out open;
};

/* then: the result before the change, if it has a file. */
static bool result_ok(const struct filter_call *call, const union file_result *then)
{
	const union pst_out *now = &call->saved->out;

	switch (call->op->result) {
	case OP_RESULT_ENTRY:
		return entry_kept(&now->entry, &then->entry);
	case OP_RESULT_CREATE:
		return entry_kept(&now->create.entry, &then->create.entry) &&
		       open_kept(&now->create.open, &then->create.open);
	case OP_RESULT_OPEN:
		return open_kept(&now->open, &then->open);
	case OP_RESULT_ATTR:
		return (now->attr.attr.mode & S_IFMT) == call->type && size_ok(now->attr.attr.size);
	case OP_RESULT_STATX:
		return (now->statx.stat.mode & S_IFMT) == call->type &&
		       size_ok(now->statx.stat.size);
	case OP_RESULT_COUNT:
		return count_ok(call, now->write.size);
	case OP_RESULT_COUNT_64:
		return count_ok(call, now->copy.bytes_copied);
	default:
		return true;
	}
}

static bool data_ok(struct filter_call *call)
{
	switch (call->op->answer) {
	case OP_ANSWER_LIST:
		return records_validate(call);
	case OP_ANSWER_TEXT:
		return call->answer_len && !memchr(call->slot->data, 0, call->answer_len);
	default:
		return true;
	}
}

/* A result that is refused is not used: the operation fails. */
bool call_validate_result(struct filter_call *call)
{
	union file_result then port_uninitialized;

	if (call_answers_data(call)) {
		uint32_t len = port_read_once(call->slot->data_len);

		if (len > call_room_out(call))
			return false;
		call->answer_len = len;
		if (!data_ok(call))
			return false;
	}
	if (has_file(call->op))
		memcpy(&then, &call->saved->out, sizeof(then));
	port_fetch(&call->saved->out, &call->slot->out, call->out_len);
	return result_ok(call, &then);
}

bool call_validate_answer(struct filter_call *call)
{
	const struct op *op = call->op;

	if (has_file(op))
		return false;
	call->out_len = op->result_size;
	if (op->answer == OP_ANSWER_VALUE && !call_answers_data(call))
		call->out_len = sizeof(struct fuse_getxattr_out);
	return call_validate_result(call);
}

static bool name_kept(const struct filter_call *call, unsigned int i)
{
	return strncmp(call->slot->name[i].text, call->saved->name[i], PST_NAME_SIZE) == 0;
}

bool call_validate_unasked(struct filter_call *call, const union pst_in *in)
{
	struct pst_call *slot = call->slot;
	bool kept = memcmp(&slot->in, in, sizeof(*in)) == 0;

	for (unsigned int i = 0; i < call->op->n_call_names; i++)
		kept = kept && name_kept(call, i);
	if (kept)
		return true;
	slot->in = *in;
	for (unsigned int i = 0; i < call->op->n_call_names; i++)
		memcpy(slot->name[i].text, call->saved->name[i], strlen(call->saved->name[i]) + 1);
	return false;
}
