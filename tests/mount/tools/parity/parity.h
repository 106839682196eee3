/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef TESTS_PARITY_H
#define TESTS_PARITY_H
/*
 * The comparison program. A scenario is a function that makes system calls in a directory of its
 * own and notes their results. It runs once in a plain directory, the twin, and once in the view;
 * both transcripts have to be equal. So no test has expected results: those of the lower file
 * system are right.
 *
 * In addition, after every call in the view (DO, FD), statx(2) of each file of the scenario must
 * return the same fields in the view and in the lower tree. At the end of the scenario both trees
 * must be equal. With S_PASSED no READ or WRITE may have reached the daemon.
 *
 * A note must not depend on the tree: it has no descriptor numbers, inode numbers or clock times,
 * but may say that one is equal to, or later than, another.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct side {
	bool view;       /* this is the view, not the twin */
	int dir;         /* the directory of the scenario */
	int below;       /* the same directory in the lower tree; the twin's is dir itself */
	char path[4096]; /* of dir */
	char below_path[4096];
	struct transcript *transcript;
};

enum {
	S_PASSED = 1 << 0,   /* no READ and no WRITE may reach a daemon that passes data through */
	S_NO_AGREE = 1 << 1, /* do not compare view and lower after each call (they are many) */
	S_NO_TREE = 1 << 2,  /* nor at the end */
	S_SLOW = 1 << 3,     /* may take a minute */
};

struct scenario {
	const char *name;
	void (*run)(struct side *s);
	unsigned int flags;
};

struct scenario_group {
	const char *name;
	const struct scenario *scenarios;
};

extern const struct scenario_group group_names, group_kinds, group_rename, group_attr, group_suid,
	group_perm, group_xattr, group_acl, group_dir, group_flags, group_data, group_modes,
	group_large, group_copy, group_mmap, group_aio, group_lock;

/* Writes a line of the transcript. */
void note(struct side *s, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Notes "what = 3" or "what = ENOENT", then compares view and lower tree. Returns the result. */
long note_result(struct side *s, const char *what, long result, int error);
long note_fd(struct side *s, const char *what, long result, int error);
/* Notes type, mode, links, owner, size and device of a name, or of the descriptor if name is "". */
void note_stat(struct side *s, int dir, const char *name);
/* Notes length and checksum of a file's content. */
void note_content(struct side *s, const char *name);
/* Notes length and checksum of data, or a negative length. */
void note_data(struct side *s, const char *what, const void *data, ssize_t n);
/* Compares view and lower tree now; `what` appears in the report of a difference. */
void agree(struct side *s, const char *what);

#define DO(s, call)                                                                                \
	({                                                                                         \
		errno = 0;                                                                         \
		long do_result = (long)(call);                                                     \
		note_result(s, #call, do_result, errno);                                           \
	})
#define FD(s, call)                                                                                \
	({                                                                                         \
		errno = 0;                                                                         \
		long fd_result = (long)(call);                                                     \
		(int)note_fd(s, #call, fd_result, errno);                                          \
	})

/* Prepare a scenario without notes. End the scenario on errors. */
void put(struct side *s, const char *name, const char *text);
/* Makes a file of zeros without opening it; size in bytes. */
void put_mode(struct side *s, const char *name, off_t size, mode_t mode, uid_t uid, gid_t gid);
void put_dir(struct side *s, const char *name, mode_t mode, uid_t uid, gid_t gid);
void must(bool good, const char *what);
#define MUST(expr) must(expr, #expr)
/* Returns n bytes of a pattern that depends on seed, aligned to a page. */
unsigned char *pattern(size_t n, unsigned int seed);
int64_t checksum(const void *data, size_t n);

/* Acts as another user from here on, and as root again. */
void become(uid_t uid, gid_t gid, int n_groups, ...);
void become_root(void);

/* Prints which times of a file have moved since, such as "mtime ctime". */
struct stamp {
	struct statx stx;
};
struct stamp stamp_take(struct side *s, int dir, const char *name);
void stamp_note(struct side *s, const char *what, int dir, const char *name, struct stamp before);

#endif
