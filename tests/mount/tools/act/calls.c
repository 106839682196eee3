// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * act xattr get|set|remove|list PATH [NAME [VALUE [create|replace]]]: prints the value, the names
 * or the name of the error. The calls of "act try" that need more than a path.
 */
#include <sys/xattr.h>

#include "act.h"

static int say(long r)
{
	puts(r < 0 ? strerrorname_np(errno) : "0");
	return 0;
}

static int list(const char *path)
{
	char names[4096];
	ssize_t n = listxattr(path, names, sizeof(names));

	for (ssize_t i = 0; i < n; i += (ssize_t)strlen(names + i) + 1)
		printf("%s ", names + i);
	puts(n < 0 ? strerrorname_np(errno) : "");
	return 0;
}

int act_xattr(int argc, char **argv)
{
	const char *how = argc > 1 ? argv[0] : "";
	char value[4096] = "";
	int flags = 0;

	if (strcmp(how, "list") == 0)
		return list(argv[1]);
	if (argc < 3)
		return 2;
	if (strcmp(how, "remove") == 0)
		return say(removexattr(argv[1], argv[2]));
	if (strcmp(how, "get") == 0) {
		ssize_t size = getxattr(argv[1], argv[2], NULL, 0);
		ssize_t n = getxattr(argv[1], argv[2], value, sizeof(value) - 1);

		if (n < 0)
			return say(n);
		/* Programs ask for the size first and rely on it. */
		if (size != n)
			printf("(of %zd) ", size);
		printf("%.*s\n", (int)n, value);
		return 0;
	}
	if (strcmp(how, "set") != 0 || argc < 4)
		return 2;
	if (argc > 4)
		flags = strcmp(argv[4], "create") == 0 ? XATTR_CREATE : XATTR_REPLACE;
	return say(setxattr(argv[1], argv[2], argv[3], strlen(argv[3]), flags));
}

/*
 * Copies LEN bytes from the start of one file to the start of another. Returns how many were
 * copied.
 */
static long copy(const char *from, const char *to, const char *len)
{
	int in = open(from, O_RDONLY), out = open(to, O_WRONLY | O_CREAT, 0644);
	ssize_t n = in < 0 || out < 0 ?
			    -1 :
			    copy_file_range(in, NULL, out, NULL, strtoul(len, NULL, 0), 0);

	if (n >= 0)
		printf("%zd ", n);
	return n;
}

static long seek(const char *path, const char *from, int whence)
{
	int fd = open(path, O_RDONLY);
	long at = fd < 0 ? -1 : lseek(fd, atol(from), whence);

	if (at >= 0)
		printf("%ld ", at);
	return at;
}

int act_call(int argc, char **argv)
{
	const char *call = argc > 1 ? argv[0] : "", *path = argc > 1 ? argv[1] : "";
	const char *more = argc > 2 ? argv[2] : "", *last = argc > 3 ? argv[3] : "";

	if (strcmp(call, "open-create") == 0)
		return say(open(path, O_CREAT | O_WRONLY, 0644));
	if (strcmp(call, "exchange") == 0)
		return say(renameat2(AT_FDCWD, path, AT_FDCWD, more, RENAME_EXCHANGE));
	if (strcmp(call, "noreplace") == 0)
		return say(renameat2(AT_FDCWD, path, AT_FDCWD, more, RENAME_NOREPLACE));
	if (strcmp(call, "mknod") == 0)
		return say(mknod(path, S_IFREG | 0644, 0));
	if (strcmp(call, "mkfifo") == 0)
		return say(mkfifo(path, 0644));
	if (strcmp(call, "rmdir") == 0)
		return say(rmdir(path));
	if (strcmp(call, "chdir") == 0)
		return say(chdir(path));
	if (strcmp(call, "opendir") == 0)
		return say(open(path, O_RDONLY | O_DIRECTORY));
	if (strcmp(call, "access") == 0)
		return say(access(path, R_OK));
	if (strcmp(call, "tmpfile") == 0)
		return say(open(path, O_TMPFILE | O_WRONLY, 0644));
	if (strcmp(call, "readlink") == 0)
		return say(readlink(path, (char[256]){ 0 }, 256));
	if (strcmp(call, "copy") == 0)
		return say(copy(path, more, last));
	if (strcmp(call, "data") == 0)
		return say(seek(path, more, SEEK_DATA));
	if (strcmp(call, "hole") == 0)
		return say(seek(path, more, SEEK_HOLE));
	return 2;
}
