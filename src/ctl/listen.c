// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The socket file of a view. No state, no locks.
 *
 * Its name has the connection number, which the kernel gives to one view at a time. A file that
 * exists already was left by a dead process, so listen_at() replaces it. The kernel reuses the
 * number as soon as the view is unmounted, so the file may belong to another view when this one
 * ends: listen_remove() compares the inode first.
 */
#include "ctl/listen.h"
#include "util/cleanup.h"
#include "util/fd.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/*
 * Creates the directory of the sockets. If it exists, checks that its owner is root or this user,
 * and that only the owner can write to it: other users could replace the socket. Returns 0 or
 * -errno.
 */
static int make_directory(const char *path)
{
	const char *slash = strrchr(path, '/');
	_cleanup_(freep) char *directory = NULL;
	struct stat st;

	if (!slash || slash == path)
		return 0;
	directory = strndup(path, slash - path);
	if (!directory)
		return -ENOMEM;
	if (mkdir(directory, 0755) == 0) {
		/* The umask of the process may have cleared bits. */
		return chmod(directory, 0755) < 0 ? -errno : 0;
	}
	if (errno != EEXIST)
		return -errno;
	if (lstat(directory, &st) < 0)
		return -errno;
	if (!S_ISDIR(st.st_mode) || (st.st_mode & 022) || (st.st_uid && st.st_uid != geteuid()))
		return -EPERM;
	return 0;
}

int listen_at(const char *path, int backlog, struct stat *ret_file)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	char *made = address.sun_path;
	_cleanup_(fd_closep) int fd = -1;
	int r = make_directory(path);

	if (r < 0)
		return r;
	if ((size_t)snprintf(made, sizeof(address.sun_path), "%s.new", path) >=
	    sizeof(address.sun_path))
		return -ENAMETOOLONG;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	/* bind(2) gives the file the mode of the socket, so no other user can ever connect. */
	if (fd < 0 || fchmod(fd, 0600) < 0)
		return -errno;
	if (unlink(made) < 0 && errno != ENOENT)
		return -errno;
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return -errno;
	/*
	 * The file gets its name after listen(2), because dead.c removes files without a listener.
	 */
	if (lstat(made, ret_file) < 0 || listen(fd, backlog) < 0 || rename(made, path) < 0) {
		r = -errno;
		unlink(made);
		return r;
	}
	return take_fd(&fd);
}

void listen_remove(const char *path, const struct stat *file)
{
	struct stat now;

	if (lstat(path, &now) == 0 && now.st_ino == file->st_ino && now.st_dev == file->st_dev)
		unlink(path);
}
