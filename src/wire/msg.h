/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * A request, decoded, the same for all transports: header, argument, names, data. All pointers lead
 * into the buffer that the request arrived in, and are valid as long as that buffer is.
 */
#include "filter/op.h"
#include "wire/abi.h"

#include <stdbool.h>

enum wire_error {
	_WIRE_E_OK,
	WIRE_E_SHORT,   /* there is no whole header: the request cannot be answered */
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
 * Decodes a request that lies in one piece (/dev/fuse) and checks every bound: lengths agree, names
 * are terminated, counts fit. filter_name_ok() checks the characters of names. Returns 0 or enum
 * wire_error. On WIRE_E_UNKNOWN and WIRE_E_BAD, *ret_msg has the header, and op if that is known;
 * on WIRE_E_SHORT head is NULL.
 */
int wire_decode(void *buf, size_t len, struct wire_msg *ret_msg);

/* As wire_decode(), for transports that have header, argument and payload apart. */
int wire_decode_parts(struct fuse_in_header *head, void *arg, size_t arg_len, char *payload,
		      size_t payload_len, struct wire_msg *ret_msg);

/*
 * Sets *ret_gid to the supplementary group by which the client may create a file. Returns false
 * where the request has none.
 */
bool wire_ext_group(const struct wire_msg *msg, uint32_t *ret_gid);

/* Writes one line about a request into buf, for logs. */
void wire_print(const struct wire_msg *msg, char *buf, size_t size);
