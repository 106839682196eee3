/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * A decoded request, the same for all transports: header, argument, names, data. All pointers lead
 * into the buffer in which the request arrived, and are valid as long as that buffer.
 */
#include "filter/op.h"
#include "wire/abi.h"

#include <stdbool.h>

enum wire_error {
	_WIRE_E_OK,
	WIRE_E_SHORT,   /* the header is incomplete, so no reply is possible */
	WIRE_E_UNKNOWN, /* the operation is not in the table of operations */
	WIRE_E_BAD,     /* lengths, names or counts contradict each other */
};

struct wire_msg {
	const struct op *op;
	struct fuse_in_header *head;
	void *arg;           /* op->arg_size bytes or more */
	const char *name[2]; /* zero-terminated; NULL beyond op->n_names */
	char *data;
	size_t data_len;
	const char *ext; /* request extensions, unparsed */
	size_t ext_len;
};

/*
 * Decodes a request that lies in one piece (/dev/fuse) and checks every bound: that lengths agree,
 * names are terminated, and counts fit. Does not check the characters of names, see
 * filter_name_ok(). Returns 0 or enum wire_error. After WIRE_E_UNKNOWN and WIRE_E_BAD, *ret_msg has
 * head, and op if the operation is known; after WIRE_E_SHORT, head is NULL.
 */
int wire_decode(void *buf, size_t len, struct wire_msg *ret_msg);

/* As wire_decode(), for transports that receive header, argument and payload separately. */
int wire_decode_parts(struct fuse_in_header *head, void *arg, size_t arg_len, char *payload,
		      size_t payload_len, struct wire_msg *ret_msg);

/*
 * Sets *ret_gid to the supplementary group by which the client may create a file. Returns false if
 * the request names no such group.
 */
bool wire_ext_group(const struct wire_msg *msg, uint32_t *ret_gid);

/* Writes one line about a request into buf, for logs. */
void wire_print(const struct wire_msg *msg, char *buf, size_t size);
