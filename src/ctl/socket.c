// SPDX-License-Identifier: LGPL-2.1-or-later
/* Names of control sockets, and connections to them. No state, no locks. */
#include "ctl/socket.h"
#include "util/cleanup.h"
#include "util/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#define CONNECT_SECONDS 5

bool ctl_socket_path(enum ctl_place place, unsigned int connection, char path[CTL_PATH_MAX])
{
	const char *directory = place == CTL_PLACE_RUN ? "/run" : secure_getenv("XDG_RUNTIME_DIR");

	/* A relative path would lead each process to another directory. */
	if (!directory || directory[0] != '/')
		return false;
	return snprintf(path, CTL_PATH_MAX, "%s/penstock/%u.sock", directory, connection) <
	       CTL_PATH_MAX;
}

int ctl_socket_connect(const char *path)
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
	/*
	 * A socket that blocks, because connect(2) would fail with EAGAIN while the backlog is
	 * full.
	 */
	if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)) < 0 ||
	    connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    fcntl(fd, F_SETFL, O_NONBLOCK) < 0)
		return -errno;
	return take_fd(&fd);
}
