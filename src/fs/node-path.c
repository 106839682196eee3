// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Finds nodes by path, and paths of nodes. Messages, filters with at= and watch-events.c use paths;
 * no operation of a client does, because a rename could change the path meanwhile. No state, no
 * locks.
 */
#include "fs/fs-private.h"
#include "util/cleanup.h"
#include "util/fd.h"

#include <dirent.h>
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

/* -- files whose name the kernel has dropped --------------------------------------------------- */

/* Opens a name. Returns an O_PATH descriptor, or -1 if the file is not that of the node. */
static int open_if_node(struct fs *fs, const struct node *node, int dir_fd, const char *name)
{
	_cleanup_(fd_closep) int fd = lower_openat(fs, dir_fd, name, O_PATH | O_NOFOLLOW, 0);
	struct node *found;
	struct fhandle fh;

	if (fd < 0 || fhandle_at(fd, "", &fh, NULL) < 0)
		return -1;
	fh.mount = node->fh.mount;
	found = node_lookup_fh(fs->nodes, &fh);
	node_put(fs->nodes, found);
	return found == node ? take_fd(&fd) : -1;
}

/* Opens the file of a node by its name in a directory. Returns an O_PATH descriptor, or -1. */
static int open_in(struct fs *fs, const struct node *node, int dir_fd)
{
	int fd = fd_reopen(dir_fd, O_RDONLY | O_DIRECTORY);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;

	if (!dir) {
		fd_close(fd);
		return -1;
	}
	fd = -1;
	while (fd < 0 && (entry = readdir(dir)))
		if (entry->d_ino == node->ino)
			fd = open_if_node(fs, node, dir_fd, entry->d_name);
	closedir(dir);
	return fd;
}

/*
 * Reads the lower path of a file by its name in the directory where it was last found, and keeps
 * the descriptor that was opened by this name. Leaves buf unchanged if the file is not there.
 */
static void find_in_parent(struct fs *fs, struct node *node, char *buf, size_t size)
{
	struct node *parent = node_lookup_id(fs->nodes, node->parent);
	struct fdref ref = FDREF_NONE;
	int fd = -1;

	if (parent && fdref_get(fs->fds, parent, &ref) == 0)
		fd = open_in(fs, node, ref.fd);
	if (fd >= 0) {
		read_path(fd, buf, size);
		fdcache_replace(fs->fds, node, fd);
	}
	/* A node waits for its pinned descriptor when it is freed. */
	fdref_putp(&ref);
	node_put(fs->nodes, parent);
}

/* -- paths of nodes ---------------------------------------------------------------------------- */

void fs_node_path(struct fs *fs, struct node *node, char *buf, size_t size)
{
	if (node == fs->root) {
		snprintf(buf, size, "/");
		return;
	}
	lower_path(fs, node, buf, size);
	/*
	 * The kernel returns "/" for a file that was opened by its handle, and whose name is no
	 * longer in the dentry cache. It finds the names of directories again, but not of files.
	 */
	if (strcmp(buf, "/") == 0 && !S_ISDIR(node->type))
		find_in_parent(fs, node, buf, size);
	if (!strip_lower(fs, buf) || !buf[1])
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
