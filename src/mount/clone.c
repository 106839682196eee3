// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A clone of a directory's mount with what is mounted below it, but for some kinds of file systems.
 *
 * A mount cannot be taken out of a detached clone. So a thread makes a mount namespace of its own,
 * takes the mounts away there, where nobody else sees it, and clones what is left. Where nothing is
 * to be left out, or no namespace may be made, the clone is made directly. No state, no locks.
 */
#include "mount/mount.h"
#include "util/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>

struct clone {
	const char *path;
	bool (*leave_out)(const char *type);
	int fd;				/* or -errno */
};

static int open_clone(const char *path, bool recursive)
{
	int fd = open_tree(AT_FDCWD, path,
			   OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC |
				   (recursive ? (unsigned int)AT_RECURSIVE : 0));

	return fd < 0 ? -errno : fd;
}

static bool is_below(const char *path, const char *top)
{
	size_t len = strcmp(top, "/") == 0 ? 0 : strlen(top);

	return strncmp(path, top, len) == 0 && path[len] == '/' && path[len + 1];
}

/* Paths of the mounts to leave out, a NULL at the end. */
struct paths {
	const struct clone *clone;
	char **paths;
	size_t n;
};

static int add_path(void *aux, const struct mount_line *line)
{
	struct paths *paths = aux;
	char **grown;

	if (!is_below(line->path, paths->clone->path) || !paths->clone->leave_out(line->type))
		return 0;
	grown = realloc(paths->paths, (paths->n + 1) * sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	paths->paths = grown;
	grown[paths->n] = strdup(line->path);
	return grown[paths->n++] ? 0 : -ENOMEM;
}

static void paths_fini(struct paths *paths)
{
	for (size_t i = 0; i < paths->n; i++)
		free(paths->paths[i]);
	free(paths->paths);
}

/* In the thread: its mounts are nobody else's from the second call on. */
static void *clone_main(void *arg)
{
	_cleanup_(paths_fini) struct paths paths = { 0 };
	struct clone *clone = arg;
	int r;

	paths.clone = clone;
	if (unshare(CLONE_FS | CLONE_NEWNS) < 0 ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0) {
		clone->fd = -errno;
		return NULL;
	}
	r = mount_each(add_path, &paths);
	/* One that lay on another has gone with it; one that may not be taken away is met by lookups. */
	for (size_t i = 0; r == 0 && i < paths.n; i++)
		umount2(paths.paths[i], MNT_DETACH | UMOUNT_NOFOLLOW);
	clone->fd = r < 0 ? r : open_clone(clone->path, true);
	return NULL;
}

static bool has_some(const struct clone *clone)
{
	_cleanup_(paths_fini) struct paths paths = { .clone = clone };

	return mount_each(add_path, &paths) < 0 || paths.n > 0;
}

int mount_clone_tree(const char *path, bool recursive, bool (*leave_out)(const char *type))
{
	struct clone clone = { .path = path, .leave_out = leave_out, .fd = -EAGAIN };
	pthread_t thread;

	if (!recursive || !leave_out || !has_some(&clone))
		return open_clone(path, recursive);
	if (pthread_create(&thread, NULL, clone_main, &clone) == 0)
		pthread_join(thread, NULL);
	return clone.fd >= 0 ? clone.fd : open_clone(path, true);
}

static int find_readonly(void *aux, const struct mount_line *line)
{
	return is_below(line->path, aux) && strncmp(line->flags, "ro", 2) == 0;
}

bool mount_has_readonly_below(const char *path)
{
	return mount_each(find_readonly, (void *)path) != 0;
}
