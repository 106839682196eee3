/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Requests to views of the kernel engine. They have no process, or one for their second tree, which
 * is a FUSE view of its own (kernel/second.h).
 */
#include "cmd/mounts.h"

struct json_object;

/*
 * Does what a verb of the control socket asks for, and answers it from what the module says of the
 * view. As ask(), with *ret_fd the file of the trace.
 */
int in_kernel_ask(const struct mounts_view *view, const char *verb, struct json_object *arguments,
		  struct json_object **ret_reply, int *ret_fd);

/* Returns the connection of the second tree of a view; 0: it has none. */
unsigned int in_kernel_second(const struct mounts_view *view);

/*
 * Asks the process of the second tree for its trace, with the arguments of the verb. Returns the
 * connection, which is the caller's and gets the lines; -1 if there is no process, or no answer.
 */
int in_kernel_trace_second(const struct mounts_view *view, struct json_object *arguments);

/*
 * Reads the next line of a trace, an object as the process of a view would send it. Returns 1, with
 * the object, which is the caller's; 0 when the view has ended; or -errno.
 */
int in_kernel_trace_next(int fd, struct json_object **ret_line);
