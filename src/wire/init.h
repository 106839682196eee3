/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* INIT: negotiates the features of a connection. */
#include "wire/msg.h"

/*
 * The oldest protocol that a view speaks, 7.37, is that of the oldest kernel that it is tested on.
 */
#define INIT_OLDEST_MINOR 37
#define INIT_OLDEST_TEXT  "7.37 (Linux 6.1)"

enum init_error {
	_INIT_E_OK,
	INIT_E_OLDER, /* the kernel speaks a protocol too old for us */
	INIT_E_AGAIN, /* the kernel speaks a newer major: *ret_out names ours, it asks again */
};

/* The features and limits that the view asks the kernel for. */
struct init_request {
	uint64_t disabled; /* features not to ask for */
	uint64_t extra;    /* features to ask for beyond those of every view */
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

/* Answers an INIT request. */
int init_negotiate(const struct wire_msg *msg, const struct init_request *request,
		   struct fuse_init_out *ret_out, struct init_negotiated *ret_negotiated);
