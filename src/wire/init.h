/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* INIT: negotiates the features of a connection. */
#include "wire/msg.h"

/* The oldest protocol that a view speaks: that of the oldest kernel that views are tested on. */
#define INIT_OLDEST_MINOR 37
#define INIT_OLDEST_TEXT  "7.37 (Linux 6.1)"

enum init_error {
	_INIT_E_OK,
	INIT_E_OLDER, /* the protocol of the kernel is too old, or lacks what every view needs */
	INIT_E_AGAIN, /* the kernel has a newer major: *ret_out has ours, and INIT comes again */
};

/* The features and limits that the view asks the kernel for. */
struct init_request {
	uint64_t disabled; /* features of every view that this view does not ask for */
	uint64_t extra;    /* features that it asks for beyond these */
	uint32_t max_write;
	uint32_t max_stack_depth; /* for passthrough, 1 or 2 */
	uint16_t max_background;
};

/* The features and limits that view and kernel have agreed on. */
struct init_negotiated {
	uint32_t major, minor; /* the kernel's protocol version */
	uint64_t offered;      /* every feature of the kernel */
	uint64_t features;     /* those in force */
	uint32_t max_write;
};

/* Fills in the reply to an INIT request. Returns 0 or enum init_error. */
int init_negotiate(const struct wire_msg *msg, const struct init_request *request,
		   struct fuse_init_out *ret_out, struct init_negotiated *ret_negotiated);
