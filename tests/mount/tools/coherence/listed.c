// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * coherence listed ROUNDS VIEW LOWER: lists a directory that the view itself changes, between every
 * two steps of a reader. A listing that begins after a change shows it, whichever descriptor reads
 * it, and so does each later listing, because the kernel may answer it from its cache.
 *
 * Prints a line for each step. ROUNDS is for the last step, in which four processes create, remove
 * and list.
 */
#include <dirent.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "coherence.h"

enum { FEW = 5, MANY = 300, N_NEW = 20, N_PROCESSES = 4 };

static int view, lower;

/* Makes a directory with some names in the lower tree; returns its descriptor in the view. */
static int dir_of(const char *step, int n_old)
{
	char name[60];
	int dir;

	if (mkdirat(lower, step, 0777) < 0)
		err(2, "%s", step);
	for (int i = 0; i < n_old; i++) {
		snprintf(name, sizeof(name), "%s/a-longer-name-of-before-%d", step, i);
		if (mknodat(lower, name, S_IFREG | 0644, 0) < 0)
			err(2, "%s", name);
	}
	dir = openat(view, step, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		err(2, "%s", step);
	return dir;
}

static int another(int dir)
{
	int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		err(2, "open");
	return fd;
}

static void make_new(int dir, int from, int to)
{
	char name[20];

	for (int i = from; i < to; i++) {
		snprintf(name, sizeof(name), "new-%d", i);
		if (mknodat(dir, name, S_IFREG | 0644, 0) < 0)
			err(2, "%s", name);
	}
}

static void remove_new(int dir, int from, int to)
{
	char name[20];

	for (int i = from; i < to; i++) {
		snprintf(name, sizeof(name), "new-%d", i);
		if (unlinkat(dir, name, 0) < 0)
			err(2, "%s", name);
	}
}

/* Calls getdents(2) with a small buffer and counts the new names. Returns false at the end. */
static bool read_piece(int fd, int *n_new)
{
	char buf[8192];
	long n = syscall(SYS_getdents64, fd, buf, sizeof(buf));

	if (n < 0)
		err(2, "getdents");
	for (long at = 0; at < n; at += *(uint16_t *)(buf + at + 16))
		*n_new += strncmp(buf + at + 19, "new-", 4) == 0;
	return n > 0;
}

static int count_new(int fd)
{
	int n = 0;

	while (read_piece(fd, &n))
		;
	return n;
}

static bool expect(const char *step, const char *who, int have, int want)
{
	if (have == want)
		return true;
	printf("not ok %s: %s has %d of the new names, not %d\n", step, who, have, want);
	return false;
}

/*
 * Lists with two more descriptors, one after the other: the second gets what the kernel has cached.
 */
static bool expect_all(const char *step, int dir, int want)
{
	bool good = true;

	for (int i = 0; i < 2 && good; i++) {
		int fd = another(dir);

		good = expect(step, i ? "the listing after the next" : "the next listing",
			      count_new(fd), want);
		close(fd);
	}
	return good;
}

static bool opened_first(const char *step, int dir)
{
	int fd = another(dir), copy = dup(fd);
	bool good;

	make_new(dir, 0, N_NEW);
	good = expect(step, "a copy of the descriptor", count_new(copy), N_NEW);
	close(copy);
	close(fd);
	return good && expect_all(step, dir, N_NEW);
}

static bool removed_after_open(const char *step, int dir)
{
	bool good;
	int fd;

	make_new(dir, 0, N_NEW);
	fd = another(dir);
	remove_new(dir, 0, N_NEW);
	good = expect(step, "the descriptor", count_new(fd), 0);
	close(fd);
	return good && expect_all(step, dir, 0);
}

static bool rewound(const char *step, int dir)
{
	bool good = true;

	for (int i = 0; i < 3 && good; i++) {
		count_new(dir);
		make_new(dir, i * 5, i * 5 + 5);
		lseek(dir, 0, SEEK_SET);
		good = expect(step, "the descriptor", count_new(dir), i * 5 + 5);
	}
	return good && expect_all(step, dir, 15);
}

static bool rewound_halfway(const char *step, int dir)
{
	int n = 0;
	bool good;

	read_piece(dir, &n);
	make_new(dir, 0, N_NEW);
	lseek(dir, 0, SEEK_SET);
	good = expect(step, "the descriptor", count_new(dir), N_NEW);
	return good && expect_all(step, dir, N_NEW);
}

/*
 * The kernel drops a cached listing when the next reader begins, and then caches the entries
 * of all readers: also the end of the listing of a reader that began before.
 */
static bool ended_by_an_older_reader(const char *step, int dir)
{
	int first = another(dir), fd = another(dir), n = 0;
	bool good;

	read_piece(first, &n);
	count_new(fd);
	lseek(fd, 0, SEEK_SET);
	count_new(fd);
	make_new(dir, 0, N_NEW);
	lseek(fd, 0, SEEK_SET);
	read_piece(fd, &n);
	while (read_piece(first, &n))
		;
	n = 0;
	lseek(fd, 0, SEEK_SET);
	good = expect(step, "a listing", count_new(fd), N_NEW);
	close(first);
	close(fd);
	return good && expect_all(step, dir, N_NEW);
}

/* Creates a name, lists, removes it, lists, as other processes do. Returns the number of errors. */
static int busy(int dir, int number, int rounds)
{
	int n_bad = 0;
	char name[30];

	for (int i = 0; i < rounds; i++) {
		int fd = another(dir);

		for (int there = 1; there >= 0; there--) {
			char buf[32768];
			bool seen = false;
			long n;

			snprintf(name, sizeof(name), "mine-%d-%d", number, i);
			if ((there ? mknodat(dir, name, S_IFREG | 0644, 0) :
				     unlinkat(dir, name, 0)) < 0)
				err(2, "%s", name);
			lseek(fd, 0, SEEK_SET);
			while ((n = syscall(SYS_getdents64, fd, buf, sizeof(buf))) > 0)
				for (long at = 0; at < n; at += *(uint16_t *)(buf + at + 16))
					seen |= strcmp(buf + at + 19, name) == 0;
			n_bad += seen != there;
		}
		close(fd);
	}
	return n_bad;
}

static int least(int a, int b)
{
	return a < b ? a : b;
}

static bool several(const char *step, int dir, int rounds)
{
	int n_bad = 0, status;

	for (int i = 0; i < N_PROCESSES; i++)
		if (fork() == 0)
			_exit(least(busy(dir, i, rounds), 100));
	while (wait(&status) > 0)
		n_bad += WEXITSTATUS(status);
	if (n_bad)
		printf("not ok %s: %d of %d own changes were missed\n", step, n_bad,
		       2 * rounds * N_PROCESSES);
	return !n_bad && expect_all(step, dir, 0);
}

int coherence_listed(int argc, char **argv)
{
	static const struct {
		const char *name;
		bool (*run)(const char *step, int dir);
		int n_old;
	} steps[] = {
		{ "opened_first", opened_first, FEW },
		{ "opened_first_many", opened_first, MANY },
		{ "removed_after_open", removed_after_open, FEW },
		{ "rewound", rewound, FEW },
		{ "rewound_many", rewound, MANY },
		{ "rewound_halfway", rewound_halfway, MANY },
		{ "ended_by_an_older_reader", ended_by_an_older_reader, MANY },
	};
	bool good = true;
	int dir;

	if (argc != 4)
		errx(2, "usage: coherence listed ROUNDS VIEW LOWER");
	view = open_dir(argv[2]);
	lower = open_dir(argv[3]);
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		dir = dir_of(steps[i].name, steps[i].n_old);
		if (steps[i].run(steps[i].name, dir))
			printf("ok %s\n", steps[i].name);
		else
			good = false;
		close(dir);
	}
	dir = dir_of("several", MANY);
	if (several("several", dir, atoi(argv[1])))
		printf("ok several\n");
	else
		good = false;
	close(dir);
	return !good;
}
