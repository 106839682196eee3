// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Decodes requests. The kernel can be trusted, but this code also decodes requests that filters
 * have changed and that fuzzers invent. So it checks every length: whatever the bytes of the buffer
 * are, no pointer of the decoded message leads outside the buffer. No state, no locks.
 */
#include "wire/msg.h"

#include <string.h>

/* The part of a request that is not decoded yet. */
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

/* Returns the number of bytes of data, as a member of the argument gives it. */
static size_t announced(const struct wire_msg *msg)
{
	const uint32_t *n = (const uint32_t *)((const char *)msg->arg + msg->op->data_len.at);

	return (size_t)msg->op->data_unit * *n;
}

/* Decodes names, data and extensions, which lie next to each other in all transports. */
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
		/* For INIT, these are the members that newer kernels add to the argument. */
		msg->data = c->at;
		msg->data_len = c->left;
	}
	return 0;
}

int wire_decode(void *buf, size_t len, struct wire_msg *ret_msg)
{
	struct cursor c = { .at = buf, .left = len };

	*ret_msg = (struct wire_msg){ .head = (void *)cursor_take(&c, sizeof(*ret_msg->head)) };
	if (!ret_msg->head)
		return WIRE_E_SHORT;
	ret_msg->op = op_find(ret_msg->head->opcode);
	if (ret_msg->head->len != len)
		return WIRE_E_BAD;
	if (!ret_msg->op)
		return WIRE_E_UNKNOWN;
	ret_msg->arg = cursor_take(&c, ret_msg->op->arg_size);
	return ret_msg->arg ? decode_payload(&c, ret_msg) : WIRE_E_BAD;
}

int wire_decode_parts(struct fuse_in_header *head, void *arg, size_t arg_len, char *payload,
		      size_t payload_len, struct wire_msg *ret_msg)
{
	struct cursor c = { .at = payload, .left = payload_len };

	*ret_msg = (struct wire_msg){ .head = head, .arg = arg, .op = op_find(head->opcode) };
	if (!ret_msg->op)
		return WIRE_E_UNKNOWN;
	return arg_len < ret_msg->op->arg_size ? WIRE_E_BAD : decode_payload(&c, ret_msg);
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
