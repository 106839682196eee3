// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * act shuffle DIR SEED PROCESSES STEPS: each process creates, removes, renames, links, changes and
 * lists a few names, all in the same directories, so that the processes often use the same name.
 * Errors that another process may cause are accepted; others are printed, and the exit status is 1.
 *
 * act storm SECONDS SEED DIR...: a process for each DIR does such operations, and more on files.
 * All DIRs lead to the same tree. Each process also looks at names all the time, so that the
 * kernel has copies that could be stale. Errors that a view must never return (EIO and similar
 * ones) end the program with status 1.
 */
#include <dirent.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <time.h>

#include "act.h"

enum { N_NAMES = 12, N_DIRS = 4 };

static int top;
static uint64_t state;
static char a[40], b[40];

static void pick(char *ret_path, size_t n)
{
	unsigned int dir = dice(&state) % (N_DIRS + 1), name = dice(&state) % N_NAMES;

	if (dir == N_DIRS)
		snprintf(ret_path, n, "name%u", name);
	else
		snprintf(ret_path, n, "dir%u/name%u", dir, name);
}

enum file_step { WRITE, TRUNCATE, ALLOCATE, SET_XATTR, READ, STORE };

/* Opens a and does one step, if it is a regular file. Returns -1 on errors. */
static int with_file(int flags, enum file_step step)
{
	int fd = openat(top, a, flags | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0644), r = 0;
	char buf[5000], *map;
	struct stat st;

	if (fd < 0)
		return -1;
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		close(fd);
		return 0;
	}
	memset(buf, (int)('a' + dice(&state) % 26), sizeof(buf));
	switch (step) {
	case WRITE:
		r = (int)write(fd, buf, 1 + dice(&state) % sizeof(buf));
		break;
	case TRUNCATE:
		r = ftruncate(fd, dice(&state) % 20000);
		break;
	case ALLOCATE:
		r = fallocate(fd, 0, 0, 1 + dice(&state) % 50000);
		break;
	case SET_XATTR:
		r = fsetxattr(fd, "user.x", buf, 1 + dice(&state) % 50, 0);
		break;
	case READ:
		r = (int)read(fd, buf, sizeof(buf));
		break;
	case STORE:
		/*
		 * Makes the page writable, as a store does; but fails without a signal if another
		 * process has shortened the file meanwhile.
		 */
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

/* Does one operation on the names a and b. */
static int change_names(void)
{
	switch (dice(&state) % 12) {
	case 0:
		return unlinkat(top, a, 0);
	case 1:
		return unlinkat(top, a, AT_REMOVEDIR);
	case 2:
		return mkdirat(top, a, 0755);
	case 3:
		return symlinkat(b, top, a);
	case 4:
		return linkat(top, a, top, b, 0);
	case 5:
		return renameat(top, a, top, b);
	case 6:
		return renameat2(top, a, top, b, RENAME_EXCHANGE);
	case 7:
		return renameat2(top, a, top, b, RENAME_NOREPLACE);
	case 8:
		return fchmodat(top, a, 0600 | (dice(&state) & 077), 0);
	case 9:
		return fchownat(top, a, dice(&state) % 5, dice(&state) % 5, AT_SYMLINK_NOFOLLOW);
	case 10:
		return mknodat(top, a, S_IFIFO | 0644, 0);
	default:
		return utimensat(top, a, NULL, AT_SYMLINK_NOFOLLOW);
	}
}

static int shuffle_step(void)
{
	unsigned int n = dice(&state) % 16;

	if (n < 2)
		return with_file(O_CREAT | O_WRONLY | O_APPEND, WRITE);
	return n == 2 ? with_file(O_RDONLY, READ) : n == 3 ? list_some() : change_names();
}

static int storm_step(void)
{
	static const struct {
		int flags;
		enum file_step step;
	} files[] = {
		{ O_CREAT | O_WRONLY, WRITE },
		{ O_CREAT | O_WRONLY | O_APPEND, WRITE },
		{ O_CREAT | O_WRONLY | O_TRUNC, WRITE },
		{ O_RDWR, TRUNCATE },
		{ O_RDWR, ALLOCATE },
		{ O_RDONLY, SET_XATTR },
		{ O_RDONLY, READ },
		{ O_RDWR, STORE },
	};
	unsigned int n = dice(&state) % 22;
	struct stat st;

	if (n < sizeof(files) / sizeof(files[0]))
		return with_file(files[n].flags, files[n].step);
	if (n < 18)
		return change_names();
	fstatat(top, a, &st, AT_SYMLINK_NOFOLLOW);
	return dice(&state) % 8 ? 0 : list_some();
}

/*
 * Returns true if another process may have caused the error. EROFS: a filter readonly was just
 * added, and could not find the path of a file because another process removed one of its names.
 */
static bool shuffle_expects(int error)
{
	static const int errors[] = { ENOENT, EEXIST, ENOTDIR, EISDIR,  ENOTEMPTY, EINVAL,
				      ELOOP,  ENXIO,  EMLINK,  ENODATA, EBUSY,     ETXTBSY,
				      EPERM,  EACCES, ESTALE,  EPIPE,   EROFS };

	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
		if (errors[i] == error)
			return true;
	return false;
}

/* Returns false for errors that a view must never return. */
static bool storm_expects(int error)
{
	return error != EIO && error != ENOTCONN && error != ENOSYS && error != EBADF &&
	       error != EPROTO && error != EBADMSG && error != EXDEV;
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Runs a child process until the time or for so many steps; the child exits with 0 or 1. */
static void start(const char *dir, uint64_t seed, double until, long n_steps, int (*step)(void),
		  bool (*expects)(int error))
{
	pid_t pid = fork();

	if (pid < 0)
		err(2, "fork");
	if (pid)
		return;
	state = seed;
	for (long i = 0; until != 0 ? now() < until : i < n_steps; i++) {
		pick(a, sizeof(a));
		pick(b, sizeof(b));
		errno = 0;
		if (step() < 0 && !expects(errno)) {
			/* Without a buffer, which _exit() would not flush. */
			dprintf(1, "%s: seed %lu, step %ld (%s, %s): %s\n", dir, seed, i, a, b,
				strerrorname_np(errno));
			_exit(1);
		}
	}
	_exit(0);
}

static void open_top(const char *dir)
{
	char name[16];

	top = open(dir, O_RDONLY | O_DIRECTORY);
	if (top < 0)
		err(1, "%s", dir);
	for (int i = 0; i < N_DIRS; i++) {
		snprintf(name, sizeof(name), "dir%d", i);
		mkdirat(top, name, 0755);
	}
}

/* Returns 0 if all children have exited with 0. */
static int wait_for_all(void)
{
	int bad = 0, status;

	while (wait(&status) > 0)
		bad |= status;
	return bad != 0;
}

int act_shuffle(int argc, char **argv)
{
	if (argc != 4)
		return 2;
	/* A write to a pipe may come after the last reader has gone. */
	signal(SIGPIPE, SIG_IGN);
	open_top(argv[0]);
	for (int p = 0; p < atoi(argv[2]); p++)
		start(argv[0], strtoull(argv[1], NULL, 10) * 1000 + p, 0, atol(argv[3]),
		      shuffle_step, shuffle_expects);
	return wait_for_all();
}

int act_storm(int argc, char **argv)
{
	double until = now() + (argc > 0 ? atof(argv[0]) : 0);

	if (argc < 3)
		return 2;
	for (int i = 2; i < argc; i++) {
		open_top(argv[i]);
		start(argv[i], strtoull(argv[1], NULL, 10) * 1000 + i, until, 0, storm_step,
		      storm_expects);
	}
	return wait_for_all();
}
