// SPDX-License-Identifier: LGPL-2.1-or-later
/* Making and removing names: open, mkdir, mknod, symlink, link, unlink, rmdir, O_TMPFILE. */
#include <sys/socket.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
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
		" ", "...", "....", "-rf", "a b", "a\nb", "a\tb", "\\", "*", "?", "#", "~", "\"", "'",
		"\xff\xfe", "\xc3\x28", "\xed\xa0\x80", "\xf0\x9f\x98\x80", ".hidden", "a:b", ";", "|",
		"%s%n", "CON", "\x7f", "nul", "core", ".fuse_hidden1", "lost+found",
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

static void devices(struct side *s)
{
	const struct {
		const char *name;
		mode_t mode;
		dev_t device;
	} rows[] = {
		{ "fifo", S_IFIFO | 0640, 0 },		{ "socket", S_IFSOCK | 0755, 0 },
		{ "null", S_IFCHR | 0666, makedev(1, 3) }, { "loop", S_IFBLK | 0600, makedev(7, 99) },
		{ "plain", S_IFREG | 0644, 0 },		{ "untyped", 0644, 0 },
		{ "whiteout", S_IFCHR, 0 },		{ "high", S_IFCHR | 0600, makedev(4095, 1048575) },
		{ "sticky", S_IFIFO | 07777, 0 },	{ "dir", S_IFDIR | 0755, 0 },
		{ "link", S_IFLNK | 0777, 0 },
	};
	char buffer[4];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		note(s, "%s", rows[i].name);
		DO(s, mknodat(s->dir, rows[i].name, rows[i].mode, rows[i].device));
		note_stat(s, s->dir, rows[i].name);
	}
	DO(s, mknodat(s->dir, "fifo", S_IFIFO | 0600, 0));
	int fd = FD(s, openat(s->dir, "null", O_RDWR));
	DO(s, write(fd, "abc", 3));
	DO(s, read(fd, buffer, 4));
	close(FD(s, openat(s->dir, "fifo", O_WRONLY | O_NONBLOCK)));
	int in = FD(s, openat(s->dir, "fifo", O_RDONLY | O_NONBLOCK));
	int out = FD(s, openat(s->dir, "fifo", O_WRONLY | O_NONBLOCK));
	DO(s, write(out, "abc", 3));
	DO(s, read(in, buffer, 4));
	close(FD(s, openat(s->dir, "socket", O_RDWR)));
	become(1000, 1000, 0);
	DO(s, mknodat(s->dir, "mine", S_IFCHR | 0666, makedev(1, 3)));
	DO(s, mknodat(s->dir, "mine", S_IFBLK | 0666, makedev(7, 1)));
	DO(s, mknodat(s->dir, "mine", S_IFCHR, 0));
	DO(s, mknodat(s->dir, "fifo2", S_IFIFO | 0666, 0));
	DO(s, mknodat(s->dir, "socket2", S_IFSOCK | 0666, 0));
	note_stat(s, s->dir, "fifo2");
}

static void sockets(struct side *s)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = "here" };
	int server = socket(AF_UNIX, SOCK_STREAM, 0), client = socket(AF_UNIX, SOCK_STREAM, 0);
	char text[8] = "";

	MUST(fchdir(s->dir) == 0);
	DO(s, bind(server, (struct sockaddr *)&address, sizeof(address)));
	note_stat(s, s->dir, "here");
	DO(s, listen(server, 1));
	DO(s, connect(client, (struct sockaddr *)&address, sizeof(address)));
	DO(s, write(client, "ping", 4));
	int peer = accept(server, NULL, NULL);
	DO(s, read(peer, text, sizeof(text)));
	DO(s, unlinkat(s->dir, "here", 0));
}

static void symlinks(struct side *s)
{
	char target[5000], back[5000] = "";

	put(s, "file", "x");
	MUST(mkdirat(s->dir, "dir", 0755) == 0);
	for (size_t n = 1; n <= 4096; n = n == 1 ? 59 : n < 61 ? n + 1 : n < 4095 ? 4095 : n + 1) {
		char name[16];

		memset(target, 't', n);
		target[n] = '\0';
		snprintf(name, sizeof(name), "link%zu", n);
		DO(s, symlinkat(target, s->dir, name));
		note_stat(s, s->dir, name);
		note(s, "target of %zu: %zd, same %d", n, readlinkat(s->dir, name, back, sizeof(back)),
		     memcmp(target, back, n) == 0);
	}
	DO(s, symlinkat("", s->dir, "empty"));
	DO(s, symlinkat("file", s->dir, "link1"));
	DO(s, readlinkat(s->dir, "link59", back, 10));
	DO(s, readlinkat(s->dir, "file", back, 10));
	DO(s, readlinkat(s->dir, "dir", back, 10));
	DO(s, readlinkat(s->dir, "link59", back, 0));
	DO(s, symlinkat("../names.symlinks/dir/../file", s->dir, "around"));
	close(FD(s, openat(s->dir, "around", O_RDONLY)));
	DO(s, symlinkat("b", s->dir, "a"));
	DO(s, symlinkat("a", s->dir, "b"));
	close(FD(s, openat(s->dir, "a", O_RDONLY)));
	DO(s, unlinkat(s->dir, "a", 0));
	DO(s, unlinkat(s->dir, "around/", 0));
}

static void hard_links(struct side *s)
{
	struct stat one, two;

	put(s, "file", "content");
	MUST(mkdirat(s->dir, "dir", 0755) == 0);
	MUST(symlinkat("file", s->dir, "link") == 0);
	MUST(mkfifoat(s->dir, "fifo", 0644) == 0);
	DO(s, linkat(s->dir, "file", s->dir, "second", 0));
	DO(s, linkat(s->dir, "file", s->dir, "dir/third", 0));
	note_stat(s, s->dir, "file");
	MUST(fstatat(s->dir, "file", &one, 0) == 0 && fstatat(s->dir, "dir/third", &two, 0) == 0);
	note(s, "one file: %d", one.st_ino == two.st_ino && one.st_dev == two.st_dev);
	DO(s, linkat(s->dir, "file", s->dir, "second", 0));
	DO(s, linkat(s->dir, "dir", s->dir, "dir2", 0));
	DO(s, linkat(s->dir, "absent", s->dir, "x", 0));
	DO(s, linkat(s->dir, "link", s->dir, "link2", 0));
	note_stat(s, s->dir, "link2");
	DO(s, linkat(s->dir, "link", s->dir, "followed", AT_SYMLINK_FOLLOW));
	note_stat(s, s->dir, "followed");
	DO(s, linkat(s->dir, "fifo", s->dir, "fifo2", 0));
	int fd = openat(s->dir, "second", O_PATH);
	DO(s, linkat(fd, "", s->dir, "by-fd", AT_EMPTY_PATH));
	DO(s, unlinkat(s->dir, "file", 0));
	note_stat(s, s->dir, "second");
	put(s, "second", "changed through one name");
	note_content(s, "dir/third");
	DO(s, fchmodat(s->dir, "dir/third", 0600, 0));
	note_stat(s, s->dir, "by-fd");
}

static void unlinked_but_open(struct side *s)
{
	char text[16] = "", path[64];
	int fd;

	put(s, "file", "content");
	fd = openat(s->dir, "file", O_RDWR);
	DO(s, unlinkat(s->dir, "file", 0));
	note_stat(s, fd, "");
	DO(s, pwrite(fd, "CONTENT and more", 16, 0));
	DO(s, pread(fd, text, 15, 0));
	note(s, "%.15s", text);
	DO(s, ftruncate(fd, 5));
	DO(s, fchmod(fd, 0600));
	DO(s, fchown(fd, 1000, 1000));
	DO(s, futimens(fd, NULL));
	DO(s, fsync(fd));
	note_stat(s, fd, "");
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	DO(s, linkat(AT_FDCWD, path, s->dir, "again", AT_SYMLINK_FOLLOW));
	put(s, "file", "another of the same name");
	note_stat(s, fd, "");
	note_content(s, "file");
	DO(s, close(fd));
}

static void removed_directory(struct side *s)
{
	char buffer[4096];

	MUST(mkdirat(s->dir, "dir", 0755) == 0);
	int fd = openat(s->dir, "dir", O_RDONLY | O_DIRECTORY);
	DO(s, unlinkat(s->dir, "dir", AT_REMOVEDIR));
	close(FD(s, openat(fd, "x", O_CREAT | O_RDWR, 0644)));
	DO(s, mkdirat(fd, "x", 0755));
	DO(s, faccessat(fd, ".", F_OK, 0));
	DO(s, faccessat(fd, "..", F_OK, 0));
	note_stat(s, fd, "");
	DO(s, fchdir(fd));
	note(s, "getcwd: %s", getcwd(buffer, sizeof(buffer)) ? "some" : strerrorname_np(errno));
	DO(s, fchmod(fd, 0700));
	MUST(mkdirat(s->dir, "dir", 0755) == 0);
	note_stat(s, s->dir, "dir");
}

static void tmpfiles(struct side *s)
{
	char path[64];

	put(s, "file", "x");
	umask(027);
	int fd = FD(s, openat(s->dir, ".", O_TMPFILE | O_RDWR, 06777));
	note_stat(s, fd, "");
	DO(s, write(fd, "unnamed", 7));
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	DO(s, linkat(AT_FDCWD, path, s->dir, "file", AT_SYMLINK_FOLLOW));
	DO(s, linkat(AT_FDCWD, path, s->dir, "named", AT_SYMLINK_FOLLOW));
	DO(s, linkat(fd, "", s->dir, "again", AT_EMPTY_PATH));
	note_stat(s, fd, "");
	note_content(s, "named");
	DO(s, write(fd, " no more", 8));
	DO(s, close(fd));
	note_content(s, "again");
	fd = FD(s, openat(s->dir, ".", O_TMPFILE | O_EXCL | O_WRONLY, 0644));
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	DO(s, linkat(AT_FDCWD, path, s->dir, "never", AT_SYMLINK_FOLLOW));
	close(fd);
	close(FD(s, openat(s->dir, ".", O_TMPFILE | O_RDONLY, 0644)));
	close(FD(s, openat(s->dir, "file", O_TMPFILE | O_RDWR, 0644)));
	close(FD(s, openat(s->dir, "absent", O_TMPFILE | O_RDWR, 0644)));
	become(1000, 1000, 0);
	fd = FD(s, openat(s->dir, ".", O_TMPFILE | O_RDWR, 0666));
	note_stat(s, fd, "");
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	DO(s, linkat(AT_FDCWD, path, s->dir, "of-user", AT_SYMLINK_FOLLOW));
	note_stat(s, s->dir, "of-user");
}

/* Twenty processes want to be the one who makes a name. */
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

/* As above, with mkdir, link, symlink and rename for the prize. */
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
					    renameat2(s->dir, own, s->dir, "prize3", RENAME_NOREPLACE);
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
	{ "devices", devices, 0 },
	{ "sockets", sockets, 0 },
	{ "symlinks", symlinks, 0 },
	{ "hard-links", hard_links, 0 },
	{ "unlinked-but-open", unlinked_but_open, 0 },
	{ "removed-directory", removed_directory, 0 },
	{ "tmpfiles", tmpfiles, 0 },
	{ "exclusive-race", exclusive_race, S_NO_AGREE },
	{ "other-races", other_races, S_NO_AGREE },
	{ "deep", deep, S_NO_AGREE | S_NO_TREE },
	{ "absent-then-made", absent_then_made, 0 },
	{},
};
const struct scenario_group group_names = { "names", scenarios };
