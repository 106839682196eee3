// SPDX-License-Identifier: LGPL-2.1-or-later
/* The operations that each caller tries in a directory. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "callers.h"

/* Returns the path of a name in the directory, valid until the fourth call from now. */
static const char *in(const char *dir, const char *name)
{
	static char paths[4][256];
	static unsigned int next;
	char *path = paths[next++ % 4];

	snprintf(path, sizeof(paths[0]), "%s/%s", dir, name);
	return path;
}

static int result(int r)
{
	return r < 0 ? -errno : 0;
}

static int create_as(const char *dir, int flags, mode_t mode)
{
	int fd = open(in(dir, "new"), flags | O_CREAT, mode), r;

	if (fd < 0)
		return -errno;
	r = (flags & O_ACCMODE) == O_RDONLY ? 0 : result(write(fd, "created", 7));
	close(fd);
	return r;
}

/* Returns 0 or -errno of an open. */
static int opened(const char *path, int flags, mode_t mode)
{
	int fd = open(path, flags, mode);

	if (fd < 0)
		return -errno;
	close(fd);
	return 0;
}

#define OP(name, r)                                                                                \
	static int name(const char *dir, char said[SAID_SIZE])                                     \
	{                                                                                          \
		return r;                                                                          \
	}
#define F   in(dir, "f")
#define D   in(dir, "d")
#define L   in(dir, "l")
#define NEW in(dir, "new")

OP(create, create_as(dir, O_WRONLY, 0666))
OP(create_only, create_as(dir, O_RDWR | O_EXCL, 0600))
OP(create_closed, create_as(dir, O_RDWR, 0000))
OP(create_set_id, create_as(dir, O_WRONLY, 06755))
OP(create_to_read, create_as(dir, O_RDONLY, 0444))
OP(create_there, opened(F, O_WRONLY | O_CREAT | O_TRUNC, 0644))
OP(make_nameless, opened(dir, O_TMPFILE | O_RDWR, 0600))
OP(make_dir, result(mkdir(NEW, 0777)))
OP(make_fifo, result(mknod(NEW, S_IFIFO | 0640, 0)))
OP(make_file, result(mknod(NEW, S_IFREG | 0640, 0)))
OP(make_device, result(mknod(NEW, S_IFCHR | 0640, 259)))
OP(make_symlink, result(symlink("somewhere", NEW)))
OP(make_link, result(link(F, NEW)))
OP(rename_file, result(rename(F, NEW)))
OP(rename_over, result(rename(F, L)))
OP(rename_dir, result(rename(D, NEW)))
OP(remove_file, result(unlink(F)))
OP(remove_dir, result(rmdir(D)))
OP(change_mode, result(chmod(dir, 0750)))
OP(look_for_nothing, result(lstat(NEW, &(struct stat){ 0 })))

/* The file has just been closed, so no process has it open. */
static int remove_read(const char *dir, char said[SAID_SIZE])
{
	int r;

	opened(F, O_RDONLY, 0);
	r = result(unlink(F));
	if (r == 0)
		snprintf(said, SAID_SIZE, "then %d", access(F, F_OK) < 0 ? -errno : 0);
	return r;
}

static int remove_open(const char *dir, char said[SAID_SIZE])
{
	int fd = open(F, O_RDONLY), r;
	char text[SAID_SIZE] = "";

	if (fd < 0)
		return -errno;
	r = result(unlink(F));
	if (r == 0)
		snprintf(said, SAID_SIZE, "%zd of %.5s", read(fd, text, sizeof(text) - 1), text);
	close(fd);
	return r;
}

static int remove_all(const char *dir, char said[SAID_SIZE])
{
	opened(F, O_RDONLY, 0);
	return unlink(F) < 0 || rmdir(D) < 0 || unlink(L) < 0 ? -errno : result(rmdir(dir));
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int list(const char *dir, char said[SAID_SIZE])
{
	struct dirent **names;
	int n = scandir(dir, &names, NULL, by_name);
	size_t len = 0;

	if (n < 0)
		return -errno;
	for (int i = 0; i < n; i++) {
		len += snprintf(said + len, SAID_SIZE - len, "%s%s", i ? "," : "",
				names[i]->d_name);
		free(names[i]);
	}
	free(names);
	return 0;
}

static int look(const char *dir, char said[SAID_SIZE])
{
	struct stat st;

	if (lstat(F, &st) < 0)
		return -errno;
	snprintf(said, SAID_SIZE, "%o %u", st.st_mode, st.st_uid);
	return 0;
}

static int read_link(const char *dir, char said[SAID_SIZE])
{
	ssize_t n = readlink(L, said, SAID_SIZE - 1);

	if (n < 0)
		return -errno;
	said[n] = 0;
	return 0;
}

static int read_file(const char *dir, char said[SAID_SIZE])
{
	int fd = open(L, O_RDONLY);
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = read(fd, said, SAID_SIZE - 1);
	close(fd);
	if (n < 0)
		return -errno;
	said[n] = 0;
	said[strcspn(said, "\n")] = 0;
	return 0;
}

static int enter(const char *dir, char said[SAID_SIZE])
{
	int here = open(".", O_PATH), r = result(chdir(dir));

	if (fchdir(here) < 0)
		_exit(3);
	close(here);
	return r;
}

const struct op dir_ops[] = {
	{ "look", look },
	{ "look-for-nothing", look_for_nothing },
	{ "list", list },
	{ "enter", enter },
	{ "readlink", read_link },
	{ "read", read_file },
	{ "create", create },
	{ "create-only", create_only },
	{ "create-closed", create_closed },
	{ "create-set-id", create_set_id },
	{ "create-to-read", create_to_read },
	{ "create-there", create_there },
	{ "tmpfile", make_nameless },
	{ "mkdir", make_dir },
	{ "mkfifo", make_fifo },
	{ "mknod", make_file },
	{ "mkdev", make_device },
	{ "symlink", make_symlink },
	{ "link", make_link },
	{ "rename", rename_file },
	{ "rename-over", rename_over },
	{ "rename-dir", rename_dir },
	{ "unlink", remove_file },
	{ "unlink-read", remove_read },
	{ "unlink-open", remove_open },
	{ "rmdir", remove_dir },
	{ "remove-all", remove_all },
	{ "chmod", change_mode },
};
const size_t n_dir_ops = sizeof(dir_ops) / sizeof(dir_ops[0]);
