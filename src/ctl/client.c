// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The client side of the control socket. Each wait has a deadline, because a server may be blocked.
 * No state, no locks.
 */
#include "ctl/client.h"
#include "ctl/json.h"
#include "ctl/line.h"
#include "util/cleanup.h"

#include <errno.h>
#include <json-c/json.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>

int ctl_client_find(unsigned int connection, unsigned int owner, char path[CTL_PATH_MAX])
{
	int fd;

	ctl_remove_dead();
	for (enum ctl_place place = 0; place < _CTL_N_PLACES; place++) {
		if (!ctl_socket_path(place, connection, path))
			continue;
		fd = ctl_socket_connect(path);
		if (fd != -ENOENT)
			return fd;
	}
	snprintf(path, CTL_PATH_MAX, "/run/user/%u/penstock/%u.sock", owner, connection);
	fd = ctl_socket_connect(path);
	if (fd != -ENOENT)
		return fd;
	ctl_socket_path(CTL_PLACE_RUN, connection, path);
	return -ENOENT;
}

int ctl_client_call(int fd, const char *verb, struct json_object *arguments, int timeout_ms,
		    struct json_object **ret_reply)
{
	_cleanup_(freep) char *line = NULL;
	int64_t deadline = line_deadline(timeout_ms);
	struct json_object *request = json_object_new_object(), *reply;
	size_t len;
	int r;

	json_add_number(request, "version", CTL_VERSION);
	json_add_text(request, "verb", verb);
	if (arguments) {
		json_object_object_foreach(arguments, name, value)
			json_object_object_add(request, name, json_object_get(value));
	}
	r = line_send(fd, request, deadline);
	json_object_put(request);
	/* A server that refuses the client sends the reason and closes the connection at once. */
	if (r == 0 || r == -EPIPE)
		r = line_receive(fd, CTL_REPLY_MAX, deadline, &line, &len);
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
	int64_t deadline = line_deadline(timeout_ms);
	char rest[256];

	for (;;) {
		int r = line_wait(fd, POLLIN, deadline);
		ssize_t n;

		if (r < 0)
			return r;
		n = recv(fd, rest, sizeof(rest), 0);
		if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
			return 0;
	}
}
