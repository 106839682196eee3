// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * act shuffle DIR SEED PROCESSES STEPS: each process creates, removes, renames, links, changes and
 * lists a few names, all in the same directories, so that the processes often use the same name.
 * Errors that another process may cause are accepted; others are printed, and the exit status is 1.
 */
#include <dirent.h>
#include <signal.h>
#include <sys/wait.h>
#include <sys/xattr.h>

#include "act.h"

enum { N_NAMES = 12, N_DIRS = 4 };

static int top;
static uint64_t state;

static void pick(char *ret_path, size_t n)
{
	unsigned int dir = dice(&state) % (N_DIRS + 1), name = dice(&state) % N_NAMES;

	if (dir == N_DIRS)
		snprintf(ret_path, n, "name%u", name);
	else
		snprintf(ret_path, n, "dir%u/name%u", dir, name);
}

/*
 * Returns true if another process may have caused the error. EROFS: a filter readonly was just
 * added, and could not find the path of a file because another process removed one of its names.
 */
static bool expected(int error)
{
	static const int errors[] = { ENOENT, EEXIST, ENOTDIR, EISDIR,  ENOTEMPTY, EINVAL,
				      ELOOP,  ENXIO,  EMLINK,  ENODATA, EBUSY,     ETXTBSY,
				      EPERM,  EACCES, ESTALE,  EPIPE,   EROFS };

	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
		if (errors[i] == error)
			return true;
	return false;
}

static int write_some(const char *path)
{
	char text[64];
	int fd = openat(top, path, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_NONBLOCK, 0644);
	int n = snprintf(text, sizeof(text), "process %d wrote this\n", getpid());

	if (fd < 0)
		return -1;
	int r = write(fd, text, n) == n ? 0 : -1;
	close(fd);
	return r;
}

static int read_some(const char *path)
{
	char text[4096];
	int fd = openat(top, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);

	if (fd < 0)
		return -1;
	struct stat st;
	int r = fstat(fd, &st);
	if (r == 0 && S_ISREG(st.st_mode))
		r = read(fd, text, sizeof(text)) < 0 ? -1 : 0;
	close(fd);
	return r;
}

static int list_some(void)
{
	char name[16];

	snprintf(name, sizeof(name), "dir%u", dice(&state) % N_DIRS);
	int fd = openat(top, name, O_RDONLY | O_DIRECTORY);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);

	if (!d)
		return -1;
	while (readdir(d))
		;
	closedir(d);
	return 0;
}

static int one_step(void)
{
	char a[64], b[64];

	pick(a, sizeof(a));
	pick(b, sizeof(b));
	switch (dice(&state) % 16) {
	case 0:
	case 1:
		return write_some(a);
	case 2:
		return read_some(a);
	case 3:
		return unlinkat(top, a, 0);
	case 4:
		return unlinkat(top, a, AT_REMOVEDIR);
	case 5:
		return mkdirat(top, a, 0755);
	case 6:
		return symlinkat(b, top, a);
	case 7:
		return linkat(top, a, top, b, 0);
	case 8:
		return renameat(top, a, top, b);
	case 9:
		return renameat2(top, a, top, b, RENAME_EXCHANGE);
	case 10:
		return renameat2(top, a, top, b, RENAME_NOREPLACE);
	case 11:
		return fchmodat(top, a, 0600 | (dice(&state) & 077), 0);
	case 12:
		return fchownat(top, a, dice(&state) % 5, dice(&state) % 5, AT_SYMLINK_NOFOLLOW);
	case 13:
		return mknodat(top, a, S_IFIFO | 0644, 0);
	case 14:
		return list_some();
	default:
		return utimensat(top, a, NULL, AT_SYMLINK_NOFOLLOW);
	}
}

int act_shuffle(int argc, char **argv)
{
	int bad = 0, status;

	if (argc != 4)
		return 2;
	/* A write to a pipe may come after the last reader has gone. */
	signal(SIGPIPE, SIG_IGN);
	top = open(argv[0], O_RDONLY | O_DIRECTORY);
	if (top < 0)
		err(1, "%s", argv[0]);
	for (int i = 0; i < N_DIRS; i++) {
		char name[16];

		snprintf(name, sizeof(name), "dir%d", i);
		mkdirat(top, name, 0755);
	}
	for (int p = 0; p < atoi(argv[2]); p++) {
		if (fork())
			continue;
		state = strtoull(argv[1], NULL, 10) * 1000 + p;
		for (long i = 0; i < atol(argv[3]); i++)
			if (one_step() < 0 && !expected(errno)) {
				/* Without a buffer, which _exit() would not flush. */
				dprintf(1, "process %d, step %ld: %s\n", p, i,
					strerrorname_np(errno));
				_exit(1);
			}
		_exit(0);
	}
	while (wait(&status) > 0)
		bad |= status;
	return bad != 0;
}
