// SPDX-License-Identifier: LGPL-2.1-or-later
/* The operations that each caller tries on a file. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "callers.h"

static int result(int r)
{
	return r < 0 ? -errno : 0;
}

static int open_as(const char *path, int flags)
{
	int fd = open(path, flags);

	if (fd < 0)
		return -errno;
	close(fd);
	return 0;
}

#define OP(name, r)                                                                                \
	static int name(const char *path, char said[SAID_SIZE])                                    \
	{                                                                                          \
		return r;                                                                          \
	}

/* No O_RDONLY with O_TRUNC: POSIX leaves it undefined, and NFS decides by cached attributes. */
OP(open_read, open_as(path, O_RDONLY))
OP(open_write, open_as(path, O_WRONLY))
OP(open_both, open_as(path, O_RDWR))
OP(open_cut, open_as(path, O_WRONLY | O_TRUNC))
OP(open_append, open_as(path, O_WRONLY | O_APPEND))
OP(open_path, open_as(path, O_PATH))
OP(change_mode, result(chmod(path, 0640)))
OP(change_set_id, result(chmod(path, 06755)))
OP(change_owner, result(chown(path, 1001, -1)))
OP(change_group, result(chown(path, -1, 2000)))
OP(change_nothing, result(chown(path, -1, -1)))
OP(truncate_path, result(truncate(path, 4)))
OP(times_now, result(utimensat(AT_FDCWD, path, NULL, 0)))
OP(xattr_set, result(setxattr(path, "user.test", "value", 5, 0)))

static int with(const char *path, int flags, int (*fn)(int fd, char *said), char *said)
{
	int fd = open(path, flags), r;

	if (fd < 0)
		return -errno;
	r = fn(fd, said);
	if (close(fd) < 0 && r == 0)
		r = -errno;
	return r;
}

static int do_read(int fd, char *said)
{
	ssize_t n = read(fd, said, SAID_SIZE - 1);

	if (n < 0)
		return -errno;
	said[n] = 0;
	said[strcspn(said, "\n")] = 0;
	return 0;
}

static int do_write(int fd, char *said)
{
	return result(write(fd, "more text", 9));
}

static int do_map_read(int fd, char *said)
{
	char *p = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);

	if (p == MAP_FAILED)
		return -errno;
	snprintf(said, SAID_SIZE, "%.5s", p);
	munmap(p, 4096);
	return 0;
}

static int do_map_write(int fd, char *said)
{
	char *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	int r;

	if (p == MAP_FAILED)
		return -errno;
	memcpy(p, "STORE", 5);
	r = result(msync(p, 4096, MS_SYNC));
	munmap(p, 4096);
	return r;
}

static int do_truncate(int fd, char *said)
{
	return result(ftruncate(fd, 7));
}

static int do_fsync(int fd, char *said)
{
	int r = do_write(fd, said);

	return r < 0 ? r : result(fsync(fd));
}

static int do_lock(int fd, char *said)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	int r = result(fcntl(fd, F_SETLK, &lock));

	/* NFS takes both for the same lock. */
	lock.l_type = F_UNLCK;
	if (r == 0)
		r = result(fcntl(fd, F_SETLK, &lock));
	if (r == 0)
		r = result(flock(fd, LOCK_EX | LOCK_NB));
	return r;
}

/* Uses an open file whose name and permissions have gone. */
static int do_all_the_same(int fd, char *said)
{
	char text[20] = "";
	ssize_t n;

	if (pwrite(fd, "kept", 4, 0) != 4)
		return -errno;
	n = pread(fd, text, sizeof(text) - 1, 0);
	if (n < 0)
		return -errno;
	snprintf(said, SAID_SIZE, "%.8s", text);
	return 0;
}

OP(read_text, with(path, O_RDONLY, do_read, said))
OP(read_direct, with(path, O_RDONLY | O_DIRECT, do_map_read, said))
OP(write_text, with(path, O_WRONLY, do_write, said))
OP(append_text, with(path, O_WRONLY | O_APPEND, do_write, said))
OP(map_read, with(path, O_RDONLY, do_map_read, said))
OP(map_write, with(path, O_RDWR, do_map_write, said))
OP(truncate_fd, with(path, O_RDWR, do_truncate, said))
OP(fsync_fd, with(path, O_RDWR, do_fsync, said))
OP(lock_fd, with(path, O_RDWR, do_lock, said))

static int closed_to_all(const char *path, char said[SAID_SIZE])
{
	int fd = open(path, O_RDWR), r;

	if (fd < 0)
		return -errno;
	r = result(fchmod(fd, 0));
	if (r == 0)
		r = do_all_the_same(fd, said);
	close(fd);
	return r;
}

/* One caller reads the file while another one, who may, begins to write. */
static int read_and_write(const char *path, char said[SAID_SIZE])
{
	int fd = open(path, O_RDONLY), r = fd < 0 ? -errno : do_read(fd, said), w;

	w = write_text(path, said);
	snprintf(said, SAID_SIZE, "read %d, written %d", r, w);
	if (fd >= 0)
		close(fd);
	return w;
}

static int execute(const char *path, char said[SAID_SIZE])
{
	pid_t pid = vfork();
	int status;

	if (pid == 0) {
		execl(path, path, NULL);
		_exit(errno);
	}
	if (pid < 0 || waitpid(pid, &status, 0) < 0)
		return -errno;
	return WIFEXITED(status) ? -WEXITSTATUS(status) : -EINTR;
}

static int times_set(const char *path, char said[SAID_SIZE])
{
	struct timespec times[2] = { { 1000000000, 0 }, { 1000000000, 0 } };
	struct stat st;
	int r = result(utimensat(AT_FDCWD, path, times, 0));

	if (r == 0 && stat(path, &st) == 0)
		snprintf(said, SAID_SIZE, "%ld", (long)st.st_mtime);
	return r;
}

static int xattr_get(const char *path, char said[SAID_SIZE])
{
	char value[16];
	ssize_t n = getxattr(path, "user.test", value, sizeof(value));

	snprintf(said, SAID_SIZE, "%zd", n);
	return n < 0 ? -errno : 0;
}

static int look(const char *path, char said[SAID_SIZE])
{
	struct stat st;

	if (stat(path, &st) < 0)
		return -errno;
	snprintf(said, SAID_SIZE, "%o %u %u %ld", st.st_mode, st.st_uid, st.st_gid,
		 (long)st.st_size);
	return 0;
}

const struct op file_ops[] = {
	{ "stat", look },
	{ "open-read", open_read },
	{ "open-write", open_write },
	{ "open-both", open_both },
	{ "open-cut", open_cut },
	{ "open-append", open_append },
	{ "open-path", open_path },
	{ "read", read_text },
	{ "read-direct", read_direct },
	{ "write", write_text },
	{ "append", append_text },
	{ "read-and-write", read_and_write },
	{ "closed-to-all", closed_to_all },
	{ "map-read", map_read },
	{ "map-write", map_write },
	{ "truncate-fd", truncate_fd },
	{ "truncate", truncate_path },
	{ "fsync", fsync_fd },
	{ "lock", lock_fd },
	{ "exec", execute },
	{ "chmod", change_mode },
	{ "chmod-set-id", change_set_id },
	{ "chown", change_owner },
	{ "chgrp", change_group },
	{ "chown-nothing", change_nothing },
	{ "times-now", times_now },
	{ "times-set", times_set },
	{ "xattr-set", xattr_set },
	{ "xattr-get", xattr_get },
};
const size_t n_file_ops = sizeof(file_ops) / sizeof(file_ops[0]);
