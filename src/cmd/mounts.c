// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Which view is mounted where.
 *
 * A stat() of the mount point would tell its connection number as well, but it would be served by
 * the view: of one that is stuck or dead, nothing could be learned, and it could not be unmounted.
 * realpath(3) would look into it, too. So the kernel's table is read first, and then a path is walked
 * whose parts are looked at only where the table does not say that they lead to a mount point: those are
 * directories, and no links, since paths in the table have none.
 */
#include "cmd/mounts.h"
#include "util/cleanup.h"
#include "util/fd.h"
#include "util/mountinfo.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

void mounts_view_fini(struct mounts_view *view)
{
	free(view->mountpoint);
	view->mountpoint = NULL;
}

/* Whether the path is a mount point, or leads to one. */
static bool leads_to_mount(const struct mountinfo_table *table, const char *path)
{
	size_t len = strlen(path);

	for (size_t i = 0; i < table->n; i++) {
		const char *mountpoint = table->mounts[i].point;

		if (strncmp(mountpoint, path, len) == 0 && (!mountpoint[len] || mountpoint[len] == '/'))
			return true;
	}
	return false;
}

/* ---- paths ---- */

#define MAX_LINKS 40			/* as the kernel has it */

/* A walk: the part that is done has no links, no "." and no ".."; "" stands for the root. */
struct walk {
	char done[PATH_MAX];
	char rest[2 * PATH_MAX];
	unsigned int n_links;
};

/* Puts a link's text before what is left of the path. */
static int follow(struct walk *walk, const char *text)
{
	char rest[sizeof(walk->rest)];

	if (++walk->n_links > MAX_LINKS)
		return -ELOOP;
	if ((size_t)snprintf(rest, sizeof(rest), "%s/%s", text, walk->rest) >= sizeof(rest))
		return -ENAMETOOLONG;
	strcpy(walk->rest, rest);
	if (text[0] == '/')
		walk->done[0] = '\0';
	return 0;
}

/* One part of the path. */
static int step(struct walk *walk, const struct mountinfo_table *table, const char *part)
{
	char path[PATH_MAX], text[PATH_MAX];
	bool is_known;
	ssize_t n;

	if (!*part || strcmp(part, ".") == 0)
		return 0;
	if (strcmp(part, "..") == 0) {
		char *slash = strrchr(walk->done, '/');

		if (slash)
			*slash = '\0';
		return 0;
	}
	if ((size_t)snprintf(path, sizeof(path), "%s/%s", walk->done, part) >= sizeof(path))
		return -ENAMETOOLONG;
	is_known = leads_to_mount(table, path);
	n = is_known ? -1 : readlink(path, text, sizeof(text) - 1);
	if (n >= 0) {
		text[n] = '\0';
		return follow(walk, text);
	}
	if (!is_known && errno != EINVAL)
		return -errno;
	strcpy(walk->done, path);
	return 0;
}

/* The path without links. No directory that has a view mounted on it is looked into. */
static int resolve(const struct mountinfo_table *table, const char *path, char **ret_path)
{
	struct walk walk = { 0 };

	if (!*path)
		return -ENOENT;
	if (path[0] != '/' && !getcwd(walk.done, sizeof(walk.done)))
		return -errno;
	if (strcmp(walk.done, "/") == 0)
		walk.done[0] = '\0';
	if (strlen(path) >= sizeof(walk.rest))
		return -ENAMETOOLONG;
	strcpy(walk.rest, path);
	while (walk.rest[0]) {
		size_t len = strcspn(walk.rest, "/");
		char part[PATH_MAX];
		int r;

		if (len >= sizeof(part))
			return -ENAMETOOLONG;
		memcpy(part, walk.rest, len);
		part[len] = '\0';
		len += strspn(walk.rest + len, "/");
		memmove(walk.rest, walk.rest + len, strlen(walk.rest + len) + 1);
		r = step(&walk, table, part);
		if (r < 0)
			return r;
	}
	*ret_path = strdup(walk.done[0] ? walk.done : "/");
	return *ret_path ? 0 : -ENOMEM;
}

int mounts_find(const char *path, struct mounts_view *ret_view, char **ret_type)
{
	_cleanup_(mountinfo_fini) struct mountinfo_table table = { 0 };
	_cleanup_(freep) char *wanted = NULL;
	const struct mountinfo *mount;
	int r = mountinfo_read(MOUNTINFO_OWN, &table);

	if (r == 0)
		r = resolve(&table, path, &wanted);
	if (r < 0)
		return r;
	mount = mountinfo_at(&table, wanted);
	if (!mount || strcmp(mount->type, "fuse.penstock") != 0) {
		*ret_type = mount ? strdup(mount->type) : NULL;
		return -EINVAL;
	}
	ret_view->mountpoint = take_ptr(wanted);
	ret_view->connection = mount->connection;
	return 0;
}

/* ---- dead views ---- */

#define ANSWER_MS 2000			/* a dead view answers at once, one that is stuck not at all */

/*
 * Whether the kernel answers for a process that has died: ENOTCONN; ECONNABORTED at first; with io_uring
 * ECANCELED while the rings are taken down.
 */
static bool kernel_answers(const char *mountpoint)
{
	struct statfs st;

	for (int tries = 0; tries < 50; tries++) {
		if (statfs(mountpoint, &st) == 0)
			return false;
		if (errno != ECANCELED)
			return errno == ENOTCONN || errno == ECONNABORTED;
		usleep(20000);
	}
	return true;
}

/* A view that is alive and stuck would not answer, so a child asks, and is given two seconds. */
bool mounts_view_is_dead(const struct mounts_view *view)
{
	struct pollfd fd = { .events = POLLIN };
	int fds[2], status = 0;
	bool ended;
	pid_t child;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return false;
	child = fork();
	if (child == 0)
		_exit(kernel_answers(view->mountpoint));
	fd_close(fds[1]);
	fd.fd = fds[0];
	ended = child > 0 && poll(&fd, 1, ANSWER_MS) > 0;
	fd_close(fds[0]);
	if (child < 0)
		return false;
	if (!ended)
		kill(child, SIGKILL);
	return waitpid(child, &status, ended ? 0 : WNOHANG) == child && WIFEXITED(status) &&
	       WEXITSTATUS(status) == 1;
}
