/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Lines of JSON on a control socket, for both sides. */
#include <stddef.h>
#include <stdint.h>

struct json_object;

#define LINE_FOREVER INT64_MAX

/* Returns the deadline in timeout_ms from now. */
int64_t line_deadline(int timeout_ms);

/*
 * Sends an object as one line. Returns 0; -EMSGSIZE where it is longer than CTL_REPLY_MAX bytes;
 * -ETIMEDOUT at the deadline; or another -errno.
 */
int line_send(int fd, struct json_object *object, int64_t deadline);

/*
 * Receives one line of at most max bytes, its newline included. Leaves the bytes after the line in
 * the socket, for the next call or for a verb that takes the connection over. The caller frees
 * *ret_line, which ends with a NUL instead of the newline; *ret_len does not count the NUL. Returns
 * 0; -ECONNRESET at the end of the connection; -EMSGSIZE if the line is longer; -ETIMEDOUT at the
 * deadline; or another -errno.
 */
int line_receive(int fd, size_t max, int64_t deadline, char **ret_line, size_t *ret_len);

/* Waits for events of poll(2). Returns 0; -ETIMEDOUT at the deadline; or another -errno. */
int line_wait(int fd, short events, int64_t deadline);
