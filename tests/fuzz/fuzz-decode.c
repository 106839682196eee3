// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Fuzzes the decoder of requests: for any bytes, all parts of a message must be inside of them, and
 * both layouts (one piece; header, argument and payload apart) must give the same message.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "util/cleanup.h"
#include "wire/init.h"
#include "filter/name.h"
#include "wire/msg.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static volatile uint64_t sink;

/* Reads each byte, so that the sanitizer reports bytes outside of the message. */
static void touch(const char *data, size_t len)
{
	for (size_t i = 0; i < len; i++)
		sink += data[i];
}

static void touch_all(const struct wire_msg *msg)
{
	char line[200];
	uint32_t gid;

	touch(msg->arg, msg->op->arg_size);
	for (size_t i = 0; i < 2; i++) {
		if (!msg->name[i])
			continue;
		touch(msg->name[i], strlen(msg->name[i]));
		sink += filter_name_ok(msg->name[i], msg->op->flags & OP_DOTS);
	}
	touch(msg->data, msg->data_len);
	touch(msg->ext, msg->ext_len);
	if (wire_ext_group(msg, &gid))
		sink += gid;
	wire_print(msg, line, sizeof(line));
	assert(memchr(line, 0, sizeof(line)));
}

static void negotiate(const struct wire_msg *msg)
{
	const struct init_request wants = { .max_write = 1 << 20, .max_stack_depth = 1 };
	struct fuse_init_out out;
	struct init_negotiated negotiated;

	if (msg->head->opcode == FUSE_INIT)
		sink += init_negotiate(msg, &wants, &out, &negotiated);
}

/* The same request in three pieces, each in memory of its own. */
static void decode_parts(const struct wire_msg *whole, size_t len)
{
	size_t head_len = sizeof(struct fuse_in_header), arg_len = whole->op->arg_size;
	size_t payload_len = len - head_len - arg_len;
	_cleanup_(freep) struct fuse_in_header *head = malloc(head_len);
	_cleanup_(freep) char *arg = malloc(arg_len ? arg_len : 1);
	_cleanup_(freep) char *payload = malloc(payload_len ? payload_len : 1);
	struct wire_msg parts = { 0 };

	memcpy(head, whole->head, head_len);
	memcpy(arg, (char *)whole->head + head_len, arg_len);
	memcpy(payload, (char *)whole->head + head_len + arg_len, payload_len);
	assert(wire_decode_parts(head, arg, arg_len, payload, payload_len, &parts) == 0);
	assert(parts.op == whole->op && parts.data_len == whole->data_len);
	assert(parts.ext_len == whole->ext_len);
	touch_all(&parts);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	/* Exactly as long as the request, so that the sanitizer reports a read beyond it. */
	_cleanup_(freep) char *buf = malloc(len ? len : 1);
	struct wire_msg msg = { 0 };

	memcpy(buf, bytes, len);
	/* Makes the length in the header right in most inputs. */
	if (len >= sizeof(struct fuse_in_header) && len % 4)
		((struct fuse_in_header *)buf)->len = len;
	if (wire_decode(buf, len, &msg) != 0)
		return 0;
	touch_all(&msg);
	negotiate(&msg);
	decode_parts(&msg, len);
	return 0;
}
