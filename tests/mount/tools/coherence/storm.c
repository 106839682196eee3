// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * coherence storm SECONDS SEED DIR...: a process for each DIR does random operations on a few
 * names. All DIRs lead to the same tree. Each process also looks at names all the time, so that the
 * kernel has copies that could be stale. Most errors may be caused by another process. Errors that
 * a view must never return (EIO and similar ones) end the program with status 1.
 */
#include <dirent.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <sys/xattr.h>

#include "coherence.h"

enum { N_NAMES = 10, N_DIRS = 4 };

static int top;
static uint64_t state;
static unsigned long n_done;
static unsigned int n_op;
static char a[40], b[40];

static void pick(char *ret_path, size_t n)
{
	unsigned int dir = dice(&state) % (N_DIRS + 1), name = dice(&state) % N_NAMES;

	if (dir == N_DIRS)
		snprintf(ret_path, n, "name%u", name);
	else
		snprintf(ret_path, n, "dir%u/name%u", dir, name);
}

static int with_file(const char *path, int flags, unsigned int what)
{
	int fd = openat(top, path, flags | O_NONBLOCK | O_CLOEXEC, 0644), r = 0;
	char buf[5000];
	char *map;

	if (fd < 0)
		return -1;
	memset(buf, (int)('a' + dice(&state) % 26), sizeof(buf));
	switch (what) {
	case 0:
		r = (int)write(fd, buf, 1 + dice(&state) % sizeof(buf));
		break;
	case 1:
		r = ftruncate(fd, dice(&state) % 20000);
		break;
	case 2:
		r = fallocate(fd, 0, 0, 1 + dice(&state) % 50000);
		break;
	case 3:
		r = fsetxattr(fd, "user.x", buf, 1 + dice(&state) % 50, 0);
		break;
	case 4:
		r = (int)read(fd, buf, sizeof(buf));
		break;
	case 5:
		/* Makes the page writable, as a store does; but fails without a signal if another
		 * process has shortened the file meanwhile. */
		map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		if (map == MAP_FAILED)
			break;
		madvise(map, 4096, MADV_POPULATE_WRITE);
		munmap(map, 4096);
		break;
	}
	close(fd);
	return r;
}

static void look_around(const char *path)
{
	struct stat st;
	DIR *dir;
	int fd;

	fstatat(top, path, &st, AT_SYMLINK_NOFOLLOW);
	if (dice(&state) % 8)
		return;
	fd = openat(top, dice(&state) % 2 ? "." : "dir1", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	dir = fd < 0 ? NULL : fdopendir(fd);
	while (dir && readdir(dir))
		;
	if (dir)
		closedir(dir);
}

static int step(void)
{
	struct timespec times[2] = { { dice(&state), 1 }, { dice(&state), 2 } };

	pick(a, sizeof(a));
	pick(b, sizeof(b));
	n_op = dice(&state) % 22;
	switch (n_op) {
	case 0:
		return with_file(a, O_CREAT | O_WRONLY, 0);
	case 1:
		return with_file(a, O_CREAT | O_WRONLY | O_APPEND, 0);
	case 2:
		return with_file(a, O_CREAT | O_WRONLY | O_TRUNC, 0);
	case 3:
		return with_file(a, O_RDWR, 1);
	case 4:
		return with_file(a, O_RDWR, 2);
	case 5:
		return with_file(a, O_RDONLY, 3);
	case 6:
		return with_file(a, O_RDONLY, 4);
	case 7:
		return with_file(a, O_RDWR, 5);
	case 8:
		return unlinkat(top, a, 0);
	case 9:
		return mkdirat(top, a, 0755);
	case 10:
		return unlinkat(top, a, AT_REMOVEDIR);
	case 11:
	case 12:
		return renameat(top, a, top, b);
	case 13:
		return renameat2(top, a, top, b, 2);
	case 14:
		return linkat(top, a, top, b, 0);
	case 15:
		return symlinkat("some/where", top, a);
	case 16:
		return fchmodat(top, a, dice(&state) & 0777, 0);
	case 17:
		return fchownat(top, a, dice(&state) % 5, dice(&state) % 5, AT_SYMLINK_NOFOLLOW);
	case 18:
		return utimensat(top, a, times, AT_SYMLINK_NOFOLLOW);
	default:
		look_around(a);
		return 0;
	}
}

static bool unheard_of(int error)
{
	return error == EIO || error == ENOTCONN || error == ENOSYS || error == EBADF ||
	       error == EPROTO || error == EBADMSG || error == EXDEV;
}

static int storm(const char *dir, uint64_t seed, double seconds)
{
	double until = now_ms() + seconds * 1000;

	state = seed;
	top = open_dir(dir);
	while (now_ms() < until) {
		errno = 0;
		n_done++;
		if (step() < 0 && unheard_of(errno)) {
			printf("%s: operation %u on %s (%s): %s\n", dir, n_op, a, b,
			       strerror(errno));
			return 1;
		}
	}
	printf("%s: %lu operations\n", dir, n_done);
	return 0;
}

int coherence_storm(int argc, char **argv)
{
	int status, bad = 0;

	if (argc < 4)
		errx(2, "usage: coherence storm SECONDS SEED DIR...");
	top = open_dir(argv[3]);
	for (unsigned int i = 0; i < N_DIRS; i++) {
		char name[16];

		snprintf(name, sizeof(name), "dir%u", i);
		mkdirat(top, name, 0755);
	}
	for (int i = 3; i < argc; i++) {
		pid_t pid = fork();

		if (pid < 0)
			err(2, "fork");
		if (pid == 0)
			exit(storm(argv[i], (uint64_t)atoll(argv[2]) * 1000 + (uint64_t)i,
				   atof(argv[1])));
	}
	while (wait(&status) > 0)
		bad |= status;
	return bad != 0;
}
