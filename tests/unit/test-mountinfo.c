// SPDX-License-Identifier: LGPL-2.1-or-later
/* Reading /proc/PID/mountinfo. */
#include "../test.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/cleanup.h"
#include "util/fd.h"
#include "util/mountinfo.h"

/* Reads a table with this text. */
static int read_text(const char *text, size_t len, struct mountinfo_table *table)
{
	char path[] = "/tmp/test-mountinfo-XXXXXX";
	_cleanup_(fd_closep) int fd = mkstemp(path);
	int r;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, len), len);
	r = mountinfo_read(path, table);
	unlink(path);
	return r;
}

TEST(escaped_fields_are_decoded, state)
{
	static const char text[] =
		"21 20 0:20 / / rw,relatime shared:1 - ext4 /dev/root rw\n"
		"no such line\n"
		"36 21 0:57 /a\\040b /mnt/c\\134d ro,nosuid - fuse.penstock /lower rw,user_id=0\n"
		"40 36 1:2 / /mnt/c\\134d rw master:1 propagate_from:2 - tmpfs  rw\n";
	_cleanup_(mountinfo_fini) struct mountinfo_table table = { 0 };
	const struct mountinfo *mount;

	assert_int_equal(read_text(text, sizeof(text) - 1, &table), 0);
	assert_int_equal(table.n, 3);
	mount = mountinfo_of(&table, 57);
	assert_non_null(mount);
	assert_int_equal(mount->id, 36);
	assert_int_equal(mount->parent, 21);
	assert_string_equal(mount->root, "/a b");
	assert_string_equal(mount->point, "/mnt/c\\d");
	assert_string_equal(mount->flags, "ro,nosuid");
	assert_string_equal(mount->type, "fuse.penstock");
	/* The last mount in the table is the topmost one. */
	mount = mountinfo_at(&table, "/mnt/c\\d");
	assert_non_null(mount);
	assert_string_equal(mount->type, "tmpfs");
	assert_int_equal(mount->connection, 1 << 20 | 2);
	assert_null(mountinfo_at(&table, "/mnt"));
	assert_null(mountinfo_of(&table, 58));
}

TEST(table_of_10000_mounts_is_read_whole, state)
{
	_cleanup_(mountinfo_fini) struct mountinfo_table table = { 0 };
	_cleanup_(freep) char *text = malloc(1 << 20);
	size_t len = 0;

	for (int i = 0; i < 10000; i++)
		len += (size_t)sprintf(text + len, "%d 1 0:%d / /mnt/%d rw - tmpfs none rw\n",
				       i + 2, i, i);
	assert_int_equal(read_text(text, len, &table), 0);
	assert_int_equal(table.n, 10000);
	assert_string_equal(mountinfo_of(&table, 9999)->point, "/mnt/9999");
	assert_int_equal(mountinfo_at(&table, "/mnt/0")->id, 2);
}

TEST(absent_table_is_an_error, state)
{
	_cleanup_(mountinfo_fini) struct mountinfo_table table = { 0 };

	assert_int_equal(mountinfo_read("/proc/self/absent", &table), -ENOENT);
	assert_int_equal(table.n, 0);
	assert_int_equal(read_text("", 0, &table), 0);
	assert_int_equal(table.n, 0);
}

struct writer {
	const char *path;
	pthread_t reader;
	atomic_bool done;
};

static void ignore(int number)
{
}

/* Writes a line into the FIFO. When it is read, interrupts the read(2) that waits for more. */
static void *write_and_interrupt(void *aux)
{
	static const char text[] = "21 20 0:20 / / rw,relatime - ext4 /dev/root rw\n";
	struct writer *writer = aux;
	_cleanup_(fd_closep) int fd = open(writer->path, O_WRONLY | O_CLOEXEC);
	int unread = 1;

	if (write(fd, text, sizeof(text) - 1) < 0)
		return NULL;
	while (unread && ioctl(fd, FIONREAD, &unread) == 0)
		usleep(1000);
	while (!writer->done) {
		pthread_kill(writer->reader, SIGUSR1);
		usleep(1000);
	}
	return NULL;
}

/*
 * A truncated table must not be taken for a whole one, because the view would not hide a mount that
 * is missing there.
 */
TEST(read_that_fails_later_is_an_error, state)
{
	_cleanup_(mountinfo_fini) struct mountinfo_table table = { 0 };
	struct sigaction action = { .sa_handler = ignore };
	struct writer writer = { .reader = pthread_self() };
	char dir[] = "/tmp/test-mountinfo-XXXXXX", path[64];
	pthread_t thread;
	int r;

	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/fifo", dir);
	writer.path = path;
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(sigaction(SIGUSR1, &action, NULL), 0);
	assert_int_equal(pthread_create(&thread, NULL, write_and_interrupt, &writer), 0);
	r = mountinfo_read(path, &table);
	writer.done = true;
	pthread_join(thread, NULL);
	unlink(path);
	rmdir(dir);
	assert_int_equal(r, -EINTR);
	assert_int_equal(table.n, 0);
}

TEST_MAIN(NULL, NULL)
