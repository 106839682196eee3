/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Asking the process of a view, for subcommands: whatever goes wrong is said to the user here. */

struct json_object;

#define ASK_MS 10000			/* for what the process knows */
#define ASK_CHANGE_MS 120000		/* for what it has to load, or to wait for, first */

/* Connects to the process of the view at path. Answers an exit code; *ret_fd is the caller's. */
int ask_open(const char *path, int *ret_fd);

/*
 * Sends a verb with arguments (may be NULL; stays the caller's) to the process behind fd, which is
 * that of the view at path. Answers an exit code; *ret_reply is the caller's, and is no error.
 */
int ask_call(const char *path, int fd, const char *verb, struct json_object *arguments,
	     int timeout_ms, struct json_object **ret_reply);

/* The two of them. */
int ask(const char *path, const char *verb, struct json_object *arguments, int timeout_ms,
	struct json_object **ret_reply);
