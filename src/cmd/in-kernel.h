/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Requests to views of the kernel engine, which have no process. */
#include "cmd/mounts.h"

struct json_object;

/*
 * Does what a verb of the control socket asks for, and answers it from what the module says of the
 * view. As ask(), with *ret_fd the file of the trace.
 */
int in_kernel_ask(const struct mounts_view *view, const char *verb, struct json_object *arguments,
		  struct json_object **ret_reply, int *ret_fd);

/*
 * Reads the next line of a trace, an object as the process of a view would send it. Returns 1, with
 * the object, which is the caller's; 0 when the view has ended; or -errno.
 */
int in_kernel_trace_next(int fd, struct json_object **ret_line);
