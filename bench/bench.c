// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Measures figures in one directory and prints nanoseconds per operation, a line for each figure:
 *
 *	name TAB nanoseconds			or	name TAB - TAB reason
 *
 * bench/run mounts the targets, calls this program for one figure on one target after another, and
 * computes the ratios.
 *
 * It measures a figure in passes, until all passes together took the time that the user asked for.
 * A pass has a fixed number of operations, the same for every target. So a slow target does the
 * same work as a fast one, with directories of the same size, only fewer times. The first pass
 * warms caches and does not count, unless the figure measures the first time. Before the first
 * timed pass all dirty pages are written out, so that no target pays for the one before it.
 *
 * All operations come from this one thread, with names relative to an open directory, so the time
 * of walking a path is not measured.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <getopt.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"

static const struct figure *const tables[] = { meta_figures, name_figures, data_figures,
					       job_figures };

enum { N_TABLES = sizeof(tables) / sizeof(tables[0]) };

struct options {
	uint64_t min_ns;  /* timed passes together take at least this long */
	const char *sync; /* write out this file system before the first timed pass */
	const char *tar;
	int cpu; /* stay on this CPU; -1: the scheduler decides */
	int list;
	int fixture;
};

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

static int call(figure_fn fn, struct bench *b)
{
	return fn ? fn(b) : 0;
}

/* One pass; adds its time to *ns. */
static int pass(struct bench *b, uint64_t *ns)
{
	uint64_t start;
	int r;

	r = call(b->figure->before, b);
	if (r < 0)
		return r;

	start = now_ns();
	r = b->figure->run(b);
	*ns += now_ns() - start;
	if (r < 0)
		return r;

	b->flip++;
	return call(b->figure->after, b);
}

/*
 * Writes out the view's dirty pages first: they become dirty pages of the lower file system, which
 * are written out next.
 */
static void sync_all(const struct bench *b, const char *sync)
{
	int fd;

	if (!sync)
		return;
	(void)syncfs(b->dir_fd);
	fd = open(sync, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0) {
		(void)syncfs(fd);
		close(fd);
	}
}

static int passes(struct bench *b, const struct options *o, double *ret_ns)
{
	uint64_t ns = 0, begin, n = 0;
	int r;

	if (!(b->figure->flags & (FIGURE_COLD | FIGURE_JOB))) {
		r = pass(b, &ns);
		if (r < 0)
			return r;
		ns = 0;
	}
	sync_all(b, o->sync);

	/* The second bound includes untimed work, so that a slow setup does not run for minutes. */
	begin = now_ns();
	do {
		r = pass(b, &ns);
		if (r < 0)
			return r;
		n += b->figure->n;
	} while (!(b->figure->flags & FIGURE_COLD) && ns < o->min_ns &&
		 now_ns() - begin < 8 * o->min_ns);

	*ret_ns = (double)ns / (double)n;
	return 0;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path) < 0 && errno != ENOENT ? -1 : 0;
}

/* Makes the run's directory and enters it; *ret_path is its name in the target's directory. */
static int enter(struct bench *b, char ret_path[32])
{
	snprintf(ret_path, 32, "run.%d", (int)getpid());
	if (mkdirat(b->root_fd, ret_path, 0755) < 0)
		return -errno;
	b->dir_fd = openat(b->root_fd, ret_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (b->dir_fd < 0 || fchdir(b->dir_fd) < 0)
		return -errno;
	return 0;
}

static void leave(struct bench *b, const char *path)
{
	if (b->dir_fd >= 0)
		close(b->dir_fd);
	if (fchdir(b->root_fd) == 0)
		nftw(path, remove_one, 32, FTW_DEPTH | FTW_PHYS);
}

/* Measures one figure in an empty directory, which it makes and removes. */
static int measure(const struct figure *figure, const char *root, const struct options *o,
		   double *ret_ns)
{
	struct bench b = {
		.figure = figure,
		.tar = o->tar,
		.root_fd = -1,
		.dir_fd = -1,
		.fd = -1,
		.fd2 = -1,
		.seed = 0x9e3779b97f4a7c15,
	};
	char path[32] = "";
	int r;

	b.root_fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (b.root_fd < 0)
		return -errno;
	b.data = calloc(1, BENCH_DATA_MAX);
	if (!b.data) {
		close(b.root_fd);
		return -ENOMEM;
	}

	r = enter(&b, path);
	if (r == 0)
		r = call(figure->setup, &b);
	if (r == 0)
		r = passes(&b, o, ret_ns);
	(void)call(figure->teardown, &b);
	if (b.fd >= 0)
		close(b.fd);
	if (b.fd2 >= 0)
		close(b.fd2);
	leave(&b, path);
	close(b.root_fd);
	free(b.data);
	return r;
}

static void list(void)
{
	for (size_t t = 0; t < N_TABLES; t++)
		for (const struct figure *f = tables[t]; f->name; f++)
			printf("%s\t%s\t%s%s%s\t%s\n", f->name, f->unit,
			       f->flags & FIGURE_COLD ? "cold " : "",
			       f->flags & FIGURE_JOB ? "job " : "",
			       f->flags & FIGURE_GIT ? "git " : "", f->what);
}

static const struct figure *find(const char *name)
{
	for (size_t t = 0; t < N_TABLES; t++)
		for (const struct figure *f = tables[t]; f->name; f++)
			if (strcmp(f->name, name) == 0)
				return f;
	return NULL;
}

static int measure_named(const char *root, const char *name, const struct options *o)
{
	const struct figure *figure = find(name);
	double ns = 0;
	int r;

	if (!figure) {
		fprintf(stderr, "bench: no figure is called '%s'; see bench -l\n", name);
		return -EINVAL;
	}
	r = measure(figure, root, o, &ns);
	if (r < 0)
		printf("%s\t-\t%s\n", name, strerror(-r));
	else
		printf("%s\t%.1f\n", name, ns);
	fflush(stdout);
	return 0;
}

static int make_fixture(const char *root, const struct options *o)
{
	struct bench b = { .tar = o->tar, .fd = -1, .fd2 = -1 };
	int r;

	b.root_fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (b.root_fd < 0 || fchdir(b.root_fd) < 0) {
		fprintf(stderr, "bench: %s: %s\n", root, strerror(errno));
		return 1;
	}
	r = bench_fixture(&b);
	if (r < 0)
		fprintf(stderr, "bench: fixture in %s: %s\n", root, strerror(-r));
	close(b.root_fd);
	return r < 0;
}

static int pin(int cpu)
{
	cpu_set_t set;

	if (cpu < 0)
		return 0;
	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	return sched_setaffinity(0, sizeof(set), &set) < 0 ? -errno : 0;
}

static int usage(void)
{
	fputs("usage: bench [-t MS] [-s DIR] [-p CPU] [-T TAR] DIR FIGURE...\n"
	      "       bench -f [-T TAR] DIR		make the fixtures in DIR\n"
	      "       bench -l			list the figures\n",
	      stderr);
	return 2;
}

static int parse(int argc, char **argv, struct options *o)
{
	int c;

	while ((c = getopt(argc, argv, "fls:t:p:T:")) != -1) {
		switch (c) {
		case 'f':
			o->fixture = 1;
			break;
		case 'l':
			o->list = 1;
			break;
		case 's':
			o->sync = optarg;
			break;
		case 't':
			o->min_ns = strtoull(optarg, NULL, 10) * 1000000;
			break;
		case 'p':
			o->cpu = atoi(optarg);
			break;
		case 'T':
			o->tar = optarg;
			break;
		default:
			return -EINVAL;
		}
	}
	if (!o->list && argc - optind < (o->fixture ? 1 : 2))
		return -EINVAL;
	return 0;
}

int main(int argc, char **argv)
{
	struct options o = { .min_ns = 100000000, .cpu = -1 };

	/* The figure "exec" runs a copy of this program, which then ends at once. */
	if (argc == 2 && strcmp(argv[1], "--nothing") == 0)
		return 0;

	if (parse(argc, argv, &o) < 0)
		return usage();
	if (o.list) {
		list();
		return 0;
	}
	umask(022);
	if (o.fixture)
		return make_fixture(argv[optind], &o);
	if (pin(o.cpu) < 0) {
		fprintf(stderr, "bench: cannot pin this process to CPU %d\n", o.cpu);
		return 1;
	}
	for (int i = optind + 1; i < argc; i++)
		if (measure_named(argv[optind], argv[i], &o) < 0)
			return 2;
	return 0;
}
