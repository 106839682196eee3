// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Other paths of the files below the view.
 *
 * Bind mounts can show the directory, one above it or one inside it a second time, and a file
 * system that is mounted inside it can be mounted elsewhere, too. The command must not reach files
 * there that the view hides. The mount table has, for each mount, the directory of its file system
 * that it shows, so paths of the same file can be compared. Hard links and other file systems that
 * show the same files (overlayfs, FUSE) are not found.
 *
 * The command could also move a directory above such a part of the tree to a place that another
 * mount shows. The kernel refuses to move a mount point of the mount namespace, so each directory
 * above becomes one: in a stack of mounts at /proc, of which the command sees only the top, its own
 * /proc.
 *
 * No state, no locks.
 */
#include "run/other-paths.h"
#include "util/cleanup.h"
#include "util/fd.h"
#include "util/fstype.h"
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
#include <stdlib.h>
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

/* Adds the directory or file at path, which the mount shows, as a part of the tree. */
static int add_part(struct tree *tree, const struct mountinfo *mount, const char *path)
{
	const char *rest = below(path, mount->point);
	struct tree_part *parts = reallocarray(tree->parts, tree->n + 1, sizeof(*parts)), *part;

	if (!parts)
		return -ENOMEM;
	tree->parts = parts;
	part = &parts[tree->n];
	part->device = mount->connection;
	part->path = strdup(path);
	if (!part->path)
		return -ENOMEM;
	if (asprintf(&part->root, "%s%s", strcmp(mount->root, "/") == 0 ? "" : mount->root, rest) <
	    0) {
		free(part->path);
		return -ENOMEM;
	}
	tree->n++;
	return 0;
}

/* Returns whether a path leads to the mount, and not to another one that covers it. */
static bool leads_to(const char *path, const struct mountinfo *mount)
{
	struct statx stx;

	return statx(AT_FDCWD, path, AT_NO_AUTOMOUNT, 0, &stx) == 0 &&
	       stx.stx_mnt_id == (uint64_t)mount->id;
}

/* Returns whether the files of a mount inside the directory belong to the tree. */
static bool is_inside(const char *directory, const struct mountinfo *mount)
{
	const char *rest = below(mount->point, directory);

	/* Files of devices and of the kernel are the same in each mount: root has protect.c. */
	return rest && *rest && !fstype_is_pseudo(mount->type) &&
	       strcmp(mount->type, "devtmpfs") != 0 && strcmp(mount->type, "devpts") != 0 &&
	       leads_to(mount->point, mount);
}

int tree_find(const char *directory, struct tree *ret_tree, struct pst_error *error)
{
	_cleanup_(mountinfo_fini) struct mountinfo_table table = { 0 };
	_cleanup_(freep) char *path = realpath(directory, NULL);
	int r;

	*ret_tree = (struct tree){ 0 };
	if (!path)
		return error_set(error, -errno, "%s: %s", directory, strerror(errno));
	r = mountinfo_read(MOUNTINFO_OWN, &table);
	for (size_t i = 0; r == 0 && i < table.n && !ret_tree->n; i++)
		if (below(path, table.mounts[i].point) && leads_to(path, &table.mounts[i]))
			r = add_part(ret_tree, &table.mounts[i], path);
	for (size_t i = 0; r == 0 && i < table.n; i++)
		if (is_inside(path, &table.mounts[i]))
			r = add_part(ret_tree, &table.mounts[i], table.mounts[i].point);
	if (r == 0 && ret_tree->n)
		return 0;
	return error_set(error, r ?: -ENOENT, "cannot find the mount of %s", directory);
}

void tree_fini(struct tree *tree)
{
	for (size_t i = 0; i < tree->n; i++) {
		free(tree->parts[i].root);
		free(tree->parts[i].path);
	}
	free(tree->parts);
	*tree = (struct tree){ 0 };
}

/* Opens a path in the view, rest from its root. Returns an O_PATH descriptor or -errno. */
static int open_in_view(const char *directory, const char *rest)
{
	_cleanup_(fd_closep) int view = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
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

/* Covers a place by the file of the view at the path of the part, and rest from there. */
static int cover(const struct tree *tree, const struct tree_part *part, const char *rest,
		 const char *place)
{
	const char *directory = tree->parts[0].path;
	_cleanup_(fd_closep) int fd = -1;
	char path[PATH_MAX];

	if (snprintf(path, sizeof(path), "%s%s", below(part->path, directory), rest) >=
	    (int)sizeof(path))
		return -ENAMETOOLONG;
	fd = open_in_view(directory, path);
	if (fd < 0)
		return cover_hidden(place);
	return mount(fd_path(fd).text, place, NULL, MS_BIND, NULL) < 0 ? -errno : 0;
}

/* Covers the path by which a mount shows the part or files of it, if there is one. */
static int cover_mount(const struct tree *tree, const struct tree_part *part,
		       const struct mountinfo *mount)
{
	const char *inside = below(mount->root, part->root), *rest = below(part->root, mount->root);
	const char *directory = tree->parts[0].path;
	char place[PATH_MAX];

	if (mount->connection != part->device || (!inside && !rest))
		return 0;
	if (snprintf(place, sizeof(place), "%s%s",
		     strcmp(mount->point, "/") == 0 ? "" : mount->point,
		     inside ? "" : rest) >= (int)sizeof(place))
		return -ENAMETOOLONG;
	/* The view has covered its own files, as other mounts may have covered others. */
	if (below(place, directory) || !leads_to(*place ? place : "/", mount))
		return 0;
	return below(directory, place) ? -EBUSY : cover(tree, part, inside ? inside : "", place);
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

/* Stacks the directories above the part that a mount shows, below its root. */
static int stack_above(const struct tree_part *part, const struct mountinfo *mount)
{
	const char *rest = below(part->root, mount->root);
	size_t len = strcmp(mount->point, "/") == 0 ? 0 : strlen(mount->point);
	char place[PATH_MAX];
	int r = 0;

	if (mount->connection != part->device || !rest)
		return 0;
	if (snprintf(place, sizeof(place), "%.*s%s", (int)len, mount->point, rest) >=
	    (int)sizeof(place))
		return -ENAMETOOLONG;
	for (char *end; r == 0 && (end = strrchr(place + len, '/')) > place + len;) {
		*end = '\0';
		/* The command cannot move a directory that another mount covers. */
		if (leads_to(place, mount))
			r = stack(place);
	}
	return r;
}

static int close_part(const struct tree *tree, const struct tree_part *part,
		      const struct mountinfo_table *table, struct pst_error *error)
{
	int r;

	for (size_t i = 0; i < table->n; i++) {
		r = cover_mount(tree, part, &table->mounts[i]);
		if (r == -EBUSY)
			return error_set(error, r,
					 "the mount at %s shows files that are also at %s, above "
					 "the view: unmount it, or give another directory",
					 part->path, table->mounts[i].point);
		if (r < 0)
			return error_set(error, r,
					 "%s is also visible in the mount at %s, where the view "
					 "cannot be mounted: %s",
					 part->path, table->mounts[i].point, strerror(-r));
	}
	for (size_t i = 0; i < table->n; i++) {
		r = stack_above(part, &table->mounts[i]);
		if (r < 0)
			return error_set(error, r,
					 "cannot keep the command from moving the directories "
					 "above %s, which the mount at %s shows: %s",
					 part->path, table->mounts[i].point, strerror(-r));
	}
	return 0;
}

int other_paths_cover(const struct tree *tree, struct pst_error *error)
{
	_cleanup_(mountinfo_fini) struct mountinfo_table table = { 0 };
	int r = mountinfo_read(MOUNTINFO_OWN, &table);

	if (r < 0)
		return error_set(error, r, "cannot read the mount table: %s", strerror(-r));
	for (size_t i = 0; r == 0 && i < tree->n; i++)
		r = close_part(tree, &tree->parts[i], &table, error);
	return r;
}
