// SPDX-License-Identifier: LGPL-2.1-or-later
/* The table of operations in a view, and of the requests that each may cause. */
#include "requests.h"

#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#define N_LISTED 20
#define ACL      "system.posix_acl_access"
#define SAME     NULL

struct now now;

static int open_fd; /* between the functions of a row */

static const char *numbered(const char *stem, int nr)
{
	static char names[4][64];
	static unsigned int next;
	char *name = names[next++ % 4];

	snprintf(name, sizeof(names[0]), "%s-%d", stem, nr);
	return name;
}

static const char *once(const char *stem)
{
	return numbered(stem, now.round);
}

static const char *prepared(const char *stem)
{
	return numbered(stem, now.try);
}

static int opened(const char *name, int flags)
{
	int fd = open(name, flags, 0644);

	if (fd < 0)
		err(2, "open %s", name);
	return fd;
}

void must(int r, const char *what)
{
	if (r < 0)
		err(2, "%s", what);
}

static void write_100(int fd)
{
	static const char text[100] = "a";

	if (write(fd, text, sizeof(text)) != sizeof(text))
		err(2, "write");
}

static void look_at(const char *name)
{
	struct stat st;

	must(lstat(name, &st), name);
}

static void absent(const char *name)
{
	if (access(name, F_OK) == 0)
		errx(2, "%s is there", name);
}

static void list(const char *name, bool looks)
{
	DIR *dir = opendir(name);
	struct dirent *entry;
	struct stat st;

	if (!dir)
		err(2, "opendir %s", name);
	while ((entry = readdir(dir)))
		if (looks)
			must(fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW),
			     entry->d_name);
	closedir(dir);
}

static void run(const char *program, const char *a, const char *b, const char *c)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		int null = open("/dev/null", O_WRONLY);

		dup2(null, 1);
		execl(program, program, a, b, c, (char *)NULL);
		_exit(127);
	}
	if (waitpid(pid, &status, 0) != pid || status != 0)
		errx(2, "%s ended with status %d", program, status);
}

static void no_xattr(const char *name)
{
	char value[64];

	if (getxattr("known", name, value, sizeof(value)) >= 0 ||
	    (errno != ENODATA && errno != EOPNOTSUPP))
		err(2, "getxattr %s", name);
}

static void make_file(const char *name)
{
	close(opened(name, O_CREAT | O_EXCL | O_WRONLY));
}

static void stat_first(void)
{
	look_at(prepared("first"));
}
static void stat_known(void)
{
	look_at("known");
}
static void absent_first(void)
{
	absent(prepared("absent"));
}
static void absent_known(void)
{
	absent("absent");
}

static void open_read(void)
{
	int fd = opened("known", O_RDONLY);
	char buf[200];

	must((int)read(fd, buf, sizeof(buf)), "read");
	close(fd);
}

static void open_write(void)
{
	int fd = opened("known", O_WRONLY);

	write_100(fd);
	close(fd);
}

/* The directory has just changed, as when a program creates one file after the other. */
static void change_directory(void)
{
	make_file(once("before"));
}

static void create_write(void)
{
	int fd = opened(once("new"), O_CREAT | O_EXCL | O_WRONLY);

	write_100(fd);
	close(fd);
}

static void open_to_append(void)
{
	open_fd = opened("known", O_WRONLY | O_APPEND);
	write_100(open_fd);
}

static void append(void)
{
	write_100(open_fd);
}
static void close_it(void)
{
	close(open_fd);
}

static void write_fstat(void)
{
	struct stat st;

	write_100(open_fd);
	must(fstat(open_fd, &st), "fstat");
}

static void open_to_look(void)
{
	open_fd = opened("known", O_WRONLY);
	write_fstat();
}

static void make_it(void)
{
	make_file(once("it"));
}
static void unlink_it(void)
{
	must(unlink(once("it")), "unlink");
}
static void rename_it(void)
{
	must(rename(once("it"), once("moved")), "rename");
}
static void chmod_known(void)
{
	must(chmod("known", 0600 + (mode_t)now.try), "chmod");
}
static void link_known(void)
{
	must(link("known", once("second")), "link");
}
static void symlink_new(void)
{
	must(symlink("known", once("pointer")), "symlink");
}

static void mkdir_rmdir(void)
{
	must(mkdir(once("dir"), 0755), "mkdir");
	must(rmdir(once("dir")), "rmdir");
}

static void list_first(void)
{
	list(prepared("names"), false);
}
static void list_known(void)
{
	list("names", false);
}
static void list_look_first(void)
{
	list(prepared("files"), true);
}
static void list_look_known(void)
{
	list("files", true);
}
static void ls_first(void)
{
	run("/bin/ls", "-l", prepared("shown"), NULL);
}
static void ls_known(void)
{
	run("/bin/ls", "-l", "shown", NULL);
}
static void cp_known(void)
{
	run("/bin/cp", "-p", "known", once("copy"));
}
static void exec_known(void)
{
	run("./program", NULL, NULL, NULL);
}
static void no_acl(void)
{
	no_xattr(ACL);
}
static void no_label(void)
{
	no_xattr("security.selinux");
}

static void read_link(void)
{
	char text[64];

	must((int)readlink("link", text, sizeof(text)), "readlink");
}

/* main.c has done a "known" operation twice before it counts. */
/* clang-format off */
const struct row rows[] = {
	{ "stat-first", "stat of a new name", false, NULL, stat_first, NULL,
	  { "LOOKUP", SAME, SAME, "LOOKUP 2*GETATTR" } },
	{ "stat", "stat, repeated", true, NULL, stat_known, NULL,
	  { "", SAME, SAME, "LOOKUP 2*GETATTR" } },
	{ "absent-first", "absent name", false, NULL, absent_first, NULL,
	  { "LOOKUP", SAME, SAME, "LOOKUP GETATTR" } },
	{ "absent", "absent name, repeated", true, NULL, absent_known, NULL,
	  { "", SAME, SAME, "LOOKUP GETATTR" } },
	{ "open-read-close", "open, read, close", true, NULL, open_read, NULL,
	  { "OPEN RELEASE", SAME, SAME, "LOOKUP 2*GETATTR OPEN RELEASE" },
	  "LOOKUP 3*GETATTR OPEN RELEASE" },
	{ "open-write-close", "open, write, close", true, NULL, open_write, NULL,
	  { "OPEN RELEASE", SAME, SAME, "LOOKUP 2*GETATTR OPEN GETXATTR RELEASE" } },
	{ "create-write-close", "create, write, close", false, change_directory, create_write, NULL,
	  { "LOOKUP GETATTR CREATE GETXATTR RELEASE", SAME, SAME,
	    "LOOKUP 3*GETATTR CREATE GETXATTR RELEASE" },
	  .lean = "LOOKUP GETATTR CREATE RELEASE" },
	{ "append", "append to an open file", false, open_to_append, append, close_it,
	  { "" } },
	{ "write-fstat", "write, fstat", false, open_to_look, write_fstat, close_it,
	  { "GETATTR GETXATTR" }, .lean = "GETATTR" },
	{ "chmod", "chmod", true, NULL, chmod_known, NULL,
	  { "SETATTR", SAME, SAME, "LOOKUP GETATTR SETATTR" } },
	{ "unlink", "unlink", false, make_it, unlink_it, NULL,
	  { "GETATTR UNLINK", SAME, SAME, "LOOKUP 2*GETATTR UNLINK" } },
	{ "rename", "rename", false, make_it, rename_it, NULL,
	  { "LOOKUP GETATTR RENAME", SAME, SAME, "2*LOOKUP 4*GETATTR RENAME" } },
	{ "link", "link", false, change_directory, link_known, NULL,
	  { "LOOKUP GETATTR LINK", SAME, SAME, "2*LOOKUP 4*GETATTR LINK" } },
	{ "symlink", "symlink", false, change_directory, symlink_new, NULL,
	  { "LOOKUP GETATTR SYMLINK", SAME, SAME, "LOOKUP 2*GETATTR SYMLINK" } },
	{ "mkdir-rmdir", "mkdir, rmdir", false, change_directory, mkdir_rmdir, NULL,
	  { "LOOKUP 2*GETATTR MKDIR RMDIR", SAME, SAME, "2*LOOKUP 4*GETATTR MKDIR RMDIR" } },
	{ "readdir-first", "listing of 20 names", false, NULL, list_first, NULL,
	  { "LOOKUP OPENDIR READDIRPLUS READDIR RELEASEDIR",
	    "LOOKUP GETATTR OPENDIR READDIRPLUS READDIR RELEASEDIR",
	    "LOOKUP OPENDIR READDIRPLUS READDIR RELEASEDIR",
	    "LOOKUP 3*GETATTR OPENDIR READDIRPLUS READDIR RELEASEDIR" },
	  .lean = "LOOKUP READDIRPLUS READDIR" },
	{ "readdir", "listing, repeated", true, NULL, list_known, NULL,
	  { "OPENDIR RELEASEDIR", SAME, "GETATTR OPENDIR READDIRPLUS READDIR RELEASEDIR",
	    "LOOKUP 3*GETATTR OPENDIR READDIRPLUS READDIR RELEASEDIR" },
	  .lean = "" },
	{ "readdir-stat-first", "listing with stat of 20 files", false, NULL, list_look_first, NULL,
	  { "LOOKUP GETATTR OPENDIR 2*READDIRPLUS RELEASEDIR",
	    "LOOKUP 2*GETATTR OPENDIR 2*READDIRPLUS RELEASEDIR",
	    "LOOKUP GETATTR OPENDIR 2*READDIRPLUS RELEASEDIR",
	    "21*LOOKUP 47*GETATTR OPENDIR READDIRPLUS READDIR RELEASEDIR" },
	  .lean = "LOOKUP GETATTR 2*READDIRPLUS" },
	{ "readdir-stat", "listing with stat, repeated", true, NULL, list_look_known, NULL,
	  { "OPENDIR RELEASEDIR", SAME, "2*GETATTR OPENDIR 2*READDIRPLUS RELEASEDIR",
	    "21*LOOKUP 47*GETATTR OPENDIR READDIRPLUS READDIR RELEASEDIR" },
	  .lean = "" },
	{ "ls-first", "`ls -l` of 20 files", false, NULL, ls_first, NULL,
	  { "LOOKUP OPENDIR 2*READDIRPLUS RELEASEDIR 43*GETXATTR",
	    "LOOKUP GETATTR OPENDIR 2*READDIRPLUS RELEASEDIR 43*GETXATTR",
	    "LOOKUP OPENDIR 2*READDIRPLUS RELEASEDIR 43*GETXATTR",
	    "125*LOOKUP 148*GETATTR OPENDIR READDIRPLUS READDIR RELEASEDIR 43*GETXATTR" },
	  .lean = "LOOKUP 2*READDIRPLUS" },
	{ "ls", "`ls -l`, repeated", true, NULL, ls_known, NULL,
	  { "OPENDIR RELEASEDIR 21*GETXATTR", SAME,
	    "GETATTR OPENDIR 2*READDIRPLUS RELEASEDIR 43*GETXATTR",
	    "125*LOOKUP 148*GETATTR OPENDIR READDIRPLUS READDIR RELEASEDIR 43*GETXATTR" },
	  .lean = "" },
	{ "readlink", "readlink, repeated", true, NULL, read_link, NULL,
	  { "", SAME, SAME, "LOOKUP GETATTR" } },
	{ "acl", "ACL of a file without, repeated", true, NULL, no_acl, NULL,
	  { "", SAME, SAME, "LOOKUP GETATTR GETXATTR" } },
	{ "label", "security label of a file without, repeated", true, NULL, no_label, NULL,
	  { "GETXATTR", SAME, SAME, "LOOKUP GETATTR GETXATTR" }, .lean = "" },
	{ "cp", "`cp -p` of a file", false, change_directory, cp_known, NULL,
	  {
	    "2*LOOKUP 2*GETATTR SETATTR CREATE OPEN 2*GETXATTR SETXATTR COPY_FILE_RANGE_64 "
	    "2*RELEASE",
	    SAME, SAME,
	    "4*LOOKUP 11*GETATTR SETATTR CREATE OPEN 2*GETXATTR SETXATTR COPY_FILE_RANGE_64 "
	    "2*RELEASE" },
	  .lean = "2*LOOKUP 2*GETATTR 2*SETATTR CREATE OPEN COPY_FILE_RANGE_64 2*RELEASE" },
	{ "exec", "exec of a program, repeated", true, NULL, exec_known, NULL,
	  { "OPEN GETXATTR RELEASE", SAME, SAME, "LOOKUP 4*GETATTR OPEN GETXATTR RELEASE" },
	  "LOOKUP 7*GETATTR OPEN GETXATTR RELEASE", "OPEN RELEASE" },
};
/* clang-format on */

const size_t n_rows = sizeof(rows) / sizeof(rows[0]);
_Static_assert(sizeof(rows) / sizeof(rows[0]) <= MAX_ROWS, "more rows than there is room for");

static void make_listed(const char *name)
{
	must(mkdir(name, 0755), name);
	must(chdir(name), name);
	for (int i = 0; i < N_LISTED; i++)
		make_file(numbered("f", i));
	must(chdir(".."), "..");
}

void rows_make_tree(const char *dir)
{
	static const char *const listed[] = { "names", "files", "shown" };

	must(chdir(dir), dir);
	make_file("known");
	must(symlink("known", "link"), "link");
	run("/bin/cp", "/bin/true", "program", NULL);
	for (int i = 0; i < 3; i++)
		make_listed(listed[i]);
	for (int nr = 1; nr <= ROUNDS; nr++) {
		make_file(numbered("first", nr));
		for (int i = 0; i < 3; i++)
			make_listed(numbered(listed[i], nr));
	}
}
