// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Finds nodes by path, and paths of nodes. Messages, filters with at= and watch-events.c use paths;
 * no operation of a client does, because a rename could change the path meanwhile. No state, no
 * locks.
 */
#include "fs/fs-private.h"
#include "util/cleanup.h"
#include "util/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

int fs_walk_path(struct fs *fs, const char *path, struct node **ret_node)
{
	struct open_how how = {
		.flags = O_PATH | O_NOFOLLOW | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS,
	};
	_cleanup_(fdref_putp) struct fdref ref = FDREF_NONE;
	_cleanup_(fd_closep) int fd = -1;
	struct fs_entry entry;
	int r;

	if (!path[0]) {
		*ret_node = node_get(fs->root);
		return 0;
	}
	r = fdref_get(fs->fds, fs->root, &ref);
	if (r < 0)
		return r;
	fd = (int)syscall(SYS_openat2, ref.fd, path, &how, sizeof(how));
	if (fd < 0)
		return -errno;
	r = lookup_fd(fs, NULL, fd, &entry);
	if (r == 0)
		*ret_node = entry.node;
	return r;
}

/* Reads the lower path of a descriptor. Returns false, with "" in buf, if the path is too long. */
static bool read_path(int fd, char *buf, size_t size)
{
	ssize_t n = readlink(fd_path(fd).text, buf, size - 1);

	buf[n < 0 ? 0 : n] = '\0';
	return n >= 0;
}

/* Reads the lower path of a node, or "" if the kernel does not know the path. */
static void lower_path(struct fs *fs, struct node *node, char *buf, size_t size)
{
	_cleanup_(fdref_putp) struct fdref ref = FDREF_NONE;

	buf[0] = '\0';
	if (fdref_get(fs->fds, node, &ref) == 0)
		read_path(ref.fd, buf, size);
}

/*
 * Removes the path of LOWER from the start of a lower path. Returns false if the file is not below
 * LOWER.
 *
 * The clone of LOWER's mount is attached nowhere, so paths on it begin at its root, which is LOWER.
 * Without a clone (in tests), they begin with the path of LOWER.
 */
static bool strip_lower(struct fs *fs, char *path)
{
	char root[PATH_MAX];
	size_t len;

	lower_path(fs, fs->root, root, sizeof(root));
	len = strcmp(root, "/") == 0 ? 0 : strlen(root);
	if (strncmp(path, root, len) != 0 || path[len] != '/')
		return false;
	memmove(path, path + len, strlen(path + len) + 1);
	return true;
}

void fs_node_path(struct fs *fs, struct node *node, char *buf, size_t size)
{
	lower_path(fs, node, buf, size);
	if (node == fs->root)
		snprintf(buf, size, "/");
	/* The kernel returns "/" for a file whose directory is no longer in the dentry cache. */
	else if (!strip_lower(fs, buf) || !buf[1])
		snprintf(buf, size, "?");
}

bool fs_node_path_cut(struct fs *fs, struct node *node, char *buf, size_t size)
{
	_cleanup_(fdref_putp) struct fdref ref = FDREF_NONE;
	_cleanup_(fd_closep) int above = -1;

	fs_node_path(fs, node, buf, size);
	if (strcmp(buf, "?") != 0 || !S_ISDIR(node->type) || fdref_get(fs->fds, node, &ref) < 0)
		return false;
	/* Limits the time in a deep tree. */
	for (int i = 0; i < 256; i++) {
		int fd = openat(above < 0 ? ref.fd : above, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);

		fd_close(above);
		above = fd;
		if (above < 0)
			break;
		if (!read_path(above, buf, size - 3))
			continue;
		if (!strip_lower(fs, buf))
			break;
		strcat(buf, "/?");
		return true;
	}
	snprintf(buf, size, "?");
	return false;
}
