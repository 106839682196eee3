// SPDX-License-Identifier: LGPL-2.1-or-later
/* Makes many files; lets two names change places forever; makes one system call. */
#include <poll.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/xattr.h>

#include "act.h"

int act_many(int argc, char **argv)
{
	if (argc != 2)
		return 2;
	int top = open(argv[0], O_RDONLY | O_DIRECTORY), dir = -1;
	long n = atol(argv[1]);
	char name[64];

	if (top < 0)
		err(1, "%s", argv[0]);
	for (long i = 0; i < n; i++) {
		if (i % 1000 == 0) {
			close(dir);
			snprintf(name, sizeof(name), "directory-%06ld", i / 1000);
			if (mkdirat(top, name, 0755) < 0 && errno != EEXIST)
				err(1, "%s", name);
			dir = openat(top, name, O_RDONLY | O_DIRECTORY);
		}
		snprintf(name, sizeof(name), "file-number-%08ld", i);
		if (mknodat(dir, name, S_IFREG | 0644, 0) < 0)
			err(1, "%s", name);
	}
	return 0;
}

int act_swap(int argc, char **argv)
{
	struct pollfd input = { .fd = 0, .events = POLLIN };
	long n = 0;

	if (argc != 3)
		return 2;
	int dir = open(argv[0], O_RDONLY | O_DIRECTORY);
	if (dir < 0)
		err(1, "%s", argv[0]);
	puts("swapping");
	do {
		for (int i = 0; i < 100; i++, n++)
			if (renameat2(dir, argv[1], dir, argv[2], RENAME_EXCHANGE) < 0)
				err(1, "rename");
	} while (poll(&input, 1, 0) == 0);
	printf("%ld times\n", n);
	return 0;
}

/* Prints 0 or the name of the error. The exit status is 0 if the call was made. */
int act_try(int argc, char **argv)
{
	const char *call = argc > 1 ? argv[0] : "", *path = argc > 1 ? argv[1] : "";
	const char *more = argc > 2 ? argv[2] : "";
	struct statvfs vfs;
	struct stat st;
	long r = 0;

	errno = 0;
	if (strcmp(call, "stat") == 0)
		r = lstat(path, &st);
	else if (strcmp(call, "read") == 0)
		r = open(path, O_RDONLY);
	else if (strcmp(call, "write") == 0)
		r = open(path, O_WRONLY);
	else if (strcmp(call, "create") == 0)
		r = open(path, O_CREAT | O_EXCL | O_WRONLY, 0644);
	else if (strcmp(call, "mkdir") == 0)
		r = mkdir(path, 0755);
	else if (strcmp(call, "unlink") == 0)
		r = unlink(path);
	else if (strcmp(call, "truncate") == 0)
		r = truncate(path, atol(more));
	else if (strcmp(call, "rename") == 0)
		r = rename(path, more);
	else if (strcmp(call, "link") == 0)
		r = link(path, more);
	else if (strcmp(call, "symlink") == 0)
		r = symlink(more, path);
	else if (strcmp(call, "chmod") == 0)
		r = chmod(path, strtoul(more, NULL, 8));
	else if (strcmp(call, "setxattr") == 0)
		r = setxattr(path, "user.try", "x", 1, 0);
	else if (strcmp(call, "utime") == 0)
		r = utimensat(AT_FDCWD, path, NULL, 0);
	else if (strcmp(call, "statfs") == 0)
		r = statvfs(path, &vfs);
	else if (strcmp(call, "exec") == 0)
		r = execl(path, path, (char *)NULL);
	else
		return act_call(argc, argv);
	puts(r < 0 ? strerrorname_np(errno) : "0");
	return 0;
}
