// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * act escape DIR FILE...: every way to give a file of DIR another name, or to open it without one.
 *
 * Opens each FILE in DIR in all modes that succeed, prints "held" and waits for a line, so that the
 * test can add filters, or make the kernel forget, in between. Then it tries each way to a name in
 * DIR/out, and prints a line for each: FILE WAY, and 0 or the error's name. Ways to open the file
 * end with "shown" if the file's text has "hunter2" in it, and with "written" if the file could be
 * written to.
 */
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>

#include "act.h"

struct held {
	const char *path; /* below top */
	const char *name; /* the last part of it */
	char dir[PATH_MAX];
	int dir_fd, path_fd;
};

static int top, n_names;

static void say(const struct held *file, const char *way, int r)
{
	printf("%s %s %s\n", file->path, way, r < 0 ? strerrorname_np(errno) : "0");
}

/* Returns a name in out that does not exist yet. */
static const char *fresh(void)
{
	static char name[32];

	snprintf(name, sizeof(name), "out/new%d", n_names++);
	return name;
}

static const char *other(bool is_dir)
{
	static char name[32];

	snprintf(name, sizeof(name), "out/%s%d", is_dir ? "dir" : "plain", n_names++);
	if (is_dir)
		mkdirat(top, name, 0777);
	else
		close(openat(top, name, O_WRONLY | O_CREAT, 0666));
	return name;
}

static const char *fd_name(int fd)
{
	static char name[32];

	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	return name;
}

static struct held hold(const char *path)
{
	struct held file = { .path = path, .name = strrchr(path, '/') };

	file.name = file.name ? file.name + 1 : path;
	snprintf(file.dir, sizeof(file.dir), "%.*s", (int)(file.name - path), path);
	file.dir_fd = openat(top, file.dir[0] ? file.dir : ".", O_PATH | O_DIRECTORY);
	file.path_fd = openat(top, path, O_PATH | O_NOFOLLOW);
	return file;
}

static void move(const struct held *file)
{
	const char *name;

	say(file, "rename", renameat(top, file->path, top, fresh()));
	say(file, "noreplace", renameat2(top, file->path, top, fresh(), RENAME_NOREPLACE));
	say(file, "whiteout", renameat2(top, file->path, top, fresh(), RENAME_WHITEOUT));
	say(file, "over", renameat(top, file->path, top, other(false)));
	name = other(false);
	say(file, "exchange", renameat2(top, file->path, top, name, RENAME_EXCHANGE));
	say(file, "exchanged", renameat2(top, name, top, file->path, RENAME_EXCHANGE));
	name = other(true);
	say(file, "exchange-dir", renameat2(top, file->path, top, name, RENAME_EXCHANGE));
	say(file, "exchanged-dir", renameat2(top, name, top, file->path, RENAME_EXCHANGE));
	if (file->dir_fd >= 0)
		say(file, "from-dir", renameat(file->dir_fd, file->name, top, fresh()));
	if (file->dir_fd >= 0 && fchdir(file->dir_fd) == 0)
		say(file, "from-cwd", renameat(AT_FDCWD, file->name, top, fresh()));
	say(file, "replaced", renameat(top, other(false), top, file->path));
}

/* Renames the directory of the file. */
static void move_dir(const struct held *file)
{
	char dir[PATH_MAX];
	const char *name;

	if (!file->dir[0])
		return;
	snprintf(dir, sizeof(dir), "%.*s", (int)strlen(file->dir) - 1, file->dir);
	say(file, "rename-parent", renameat(top, dir, top, fresh()));
	name = other(true);
	say(file, "exchange-parent", renameat2(top, dir, top, name, RENAME_EXCHANGE));
	say(file, "exchanged-parent", renameat2(top, name, top, dir, RENAME_EXCHANGE));
}

static void link_it(const struct held *file)
{
	say(file, "link", linkat(top, file->path, top, fresh(), 0));
	if (file->path_fd < 0)
		return;
	say(file, "link-proc",
	    linkat(AT_FDCWD, fd_name(file->path_fd), top, fresh(), AT_SYMLINK_FOLLOW));
	say(file, "link-empty", linkat(file->path_fd, "", top, fresh(), AT_EMPTY_PATH));
}

static void look(const struct held *file, const char *way, int fd)
{
	char text[256] = "";
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	printf("%s %s %s\n", file->path, way,
	       n < 0                   ? strerrorname_np(errno) :
	       strstr(text, "hunter2") ? "shown" :
					 "0");
	if (fd >= 0)
		close(fd);
}

static void change(const struct held *file, const char *way, int fd)
{
	bool written = fd >= 0 && write(fd, "changed", 7) == 7;

	printf("%s %s %s\n", file->path, way, written ? "written" : strerrorname_np(errno));
	if (fd >= 0)
		close(fd);
}

static int open_by_handle(const struct held *file)
{
	struct {
		struct file_handle head;
		char bytes[MAX_HANDLE_SZ];
	} handle = { .head.handle_bytes = MAX_HANDLE_SZ };
	int mount;

	if (name_to_handle_at(file->path_fd, "", &handle.head, &mount, AT_EMPTY_PATH) < 0)
		return -1;
	return open_by_handle_at(top, &handle.head, O_RDONLY);
}

static void reopen(const struct held *file)
{
	look(file, "read", openat(top, file->path, O_RDONLY));
	change(file, "write", openat(top, file->path, O_WRONLY | O_APPEND));
	if (file->path_fd < 0)
		return;
	look(file, "read-proc", open(fd_name(file->path_fd), O_RDONLY));
	change(file, "write-proc", open(fd_name(file->path_fd), O_RDWR | O_APPEND));
	say(file, "truncate-proc", truncate(fd_name(file->path_fd), 3));
	look(file, "read-handle", open_by_handle(file));
}

int act_escape(int argc, char **argv)
{
	struct held files[16];
	char line[16];
	int n = argc - 1;

	if (n < 1 || n > 16)
		return 2;
	umask(0);
	top = open(argv[0], O_RDONLY | O_DIRECTORY);
	if (top < 0)
		err(1, "%s", argv[0]);
	n_names = getpid() * 1000;
	for (int i = 0; i < n; i++)
		files[i] = hold(argv[i + 1]);
	puts("held");
	if (!fgets(line, sizeof(line), stdin))
		return 1;
	for (int i = 0; i < n; i++) {
		reopen(&files[i]);
		link_it(&files[i]);
		move(&files[i]);
		move_dir(&files[i]);
	}
	puts("done");
	return 0;
}
