// SPDX-License-Identifier: LGPL-2.1-or-later
/* Races that fail only within a short time: each verb repeats them many times. */
#include <sys/mman.h>
#include <sys/wait.h>

#include "coherence.h"

/* -- a store into what was just found --------------------------------------------------------- */

static void store(int dir, const char *name)
{
	int fd = openat(dir, name, O_RDWR | O_CLOEXEC);
	char *map = fd < 0 ? MAP_FAILED : mmap(NULL, 1, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (map == MAP_FAILED)
		err(1, "%s", name);
	close(fd);
	*map = 'S';
	munmap(map, 1);
}

/* Gets mtime alone: a mapping invalidates the access time, so a whole stat would send GETATTR. */
static int64_t mtime_of(int dir, const char *name)
{
	struct statx stx;

	if (statx(dir, name, 0, STATX_MTIME, &stx) < 0)
		err(1, "%s", name);
	return stx.stx_mtime.tv_sec * 1000000000LL + stx.stx_mtime.tv_nsec;
}

int coherence_found(int argc, char **argv)
{
	unsigned long n = (unsigned long)atol(only_number(argc, argv, 4, "found N VIEW LOWER"));
	int view = open_dir(argv[2]), lower = open_dir(argv[3]);
	unsigned long n_stale = 0;

	for (unsigned long i = 0; i < n; i++) {
		char name[32];
		int fd;

		snprintf(name, sizeof(name), "found%lu", i);
		fd = openat(lower, name, O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
		if (fd < 0 || write(fd, "some text", 9) != 9)
			err(1, "%s", name);
		close(fd);
		/* Waits for the next tick of the clock that file times come from. */
		usleep(10000);
		mtime_of(view, name);
		store(view, name);
		n_stale += mtime_of(view, name) != mtime_of(lower, name);
	}
	printf("found: %lu of %lu stale\n", n_stale, n);
	return n_stale != 0;
}

/* -- looks at once, while it is mapped --------------------------------------------------------- */

/*
 * Each look makes the daemon try a lease to prove that no process can store, and the lease fails. A
 * lease that is still being tried must not count as proof: the timeout would outlast a store.
 */
int coherence_mapped(int argc, char **argv)
{
	double seconds = atof(only_number(argc, argv, 4, "mapped SECONDS VIEWFILE LOWERFILE"));
	double until = now_ms() + seconds * 1000;
	enum { N_LOOKERS = 4 };
	unsigned long n = 0, n_stale = 0;
	int fd = open(argv[2], O_RDWR | O_CLOEXEC);
	char *map = fd < 0 ? MAP_FAILED :
			     mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (map == MAP_FAILED)
		err(1, "%s", argv[2]);
	close(fd);
	for (; now_ms() < until; n++) {
		pid_t pids[N_LOOKERS];
		struct statx stx;

		for (unsigned int i = 0; i < N_LOOKERS; i++) {
			pids[i] = fork();
			if (pids[i] < 0)
				err(2, "fork");
			if (pids[i])
				continue;
			for (unsigned int k = 0; k < 20; k++)
				statx(AT_FDCWD, argv[2], AT_STATX_FORCE_SYNC, STATX_BASIC_STATS,
				      &stx);
			_exit(0);
		}
		for (unsigned int i = 0; i < N_LOOKERS; i++)
			waitpid(pids[i], NULL, 0);
		/*
		 * Waits for the next tick, and until the page is clean, so that the next store
		 * faults.
		 */
		usleep(5000);
		msync(map, 4096, MS_SYNC);
		*map = (char)n;
		n_stale += mtime_of(AT_FDCWD, argv[2]) != mtime_of(AT_FDCWD, argv[3]);
	}
	printf("mapped: %lu of %lu stale\n", n_stale, n);
	return n_stale != 0;
}

/* -- opens that may not wait, during looks that take a lease ----------------------------------- */

/* Opens that allow a mapping, then looks, until a look proves that no process writes. */
static void look_for(const char *file, double seconds)
{
	double until = now_ms() + seconds * 1000;
	struct statx stx;

	while (now_ms() < until) {
		int fd = open(file, O_RDWR | O_CLOEXEC);

		if (fd < 0)
			err(1, "%s", file);
		close(fd);
		for (unsigned int i = 0; i < 20; i++)
			statx(AT_FDCWD, file, AT_STATX_FORCE_SYNC, STATX_BASIC_STATS, &stx);
	}
	exit(0);
}

int coherence_nowait(int argc, char **argv)
{
	double seconds = atof(only_number(argc, argv, 3, "nowait SECONDS FILE"));
	double until = now_ms() + seconds * 1000;
	unsigned long n = 0, n_failed = 0;
	int status, error = 0;
	pid_t pid = fork();

	if (pid < 0)
		err(2, "fork");
	if (pid == 0)
		look_for(argv[2], seconds);
	for (; now_ms() < until; n++) {
		int fd = open(argv[2], O_WRONLY | O_APPEND | O_NONBLOCK | O_CLOEXEC);

		if (fd < 0) {
			error = errno;
			n_failed++;
		} else {
			close(fd);
		}
	}
	if (waitpid(pid, &status, 0) < 0 || status)
		errx(1, "the one that looks has failed");
	printf("nowait: %lu of %lu opens failed%s%s\n", n_failed, n, error ? ": " : "",
	       error ? strerror(error) : "");
	return n_failed != 0;
}
