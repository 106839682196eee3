/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Requests to the process of a view. */

struct json_object;

#define ASK_MS        10000  /* for facts that the process knows */
#define ASK_CHANGE_MS 120000 /* for changes, which load programs and wait for requests */

/*
 * Sends a verb with arguments, which the caller keeps, to the process of the view at path, and
 * receives the reply. Prints each error. Returns an exit code. After CMD_OK the caller frees
 * *ret_reply and closes *ret_fd, the connection; if ret_fd is NULL, this closes the connection.
 */
int ask(const char *path, const char *verb, struct json_object *arguments, int timeout_ms,
	struct json_object **ret_reply, int *ret_fd);
