/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* INIT: negotiates the features of a connection. */
#include "wire/msg.h"

/* The oldest protocol version that a view supports: that of the oldest kernel in the tests. */
#define INIT_OLDEST_MINOR 37
#define INIT_OLDEST_TEXT  "7.37 (Linux 6.1)"

enum init_error {
	_INIT_E_OK,
	INIT_E_OLDER, /* the kernel's protocol is too old, or lacks a feature that views need */
	INIT_E_AGAIN, /* the kernel has a newer major version: the caller replies *ret_out, which
			 has ours, and the kernel sends INIT again */
};

/* The features and limits that the view asks the kernel for. */
struct init_request {
	uint64_t disabled; /* features of every view that this view does not ask for */
	uint64_t extra;    /* features that this view asks for and others do not */
	uint32_t max_write;
	uint32_t max_stack_depth; /* for passthrough, 1 or 2 */
	uint16_t max_background;
};

/* The features and limits that view and kernel have agreed on. */
struct init_negotiated {
	uint32_t major, minor; /* the kernel's protocol version */
	uint64_t offered;      /* all features that the kernel has */
	uint64_t features;     /* the features that the reply has enabled */
	uint32_t max_write;
};

/* Fills in the reply to an INIT request. Returns 0 or enum init_error. */
int init_negotiate(const struct wire_msg *msg, const struct init_request *request,
		   struct fuse_init_out *ret_out, struct init_negotiated *ret_negotiated);
