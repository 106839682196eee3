// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * coherence opens N VIEWFILE LOWERFILE	times opens of the lower file for writing, while the
 *					view takes leases of the file again and again
 * coherence times N DIR DIR		times changes of a file, in both by turns; prints medians
 * coherence build SECONDS DIR		creates, writes, renames and removes files, as a build does
 * coherence touch N DIR		creates N files in DIR, as fast as possible
 * coherence appended N VIEWFILE LOWERFILE on|off	checks that each call sees the new length
 *					after an append to the lower file; off: data is served
 * coherence heard VIEWDIR LOWERDIR	checks that an inotify watch on a file of the view
 *					reports the removal of the lower file
 */
#include <poll.h>
#include <signal.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "coherence.h"

static double *numbers(size_t n)
{
	double *list = calloc(n, sizeof(*list));

	if (!list)
		err(2, "calloc");
	return list;
}

/*
 * Opens the file for reading and writing and calls stat(2), so that each stat makes the daemon
 * prove that no process writes.
 */
static void look_for_ever(const char *path)
{
	struct stat st;

	for (unsigned int i = 0;; i++) {
		int fd = i % 4 == 0 ? open(path, O_RDWR | O_CLOEXEC) : -1;

		if (fd >= 0)
			close(fd);
		for (unsigned int j = 0; j < 3; j++)
			stat(path, &st);
	}
}

int coherence_opens(int argc, char **argv)
{
	size_t n = (size_t)atol(only_number(argc, argv, 4, "opens N VIEWFILE LOWERFILE"));
	double *list = numbers(n);
	pid_t pid = fork();

	if (pid == 0)
		look_for_ever(argv[2]);
	usleep(50000);
	for (size_t i = 0; i < n; i++) {
		double before = now_ms();
		int fd = open(argv[3], O_WRONLY | O_CLOEXEC);

		if (fd < 0)
			err(1, "%s", argv[3]);
		list[i] = now_ms() - before;
		close(fd);
		usleep(200);
	}
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	printf("opens: %zu, median %.3f ms, 99 %% %.3f ms, longest %.3f ms\n", n,
	       part_of(list, n, 0.5), part_of(list, n, 0.99), part_of(list, n, 1));
	return 0;
}

/* -- by turns --------------------------------------------------------------------------------- */

enum { T_CREATE, T_CHMOD, T_APPEND, T_UPDATE, T_UNLINK, N_TIMED };

static double timed(int dir, unsigned int what, size_t i)
{
	char name[32];
	double before;
	int fd, r = 0;

	snprintf(name, sizeof(name), "t%zu", i);
	before = now_ms();
	switch (what) {
	case T_CREATE:
		fd = openat(dir, name, O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
		r = fd < 0 ? -1 : close(fd);
		break;
	case T_CHMOD:
		r = fchmodat(dir, name, 0600, 0);
		break;
	case T_APPEND:
		fd = openat(dir, "log", O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0644);
		r = fd < 0 || write(fd, name, 32) != 32 ? -1 : close(fd);
		break;
	case T_UPDATE:
		fd = openat(dir, "log", O_RDWR | O_CLOEXEC);
		r = fd < 0 || pwrite(fd, name, 32, 0) != 32 ? -1 : close(fd);
		break;
	case T_UNLINK:
		r = unlinkat(dir, name, 0);
		break;
	}
	if (r < 0)
		err(1, "%s", name);
	return now_ms() - before;
}

int coherence_times(int argc, char **argv)
{
	static const char *const names[] = { "create", "chmod", "append", "update", "unlink" };
	size_t n = (size_t)atol(only_number(argc, argv, 4, "times N DIR DIR"));
	int dirs[2] = { open_dir(argv[2]), open_dir(argv[3]) };
	double *lists[2][N_TIMED];

	for (unsigned int d = 0; d < 2; d++)
		for (unsigned int what = 0; what < N_TIMED; what++)
			lists[d][what] = numbers(n);
	for (size_t i = 0; i < n; i++)
		for (unsigned int what = 0; what < N_TIMED; what++)
			for (unsigned int turn = 0; turn < 2; turn++) {
				size_t d = (turn + i) % 2;

				lists[d][what][i] = timed(dirs[d], what, i);
			}
	for (unsigned int what = 0; what < N_TIMED; what++) {
		double a = part_of(lists[0][what], n, 0.5), b = part_of(lists[1][what], n, 0.5);

		printf("%s: %.1f us, in the other %.1f us, ratio %.2f\n", names[what], a * 1000,
		       b * 1000, a / b);
	}
	return 0;
}

/* -- others' work ----------------------------------------------------------------------------- */

int coherence_build(int argc, char **argv)
{
	double until = now_ms() + atof(only_number(argc, argv, 3, "build SECONDS DIR")) * 1000;
	static char buf[20000];
	int dir = open_dir(argv[2]);
	unsigned long n = 0;

	for (; now_ms() < until; n++) {
		char name[32], other[32];
		int fd;

		snprintf(name, sizeof(name), "tmp%lu", n);
		snprintf(other, sizeof(other), "object%lu", n % 500);
		fd = openat(dir, name, O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
		if (fd < 0)
			err(1, "%s", name);
		for (unsigned int i = 0; i < 4; i++)
			if (write(fd, buf, sizeof(buf) / 4) < 0)
				err(1, "write");
		close(fd);
		if (renameat(dir, name, dir, other) < 0 || fchmodat(dir, other, 0755, 0) < 0)
			err(1, "%s", other);
		/* A compiler also computes. */
		usleep(500);
	}
	printf("build: %lu files\n", n);
	return 0;
}

int coherence_touch(int argc, char **argv)
{
	long n = atol(only_number(argc, argv, 3, "touch N DIR"));
	int dir = open_dir(argv[2]);

	for (long i = 0; i < n; i++) {
		char name[32];
		int fd;

		snprintf(name, sizeof(name), "touched%ld", i);
		fd = openat(dir, name, O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
		if (fd < 0)
			err(1, "%s", name);
		close(fd);
	}
	return 0;
}

/* -- an append to the lower file -------------------------------------------------------------- */

static unsigned long at_once[4], in_time[4];
static double longest;

static bool sees(unsigned int what, int fd, int to, off_t size)
{
	char c;

	switch (what) {
	case 0:
		return lseek(fd, 0, SEEK_END) == size;
	case 1:
		return pread(fd, &c, 1, size - 1) == 1 && c == 'y';
	case 2: {
		off_t in = size - 1, out = 0;
		struct stat st;

		/* The kernel copies up to its cached length, so copying programs stat first. */
		fstat(fd, &st);
		return copy_file_range(fd, &in, to, &out, 1, 0) == 1;
	}
	default: {
		/* Maps the page beyond the known end from the lower file. */
		char *map = mmap(NULL, (size_t)size, PROT_READ, MAP_SHARED, fd, 0);
		bool is = map != MAP_FAILED && map[size - 1] == 'y';

		if (map != MAP_FAILED)
			munmap(map, (size_t)size);
		return is;
	}
	}
}

static void wait_to_see(unsigned int what, int fd, int to, off_t size)
{
	double before = now_ms();

	if (sees(what, fd, to, size)) {
		at_once[what]++;
		in_time[what]++;
		return;
	}
	while (now_ms() - before < 3000) {
		if (sees(what, fd, to, size)) {
			in_time[what]++;
			break;
		}
		usleep(100);
	}
	if (now_ms() - before > longest)
		longest = now_ms() - before;
}

/*
 * O_APPEND writes at the end of the lower file: the write may overwrite nothing and leave no hole.
 * If data is served, the kernel computes the position afterwards from its cached length.
 */
static bool append_lands(const char *view, int lower, off_t size, bool served)
{
	int fd = open(view, O_RDWR | O_APPEND | O_CLOEXEC);
	struct stat st;
	bool lands = fd >= 0 && write(fd, "y", 1) == 1 && fstat(lower, &st) == 0 &&
		     st.st_size == size + 1 && (served || lseek(fd, 0, SEEK_CUR) == size + 1);

	close(fd);
	return lands;
}

int coherence_appended(int argc, char **argv)
{
	static const char *const names[] = { "SEEK_END", "read", "copy_file_range", "mmap" };
	unsigned long n = (unsigned long)atol(
		only_number(argc, argv, 5, "appended N VIEWFILE LOWERFILE on|off"));
	bool served = strcmp(argv[4], "off") == 0;
	int lower = open(argv[3], O_WRONLY | O_APPEND | O_CLOEXEC);
	char other[4096];
	unsigned long n_landed = 0;
	int bad = 0;

	snprintf(other, sizeof(other), "%s.copy", argv[2]);
	for (unsigned long i = 0; i < n; i++) {
		int fd = open(argv[2], O_RDONLY | O_CLOEXEC);
		int to = open(other, O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
		struct stat st, below;

		/* First fills the caches with old sizes, then appends. */
		if (fd < 0 || to < 0 || lower < 0 || fstat(fd, &st) < 0 ||
		    write(lower, "yyyy", 4) != 4 || fstat(lower, &below) < 0)
			err(1, "%s", argv[2]);
		wait_to_see((unsigned int)(i % 4), fd, to, below.st_size);
		close(fd);
		close(to);
		if (write(lower, "yyyy", 4) == 4 &&
		    append_lands(argv[2], lower, below.st_size + 4, served))
			n_landed++;
	}
	printf("O_APPEND: %lu of %lu at the true end\n", n_landed, n);
	bad = n_landed != n;
	for (unsigned int what = 0; what < 4; what++) {
		unsigned long all = (n + 3 - what) / 4;

		printf("%s: %lu of %lu at once, %lu in time\n", names[what], at_once[what], all,
		       in_time[what]);
		bad |= in_time[what] != all;
	}
	printf("longest: %.1f ms\n", longest);
	return bad;
}

/* -- inotify ---------------------------------------------------------------------------------- */

static bool hears(int fd, uint32_t mask)
{
	_Alignas(struct inotify_event) char buf[8192];
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
	double until = now_ms() + 3000;

	while (now_ms() < until && poll(&poll_fd, 1, (int)(until - now_ms()) + 1) > 0) {
		ssize_t n = read(fd, buf, sizeof(buf));

		for (char *at = buf; n > 0;) {
			const struct inotify_event *event = (const struct inotify_event *)at;
			size_t size = sizeof(*event) + event->len;

			if (event->mask & mask)
				return true;
			at += size;
			n -= (ssize_t)size;
		}
	}
	return false;
}

static bool hears_of(int view, int lower, const char *name, int flags)
{
	int fd = inotify_init1(IN_CLOEXEC);
	char path[64];
	bool is;

	snprintf(path, sizeof(path), "/proc/self/fd/%d/%s", view, name);
	if (fd < 0 || inotify_add_watch(fd, path, IN_ALL_EVENTS) < 0)
		err(1, "inotify: %s", name);
	usleep(50000);
	if (unlinkat(lower, name, flags) < 0)
		err(1, "%s", name);
	is = hears(fd, IN_DELETE_SELF);
	printf("%s, removed below: %s\n", name, is ? "heard of" : "not heard of");
	close(fd);
	return is;
}

int coherence_heard(int argc, char **argv)
{
	int view, lower, fd;
	bool file, dir;

	only_number(argc, argv, 3, "heard VIEWDIR LOWERDIR");
	view = open_dir(argv[1]);
	lower = open_dir(argv[2]);
	fd = openat(lower, "file", O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
	if (fd < 0 || mkdirat(lower, "dir", 0755) < 0)
		err(1, "%s", argv[2]);
	close(fd);
	file = hears_of(view, lower, "file", 0);
	dir = hears_of(view, lower, "dir", AT_REMOVEDIR);
	return !file || !dir;
}
