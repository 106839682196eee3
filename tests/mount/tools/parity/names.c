// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Creating and removing names with open, mkdir, unlink and rmdir; valid names; races between
 * creators.
 */
#include <sys/wait.h>

#include "parity.h"

static void create_modes(struct side *s)
{
	static const mode_t modes[] = { 0, 0600, 0644, 0777, 04755, 02755, 01777, 07777 };

	for (int mask = 0; mask <= 077; mask += 077 / 3)
		for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
			char name[32];

			snprintf(name, sizeof(name), "f%o-%o", mask, modes[i]);
			umask(mask);
			close(FD(s, openat(s->dir, name, O_CREAT | O_WRONLY, modes[i])));
			note_stat(s, s->dir, name);
		}
}

static void create_flags(struct side *s)
{
	put(s, "file", "hello");
	MUST(mkdirat(s->dir, "dir", 0755) == 0);
	MUST(symlinkat("file", s->dir, "link") == 0);
	MUST(symlinkat("nowhere", s->dir, "dangling") == 0);
	MUST(symlinkat("loop", s->dir, "loop") == 0);
	close(FD(s, openat(s->dir, "file", O_CREAT | O_EXCL | O_RDWR, 0644)));
	close(FD(s, openat(s->dir, "dir", O_CREAT | O_RDWR, 0644)));
	close(FD(s, openat(s->dir, "dir", O_CREAT | O_EXCL | O_RDWR, 0644)));
	close(FD(s, openat(s->dir, "new", O_CREAT | O_DIRECTORY | O_RDWR, 0644)));
	close(FD(s, openat(s->dir, "new/", O_CREAT | O_RDWR, 0644)));
	close(FD(s, openat(s->dir, "link", O_CREAT | O_EXCL | O_RDWR, 0644)));
	close(FD(s, openat(s->dir, "dangling", O_CREAT | O_EXCL | O_RDWR, 0644)));
	close(FD(s, openat(s->dir, "dangling", O_CREAT | O_RDWR, 0644)));
	note_stat(s, s->dir, "nowhere");
	close(FD(s, openat(s->dir, "loop", O_CREAT | O_RDWR, 0644)));
	close(FD(s, openat(s->dir, "link", O_NOFOLLOW | O_RDONLY)));
	close(FD(s, openat(s->dir, "link", O_NOFOLLOW | O_PATH)));
	close(FD(s, openat(s->dir, "dir", O_WRONLY)));
	close(FD(s, openat(s->dir, "dir", O_RDWR)));
	close(FD(s, openat(s->dir, "dir", O_RDONLY)));
	close(FD(s, openat(s->dir, "file", O_DIRECTORY)));
	close(FD(s, openat(s->dir, "file/", O_RDONLY)));
	close(FD(s, openat(s->dir, "file/x", O_RDONLY)));
	close(FD(s, openat(s->dir, "absent", O_RDONLY)));
	close(FD(s, openat(s->dir, "absent/x", O_CREAT | O_RDWR, 0644)));
	close(FD(s, openat(s->dir, "", O_RDONLY)));
	close(FD(s, openat(s->dir, "file", O_WRONLY | O_TRUNC)));
	note_stat(s, s->dir, "file");
	close(FD(s, openat(s->dir, "file", O_RDWR | O_CREAT | O_TRUNC | O_APPEND, 0600)));
	note_stat(s, s->dir, "file");
}

static void long_name(struct side *s, size_t length)
{
	char name[300] = "", other[300] = "";

	memset(name, 'n', length);
	memset(other, 'm', length);
	note(s, "length %zu", length);
	close(FD(s, openat(s->dir, name, O_CREAT | O_RDWR, 0644)));
	close(FD(s, openat(s->dir, name, O_RDONLY)));
	note_stat(s, s->dir, name);
	DO(s, linkat(s->dir, name, s->dir, other, 0));
	DO(s, unlinkat(s->dir, other, 0));
	DO(s, renameat(s->dir, name, s->dir, other));
	DO(s, renameat2(s->dir, other, s->dir, name, RENAME_NOREPLACE));
	DO(s, unlinkat(s->dir, name, 0));
	DO(s, mkdirat(s->dir, name, 0755));
	DO(s, unlinkat(s->dir, name, AT_REMOVEDIR));
	DO(s, mknodat(s->dir, name, S_IFIFO | 0644, 0));
	DO(s, unlinkat(s->dir, name, 0));
	DO(s, symlinkat(name, s->dir, name));
	DO(s, unlinkat(s->dir, name, 0));
	DO(s, faccessat(s->dir, name, F_OK, 0));
}

static void long_names(struct side *s)
{
	long_name(s, 254);
	long_name(s, 255);
	long_name(s, 256);
	long_name(s, 299);
}

static void odd_names(struct side *s)
{
	static const char *const names[] = {
		" ",
		"...",
		"....",
		"-rf",
		"a b",
		"a\nb",
		"a\tb",
		"\\",
		"*",
		"?",
		"#",
		"~",
		"\"",
		"'",
		"\xff\xfe",
		"\xc3\x28",
		"\xed\xa0\x80",
		"\xf0\x9f\x98\x80",
		".hidden",
		"a:b",
		";",
		"|",
		"%s%n",
		"CON",
		"\x7f",
		"nul",
		"core",
		".fuse_hidden1",
		"lost+found",
	};
	char name[2] = "";

	for (int c = 1; c < 256; c++) {
		if (c == '/' || c == '.')
			continue;
		name[0] = (char)c;
		int fd = openat(s->dir, name, O_CREAT | O_EXCL | O_WRONLY, 0644);
		note(s, "byte %d: %s", c, fd < 0 ? strerrorname_np(errno) : "made");
		close(fd);
	}
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		note(s, "%s", names[i]);
		DO(s, mkdirat(s->dir, names[i], 0755));
		DO(s, faccessat(s->dir, names[i], F_OK, 0));
	}
}

static void dots(struct side *s)
{
	MUST(mkdirat(s->dir, "d", 0755) == 0);
	put(s, "d/f", "x");
	DO(s, mkdirat(s->dir, ".", 0755));
	DO(s, mkdirat(s->dir, "..", 0755));
	DO(s, mkdirat(s->dir, "d/.", 0755));
	DO(s, mkdirat(s->dir, "", 0755));
	DO(s, mkdirat(s->dir, "e/", 0755));
	DO(s, unlinkat(s->dir, "d/.", AT_REMOVEDIR));
	DO(s, unlinkat(s->dir, "d/..", AT_REMOVEDIR));
	DO(s, unlinkat(s->dir, ".", AT_REMOVEDIR));
	DO(s, unlinkat(s->dir, "d/.", 0));
	DO(s, unlinkat(s->dir, "d/f/", 0));
	DO(s, unlinkat(s->dir, "e/", AT_REMOVEDIR));
	DO(s, renameat(s->dir, "d/.", s->dir, "g"));
	DO(s, renameat(s->dir, "d", s->dir, "d/.."));
	DO(s, linkat(s->dir, "d/f", s->dir, "d/.", 0));
	DO(s, symlinkat("x", s->dir, "."));
	DO(s, symlinkat("x", s->dir, "y/"));
	DO(s, faccessat(s->dir, "d/../d/./f", F_OK, 0));
	DO(s, faccessat(s->dir, "d/f/..", F_OK, 0));
}

static void directories(struct side *s)
{
	static const mode_t modes[] = { 0, 0700, 0755, 01777, 02775, 07777 };

	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		char name[32];

		snprintf(name, sizeof(name), "d%o", modes[i]);
		DO(s, mkdirat(s->dir, name, modes[i]));
		note_stat(s, s->dir, name);
	}
	DO(s, mkdirat(s->dir, "d700", 0755));
	DO(s, mkdirat(s->dir, "d700/sub", 0755));
	put(s, "file", "x");
	DO(s, mkdirat(s->dir, "file", 0755));
	DO(s, mkdirat(s->dir, "file/sub", 0755));
	DO(s, unlinkat(s->dir, "file", AT_REMOVEDIR));
	DO(s, unlinkat(s->dir, "d700", 0));
	DO(s, unlinkat(s->dir, "d700", AT_REMOVEDIR));
	DO(s, unlinkat(s->dir, "d700/sub", AT_REMOVEDIR));
	DO(s, unlinkat(s->dir, "d700", AT_REMOVEDIR));
	DO(s, unlinkat(s->dir, "d700", AT_REMOVEDIR));
	int fd = openat(s->dir, "d755", O_RDONLY);
	DO(s, fsync(fd));
	DO(s, fdatasync(fd));
	DO(s, syncfs(fd));
}

/* Twenty processes create one name with O_EXCL. */
static void exclusive_race(struct side *s)
{
	for (int round = 0; round < 10; round++) {
		int start[2], counts[2] = {}, other = 0;
		char name[16];

		snprintf(name, sizeof(name), "prize%d", round);
		MUST(pipe(start) == 0);
		for (int i = 0; i < 20; i++) {
			if (fork())
				continue;
			char c;
			close(start[1]);
			if (read(start[0], &c, 1) != 0)
				_exit(9);
			int fd = openat(s->dir, name, O_CREAT | O_EXCL | O_RDWR, 0644);
			_exit(fd >= 0 ? 0 : errno == EEXIST ? 1 : 2);
		}
		close(start[1]);
		for (int i = 0, status; i < 20; i++) {
			MUST(wait(&status) > 0);
			if (WIFEXITED(status) && WEXITSTATUS(status) < 2)
				counts[WEXITSTATUS(status)]++;
			else
				other++;
		}
		close(start[0]);
		note(s, "%d made it, %d found it, %d else", counts[0], counts[1], other);
	}
}

/* The same race with mkdir, link, symlink and rename. */
static void other_races(struct side *s)
{
	static const char *const kinds[] = { "mkdir", "symlink", "link", "rename" };

	for (int kind = 0; kind < 4; kind++) {
		int won = 0;

		for (int i = 0; i < 8; i++) {
			char own[16];

			snprintf(own, sizeof(own), "own%d-%d", kind, i);
			put(s, own, "x");
		}
		for (int i = 0; i < 8; i++) {
			char own[16];

			snprintf(own, sizeof(own), "own%d-%d", kind, i);
			if (fork())
				continue;
			int r = kind == 0 ? mkdirat(s->dir, "prize0", 0755) :
				kind == 1 ? symlinkat("x", s->dir, "prize1") :
				kind == 2 ? linkat(s->dir, own, s->dir, "prize2", 0) :
					    renameat2(s->dir, own, s->dir, "prize3",
						      RENAME_NOREPLACE);
			_exit(r == 0 ? 0 : errno == EEXIST ? 1 : 2);
		}
		for (int i = 0, status; i < 8; i++) {
			MUST(wait(&status) > 0);
			won += WIFEXITED(status) && WEXITSTATUS(status) == 0;
			if (!WIFEXITED(status) || WEXITSTATUS(status) > 1)
				note(s, "%s: something else, %x", kinds[kind], status);
		}
		note(s, "%s: %d won", kinds[kind], won);
	}
}

static void deep(struct side *s)
{
	int fd = dup(s->dir);

	for (int i = 0; i < 200; i++) {
		MUST(mkdirat(fd, "directory-in-a-directory", 0755) == 0);
		int next = openat(fd, "directory-in-a-directory", O_RDONLY | O_DIRECTORY);
		MUST(next >= 0);
		close(fd);
		fd = next;
	}
	close(FD(s, openat(fd, "bottom", O_CREAT | O_RDWR, 0644)));
	DO(s, renameat(s->dir, "directory-in-a-directory", s->dir, "renamed"));
	DO(s, faccessat(fd, "bottom", R_OK, 0));
	DO(s, unlinkat(fd, "bottom", 0));
	char path[8192] = "renamed";
	for (int i = 0; i < 199; i++)
		strcat(path, "/directory-in-a-directory");
	DO(s, faccessat(s->dir, path, F_OK, 0) < 0 ? errno == ENAMETOOLONG : 0);
	path[4000] = '\0';
	*strrchr(path, '/') = '\0';
	DO(s, faccessat(s->dir, "renamed/directory-in-a-directory/../..", F_OK, 0));
	note_stat(s, fd, "");
}

static void absent_then_made(struct side *s)
{
	for (int i = 0; i < 3; i++) {
		DO(s, faccessat(s->dir, "later", F_OK, 0));
		DO(s, faccessat(s->dir, "later/x", F_OK, 0));
	}
	DO(s, mkdirat(s->dir, "later", 0755));
	DO(s, faccessat(s->dir, "later/x", F_OK, 0));
	close(FD(s, openat(s->dir, "later/x", O_CREAT | O_RDWR, 0644)));
	DO(s, faccessat(s->dir, "later/x", F_OK, 0));
	DO(s, unlinkat(s->dir, "later/x", 0));
	DO(s, faccessat(s->dir, "later/x", F_OK, 0));
	DO(s, symlinkat("y", s->dir, "later/x"));
	note_stat(s, s->dir, "later/x");
	DO(s, unlinkat(s->dir, "later/x", 0));
	DO(s, mkdirat(s->dir, "later/x", 0755));
	note_stat(s, s->dir, "later/x");
}

static const struct scenario scenarios[] = {
	{ "create-modes", create_modes, S_NO_AGREE },
	{ "create-flags", create_flags, 0 },
	{ "long-names", long_names, 0 },
	{ "odd-names", odd_names, S_NO_AGREE },
	{ "dots", dots, 0 },
	{ "directories", directories, 0 },
	{ "exclusive-race", exclusive_race, S_NO_AGREE },
	{ "other-races", other_races, S_NO_AGREE },
	{ "deep", deep, S_NO_AGREE | S_NO_TREE },
	{ "absent-then-made", absent_then_made, 0 },
	{},
};
const struct scenario_group group_names = { "names", scenarios };
