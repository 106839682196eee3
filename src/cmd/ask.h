/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Requests to the process of a view. These functions print each error themselves. */

struct json_object;

#define ASK_MS        10000  /* for facts that the process knows */
#define ASK_CHANGE_MS 120000 /* for changes, which load programs and wait for requests */

/* Connects to the process of the view at path. Returns an exit code; *ret_fd is the caller's. */
int ask_open(const char *path, int *ret_fd);

/*
 * Sends a verb with arguments (may be NULL; stays the caller's) to fd, a connection to the process
 * of the view at path. Returns an exit code; with CMD_OK *ret_reply is the caller's.
 */
int ask_call(const char *path, int fd, const char *verb, struct json_object *arguments,
	     int timeout_ms, struct json_object **ret_reply);

/* Does both: connects, and sends the verb. */
int ask(const char *path, const char *verb, struct json_object *arguments, int timeout_ms,
	struct json_object **ret_reply);
