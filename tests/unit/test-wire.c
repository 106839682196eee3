// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The decoder of requests. Each sample, one for each operation, is decoded in both layouts (in one
 * piece; header, argument and payload apart), whole, cut off at each byte, and with wrong lengths.
 * Each message lies in memory of exactly its size, so a sanitizer sees a read beyond it.
 */
#include "../test.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "samples.h"
#include "util/cleanup.h"
#include "wire/msg.h"

/* The three parts of a message, each in memory of its own. */
struct parts {
	struct fuse_in_header *head;
	char *arg, *payload;
	size_t arg_len, payload_len;
};

static struct parts parts_new(const char *buf, size_t len, size_t arg_len)
{
	struct parts parts = { .arg_len = arg_len, .payload_len = len - SAMPLE_HEAD - arg_len };

	parts.head = malloc(SAMPLE_HEAD);
	parts.arg = malloc(parts.arg_len);
	parts.payload = malloc(parts.payload_len);
	memcpy(parts.head, buf, SAMPLE_HEAD);
	if (parts.arg_len)
		memcpy(parts.arg, buf + SAMPLE_HEAD, parts.arg_len);
	if (parts.payload_len)
		memcpy(parts.payload, buf + SAMPLE_HEAD + arg_len, parts.payload_len);
	return parts;
}

static void parts_free(struct parts *parts)
{
	free(parts->head);
	free(parts->arg);
	free(parts->payload);
}

static int decode_parts(struct parts *parts, struct wire_msg *ret_msg)
{
	return wire_decode_parts(parts->head, parts->arg, parts->arg_len, parts->payload,
				 parts->payload_len, ret_msg);
}

static void check(const struct sample *s, const struct wire_msg *msg, size_t ext_len)
{
	assert_int_equal(msg->head->opcode, s->opcode);
	assert_int_equal(msg->op->arg_size, s->arg_len);
	for (int i = 0; i < 2; i++) {
		if (i < s->n_names)
			assert_string_equal(msg->name[i], sample_names[i]);
		else
			assert_null(msg->name[i]);
	}
	if (s->data_len) {
		assert_int_equal(msg->data_len, s->data_len);
		for (size_t i = 0; i < s->data_len; i++)
			assert_int_equal((uint8_t)msg->data[i], 0xd7);
	}
	assert_int_equal(msg->ext_len, sample_is_extended(s->opcode) ? ext_len : 0);
	for (size_t i = 0; i < msg->ext_len; i++)
		assert_int_equal((uint8_t)msg->ext[i], 0xee);
}

/* Decodes the first len bytes of a message in both layouts; both results must be the same. */
static int decode_both(const struct sample *s, const char *whole, size_t len, size_t ext_len)
{
	_cleanup_(freep) char *buf = malloc(len);
	struct wire_msg msg = { 0 }, parts_msg = { 0 };
	struct parts parts;
	int r;

	memcpy(buf, whole, len);
	if (len >= 4)
		memcpy(buf, &(uint32_t){ (uint32_t)len }, 4);
	r = wire_decode(buf, len, &msg);
	assert_true(r >= 0);
	if (r == 0)
		check(s, &msg, ext_len);
	if (len < SAMPLE_HEAD) {
		assert_int_equal(r, WIRE_E_SHORT);
		return r;
	}
	/* The decoder always finds the header, so the request can be answered. */
	assert_ptr_equal(msg.head, buf);
	parts = parts_new(buf, len,
			  len - SAMPLE_HEAD < s->arg_len ? len - SAMPLE_HEAD : s->arg_len);
	assert_int_equal(decode_parts(&parts, &parts_msg), r);
	assert_ptr_equal(parts_msg.head, parts.head);
	if (r == 0) {
		check(s, &parts_msg, ext_len);
		assert_ptr_equal(parts_msg.arg, parts.arg);
		assert_int_equal(parts_msg.data_len, msg.data_len);
	}
	parts_free(&parts);
	return r;
}

/* There is a sample for each operation of the table, and for no other. */
TEST(samples_cover_all_operations, state)
{
	for (uint32_t opcode = 0; opcode < 4200; opcode++) {
		size_t i = 0;

		while (i < N_SAMPLES && samples[i].opcode != opcode)
			i++;
		if (i == N_SAMPLES) {
			assert_null(op_find(opcode));
			continue;
		}
		assert_non_null(op_find(opcode));
		assert_int_equal(op_find(opcode)->n_names, samples[i].n_names);
		assert_int_equal(!!(op_find(opcode)->flags & OP_EXTENDED),
				 sample_is_extended(opcode));
	}
	assert_null(op_find(UINT32_MAX));
	assert_null(op_find(1u << 31));
}

TEST(whole_message_decodes, state)
{
	for (size_t i = 0; i < N_SAMPLES; i++) {
		const struct sample *s = &samples[i];
		_cleanup_(freep) char *buf = sample_new(s, 0);

		assert_int_equal(decode_both(s, buf, sample_len(s, 0), 0), 0);
	}
}

/* A truncated message is malformed, except INIT that ends after the members that we need. */
TEST(truncated_message_is_malformed, state)
{
	for (size_t i = 0; i < N_SAMPLES; i++) {
		const struct sample *s = &samples[i];
		size_t len = sample_len(s, 0);
		_cleanup_(freep) char *buf = sample_new(s, 0);
		struct wire_msg msg = { 0 };

		for (size_t cut = 0; cut < len; cut++) {
			_cleanup_(freep) char *copy = malloc(cut);

			assert_int_equal(decode_both(s, buf, cut, 0),
					 cut < SAMPLE_HEAD ? WIRE_E_SHORT : WIRE_E_BAD);
			/* The same with the full length in the header. */
			memcpy(copy, buf, cut);
			assert_int_equal(wire_decode(copy, cut, &msg),
					 cut < SAMPLE_HEAD ? WIRE_E_SHORT : WIRE_E_BAD);
		}
	}
}

/* The header has another length than the message. */
TEST(wrong_length_in_header_is_malformed, state)
{
	static const int32_t lies[] = { -1, 1, 8, -40, INT32_MIN, INT32_MAX };

	for (size_t i = 0; i < N_SAMPLES; i++) {
		const struct sample *s = &samples[i];
		uint32_t len = (uint32_t)sample_len(s, 0);
		_cleanup_(freep) char *buf = sample_new(s, 0);
		struct wire_msg msg = { 0 };

		for (size_t j = 0; j < N(lies); j++) {
			memcpy(buf, &(uint32_t){ len + (uint32_t)lies[j] }, 4);
			assert_int_equal(wire_decode(buf, len, &msg), WIRE_E_BAD);
			assert_ptr_equal(msg.head, buf);
		}
	}
}

/* Bytes after the message are data if the argument may grow, else they are ignored. */
TEST(bytes_after_message_are_data_or_ignored, state)
{
	for (size_t i = 0; i < N_SAMPLES; i++) {
		const struct sample *s = &samples[i];
		size_t len = sample_len(s, 0), more = 48;
		_cleanup_(freep) char *buf = sample_new(s, 0);
		_cleanup_(freep) char *longer = malloc(len + more);
		struct wire_msg msg = { 0 };

		memcpy(longer, buf, len);
		memset(longer + len, 0x33, more);
		assert_int_equal(decode_both(s, longer, len + more, 0), 0);
		memcpy(longer, &(uint32_t){ (uint32_t)(len + more) }, 4);
		assert_int_equal(wire_decode(longer, len + more, &msg), 0);
		if (s->more) {
			assert_int_equal(msg.data_len, more);
			assert_ptr_equal(msg.data, longer + len);
		}
	}
}

/* The argument counts more data than the message has, up to products that overflow. */
TEST(count_beyond_message_is_malformed, state)
{
	for (size_t i = 0; i < N_SAMPLES; i++) {
		const struct sample *s = &samples[i];
		size_t len = sample_len(s, 0);
		uint32_t good = s->data_len ? s->data_len / s->unit : 0;
		const uint32_t bad[] = { good + 1,
					 good + 2,
					 1u << 28,
					 (1u << 28) + good,
					 1u << 31,
					 UINT32_MAX,
					 UINT32_MAX - SAMPLE_HEAD,
					 0x10000000u + 1 };
		_cleanup_(freep) char *buf = sample_new(s, 0);

		if (!s->data_len)
			continue;
		for (size_t j = 0; j < N(bad); j++) {
			sample_set_count(s, buf + SAMPLE_HEAD, bad[j]);
			assert_int_equal(decode_both(s, buf, len, 0), WIRE_E_BAD);
		}
	}
}

/* The argument counts less data than the message has, down to none. */
TEST(smaller_count_takes_less_data, state)
{
	for (size_t i = 0; i < N_SAMPLES; i++) {
		const struct sample *s = &samples[i];
		size_t len = sample_len(s, 0);
		_cleanup_(freep) char *buf = sample_new(s, 0);
		struct wire_msg msg = { 0 };

		for (uint32_t n = 0; s->data_len && n < s->data_len / s->unit; n++) {
			sample_set_count(s, buf + SAMPLE_HEAD, n);
			assert_int_equal(wire_decode(buf, len, &msg), 0);
			assert_int_equal(msg.data_len, n * s->unit);
		}
	}
}

/* Names without a terminating zero byte in the message. */
TEST(unterminated_name_is_malformed, state)
{
	for (size_t i = 0; i < N_SAMPLES; i++) {
		const struct sample *s = &samples[i];
		size_t len = sample_len(s, 0);
		_cleanup_(freep) char *buf = sample_new(s, 0);

		if (!s->n_names)
			continue;
		/* First no name has a zero byte, then the first name only. */
		memset(buf + SAMPLE_HEAD + s->arg_len, 'x', len - SAMPLE_HEAD - s->arg_len);
		assert_int_equal(decode_both(s, buf, len, 0), WIRE_E_BAD);
		if (s->n_names < 2)
			continue;
		buf[len - 1] = 0;
		assert_int_equal(decode_both(s, buf, len, 0), WIRE_E_BAD);
	}
}

TEST(unknown_opcode_keeps_header, state)
{
	static const uint32_t opcodes[] = { 0,  7,  19,   48,       49,       60,        63,
					    64, 65, 4096, 1u << 24, 1u << 31, UINT32_MAX };
	struct fuse_in_header head = { .len = SAMPLE_HEAD, .unique = 3 };
	struct wire_msg msg;

	for (size_t i = 0; i < N(opcodes); i++) {
		head.opcode = opcodes[i];
		msg = (struct wire_msg){ 0 };
		assert_int_equal(wire_decode(&head, SAMPLE_HEAD, &msg), WIRE_E_UNKNOWN);
		assert_ptr_equal(msg.head, &head);
		msg = (struct wire_msg){ 0 };
		assert_int_equal(wire_decode_parts(&head, NULL, 0, NULL, 0, &msg), WIRE_E_UNKNOWN);
		assert_ptr_equal(msg.head, &head);
	}
}

/* Extensions that fit into the message, and longer ones. */
TEST(extensions_are_bounded_by_message, state)
{
	for (size_t i = 0; i < N_SAMPLES; i++) {
		const struct sample *s = &samples[i];
		size_t len = sample_len(s, 24);
		_cleanup_(freep) char *buf = sample_new(s, 24);
		struct fuse_in_header *head = (struct fuse_in_header *)buf;

		assert_int_equal(decode_both(s, buf, len, 24), 0);
		if (!sample_is_extended(s->opcode))
			continue;
		/* Extensions may fill the rest of the message, and then leave no room for names. */
		for (uint16_t units = 4; units; units = units > 0x4000 ? 0 : units * 2) {
			head->total_extlen = units;
			assert_int_equal(decode_both(s, buf, len, 24), WIRE_E_BAD);
		}
		head->total_extlen = UINT16_MAX;
		assert_int_equal(decode_both(s, buf, len, 24), WIRE_E_BAD);
	}
}

TEST(printed_line_ends_within_buffer, state)
{
	for (size_t i = 0; i < N_SAMPLES; i++) {
		const struct sample *s = &samples[i];
		_cleanup_(freep) char *buf = sample_new(s, 0);
		struct wire_msg msg;
		char text[200];

		assert_int_equal(wire_decode(buf, sample_len(s, 0), &msg), 0);
		wire_print(&msg, text, sizeof(text));
		assert_non_null(strstr(text, op_find(s->opcode)->name));
		for (int n = 0; n < s->n_names; n++)
			assert_non_null(strstr(text, sample_names[n]));
		/* The line ends within its buffer, however small that is. */
		for (size_t size = 1; size < 100; size++) {
			_cleanup_(freep) char *line = malloc(size);

			wire_print(&msg, line, size);
			assert_true(strnlen(line, size) < size);
		}
	}
}

TEST_MAIN(NULL, NULL)
