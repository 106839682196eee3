// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * One directory with very many names: a listing has every name once, even if names are removed
 * meanwhile, and seekdir(3) finds every position that telldir(3) returned.
 */
#include <dirent.h>
#include <time.h>

#include "act.h"

#define N_PLACES 100

struct listing {
	DIR *dir;
	long n;              /* names that were made */
	unsigned char *seen; /* how often, by number */
	unsigned char *removed;
	long places[N_PLACES]; /* what telldir said, and which name came after */
	long next[N_PLACES];
	int n_places;
};

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void name_of(char *name, size_t size, long i)
{
	snprintf(name, size, "name-%08ld", i);
}

static int make(const char *path, long n)
{
	int dir = open(path, O_RDONLY | O_DIRECTORY);
	char name[32];

	for (long i = 0; i < n; i++) {
		name_of(name, sizeof(name), i);
		if (mknodat(dir, name, S_IFREG | 0644, 0) < 0)
			err(1, "%s", name);
	}
	return 0;
}

/* Returns the number in the next name, -1 at the end. */
static long next_number(struct listing *l)
{
	struct dirent *entry;
	long i;

	do {
		errno = 0;
		entry = readdir(l->dir);
		if (!entry && errno)
			err(1, "readdir");
		if (!entry)
			return -1;
	} while (entry->d_name[0] == '.');
	if (sscanf(entry->d_name, "name-%8ld", &i) != 1 || i < 0 || i >= l->n)
		errx(1, "a name that nobody made: %s", entry->d_name);
	return i;
}

/* Reads up to MAX names, and remembers some positions. */
static long read_some(struct listing *l, long max)
{
	long step = l->n / N_PLACES + 1, n;

	for (n = 0; n < max; n++) {
		long place = n % step == 0 && l->n_places < N_PLACES ? telldir(l->dir) : -1;
		long i = next_number(l);

		if (i < 0)
			break;
		l->seen[i]++;
		if (place >= 0) {
			l->places[l->n_places] = place;
			l->next[l->n_places++] = i;
		}
	}
	return n;
}

/*
 * Visits the positions from last to first, so that each is a jump. The position of a removed name
 * may lead to any name: until rewinddir(3), POSIX leaves open whether a reader sees a removed name,
 * and the kernel's cached listing has it.
 */
static void visit_places(struct listing *l)
{
	for (int p = l->n_places - 1; p >= 0; p--) {
		long i;

		seekdir(l->dir, l->places[p]);
		i = next_number(l);
		if (i != l->next[p] && !l->removed[l->next[p]])
			errx(1, "place %d leads to %ld, which was %ld", p, i, l->next[p]);
	}
}

/*
 * Fails unless each existing name was seen once, and each removed one at most once, or not at all
 * with AFTER.
 */
static void judge(struct listing *l, bool after)
{
	for (long i = 0; i < l->n; i++) {
		int most = l->removed[i] && after ? 0 : 1, least = l->removed[i] ? 0 : 1;

		if (l->seen[i] < least || l->seen[i] > most)
			errx(1, "name %ld was seen %d times%s", i, l->seen[i],
			     l->removed[i] ? ", it was removed" : "");
	}
	memset(l->seen, 0, (size_t)l->n);
}

static void remove_some(struct listing *l)
{
	char name[32];

	for (long i = 0; i < l->n; i += 10) {
		name_of(name, sizeof(name), i);
		if (unlinkat(dirfd(l->dir), name, 0) < 0)
			err(1, "unlink %s", name);
		l->removed[i] = 1;
	}
}

int act_listing(int argc, char **argv)
{
	struct listing l = { 0 };
	double begin;

	if (argc < 3)
		return 2;
	l.n = atol(argv[2]);
	if (strcmp(argv[0], "make") == 0)
		return make(argv[1], l.n);
	l.seen = calloc((size_t)l.n, 1);
	l.removed = calloc((size_t)l.n, 1);
	l.dir = opendir(argv[1]);
	if (!l.seen || !l.removed || !l.dir)
		err(1, "%s", argv[1]);
	if (strcmp(argv[0], "remove") == 0) {
		read_some(&l, l.n / 2);
		remove_some(&l);
		read_some(&l, l.n);
		judge(&l, false);
		/* On ramfs a position is a count of names, so it now means another name. */
		if (argc == 3)
			visit_places(&l);
		rewinddir(l.dir);
		l.n_places = N_PLACES;
	}
	if (strcmp(argv[0], "begin") == 0)
		return read_some(&l, l.n / 2) != l.n / 2;
	begin = now();
	read_some(&l, l.n + 1);
	printf("read in %.0f ms, ", (now() - begin) * 1e3);
	judge(&l, true);
	begin = now();
	if (strcmp(argv[0], "check") == 0)
		visit_places(&l);
	printf("%d places in %.0f ms\n", l.n_places, (now() - begin) * 1e3);
	return 0;
}

/* Prints how often a file can be looked at in some seconds, counted in one process. */
int act_rate(int argc, char **argv)
{
	struct stat st;
	double end;
	long n = 0;

	if (argc != 2)
		return 2;
	for (end = now() + atof(argv[1]); now() < end; n++)
		if (stat(argv[0], &st) < 0)
			err(1, "%s", argv[0]);
	printf("%ld\n", n);
	return 0;
}
