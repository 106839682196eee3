// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Paths of nodes, both ways. A path is for people, for filters of a subtree, and a hint; no
 * operation of the view goes by one.
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

/* Reads the lower path of a node from /proc; "" where the kernel does not know it. */
static void lower_path(struct fs *fs, struct node *node, char *buf, size_t size)
{
	_cleanup_(fdref_putp) struct fdref ref = FDREF_NONE;
	ssize_t n = -1;

	if (fdref_get(fs->fds, node, &ref) == 0)
		n = readlink(fd_path(ref.fd).text, buf, size - 1);
	buf[n < 0 ? 0 : n] = '\0';
}

/*
 * A private mount of LOWER hangs nowhere, so the kernel names files on it by their path from its
 * root, which is LOWER; without one they have LOWER's own path before it. A file whose directory
 * the kernel has forgotten is "/" to it.
 */
void fs_node_path(struct fs *fs, struct node *node, char *buf, size_t size)
{
	char root[PATH_MAX];
	size_t len;

	lower_path(fs, node, buf, size);
	lower_path(fs, fs->root, root, sizeof(root));
	len = strcmp(root, "/") == 0 ? 0 : strlen(root);
	if (node == fs->root)
		snprintf(buf, size, "/");
	else if (strncmp(buf, root, len) != 0 || buf[len] != '/' || !buf[len + 1])
		snprintf(buf, size, "?");
	else
		memmove(buf, buf + len, strlen(buf + len) + 1);
}

/* Reads where a descriptor leads; false: the path is too long. */
static bool read_path(int fd, char *buf, size_t size)
{
	ssize_t n = readlink(fd_path(fd).text, buf, size - 1);

	buf[n < 0 ? 0 : n] = '\0';
	return n >= 0;
}

bool fs_node_path_cut(struct fs *fs, struct node *node, char *buf, size_t size)
{
	_cleanup_(fdref_putp) struct fdref ref = FDREF_NONE;
	_cleanup_(fd_closep) int above = -1;
	char root[PATH_MAX];
	size_t len;

	fs_node_path(fs, node, buf, size);
	if (strcmp(buf, "?") != 0 || !S_ISDIR(node->type) || fdref_get(fs->fds, node, &ref) < 0)
		return false;
	/* A limit, so that a deep tree does not cost more time. */
	for (int i = 0; i < 256; i++) {
		int fd = openat(above < 0 ? ref.fd : above, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);

		fd_close(above);
		above = fd;
		if (above < 0)
			break;
		if (!read_path(above, buf, size - 3))
			continue;
		lower_path(fs, fs->root, root, sizeof(root));
		len = strcmp(root, "/") == 0 ? 0 : strlen(root);
		if (strncmp(buf, root, len) != 0 || buf[len] != '/')
			break;
		memmove(buf, buf + len, strlen(buf + len) + 1);
		strcat(buf, "/?");
		return true;
	}
	snprintf(buf, size, "?");
	return false;
}
