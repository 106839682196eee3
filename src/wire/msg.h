/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * One request as every transport shows it: header, argument, names, data. All pointers lead into
 * the buffer that the request arrived in and live as long as it does.
 */
#include "filter/op.h"
#include "wire/abi.h"

#include <stdbool.h>

enum wire_error {
	_WIRE_E_OK,
	WIRE_E_SHORT,   /* not even a header: the request cannot be answered */
	WIRE_E_UNKNOWN, /* an operation that is not in the op table */
	WIRE_E_BAD,     /* lengths, names or counts that contradict each other */
};

struct wire_msg {
	const struct op *op;
	struct fuse_in_header *head;
	void *arg;           /* at least op->arg_size bytes; zero-filled never */
	const char *name[2]; /* zero-terminated; NULL beyond op->n_names */
	char *data;
	size_t data_len;
	const char *ext; /* request extensions, unparsed */
	size_t ext_len;
};

/*
 * Cuts a request that lies in one piece (/dev/fuse) into its parts and checks every bound: lengths
 * agree, names are terminated, counts fit. Names are not judged, see filter_name_ok(). On
 * WIRE_E_UNKNOWN and WIRE_E_BAD msg->head is set, so that the request can be answered.
 */
int wire_decode(void *buf, size_t len, struct wire_msg *ret_msg);

/* As wire_decode(), for transports that give header, argument and payload separately. */
int wire_decode_parts(struct fuse_in_header *head, void *arg, size_t arg_len, char *payload,
		      size_t payload_len, struct wire_msg *ret_msg);

/* The supplementary group that a creating request asks for; false when it has none. */
bool wire_ext_group(const struct wire_msg *msg, uint32_t *ret_gid);

/* Writes one line about a request into buf, for logs. */
void wire_print(const struct wire_msg *msg, char *buf, size_t size);
