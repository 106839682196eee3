// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Requests from bytes. The kernel is trusted to be the kernel, but the same code checks what
 * filters have changed and what tests and fuzzers invent; so nothing is believed that can be
 * checked: no pointer of a message leads outside its buffer, whatever the buffer holds.
 */
#include "wire/msg.h"

#include <string.h>

/* What is left of a request, front to back. */
struct cursor {
	char *at;
	size_t left;
};

static char *cursor_take(struct cursor *c, size_t len)
{
	char *taken = c->at;

	if (len > c->left)
		return NULL;
	c->at += len;
	c->left -= len;
	return taken;
}

static const char *cursor_take_name(struct cursor *c)
{
	char *end = c->left ? memchr(c->at, 0, c->left) : NULL;

	return end ? cursor_take(c, (size_t)(end - c->at) + 1) : NULL;
}

/* How many bytes of data the argument announces. */
static size_t announced(const struct wire_msg *msg)
{
	const uint32_t *n = (const uint32_t *)((const char *)msg->arg + msg->op->data_len.at);

	return (size_t)msg->op->data_unit * *n;
}

/* Names, data and extensions: what all transports have in one piece. */
static int decode_payload(struct cursor *c, struct wire_msg *msg)
{
	size_t ext_len = (size_t)msg->head->total_extlen * 8;

	if (ext_len && (msg->op->flags & OP_EXTENDED)) {
		if (ext_len > c->left)
			return WIRE_E_BAD;
		c->left -= ext_len;
		msg->ext = c->at + c->left;
		msg->ext_len = ext_len;
	}
	for (int i = 0; i < msg->op->n_names; i++) {
		msg->name[i] = cursor_take_name(c);
		if (!msg->name[i])
			return WIRE_E_BAD;
	}
	if (msg->op->data_unit) {
		msg->data_len = announced(msg);
		msg->data = cursor_take(c, msg->data_len);
		if (!msg->data)
			return WIRE_E_BAD;
	} else {
		/* INIT has grown and may grow again: what lies beyond the part we know. */
		msg->data = c->at;
		msg->data_len = c->left;
	}
	return 0;
}

int wire_decode(void *buf, size_t len, struct wire_msg *ret_msg)
{
	struct cursor c = { .at = buf, .left = len };
	struct wire_msg msg = { 0 };
	int r;

	msg.head = (struct fuse_in_header *)cursor_take(&c, sizeof(*msg.head));
	if (!msg.head)
		return WIRE_E_SHORT;
	ret_msg->head = msg.head;
	if (msg.head->len != len)
		return WIRE_E_BAD;
	msg.op = op_find(msg.head->opcode);
	if (!msg.op)
		return WIRE_E_UNKNOWN;
	msg.arg = cursor_take(&c, msg.op->arg_size);
	if (!msg.arg)
		return WIRE_E_BAD;
	r = decode_payload(&c, &msg);
	if (r)
		return r;
	*ret_msg = msg;
	return 0;
}

int wire_decode_parts(struct fuse_in_header *head, void *arg, size_t arg_len, char *payload,
		      size_t payload_len, struct wire_msg *ret_msg)
{
	struct cursor c = { .at = payload, .left = payload_len };
	struct wire_msg msg = { .head = head, .arg = arg };
	int r;

	ret_msg->head = head;
	msg.op = op_find(head->opcode);
	if (!msg.op)
		return WIRE_E_UNKNOWN;
	if (arg_len < msg.op->arg_size)
		return WIRE_E_BAD;
	r = decode_payload(&c, &msg);
	if (r)
		return r;
	*ret_msg = msg;
	return 0;
}

bool wire_ext_group(const struct wire_msg *msg, uint32_t *ret_gid)
{
	size_t at = 0;

	while (msg->ext_len - at >= sizeof(struct fuse_ext_header)) {
		struct fuse_ext_header head;
		struct fuse_supp_groups groups;

		memcpy(&head, msg->ext + at, sizeof(head));
		if (head.size < sizeof(head) || head.size > msg->ext_len - at)
			return false;
		if (head.type == FUSE_EXT_GROUPS &&
		    head.size >= sizeof(head) + sizeof(groups) + sizeof(uint32_t)) {
			memcpy(&groups, msg->ext + at + sizeof(head), sizeof(groups));
			if (groups.nr_groups == 0)
				return false;
			memcpy(ret_gid, msg->ext + at + sizeof(head) + sizeof(groups),
			       sizeof(*ret_gid));
			return true;
		}
		if (FUSE_REC_ALIGN(head.size) > msg->ext_len - at)
			return false;
		at += FUSE_REC_ALIGN(head.size);
	}
	return false;
}
