/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PENSTOCK_BENCH_H
#define PENSTOCK_BENCH_H
/* A figure: one operation that is measured, with the functions that prepare it. */
#include <stddef.h>
#include <stdint.h>

/* The state of one figure: one thread in one directory, so nothing is shared. */
struct bench {
	const struct figure *figure;
	const char *tar; /* the source tree as a tar file, for the jobs */
	int root_fd;     /* the target's directory: the fixtures big/ and tree/ lie here */
	int dir_fd;      /* an empty directory of this run, also the working directory */
	int fd;          /* a file that the figure holds open, or -1 */
	int fd2;
	char *data; /* BENCH_DATA_MAX bytes */
	char *map;
	uint64_t seed;
	unsigned int flip; /* counts passes, for figures whose passes must differ */
};

enum {
	FIGURE_COLD = 1 << 0, /* the runner mounts anew before it; one pass, no warming */
	FIGURE_JOB = 1 << 1,  /* a program's whole run: no warming pass */
	FIGURE_GIT = 1 << 2,  /* needs git and the fixture's repository */
};

/*
 * setup, before, after and teardown are not timed; before and after surround every pass, setup and
 * teardown surround all passes. A pass is n operations. Each function returns 0 or -errno, and may
 * be NULL. The bench removes the directory of the run with its content, so teardown need not.
 */
typedef int (*figure_fn)(struct bench *b);

struct figure {
	const char *name;
	const char *unit;   /* of the operations: one of these takes the printed time */
	const char *what;   /* one line for people */
	unsigned int flags; /* FIGURE_* */
	unsigned int n;     /* operations in one pass */
	size_t block;       /* bytes in one operation, or 0 */
	figure_fn setup, before, run, after, teardown;
};

enum {
	BENCH_FILES = 500,       /* small files that the metadata figures go through */
	BENCH_BIG = 10000,       /* names in the fixture big/ */
	BENCH_SMALL_SIZE = 1024, /* bytes in each of the small files */
	BENCH_DATA_MAX = 1 << 20,
	BENCH_FILE_SIZE = 32 << 20, /* bytes in the file of the data figures */
};

/* Tables of figures, each ended by a row without a name. */
extern const struct figure meta_figures[];
extern const struct figure name_figures[];
extern const struct figure data_figures[];
extern const struct figure job_figures[];

/* Writes the name of a small file to buf: letter and number. Returns buf. */
const char *bench_name(char buf[16], char letter, unsigned int i);

/* Makes the BENCH_FILES small files of a letter, with or without content. */
int bench_files_make(struct bench *b, char letter, size_t size);

/* Removes them; missing files are no error. */
int bench_files_remove(struct bench *b, char letter);

/* Makes a file of size bytes in the run's directory. Returns a descriptor opened with flags. */
int bench_file_make(struct bench *b, const char *name, size_t size, int flags);

/* Runs a program to its end in the run's directory, without output. 0, or -ECHILD if it failed. */
int bench_spawn(char *const argv[]);

/* Makes the fixtures in a target's directory: big/, and tree/ from the tar file. */
int bench_fixture(struct bench *b);

#endif
