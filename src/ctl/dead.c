// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Sockets that dead processes have left. A process that is killed leaves its socket in the
 * directory of the views; whoever mounts, unmounts or asks a view takes such sockets away, where it
 * may.
 *
 * A socket is dead when nobody listens at it: a view's socket gets its name only when the view
 * listens (ctl/listen.c). While a mount with its number is in sight it stays, because the view's
 * commands tell by it that the process has died. No state, no locks.
 */
#include "ctl/client.h"
#include "ctl/socket.h"
#include "util/cleanup.h"
#include "util/fd.h"
#include "util/mountinfo.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Where the table cannot be read the socket stays, too. */
static bool is_mounted(unsigned int connection)
{
	_cleanup_(mountinfo_fini) struct mountinfo_table table = { 0 };

	return mountinfo_read(MOUNTINFO_OWN, &table) < 0 || mountinfo_of(&table, connection);
}

static bool is_dead(const char *path)
{
	int fd = ctl_socket_connect(path);

	fd_close(fd);
	return fd == -ECONNREFUSED;
}

/* The number in the name of a view's socket; false for other names. */
static bool number_of(const char *name, unsigned int *ret_number)
{
	char rest[8];

	return sscanf(name, "%u%7s", ret_number, rest) == 2 && strcmp(rest, ".sock") == 0;
}

static void clean(enum ctl_place place)
{
	char path[CTL_PATH_MAX];
	struct dirent *entry;
	unsigned int number;
	DIR *stream;

	if (!ctl_socket_path(place, 0, path))
		return;
	*strrchr(path, '/') = '\0';
	stream = opendir(path);
	while (stream && (entry = readdir(stream)))
		if (number_of(entry->d_name, &number) && !is_mounted(number) &&
		    ctl_socket_path(place, number, path) && is_dead(path))
			unlink(path);
	if (stream)
		closedir(stream);
}

void ctl_remove_dead(void)
{
	for (enum ctl_place place = 0; place < _CTL_N_PLACES; place++)
		clean(place);
}
