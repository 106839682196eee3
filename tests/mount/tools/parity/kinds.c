// SPDX-License-Identifier: LGPL-2.1-or-later
/* All file types: devices, sockets, hard and symbolic links, and files without a name. */
#include <sys/socket.h>
#include <sys/sysmacros.h>
#include <sys/un.h>

#include "parity.h"

static void devices(struct side *s)
{
	const struct {
		const char *name;
		mode_t mode;
		dev_t device;
	} rows[] = {
		{ "fifo", S_IFIFO | 0640, 0 },
		{ "socket", S_IFSOCK | 0755, 0 },
		{ "null", S_IFCHR | 0666, makedev(1, 3) },
		{ "loop", S_IFBLK | 0600, makedev(7, 99) },
		{ "plain", S_IFREG | 0644, 0 },
		{ "untyped", 0644, 0 },
		{ "whiteout", S_IFCHR, 0 },
		{ "high", S_IFCHR | 0600, makedev(4095, 1048575) },
		{ "sticky", S_IFIFO | 07777, 0 },
		{ "dir", S_IFDIR | 0755, 0 },
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
		note(s, "target of %zu: %zd, same %d", n,
		     readlinkat(s->dir, name, back, sizeof(back)), memcmp(target, back, n) == 0);
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
	close(FD(s, openat(s->dir, ".", O_TMPFILE | O_RDWR | O_DIRECT, 0644)));
	become(1000, 1000, 0);
	fd = FD(s, openat(s->dir, ".", O_TMPFILE | O_RDWR, 0666));
	note_stat(s, fd, "");
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	DO(s, linkat(AT_FDCWD, path, s->dir, "of-user", AT_SYMLINK_FOLLOW));
	note_stat(s, s->dir, "of-user");
}

static const struct scenario scenarios[] = {
	{ "devices", devices, 0 },
	{ "sockets", sockets, 0 },
	{ "symlinks", symlinks, 0 },
	{ "hard-links", hard_links, 0 },
	{ "unlinked-but-open", unlinked_but_open, 0 },
	{ "removed-directory", removed_directory, 0 },
	{ "tmpfiles", tmpfiles, 0 },
	{},
};
const struct scenario_group group_kinds = { "kinds", scenarios };
