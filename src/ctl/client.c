// SPDX-License-Identifier: LGPL-2.1-or-later
/* The asking end of the control socket. Every wait has an end: the other side may be stuck. */
#include "ctl/client.h"
#include "ctl/proto.h"
#include "ctl/json.h"
#include "util/cleanup.h"
#include "util/clock.h"
#include "util/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <poll.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

enum {
	CONNECT_SECONDS = 5,
};

/* Waits for events until the deadline, a time of clock_ms(). */
static int wait_for(int fd, short events, uint32_t deadline)
{
	struct pollfd poll_fd = { fd, events, 0 };
	int32_t left = (int32_t)(deadline - clock_ms());
	int r;

	r = poll(&poll_fd, 1, left > 0 ? left : 0);
	if (r < 0)
		return errno == EINTR ? 0 : -errno;
	return r == 0 ? -ETIMEDOUT : 0;
}

int ctl_client_open(const char *path)
{
	_cleanup_(fd_closep) int fd = -1;
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct timeval limit = { .tv_sec = CONNECT_SECONDS };

	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	strcpy(address.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	/* Where a queue of callers is full, only a connect() that blocks waits for its turn. */
	if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)) < 0 ||
	    connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    fcntl(fd, F_SETFL, O_NONBLOCK) < 0)
		return -errno;
	return take_fd(&fd);
}

int ctl_client_find(unsigned int connection, char path[CTL_PATH_MAX])
{
	ctl_remove_dead();
	for (enum ctl_place place = 0; place < _CTL_N_PLACES; place++) {
		int fd;

		if (!ctl_socket_path(place, connection, path))
			continue;
		fd = ctl_client_open(path);
		if (fd != -ENOENT)
			return fd;
	}
	ctl_socket_path(CTL_PLACE_RUN, connection, path);
	return -ENOENT;
}

static int send_all(int fd, const char *text, size_t len, uint32_t deadline)
{
	while (len) {
		ssize_t n = send(fd, text, len, MSG_NOSIGNAL);
		int r;

		if (n >= 0) {
			text += n;
			len -= n;
			continue;
		}
		if (errno != EAGAIN && errno != EINTR)
			return -errno;
		r = wait_for(fd, POLLOUT, deadline);
		if (r < 0)
			return r;
	}
	return 0;
}

/*
 * Takes bytes up to a newline and no further: what stands behind it, once a verb has taken the
 * connection, is somebody else's to read. Returns how many, 0 at the end of the connection.
 */
static ssize_t receive_part(int fd, char *bytes, size_t size)
{
	ssize_t n = recv(fd, bytes, size, MSG_PEEK);
	char *newline;

	if (n <= 0)
		return n;
	newline = memchr(bytes, '\n', n);
	return recv(fd, bytes, newline ? newline + 1 - bytes : n, 0);
}

/* Reads one line; *ret_line ends with a NUL instead of the newline. */
static int receive_line(int fd, uint32_t deadline, char **ret_line)
{
	_cleanup_(freep) char *line = NULL;
	size_t len = 0, size = 0;

	for (;;) {
		ssize_t n;
		int r;

		if (len == size) {
			char *more;

			if (size >= CTL_REPLY_MAX)
				return -EMSGSIZE;
			size = size ? size * 2 : 4096;
			more = realloc(line, size);
			if (!more)
				return -ENOMEM;
			line = more;
		}
		r = wait_for(fd, POLLIN, deadline);
		if (r < 0)
			return r;
		n = receive_part(fd, line + len, size - len);
		if (n == 0)
			return -ECONNRESET;
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return -errno;
		if (n < 0)
			continue;
		len += n;
		if (line[len - 1] == '\n') {
			line[len - 1] = '\0';
			*ret_line = take_ptr(line);
			return 0;
		}
	}
}

int ctl_client_call(int fd, const char *verb, struct json_object *arguments, int timeout_ms,
		    struct json_object **ret_reply)
{
	_cleanup_(freep) char *line = NULL;
	uint32_t deadline = clock_ms() + (uint32_t)timeout_ms;
	struct json_object *request, *reply;
	const char *text;
	int r = -ENOMEM;

	request = json_object_new_object();
	if (!request)
		return -ENOMEM;
	json_object_object_add(request, "version", json_object_new_int(CTL_VERSION));
	json_object_object_add(request, "verb", json_text(verb));
	if (arguments) {
		json_object_object_foreach(arguments, name, value)
			json_object_object_add(request, name, json_object_get(value));
	}
	text = json_object_to_json_string_ext(request, JSON_C_TO_STRING_PLAIN);
	if (text)
		r = send_all(fd, text, strlen(text), deadline);
	json_object_put(request);
	if (r >= 0)
		r = send_all(fd, "\n", 1, deadline);
	if (r >= 0)
		r = receive_line(fd, deadline, &line);
	if (r < 0)
		return r;

	reply = json_tokener_parse(line);
	if (!json_object_is_type(reply, json_type_object)) {
		json_object_put(reply);
		return -EBADMSG;
	}
	*ret_reply = reply;
	return 0;
}

const char *ctl_reply_error(struct json_object *reply)
{
	struct json_object *error;

	if (!json_object_object_get_ex(reply, "error", &error))
		return NULL;
	return json_object_get_string(error);
}

int ctl_client_wait_end(int fd, int timeout_ms)
{
	uint32_t deadline = clock_ms() + (uint32_t)timeout_ms;
	char rest[256];

	for (;;) {
		int r = wait_for(fd, POLLIN, deadline);
		ssize_t n;

		if (r < 0)
			return r;
		n = recv(fd, rest, sizeof(rest), 0);
		if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
			return 0;
	}
}
