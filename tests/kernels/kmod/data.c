// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * data ways FILE		reads a file in each way there is, and opens it in each way
 * data cut FILE		truncates a file in each way
 * data new DIR NAME		creates a file there, and uses it by the descriptor that made it
 * data limit DIR		gives a directory an ACL for new files instead of the umask
 * data pair NAME OTHER		gives a file other names, and reads it by them
 * data watch FILE SECRET	reads a file in several ways until end of input, also by descriptors
 *				and mappings from before; fails if it ever has the text SECRET
 *
 * All but the last print each result, which is the same in views of both engines.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#define SIZE 4096

static void say(const char *what, long r, const char *text)
{
	if (r < 0)
		printf("%s: %s\n", what, strerrorname_np(errno));
	else if (text)
		printf("%s: %ld %.*s\n", what, r, (int)(r < 60 ? r : 60), text);
	else
		printf("%s: %ld\n", what, r);
}

static sigjmp_buf on_bus_error;

static void bus_error(int number)
{
	siglongjmp(on_bus_error, number);
}

/* Copies the first page of a file by a mapping. Returns -1 with EFAULT if it cannot be read. */
static long read_mapped(int fd, int flags, char *buf)
{
	char *p = mmap(NULL, SIZE, PROT_READ, flags, fd, 0);
	long r = SIZE;

	if (p == MAP_FAILED)
		return -1;
	if (sigsetjmp(on_bus_error, 1) == 0) {
		memcpy(buf, p, SIZE);
		r = (long)strnlen(buf, SIZE);
	} else {
		r = -1;
		errno = EFAULT;
	}
	munmap(p, SIZE);
	return r;
}

static long write_mapped(int fd)
{
	char *p = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	long r;

	if (p == MAP_FAILED)
		return -1;
	if (sigsetjmp(on_bus_error, 1) == 0) {
		memcpy(p, "STORE", 5);
		r = msync(p, SIZE, MS_SYNC);
	} else {
		r = -1;
		errno = EFAULT;
	}
	munmap(p, SIZE);
	return r;
}

static long read_aio(int fd, char *buf)
{
	struct iocb cb = { .aio_fildes = (uint32_t)fd,
			   .aio_lio_opcode = IOCB_CMD_PREAD,
			   .aio_buf = (uintptr_t)buf,
			   .aio_nbytes = SIZE };
	struct iocb *list[] = { &cb };
	struct io_event event = { 0 };
	aio_context_t context = 0;
	long r = syscall(SYS_io_setup, 1, &context);

	if (r == 0)
		r = syscall(SYS_io_submit, context, 1, list);
	if (r == 1)
		r = syscall(SYS_io_getevents, context, 1, 1, &event, NULL);
	syscall(SYS_io_destroy, context);
	if (r == 1 && event.res < 0) {
		errno = (int)-event.res;
		return -1;
	}
	return r == 1 ? (long)event.res : -1;
}

static long read_spliced(int fd, char *buf)
{
	loff_t at = 0;
	int pipes[2];
	long r;

	if (pipe(pipes) < 0)
		return -1;
	r = splice(fd, &at, pipes[1], NULL, SIZE, 0);
	if (r > 0)
		r = read(pipes[0], buf, SIZE);
	close(pipes[0]);
	close(pipes[1]);
	return r;
}

static long copy_to(int fd, char *buf, bool send)
{
	int to = memfd_create("to", 0);
	loff_t at = 0;
	off_t from = 0;
	long r = send ? sendfile(to, fd, &from, SIZE) : copy_file_range(fd, &at, to, NULL, SIZE, 0);

	if (r > 0)
		r = pread(to, buf, SIZE, 0);
	close(to);
	return r;
}

static void read_in_all_ways(int fd)
{
	char *buf = aligned_alloc(SIZE, SIZE);

	say("read", pread(fd, buf, SIZE, 0), buf);
	say("read in the middle", pread(fd, buf, 5, 3), buf);
	say("read behind", pread(fd, buf, SIZE, 1 << 20), buf);
	say("mapped shared", read_mapped(fd, MAP_SHARED, buf), buf);
	say("mapped private", read_mapped(fd, MAP_PRIVATE, buf), buf);
	say("asynchronous", read_aio(fd, buf), buf);
	say("splice", read_spliced(fd, buf), buf);
	say("sendfile", copy_to(fd, buf, true), buf);
	say("SEEK_DATA", lseek(fd, 0, SEEK_DATA), NULL);
	say("SEEK_END", lseek(fd, 0, SEEK_END), NULL);
	free(buf);
}

static long open_as(const char *path, int flags)
{
	int fd = open(path, flags, 0644);

	if (fd < 0)
		return -1;
	close(fd);
	return 0;
}

static void ways(const char *path)
{
	int fd = open(path, O_RDONLY);

	say("open", fd < 0 ? -1 : 0, NULL);
	if (fd >= 0) {
		char *buf = aligned_alloc(SIZE, SIZE);
		int direct = open(path, O_RDONLY | O_DIRECT);

		read_in_all_ways(fd);
		say("direct", direct < 0 ? -1 : pread(direct, buf, SIZE, 0), buf);
		say("chmod by descriptor", fchmod(fd, 0644), NULL);
		close(direct);
		close(fd);
		free(buf);
	}
	say("write only", open_as(path, O_WRONLY), NULL);
	say("both", open_as(path, O_RDWR), NULL);
	say("append", open_as(path, O_WRONLY | O_APPEND), NULL);
	say("create", open_as(path, O_WRONLY | O_CREAT), NULL);
	say("create alone", open_as(path, O_WRONLY | O_CREAT | O_EXCL), NULL);
	say("path only", open_as(path, O_PATH), NULL);
	say("chmod", chmod(path, 0640), NULL);
	say("chmod back", chmod(path, 0644), NULL);
	say("times", utimensat(AT_FDCWD, path, NULL, 0), NULL);
	say("set attribute", setxattr(path, "user.x", "value", 5, 0), NULL);
	say("get attribute", getxattr(path, "user.x", NULL, 0), NULL);
	say("access", access(path, W_OK), NULL);
}

static void say_stat(const char *path)
{
	struct stat st;

	say(path, lstat(path, &st), NULL);
	if (lstat(path, &st) == 0)
		printf("%o %u:%u %ld bytes, %lu links\n", st.st_mode, st.st_uid, st.st_gid,
		       (long)st.st_size, (unsigned long)st.st_nlink);
}

static void cut(const char *path)
{
	int fd;

	say("truncate", truncate(path, 10), NULL);
	say_stat(path);
	fd = open(path, O_WRONLY);
	say("truncate by descriptor", fd < 0 ? -1 : ftruncate(fd, 5), NULL);
	say_stat(path);
	say("read and truncate", open_as(path, O_RDONLY | O_TRUNC), NULL);
	say_stat(path);
	say("write and truncate", open_as(path, O_WRONLY | O_TRUNC), NULL);
	say("create and truncate", open_as(path, O_WRONLY | O_TRUNC | O_CREAT), NULL);
	say_stat(path);
}

static void limit(const char *dir)
{
	/* A header, and rwx for the owner, r-x for the group, nothing for others. */
	static const unsigned char acl[] = {
		2, 0, 0,   0,   1,   0,   7,  0, 255, 255, 255, 255, 4,   0,
		5, 0, 255, 255, 255, 255, 32, 0, 0,   0,   255, 255, 255, 255,
	};

	say("limit", setxattr(dir, "system.posix_acl_default", acl, sizeof(acl), 0), NULL);
}

static void say_text(const char *path)
{
	char buf[SIZE];
	int fd = open(path, O_RDONLY);

	say(path, fd < 0 ? -1 : read(fd, buf, sizeof(buf)), buf);
	if (fd >= 0)
		close(fd);
}

static void pair(const char *name, const char *other)
{
	say("link", link(name, other), NULL);
	say_text(name);
	say_text(other);
	say_stat(name);
	say("unlink", unlink(other), NULL);
	say("rename", rename(name, other), NULL);
	say_text(name);
	say_text(other);
	say("rename back", rename(other, name), NULL);
	say_text(name);
	say_text(other);
	say("symlink", symlink(name, other), NULL);
	say_text(other);
	say("exchange", renameat2(AT_FDCWD, name, AT_FDCWD, other, RENAME_EXCHANGE), NULL);
	say_text(name);
	say_text(other);
	say("exchange back", renameat2(AT_FDCWD, name, AT_FDCWD, other, RENAME_EXCHANGE), NULL);
	say("not replace", renameat2(AT_FDCWD, name, AT_FDCWD, other, RENAME_NOREPLACE), NULL);
	say("unlink", unlink(other), NULL);
	say("not replace", renameat2(AT_FDCWD, name, AT_FDCWD, other, RENAME_NOREPLACE), NULL);
	say("not replace back", renameat2(AT_FDCWD, other, AT_FDCWD, name, RENAME_NOREPLACE), NULL);
	say("exchange with another", renameat2(AT_FDCWD, name, AT_FDCWD, "one", RENAME_EXCHANGE),
	    NULL);
	say_text(name);
	say_text("one");
	say("and back", renameat2(AT_FDCWD, name, AT_FDCWD, "one", RENAME_EXCHANGE), NULL);
	say_text(name);
	say_text("one");
	say("replace", open_as(other, O_CREAT | O_WRONLY), NULL);
	say("replace", rename(name, other), NULL);
	say_text(other);
	say("replace back", rename(other, name), NULL);
	say_text(name);
	unlink(other);
}

static void use_new(int fd, bool masked)
{
	char *buf = aligned_alloc(SIZE, SIZE);
	struct stat st;

	say("mode", fstat(fd, &st) < 0 ? -1 : (long)st.st_mode, NULL);
	say("write", write(fd, "a secret of its maker", 21), NULL);
	say("write behind", pwrite(fd, "end", 3, 100), NULL);
	say("truncate", ftruncate(fd, 30), NULL);
	say("allocate", fallocate(fd, 0, 0, 50), NULL);
	read_in_all_ways(fd);
	say("write mapped", masked ? 0 : write_mapped(fd), NULL);
	say("sync", fsync(fd), NULL);
	say("data sync", fdatasync(fd), NULL);
	say("chmod", fchmod(fd, 0600), NULL);
	free(buf);
}

static void make(const char *dir, const char *name)
{
	bool masked = strstr(name, ".key") || strstr(dir, "shut");
	char path[SIZE], proc[64], temporary[SIZE];
	int fd, lower;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_RDWR | O_CREAT | O_EXCL, 0640);
	say("create", fd < 0 ? -1 : 0, NULL);
	if (fd >= 0) {
		use_new(fd, masked);
		say("again", open_as(path, O_RDWR), NULL);
		say("again to read", open_as(path, O_RDONLY), NULL);
		close(fd);
	}
	snprintf(temporary, sizeof(temporary), "%s/made-%s", dir, name);
	say("mknod", mknod(temporary, S_IFREG | 0644, 0), NULL);
	say("open after mknod", open_as(temporary, O_RDWR), NULL);
	say("unlink", unlink(temporary), NULL);
	fd = open(dir, O_TMPFILE | O_RDWR, 0644);
	say("nameless", fd < 0 ? -1 : 0, NULL);
	if (fd < 0)
		return;
	use_new(fd, masked);
	snprintf(proc, sizeof(proc), "/proc/self/fd/%d", fd);
	snprintf(temporary, sizeof(temporary), "%s/linked-%s", dir, name);
	say("link", linkat(AT_FDCWD, proc, AT_FDCWD, temporary, AT_SYMLINK_FOLLOW), NULL);
	lower = open(temporary, O_RDONLY);
	if (lower >= 0)
		read_in_all_ways(lower);
}

/* Returns true if one of the ways reads the secret. */
static bool leaks(int fd, const char *path, const char *secret, const char *map)
{
	char buf[SIZE + 1] = "";
	int again = open(path, O_RDONLY);
	bool found = false;
	long n;

	for (int i = 0; i < 2; i++, fd = again) {
		n = fd < 0 ? -1 : pread(fd, buf, SIZE, 0);
		found |= n > 0 && memmem(buf, (size_t)n, secret, strlen(secret));
		n = fd < 0 ? -1 : read_mapped(fd, MAP_SHARED, buf);
		found |= n > 0 && memmem(buf, (size_t)n, secret, strlen(secret));
	}
	if (map && sigsetjmp(on_bus_error, 1) == 0)
		found |= memmem(map, SIZE, secret, strlen(secret)) != NULL;
	if (again >= 0)
		close(again);
	return found;
}

static int watch(const char *path, const char *secret)
{
	struct pollfd end = { .fd = 0, .events = POLLIN };
	int fd = open(path, O_RDONLY);
	char *map = mmap(NULL, SIZE, PROT_READ, MAP_SHARED, fd, 0);
	unsigned long n = 0;

	if (fd < 0 || map == MAP_FAILED)
		return 2;
	puts("watching");
	fflush(stdout);
	do {
		n++;
		if (leaks(fd, path, secret, map)) {
			printf("%s is read, after %lu times\n", secret, n);
			return 1;
		}
	} while (poll(&end, 1, 0) == 0);
	printf("never, in %lu times\n", n);
	return 0;
}

int main(int argc, char **argv)
{
	struct sigaction action = { .sa_handler = bus_error };

	sigaction(SIGBUS, &action, NULL);
	umask(022);
	if (argc == 3 && strcmp(argv[1], "ways") == 0)
		ways(argv[2]);
	else if (argc == 3 && strcmp(argv[1], "cut") == 0)
		cut(argv[2]);
	else if (argc == 3 && strcmp(argv[1], "limit") == 0)
		limit(argv[2]);
	else if (argc == 4 && strcmp(argv[1], "pair") == 0)
		pair(argv[2], argv[3]);
	else if (argc == 4 && strcmp(argv[1], "new") == 0)
		make(argv[2], argv[3]);
	else if (argc == 4 && strcmp(argv[1], "watch") == 0)
		return watch(argv[2], argv[3]);
	else
		return 2;
	return 0;
}
