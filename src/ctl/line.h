/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Lines of JSON on a control socket: what both ends send and receive. */
#include <stddef.h>
#include <stdint.h>

struct json_object;

#define LINE_FOREVER INT64_MAX

/* The deadline that is so many milliseconds from now. */
int64_t line_deadline(int timeout_ms);

/*
 * Sends an object as a line, at most CTL_REPLY_MAX bytes of it. 0; -EMSGSIZE, -ETIMEDOUT at the
 * deadline, or another -errno.
 */
int line_send(int fd, struct json_object *object, int64_t deadline);

/*
 * Receives one line of at most max bytes, its newline included, and nothing of what follows it:
 * that is for the next call, or for who takes the connection over. *ret_line is the caller's and
 * ends with a NUL instead of the newline; *ret_len does not count it. 0; -ECONNRESET at the end of
 * the connection, -EMSGSIZE, -ETIMEDOUT at the deadline, or another -errno.
 */
int line_receive(int fd, size_t max, int64_t deadline, char **ret_line, size_t *ret_len);

/* Waits for poll(2) events: 0, -ETIMEDOUT at the deadline, or another -errno. */
int line_wait(int fd, short events, int64_t deadline);
