/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* The asking end of the control socket. */

#include "ctl/socket.h"

struct json_object;

/*
 * dead.c: takes away the sockets of processes that have died, as far as their views are not in
 * sight.
 */
void ctl_remove_dead(void);

/*
 * Connects to the view with this connection number, at each place in turn. Returns a descriptor or
 * -errno; path is the socket that was tried last and, where none is there, the first.
 */
int ctl_client_find(unsigned int connection, char path[CTL_PATH_MAX]);

/*
 * Sends {"version":1,"verb":verb} with the members of arguments (may be NULL, stays the caller's)
 * and waits for the reply, -ETIMEDOUT after timeout_ms. *ret_reply is the caller's; it may be an
 * error's: see ctl_reply_error().
 */
int ctl_client_call(int fd, const char *verb, struct json_object *arguments, int timeout_ms,
		    struct json_object **ret_reply);

/* The text of an error reply, or NULL when it is none. Borrowed from the reply. */
const char *ctl_reply_error(struct json_object *reply);

/* Waits until the other end hangs up: 0, or -ETIMEDOUT. */
int ctl_client_wait_end(int fd, int timeout_ms);
