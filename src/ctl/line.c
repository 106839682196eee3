// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Sends and receives lines of JSON on a socket. Each wait ends at a deadline or with the
 * connection. No state, no locks.
 */
#include "ctl/line.h"
#include "ctl/proto.h"
#include "util/cleanup.h"
#include "util/clock.h"

#include <errno.h>
#include <json-c/json.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define FIRST_SIZE 4096

static int64_t now_ms(void)
{
	return clock_ns() / 1000000;
}

int64_t line_deadline(int timeout_ms)
{
	return now_ms() + timeout_ms;
}

int line_wait(int fd, short events, int64_t deadline)
{
	struct pollfd poll_fd = { fd, events, 0 };
	int64_t left = deadline == LINE_FOREVER ? -1 : deadline - now_ms();
	int r;

	if (deadline != LINE_FOREVER && left < 0)
		left = 0;
	r = poll(&poll_fd, 1, left > INT_MAX ? INT_MAX : (int)left);
	if (r < 0)
		return errno == EINTR ? 0 : -errno;
	return r == 0 ? -ETIMEDOUT : 0;
}

static int send_all(int fd, const char *text, size_t len, int64_t deadline)
{
	while (len) {
		ssize_t n = send(fd, text, len, MSG_NOSIGNAL | MSG_DONTWAIT);
		int r;

		if (n >= 0) {
			text += n;
			len -= n;
			continue;
		}
		if (errno != EAGAIN && errno != EINTR)
			return -errno;
		r = line_wait(fd, POLLOUT, deadline);
		if (r < 0)
			return r;
	}
	return 0;
}

int line_send(int fd, struct json_object *object, int64_t deadline)
{
	const char *text = json_object_to_json_string_ext(object, JSON_C_TO_STRING_PLAIN);
	int r;

	if (!text)
		return -ENOMEM;
	if (strlen(text) >= CTL_REPLY_MAX)
		return -EMSGSIZE;
	r = send_all(fd, text, strlen(text), deadline);
	return r < 0 ? r : send_all(fd, "\n", 1, deadline);
}

/*
 * Receives bytes up to the first newline, and none after it. Returns their number, 0 if the
 * connection has ended, or -1 and errno.
 */
static ssize_t receive_part(int fd, char *bytes, size_t size)
{
	ssize_t n = recv(fd, bytes, size, MSG_PEEK | MSG_DONTWAIT);
	char *newline;

	if (n <= 0)
		return n;
	newline = memchr(bytes, '\n', n);
	return recv(fd, bytes, newline ? newline + 1 - bytes : n, MSG_DONTWAIT);
}

int line_receive(int fd, size_t max, int64_t deadline, char **ret_line, size_t *ret_len)
{
	_cleanup_(freep) char *line = NULL;
	size_t len = 0, size = 0;

	while (!len || line[len - 1] != '\n') {
		ssize_t n;
		int r;

		if (len == max)
			return -EMSGSIZE;
		if (len == size) {
			char *more;

			size = size ? size * 2 : FIRST_SIZE;
			more = realloc(line, size);
			if (!more)
				return -ENOMEM;
			line = more;
		}
		r = line_wait(fd, POLLIN, deadline);
		if (r < 0)
			return r;
		n = receive_part(fd, line + len, (size < max ? size : max) - len);
		if (n == 0)
			return -ECONNRESET;
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return -errno;
		len += n > 0 ? n : 0;
	}
	line[--len] = '\0';
	*ret_len = len;
	*ret_line = take_ptr(line);
	return 0;
}
