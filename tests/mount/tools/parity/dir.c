// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Reading directories: every name once, d_ino and d_type right, seekdir(3) to any position of
 * telldir(3).
 */
#include <dirent.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>

#include "parity.h"

#define MANY 3000

static void fill(struct side *s, const char *dir, int n)
{
	char name[300];

	MUST(mkdirat(s->dir, dir, 0755) == 0);
	int d = openat(s->dir, dir, O_RDONLY | O_DIRECTORY);
	for (int i = 0; i < n; i++) {
		/*
		 * Lengths from short to the longest, so that each buffer ends at another place in
		 * an entry.
		 */
		snprintf(name, sizeof(name), "%04d-%0*d", i, 1 + (i * 37) % 240, 0);
		int fd = openat(d, name, O_CREAT | O_WRONLY, 0644);
		MUST(fd >= 0);
		close(fd);
	}
	close(d);
}

/* Notes the number of names, their sum, and whether each d_ino equals st_ino. */
static void note_listing(struct side *s, DIR *d, bool with_stat)
{
	struct dirent *e;
	unsigned long n = 0, wrong = 0, dots = 0;
	uint64_t sum = 0;

	errno = 0;
	while ((e = readdir(d))) {
		struct stat st;

		n++;
		sum += checksum(e->d_name, strlen(e->d_name));
		dots += strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0;
		if (with_stat && strcmp(e->d_name, "..") != 0 &&
		    (fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
		     st.st_ino != e->d_ino ||
		     (e->d_type != DT_UNKNOWN && IFTODT(st.st_mode) != e->d_type)))
			wrong++;
		errno = 0;
	}
	note(s, "%lu names, sum %llx, %lu dots, %lu wrong, end %d", n, (unsigned long long)sum,
	     dots, wrong, errno);
}

static DIR *open_dir(struct side *s, const char *name)
{
	int fd = openat(s->dir, name, O_RDONLY | O_DIRECTORY);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);

	must(d != NULL, name);
	return d;
}

static void kinds(struct side *s)
{
	MUST(mkdirat(s->dir, "k", 0755) == 0);
	put(s, "k/file", "x");
	MUST(mkdirat(s->dir, "k/dir", 0755) == 0 && symlinkat("file", s->dir, "k/link") == 0);
	MUST(mkfifoat(s->dir, "k/fifo", 0644) == 0);
	MUST(mknodat(s->dir, "k/null", S_IFCHR | 0666, makedev(1, 3)) == 0);
	MUST(mknodat(s->dir, "k/loop", S_IFBLK | 0666, makedev(7, 0)) == 0);
	MUST(mknodat(s->dir, "k/socket", S_IFSOCK | 0666, 0) == 0);
	DIR *d = open_dir(s, "k");
	note_listing(s, d, true);
	rewinddir(d);
	note_listing(s, d, true);
	closedir(d);
}

static void many(struct side *s)
{
	fill(s, "many", MANY);
	DIR *d = open_dir(s, "many");
	note_listing(s, d, false);
	rewinddir(d);
	note_listing(s, d, true);
	rewinddir(d);
	note_listing(s, d, true);
	closedir(d);
}

/* From every position of telldir(3), seekdir(3) leads to the rest of the listing. */
static void places(struct side *s)
{
	enum { N = 400 };
	static long place[N + 3];
	static char name[N + 3][256];
	int n = 0, bad = 0;
	struct dirent *e;

	fill(s, "some", N);
	DIR *d = open_dir(s, "some");
	for (place[0] = telldir(d); n < N + 2 && (e = readdir(d)); place[++n] = telldir(d))
		strcpy(name[n], e->d_name);
	note(s, "%d places", n);
	for (int step = 1; step < 400; step += 7) {
		int i = (step * 131) % n;

		seekdir(d, place[i]);
		for (int j = i; j < i + 3 && j < n; j++) {
			e = readdir(d);
			bad += !e || strcmp(e->d_name, name[j]) != 0;
		}
	}
	seekdir(d, place[n]);
	e = readdir(d);
	note(s, "%d wrong after seekdir, at the end %s", bad, e ? "a name" : "nothing");
	closedir(d);
}

static void small_buffers(struct side *s)
{
	char buffer[4096];
	long n, total = 0;
	int calls = 0;

	fill(s, "few", 50);
	int fd = openat(s->dir, "few", O_RDONLY | O_DIRECTORY);
	DO(s, syscall(SYS_getdents64, fd, buffer, 1) < 0 ? errno : 0);
	DO(s, syscall(SYS_getdents64, fd, buffer, 0) < 0 ? errno : 0);
	DO(s, lseek(fd, 0, SEEK_SET));
	while ((n = syscall(SYS_getdents64, fd, buffer, 320)) > 0 && calls++ < 1000)
		for (long at = 0; at < n; at += *(unsigned short *)(buffer + at + 16))
			total++;
	note(s, "in pieces: %ld names, last %s", total, n < 0 ? strerrorname_np(errno) : "0");
	n = syscall(SYS_getdents64, fd, buffer, 4096);
	note(s, "at the end %ld", n);
	DO(s, lseek(fd, 0, SEEK_SET));
	n = syscall(SYS_getdents64, fd, buffer, 4096);
	note(s, "again %s", n > 0 ? "some" : "none");
	DO(s, read(fd, buffer, 10));
	DO(s, pread(fd, buffer, 10, 0));
	DO(s, write(fd, buffer, 10));
	DO(s, ftruncate(fd, 0));
	close(fd);
}

/* Names that stay are listed exactly once while other names are created and removed. */
static void while_changing(struct side *s)
{
	static unsigned char seen[MANY];
	struct dirent *e;
	int i = 0, missed = 0, twice = 0;

	fill(s, "changing", MANY);
	DIR *d = open_dir(s, "changing");
	while ((e = readdir(d)) && i++ < 3 * MANY) {
		int number = atoi(e->d_name);

		if (e->d_name[0] == '.' || strncmp(e->d_name, "new", 3) == 0)
			continue;
		seen[number]++;
		/* Every second name is removed once it was listed; others are created. */
		if (number % 2)
			MUST(unlinkat(dirfd(d), e->d_name, 0) == 0);
		if (i % 50 == 0) {
			char name[32];

			snprintf(name, sizeof(name), "new%d", i);
			MUST(mkdirat(dirfd(d), name, 0755) == 0);
		}
	}
	for (i = 0; i < MANY; i++) {
		missed += seen[i] == 0;
		twice += seen[i] > 1;
	}
	note(s, "%d missed, %d seen twice", missed, twice);
	closedir(d);
}

static void delete_all(struct side *s)
{
	struct dirent *e;
	int n = 0;

	fill(s, "all", 1000);
	DIR *d = open_dir(s, "all");
	while ((e = readdir(d)))
		if (e->d_name[0] != '.')
			n += unlinkat(dirfd(d), e->d_name, 0) == 0;
	note(s, "%d removed", n);
	closedir(d);
	DO(s, unlinkat(s->dir, "all", AT_REMOVEDIR));
}

static void rewound(struct side *s)
{
	fill(s, "r", 5);
	DIR *d = open_dir(s, "r"), *other = open_dir(s, "r");
	note_listing(s, d, true);
	put(s, "r/new", "x");
	MUST(mkdirat(s->dir, "r/newer", 0755) == 0);
	rewinddir(d);
	note_listing(s, d, true);
	MUST(unlinkat(s->dir, "r/new", 0) == 0);
	rewinddir(d);
	note_listing(s, d, true);
	note_listing(s, other, true);
	closedir(d);
	closedir(other);
}

static void removed(struct side *s)
{
	MUST(mkdirat(s->dir, "gone", 0755) == 0);
	DIR *d = open_dir(s, "gone");
	MUST(unlinkat(s->dir, "gone", AT_REMOVEDIR) == 0);
	int n = 0;
	errno = 0;
	while (readdir(d))
		n++;
	note(s, "%d names in a removed directory, %d", n, errno);
	closedir(d);
}

struct reader {
	struct side *side;
	long n;
};

static void *read_all(void *arg)
{
	struct reader *r = arg;

	for (int i = 0; i < 5; i++) {
		DIR *d = open_dir(r->side, "shared");

		while (readdir(d))
			r->n++;
		closedir(d);
	}
	return NULL;
}

static void by_several(struct side *s)
{
	struct reader readers[8];
	pthread_t threads[8];

	fill(s, "shared", 700);
	for (int i = 0; i < 8; i++) {
		readers[i] = (struct reader){ .side = s };
		MUST(pthread_create(&threads[i], NULL, read_all, &readers[i]) == 0);
	}
	for (int i = 0; i < 8; i++) {
		pthread_join(threads[i], NULL);
		note(s, "%ld", readers[i].n);
	}
}

static void may_only_list(struct side *s)
{
	struct dirent *e;
	int n = 0;

	put_dir(s, "closed", 0755, 1000, 1000);
	put(s, "closed/a", "x");
	put(s, "closed/b", "x");
	MUST(fchmodat(s->dir, "closed", 0444, 0) == 0);
	become(1000, 1000, 0);
	DIR *d = open_dir(s, "closed");
	while ((e = readdir(d)))
		n++;
	note(s, "%d names", n);
	DO(s, faccessat(s->dir, "closed/a", F_OK, 0));
	closedir(d);
	become_root();
	MUST(fchmodat(s->dir, "closed", 0111, 0) == 0);
	become(1000, 1000, 0);
	close(FD(s, openat(s->dir, "closed", O_RDONLY | O_DIRECTORY)));
	DO(s, faccessat(s->dir, "closed/a", F_OK, 0));
	become_root();
}

static const struct scenario scenarios[] = {
	{ "kinds", kinds, 0 },
	{ "many", many, S_NO_AGREE },
	{ "places", places, S_NO_AGREE },
	{ "small-buffers", small_buffers, S_NO_AGREE },
	{ "while-changing", while_changing, S_NO_AGREE },
	{ "delete-all", delete_all, S_NO_AGREE },
	{ "rewound", rewound, 0 },
	{ "removed", removed, 0 },
	{ "by-several", by_several, S_NO_AGREE },
	{ "may-only-list", may_only_list, 0 },
	{},
};
const struct scenario_group group_dir = { "dir", scenarios };
