// SPDX-License-Identifier: LGPL-2.1-or-later
/* What is tried in a directory. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "callers.h"

#define IN(dir, name)                                                                              \
	char name##_path[256];                                                                     \
	snprintf(name##_path, sizeof(name##_path), "%s/" #name, dir)

static int result(int r)
{
	return r < 0 ? -errno : 0;
}

static int create_as(const char *dir, int flags, mode_t mode)
{
	IN(dir, new);
	int fd = open(new_path, flags | O_CREAT, mode), r;

	if (fd < 0)
		return -errno;
	r = (flags & O_ACCMODE) == O_RDONLY ? 0 : result(write(fd, "created", 7));
	close(fd);
	return r;
}

#define CREATE(name, flags, mode)                                                                  \
	static int name(const char *dir, char said[SAID_SIZE])                                     \
	{                                                                                          \
		(void)said;                                                                        \
		return create_as(dir, flags, mode);                                                \
	}
CREATE(create, O_WRONLY, 0666)
CREATE(create_only, O_RDWR | O_EXCL, 0600)
CREATE(create_closed, O_RDWR, 0000)
CREATE(create_set_id, O_WRONLY, 06755)
CREATE(create_to_read, O_RDONLY, 0444)

static int create_there(const char *dir, char said[SAID_SIZE])
{
	IN(dir, f);
	int fd = open(f_path, O_WRONLY | O_CREAT | O_TRUNC, 0644);

	(void)said;
	if (fd < 0)
		return -errno;
	close(fd);
	return 0;
}

static int make_nameless(const char *dir, char said[SAID_SIZE])
{
	int fd = open(dir, O_TMPFILE | O_RDWR, 0600);

	(void)said;
	if (fd < 0)
		return -errno;
	close(fd);
	return 0;
}

static int make_dir(const char *dir, char said[SAID_SIZE])
{
	IN(dir, new);
	(void)said;
	return result(mkdir(new_path, 0777));
}

static int make_fifo(const char *dir, char said[SAID_SIZE])
{
	IN(dir, new);
	(void)said;
	return result(mknod(new_path, S_IFIFO | 0640, 0));
}

static int make_file(const char *dir, char said[SAID_SIZE])
{
	IN(dir, new);
	(void)said;
	return result(mknod(new_path, S_IFREG | 0640, 0));
}

static int make_device(const char *dir, char said[SAID_SIZE])
{
	IN(dir, new);
	(void)said;
	return result(mknod(new_path, S_IFCHR | 0640, 259));
}

static int make_symlink(const char *dir, char said[SAID_SIZE])
{
	IN(dir, new);
	(void)said;
	return result(symlink("somewhere", new_path));
}

static int make_link(const char *dir, char said[SAID_SIZE])
{
	IN(dir, new);
	IN(dir, f);
	(void)said;
	return result(link(f_path, new_path));
}

static int rename_file(const char *dir, char said[SAID_SIZE])
{
	IN(dir, new);
	IN(dir, f);
	(void)said;
	return result(rename(f_path, new_path));
}

static int rename_over(const char *dir, char said[SAID_SIZE])
{
	IN(dir, f);
	IN(dir, l);
	(void)said;
	return result(rename(f_path, l_path));
}

static int rename_dir(const char *dir, char said[SAID_SIZE])
{
	IN(dir, new);
	IN(dir, d);
	(void)said;
	return result(rename(d_path, new_path));
}

static int remove_file(const char *dir, char said[SAID_SIZE])
{
	IN(dir, f);
	(void)said;
	return result(unlink(f_path));
}

/* It has just been closed: nobody holds it. */
static int remove_read(const char *dir, char said[SAID_SIZE])
{
	IN(dir, f);
	int fd = open(f_path, O_RDONLY), r;

	if (fd >= 0)
		close(fd);
	r = result(unlink(f_path));
	if (r == 0)
		snprintf(said, SAID_SIZE, "then %d", access(f_path, F_OK) < 0 ? -errno : 0);
	return r;
}

static int remove_open(const char *dir, char said[SAID_SIZE])
{
	IN(dir, f);
	int fd = open(f_path, O_RDONLY), r;
	char text[SAID_SIZE] = "";

	if (fd < 0)
		return -errno;
	r = result(unlink(f_path));
	if (r == 0)
		snprintf(said, SAID_SIZE, "%zd of %.5s", read(fd, text, sizeof(text) - 1), text);
	close(fd);
	return r;
}

static int remove_dir(const char *dir, char said[SAID_SIZE])
{
	IN(dir, d);
	(void)said;
	return result(rmdir(d_path));
}

static int remove_all(const char *dir, char said[SAID_SIZE])
{
	IN(dir, f);
	IN(dir, d);
	IN(dir, l);
	int f = open(f_path, O_RDONLY);

	if (f >= 0)
		close(f);
	if (unlink(f_path) < 0 || rmdir(d_path) < 0 || unlink(l_path) < 0)
		return -errno;
	(void)said;
	return result(rmdir(dir));
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
	IN(dir, f);
	struct stat st;

	if (lstat(f_path, &st) < 0)
		return -errno;
	snprintf(said, SAID_SIZE, "%o %u", st.st_mode, st.st_uid);
	return 0;
}

static int look_for_nothing(const char *dir, char said[SAID_SIZE])
{
	IN(dir, new);
	struct stat st;

	(void)said;
	return result(lstat(new_path, &st));
}

static int read_link(const char *dir, char said[SAID_SIZE])
{
	IN(dir, l);
	ssize_t n = readlink(l_path, said, SAID_SIZE - 1);

	if (n < 0)
		return -errno;
	said[n] = 0;
	return 0;
}

static int read_file(const char *dir, char said[SAID_SIZE])
{
	IN(dir, l);
	int fd = open(l_path, O_RDONLY);
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

	(void)said;
	if (fchdir(here) < 0)
		_exit(3);
	close(here);
	return r;
}

static int change_mode(const char *dir, char said[SAID_SIZE])
{
	(void)said;
	return result(chmod(dir, 0750));
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
