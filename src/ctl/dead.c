// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Removes sockets of dead processes. A process that is killed leaves its socket file. Each command
 * that mounts a view, unmounts one or sends it a request removes such files, as far as it may.
 *
 * A socket is dead if no process listens at it: a view gives the file its name only when it listens
 * (listen.c). The file stays while this namespace has a mount with its number, because the commands
 * find by the file that the process has died. No state, no locks.
 */
#include "ctl/socket.h"
#include "util/cleanup.h"
#include "util/fd.h"
#include "util/mountinfo.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/*
 * Returns whether the connection is mounted in this namespace; true if the mount table cannot be
 * read, so that the socket stays.
 */
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

/* Gets the connection number from the name of a socket file. Returns false for other files. */
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
