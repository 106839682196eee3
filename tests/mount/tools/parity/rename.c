// SPDX-License-Identifier: LGPL-2.1-or-later
/* rename(2) of every file type over every file type, with every flag. */
#include "parity.h"

static const char *const kinds[] = { "absent", "file", "dir", "full", "link", "fifo" };
#define N_KINDS (sizeof(kinds) / sizeof(kinds[0]))

static void make(struct side *s, const char *name, int kind)
{
	char inner[32];

	switch (kind) {
	case 1:
		put(s, name, name);
		break;
	case 2:
		MUST(mkdirat(s->dir, name, 0755) == 0);
		break;
	case 3:
		MUST(mkdirat(s->dir, name, 0755) == 0);
		snprintf(inner, sizeof(inner), "%s/in", name);
		put(s, inner, name);
		break;
	case 4:
		MUST(symlinkat("file", s->dir, name) == 0);
		break;
	case 5:
		MUST(mkfifoat(s->dir, name, 0644) == 0);
		break;
	}
}

static void rename_matrix(struct side *s, unsigned int flags)
{
	for (unsigned int from = 0; from < N_KINDS; from++)
		for (unsigned int to = 0; to < N_KINDS; to++) {
			char a[32], b[32];

			snprintf(a, sizeof(a), "a%u%u", from, to);
			snprintf(b, sizeof(b), "b%u%u", from, to);
			make(s, a, from);
			make(s, b, to);
			note(s, "%s onto %s", kinds[from], kinds[to]);
			DO(s, renameat2(s->dir, a, s->dir, b, flags));
			note_stat(s, s->dir, a);
			note_stat(s, s->dir, b);
		}
}

static void plain(struct side *s)
{
	rename_matrix(s, 0);
}

static void noreplace(struct side *s)
{
	rename_matrix(s, RENAME_NOREPLACE);
}

static void exchange(struct side *s)
{
	rename_matrix(s, RENAME_EXCHANGE);
}

static void whiteout(struct side *s)
{
	rename_matrix(s, RENAME_WHITEOUT);
}

static void bad_flags(struct side *s)
{
	put(s, "a", "a");
	put(s, "b", "b");
	DO(s, renameat2(s->dir, "a", s->dir, "b", RENAME_EXCHANGE | RENAME_NOREPLACE));
	DO(s, renameat2(s->dir, "a", s->dir, "b", RENAME_EXCHANGE | RENAME_WHITEOUT));
	DO(s, renameat2(s->dir, "a", s->dir, "b", RENAME_NOREPLACE | RENAME_WHITEOUT));
	DO(s, renameat2(s->dir, "a", s->dir, "c", RENAME_NOREPLACE | RENAME_WHITEOUT));
	DO(s, renameat2(s->dir, "a", s->dir, "b", 8));
	DO(s, renameat2(s->dir, "a", s->dir, "b", 0x80000000));
}

static void whiteout_as_user(struct side *s)
{
	put_mode(s, "a", 1, 0644, 1000, 1000);
	become(1000, 1000, 0);
	DO(s, renameat2(s->dir, "a", s->dir, "b", RENAME_WHITEOUT));
	note_stat(s, s->dir, "a");
}

static void into_itself(struct side *s)
{
	MUST(mkdirat(s->dir, "d", 0755) == 0 && mkdirat(s->dir, "d/e", 0755) == 0);
	MUST(mkdirat(s->dir, "d/e/f", 0755) == 0);
	DO(s, renameat(s->dir, "d", s->dir, "d/e/x"));
	DO(s, renameat(s->dir, "d", s->dir, "d/e"));
	DO(s, renameat(s->dir, "d/e/f", s->dir, "d"));
	DO(s, renameat2(s->dir, "d/e", s->dir, "d", RENAME_EXCHANGE));
	DO(s, renameat2(s->dir, "d", s->dir, "d/e", RENAME_EXCHANGE));
	DO(s, renameat(s->dir, "d", s->dir, "d"));
	DO(s, renameat2(s->dir, "d", s->dir, "d", RENAME_NOREPLACE));
	DO(s, renameat2(s->dir, "d", s->dir, "d", RENAME_EXCHANGE));
}

static void same_file(struct side *s)
{
	put(s, "a", "text");
	MUST(linkat(s->dir, "a", s->dir, "b", 0) == 0);
	DO(s, renameat(s->dir, "a", s->dir, "b"));
	note_stat(s, s->dir, "a");
	note_stat(s, s->dir, "b");
	DO(s, renameat2(s->dir, "a", s->dir, "b", RENAME_EXCHANGE));
	DO(s, renameat2(s->dir, "a", s->dir, "b", RENAME_NOREPLACE));
}

static void while_open(struct side *s)
{
	char text[16] = "";

	put(s, "a", "first");
	put(s, "b", "second");
	int a = openat(s->dir, "a", O_RDWR), b = openat(s->dir, "b", O_RDWR);
	DO(s, renameat(s->dir, "a", s->dir, "b"));
	note_stat(s, a, "");
	note_stat(s, b, "");
	DO(s, pread(b, text, 15, 0));
	note(s, "the replaced file: %s", text);
	DO(s, pwrite(b, "SECOND", 6, 0));
	DO(s, pwrite(a, "FIRST", 5, 0));
	note_content(s, "b");
	DO(s, ftruncate(b, 1));
	note_stat(s, b, "");
	put(s, "c", "third");
	DO(s, renameat2(s->dir, "b", s->dir, "c", RENAME_EXCHANGE));
	note_stat(s, a, "");
	note_content(s, "b");
	note_content(s, "c");
	DO(s, unlinkat(s->dir, "c", 0));
	note_stat(s, a, "");
}

static void across_directories(struct side *s)
{
	struct stat parent, up;

	MUST(mkdirat(s->dir, "x", 0755) == 0 && mkdirat(s->dir, "y", 0755) == 0);
	MUST(mkdirat(s->dir, "x/d", 0755) == 0);
	put(s, "x/f", "f");
	put(s, "x/d/g", "g");
	int inside = openat(s->dir, "x/d", O_RDONLY | O_DIRECTORY);
	DO(s, renameat(s->dir, "x/d", s->dir, "y/d"));
	MUST(fstatat(s->dir, "y", &parent, 0) == 0 && fstatat(inside, "..", &up, 0) == 0);
	note(s, ".. is y: %d", parent.st_ino == up.st_ino);
	DO(s, faccessat(inside, "g", F_OK, 0));
	DO(s, faccessat(s->dir, "y/d/g", F_OK, 0));
	DO(s, faccessat(s->dir, "x/d/g", F_OK, 0));
	DO(s, renameat(s->dir, "x/f", s->dir, "y/d/f"));
	DO(s, renameat2(s->dir, "x", s->dir, "y/d", RENAME_EXCHANGE));
	DO(s, faccessat(s->dir, "x/g", F_OK, 0));
	DO(s, renameat(s->dir, "x/g", inside, "h"));
	close(FD(s, openat(inside, "new", O_CREAT | O_EXCL | O_RDWR, 0644)));
	note_content(s, "x/h");
}

static void odd_paths(struct side *s)
{
	put(s, "f", "f");
	MUST(mkdirat(s->dir, "d", 0755) == 0);
	DO(s, renameat(s->dir, "f", s->dir, "g/"));
	DO(s, renameat(s->dir, "f/", s->dir, "g"));
	DO(s, renameat(s->dir, "d/", s->dir, "e/"));
	DO(s, renameat(s->dir, "", s->dir, "x"));
	DO(s, renameat(s->dir, "f", s->dir, ""));
	DO(s, renameat(s->dir, "f", s->dir, "absent/x"));
	DO(s, renameat(s->dir, "f/x", s->dir, "y"));
	DO(s, renameat(s->dir, "f", s->dir, "f/y"));
}

static const struct scenario scenarios[] = {
	{ "plain", plain, 0 },
	{ "noreplace", noreplace, 0 },
	{ "exchange", exchange, 0 },
	{ "whiteout", whiteout, 0 },
	{ "whiteout-as-user", whiteout_as_user, 0 },
	{ "bad-flags", bad_flags, 0 },
	{ "into-itself", into_itself, 0 },
	{ "same-file", same_file, 0 },
	{ "while-open", while_open, 0 },
	{ "across-directories", across_directories, 0 },
	{ "odd-paths", odd_paths, 0 },
	{},
};
const struct scenario_group group_rename = { "rename", scenarios };
