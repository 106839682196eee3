// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Other paths of the directory below the view.
 *
 * Bind mounts can show the directory, one above it or one inside it a second time. The command must
 * not reach files there that the view hides. The mount table has, for each mount, the directory of
 * its file system that it shows, so paths of the same file can be compared. Hard links and other
 * file systems that show the same files (overlayfs, FUSE) are not found.
 *
 * The command could also move a directory above the tree to a place that another mount shows. The
 * kernel refuses to move a mount point of the mount namespace, so each directory above becomes one:
 * in a stack of mounts at /proc, of which the command sees only the top, its own /proc.
 *
 * No state, no locks.
 */
#include "run/other-paths.h"
#include "util/cleanup.h"
#include "util/fd.h"
#include "util/log.h"
#include "util/mountinfo.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/mount.h>
#include <linux/openat2.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/*
 * Returns the rest of path after the directory top, "" or "/...", or NULL if path is not in it.
 */
static const char *below(const char *path, const char *top)
{
	size_t len = strcmp(top, "/") == 0 ? 0 : strlen(top);

	if (strncmp(path, top, len) != 0 || (path[len] && path[len] != '/'))
		return NULL;
	return strcmp(path + len, "/") == 0 ? "" : path + len;
}

int tree_find(const char *directory, struct tree *ret_tree, struct pst_error *error)
{
	_cleanup_(mountinfo_fini) struct mountinfo_table table = { 0 };
	const struct mountinfo *mount = NULL;
	struct statx stx;
	const char *rest;
	int r;

	ret_tree->path = realpath(directory, NULL);
	if (!ret_tree->path || statx(AT_FDCWD, ret_tree->path, 0, 0, &stx) < 0)
		return error_set(error, -errno, "%s: %s", directory, strerror(errno));
	r = mountinfo_read(MOUNTINFO_OWN, &table);
	for (size_t i = 0; i < table.n; i++)
		if ((uint64_t)table.mounts[i].id == stx.stx_mnt_id)
			mount = &table.mounts[i];
	rest = mount ? below(ret_tree->path, mount->point) : NULL;
	if (!rest)
		return error_set(error, r ?: -ENOENT, "cannot find the mount of %s", directory);
	ret_tree->device = mount->connection;
	if (asprintf(&ret_tree->root, "%s%s", strcmp(mount->root, "/") == 0 ? "" : mount->root,
		     rest) < 0)
		return error_set(error, -ENOMEM, "out of memory");
	return 0;
}

void tree_fini(struct tree *tree)
{
	free(tree->root);
	free(tree->path);
	*tree = (struct tree){ 0 };
}

/* Opens a path in the view, rest from its root. Returns an O_PATH descriptor or -errno. */
static int open_in_view(const struct tree *tree, const char *rest)
{
	_cleanup_(fd_closep) int view = open(tree->path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct open_how how = { .flags = O_PATH | O_CLOEXEC,
				.resolve = RESOLVE_NO_SYMLINKS | RESOLVE_BENEATH };
	long fd;

	if (view < 0)
		return -errno;
	fd = syscall(SYS_openat2, view, *rest ? rest + 1 : ".", &how, sizeof(how));
	return fd < 0 ? -errno : (int)fd;
}

/* Mounts an empty directory, or the null device, over a place whose file the view hides. */
static int cover_hidden(const char *place)
{
	struct stat st;

	if (stat(place, &st) < 0)
		return -errno;
	if (S_ISDIR(st.st_mode))
		return mount("none", place, "tmpfs", MS_RDONLY, "size=4k,mode=555") < 0 ? -errno :
											  0;
	return mount("/dev/null", place, NULL, MS_BIND, NULL) < 0 ? -errno : 0;
}

static int cover(const struct tree *tree, const char *rest, const char *place)
{
	_cleanup_(fd_closep) int fd = open_in_view(tree, rest);

	if (fd < 0)
		return cover_hidden(place);
	return mount(fd_path(fd).text, place, NULL, MS_BIND, NULL) < 0 ? -errno : 0;
}

/* Covers the path by which a mount shows the directory or a part of it, if there is one. */
static int cover_mount(const struct tree *tree, const struct mountinfo *mount)
{
	const char *part = below(mount->root, tree->root), *rest = below(tree->root, mount->root);
	char place[PATH_MAX];
	struct statx stx;

	if (mount->connection != tree->device || (!part && !rest))
		return 0;
	if (snprintf(place, sizeof(place), "%s%s",
		     strcmp(mount->point, "/") == 0 ? "" : mount->point,
		     part ? "" : rest) >= (int)sizeof(place))
		return -ENAMETOOLONG;
	/* The view has covered these, as other mounts may have covered others. */
	if (below(place, tree->path) || statx(AT_FDCWD, place, AT_NO_AUTOMOUNT, 0, &stx) < 0 ||
	    stx.stx_mnt_id != (uint64_t)mount->id)
		return 0;
	return cover(tree, part ? part : "", place);
}

/*
 * Mounts a directory at /proc, over the mount that is there. The next mount at /proc makes this
 * directory a mount point.
 */
static int stack(const char *directory)
{
	_cleanup_(fd_closep) int fd =
		open_tree(AT_FDCWD, directory,
			  OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | (unsigned int)AT_RECURSIVE);

	if (fd < 0 || move_mount(fd, "", AT_FDCWD, "/proc", MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return -errno;
	return 0;
}

/* Stacks the directories above the tree that a mount shows, below its root. */
static int stack_above(const struct tree *tree, const struct mountinfo *mount)
{
	const char *rest = below(tree->root, mount->root);
	size_t len = strcmp(mount->point, "/") == 0 ? 0 : strlen(mount->point);
	char place[PATH_MAX];
	struct statx stx;
	int r = 0;

	if (mount->connection != tree->device || !rest)
		return 0;
	if (snprintf(place, sizeof(place), "%.*s%s", (int)len, mount->point, rest) >=
	    (int)sizeof(place))
		return -ENAMETOOLONG;
	for (char *end; r == 0 && (end = strrchr(place + len, '/')) > place + len;) {
		*end = '\0';
		/* The command cannot move a directory that another mount covers. */
		if (statx(AT_FDCWD, place, AT_NO_AUTOMOUNT, 0, &stx) == 0 &&
		    stx.stx_mnt_id == (uint64_t)mount->id)
			r = stack(place);
	}
	return r;
}

static int stack_all(const struct tree *tree, const struct mountinfo_table *table,
		     struct pst_error *error)
{
	for (size_t i = 0; i < table->n; i++) {
		int r = stack_above(tree, &table->mounts[i]);

		if (r < 0)
			return error_set(error, r,
					 "cannot keep the command from moving the directories "
					 "above %s, which the mount at %s shows: %s",
					 tree->path, table->mounts[i].point, strerror(-r));
	}
	return 0;
}

int other_paths_cover(const struct tree *tree, struct pst_error *error)
{
	_cleanup_(mountinfo_fini) struct mountinfo_table table = { 0 };
	int r = mountinfo_read(MOUNTINFO_OWN, &table);

	if (r < 0)
		return error_set(error, r, "cannot read the mount table: %s", strerror(-r));
	for (size_t i = 0; i < table.n; i++) {
		r = cover_mount(tree, &table.mounts[i]);
		if (r < 0)
			return error_set(error, r,
					 "%s is also visible in the mount at %s, where the view "
					 "cannot be mounted: %s",
					 tree->path, table.mounts[i].point, strerror(-r));
	}
	return stack_all(tree, &table, error);
}
