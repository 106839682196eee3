// SPDX-License-Identifier: LGPL-2.1-or-later
/* pst_hollow_make() in a directory whose owner replaces the file that is being made. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "../test.h"

#include <errno.h>
#include <fcntl.h>
#include <penstock/source.h>
#include <stdbool.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#define VICTIM "victim"

static int dir = -1;
static bool replaces; /* the next file that is made becomes VICTIM */

/* Exchanges a name that was just made and VICTIM. */
static int replaced(int dir_fd, const char *name, int r)
{
	if (r == 0 && replaces)
		assert_int_equal(renameat2(dir_fd, name, dir_fd, VICTIM, RENAME_EXCHANGE), 0);
	return r;
}

/* The library calls these in the place of those of libc. */
int mkdirat(int dir_fd, const char *name, mode_t mode)
{
	return replaced(dir_fd, name, (int)syscall(SYS_mkdirat, dir_fd, name, mode));
}

int mknodat(int dir_fd, const char *name, mode_t mode, dev_t dev)
{
	return replaced(dir_fd, name, (int)syscall(SYS_mknodat, dir_fd, name, mode, dev));
}

static int set_up(void **state)
{
	static char path[] = "/var/tmp/hollow-make-XXXXXX";

	*state = mkdtemp(path);
	dir = open(path, O_RDONLY | O_DIRECTORY);
	return dir < 0;
}

static int tear_down(void **state)
{
	close(dir);
	return rmdir(*state);
}

static void need_marks(void)
{
	if (fsetxattr(dir, PST_HOLLOW, "", 0, 0) < 0)
		skip();
	fremovexattr(dir, PST_HOLLOW);
}

static int make(const char *name, mode_t mode)
{
	struct pst_hollow hollow = {
		.size = sizeof(hollow),
		.stx = { .stx_mode = (uint16_t)mode,
			 .stx_uid = 1000,
			 .stx_rdev_major = 1,
			 .stx_rdev_minor = 3 },
		.tag = "",
	};

	return pst_hollow_make(dir, name, &hollow);
}

/* Makes a file while VICTIM, a file of another owner and older, takes its place. */
static void expect_untouched(mode_t mode, mode_t victim)
{
	struct stat before, after;
	int fd;

	assert_int_equal(S_ISDIR(victim) ? mkdirat(dir, VICTIM, victim & 0777) :
					   mknodat(dir, VICTIM, victim, 0),
			 0);
	fd = openat(dir, VICTIM, O_RDONLY | O_NONBLOCK);
	assert_int_equal(fstat(fd, &before), 0);
	usleep(20000);
	replaces = true;
	assert_int_equal(make("new", mode), -EBUSY);
	replaces = false;
	assert_int_equal(fstat(fd, &after), 0);
	assert_int_equal(after.st_uid, before.st_uid);
	assert_int_equal(after.st_mode, before.st_mode);
	assert_int_equal(fgetxattr(fd, PST_HOLLOW, NULL, 0), -1);
	close(fd);
	assert_int_equal(faccessat(dir, "new", F_OK, AT_SYMLINK_NOFOLLOW), -1);
	/* The new file. */
	assert_int_equal(unlinkat(dir, VICTIM, S_ISDIR(mode) ? AT_REMOVEDIR : 0), 0);
}

TEST(replaced_file_keeps_its_owner, state)
{
	need_marks();
	expect_untouched(S_IFDIR | 0777, S_IFDIR | 0700);
	expect_untouched(S_IFIFO | 0666, S_IFREG | 0600);
	expect_untouched(S_IFCHR | 0666, S_IFREG | 0600);
	expect_untouched(S_IFIFO | 0666, S_IFIFO | 0600);
}

/* Two directories of one call of list(), made at the same time. */
TEST(replaced_directory_of_the_same_age_keeps_its_owner, state)
{
	struct stat st;
	int fd;

	need_marks();
	assert_int_equal(make(VICTIM, S_IFDIR | 0700), 0);
	assert_int_equal(fchownat(dir, VICTIM, 0, 0, 0), 0);
	fd = openat(dir, VICTIM, O_RDONLY);
	replaces = true;
	assert_true(make("new", S_IFDIR | 0777) < 0);
	replaces = false;
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_uid, 0);
	close(fd);
	assert_int_equal(unlinkat(dir, VICTIM, AT_REMOVEDIR), 0);
}

TEST_MAIN(set_up, tear_down)
