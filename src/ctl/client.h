/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* The client side of the control socket. */

#include "ctl/socket.h"

struct json_object;

/*
 * Connects to the view with this connection number; tries each directory of sockets, and then
 * /run/user/OWNER, because root has another $XDG_RUNTIME_DIR than the owner, the user whose process
 * serves the view. Returns a descriptor, which the caller owns, or -errno. Writes to path the
 * socket that was tried last, or that in the first directory if no socket exists.
 */
int ctl_client_find(unsigned int connection, unsigned int owner, char path[CTL_PATH_MAX]);

/*
 * Sends {"version":1,"verb":verb} with the members of arguments (may be NULL; the caller keeps it),
 * and receives the reply. The caller frees *ret_reply by json_object_put(). Returns 0, even if the
 * reply is an error (ctl_reply_error()); -ETIMEDOUT after timeout_ms; or another -errno.
 */
int ctl_client_call(int fd, const char *verb, struct json_object *arguments, int timeout_ms,
		    struct json_object **ret_reply);

/* Returns the text of an error reply, which the reply owns, or NULL if the reply is no error. */
const char *ctl_reply_error(struct json_object *reply);

/* Waits until the server closes the connection. Returns 0 or -ETIMEDOUT. */
int ctl_client_wait_end(int fd, int timeout_ms);
