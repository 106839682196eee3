// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * sandbox LOWER VIEW: what a task can do in both trees that a Landlock domain confines to one of
 * them, or to a directory of the view. Prints a line for each check.
 */
#include "check.h"

#include <fcntl.h>
#include <linux/landlock.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* The rights that Linux 6.2 knows: all up to LANDLOCK_ACCESS_FS_TRUNCATE. */
#define ALL ((1ULL << 15) - 1)

/* Confines this task to what is below a path. */
static bool confine(const char *path, unsigned long long allowed)
{
	const struct landlock_ruleset_attr attr = { .handled_access_fs = ALL };
	struct landlock_path_beneath_attr rule = { .allowed_access = allowed };
	int fd = syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr), 0);

	rule.parent_fd = open(path, O_PATH);
	return fd >= 0 && rule.parent_fd >= 0 &&
	       syscall(SYS_landlock_add_rule, fd, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) == 0 &&
	       prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
	       syscall(SYS_landlock_restrict_self, fd, 0) == 0;
}

static bool opens(const char *path, int flags)
{
	int fd = open(path, flags, 0644);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

static bool refused(bool done)
{
	return !done && (errno == EACCES || errno == EXDEV);
}

/* Checks that a task may do nothing in a tree, in which it would be allowed without Landlock. */
static void shut_out(const char *name, const char *tree)
{
	char text[100];

#define REFUSED(WHAT, DONE)                                                                        \
	(snprintf(text, sizeof(text), "%s-%s", name, WHAT), CHECK(text, refused(DONE)))
	REFUSED("read", opens(path(tree, "dir/f"), O_RDONLY));
	REFUSED("write", opens(path(tree, "dir/f"), O_WRONLY));
	REFUSED("path-truncate", truncate(path(tree, "dir/f"), 1) == 0);
	REFUSED("list", opens(path(tree, "dir"), O_RDONLY | O_DIRECTORY));
	REFUSED("create", opens(path(tree, "dir/new"), O_CREAT | O_WRONLY));
	REFUSED("tmpfile", opens(path(tree, "dir"), O_TMPFILE | O_WRONLY));
	REFUSED("mkdir", mkdir(path(tree, "dir/newdir"), 0755) == 0);
	REFUSED("symlink", symlink("x", path(tree, "dir/newlink")) == 0);
	REFUSED("link", link(path(tree, "dir/f"), path(tree, "dir/linked")) == 0);
	REFUSED("rename", rename(path(tree, "dir/f"), path(tree, "dir/g")) == 0);
	REFUSED("unlink", unlink(path(tree, "dir/f")) == 0);
}

static void confined_to_view(void)
{
	char text[10] = "";
	int fd;

	CHECK("domain", confine(view, ALL));
	shut_out("view-lower", lower);
	fd = open(path(view, "dir/f"), O_RDWR);
	CHECK("view-open", fd >= 0);
	CHECK("view-read", read(fd, text, 4) == 4 && memcmp(text, "text", 4) == 0);
	CHECK("view-truncate", ftruncate(fd, 2) == 0);
	close(fd);
	CHECK("view-list", opens(path(view, "dir"), O_RDONLY | O_DIRECTORY));
	CHECK("view-create", opens(path(view, "dir/made"), O_CREAT | O_RDWR));
	CHECK("view-tmpfile", opens(path(view, "dir"), O_TMPFILE | O_RDWR));
	CHECK("view-rename", rename(path(view, "dir/made"), path(view, "made")) == 0);
	CHECK("view-mkdir", mkdir(path(view, "madedir"), 0755) == 0);
}

static void confined_to_lower(void)
{
	CHECK("domain-2", confine(lower, ALL));
	shut_out("lower-view", view);
	CHECK("lower-open", opens(path(lower, "dir/f"), O_RDWR));
}

/* A part of the view, of which files may be read only. */
static void confined_to_part(void)
{
	CHECK("domain-3", confine(path(view, "part"),
				  LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR));
	CHECK("part-read", opens(path(view, "part/f"), O_RDONLY));
	CHECK("part-write", refused(opens(path(view, "part/f"), O_WRONLY)));
	CHECK("part-dotdot", refused(opens(path(view, "part/../dir/f"), O_RDONLY)));
	/* It leads to a file that is also in dir. */
	CHECK("part-symlink", refused(opens(path(view, "part/link"), O_RDONLY)));
	CHECK("part-unlink", refused(unlink(path(view, "part/f")) == 0));
	shut_out("part-others", view);
	shut_out("part-lower", lower);
}

/* Not what an ordinary user may not do: without the security context, the IDs stay. */
static void confined_user(void)
{
	CHECK("domain-4", confine(view, ALL));
	CHECK("user", setresgid(77, 77, 77) == 0 && setresuid(77, 77, 77) == 0);
	CHECK("user-read", opens(path(view, "dir/f"), O_RDONLY));
	CHECK("user-write", refused(opens(path(view, "dir/f"), O_WRONLY)));
	CHECK("user-create", refused(opens(path(view, "dir/u"), O_CREAT | O_WRONLY)));
}

static void make(const char *name)
{
	int fd = open(path(lower, name), O_CREAT | O_WRONLY | O_TRUNC, 0644);

	if (fd < 0 || write(fd, "text\n", 5) != 5 || close(fd) < 0)
		exit(2);
}

int main(int argc, char **argv)
{
	static void (*const tasks[])(void) = { confined_to_view, confined_to_lower,
					       confined_to_part, confined_user };
	int status;

	if (argc != 3)
		return 2;
	lower = argv[1];
	view = argv[2];
	if (mkdir(path(lower, "dir"), 0755) < 0 || mkdir(path(lower, "part"), 0755) < 0)
		return 2;
	make("dir/f");
	make("part/f");
	if (symlink("../dir/f", path(lower, "part/link")) < 0)
		return 2;
	if (syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION) < 3) {
		printf("skip landlock: this kernel has no Landlock of version 3\n");
		return 0;
	}
	for (size_t i = 0; i < sizeof(tasks) / sizeof(tasks[0]); i++) {
		fflush(stdout);
		if (fork() == 0) {
			tasks[i]();
			fflush(stdout);
			_exit(failed);
		}
		wait(&status);
		failed = failed || status != 0;
	}
	return failed;
}
