// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * calls: does a list of system calls on the files "plain", "own", "dir" and "link" of the current
 * directory, and prints the result of each. Two file systems can be compared by what it prints.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

static char buf[70000];

static long say(const char *what, const char *on, long r)
{
	if (r < 0)
		printf("%s %s: %s\n", what, on, strerror(errno));
	else
		printf("%s %s: %ld\n", what, on, r);
	return r;
}

#define SAY(ON, CALL) say(#CALL, ON, (errno = 0, (long)(CALL)))

static void show(const char *file)
{
	struct stat st;

	if (stat(file, &st) == 0)
		printf("%s: %o %u:%u %ld\n", file, st.st_mode, st.st_uid, st.st_gid,
		       (long)st.st_size);
}

static void opens(const char *file)
{
	const int flags[] = { O_RDONLY,
			      O_RDWR,
			      O_RDWR | O_APPEND,
			      O_RDWR | O_TRUNC,
			      O_WRONLY | O_TRUNC,
			      O_RDONLY | O_NOATIME,
			      O_RDWR | O_NOATIME,
			      O_RDONLY | O_DIRECT,
			      O_PATH };

	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		int fd = open(file, flags[i]);

		printf("open %s %o: %s\n", file, flags[i], fd < 0 ? strerror(errno) : "ok");
		if (fd >= 0)
			SAY(file, close(fd));
		show(file);
	}
}

static void data(const char *file)
{
	int fd = open(file, O_RDWR), fd2 = open("plain", O_RDWR);

	if (fd < 0 || fd2 < 0) {
		printf("%s: not opened\n", file);
		return;
	}
	SAY(file, pwrite(fd, "0123456789abcdefghijklmnopqrstuvwxyz", 36, 0));
	SAY(file, fallocate(fd, 0, 0, 5000));
	show(file);
	SAY(file, fallocate(fd, 0, 9000, 7000));
	SAY(file, fallocate(fd, 0, 0, -1));
	show(file);
	SAY(file, ftruncate(fd, 20000));
	SAY(file, pwrite(fd, "x", 1, 16384));
	SAY(file, lseek(fd, 0, SEEK_DATA));
	SAY(file, lseek(fd, 0, SEEK_HOLE));
	SAY(file, lseek(fd, 0, SEEK_CUR));
	SAY(file, lseek(fd, 19000, SEEK_DATA));
	SAY(file, lseek(fd, 0, SEEK_END));
	SAY(file, fsync(fd));
	SAY(file, fdatasync(fd));
	SAY(file, lseek(fd, 0, SEEK_SET));
	SAY(file, lseek(fd2, 0, SEEK_SET));
	SAY(file, copy_file_range(fd, NULL, fd2, NULL, 8, 0));
	SAY(file, copy_file_range(fd, NULL, fd2, NULL, 20, 0));
	SAY(file, copy_file_range(fd, NULL, fd2, NULL, 9, 0));
	memset(buf, 0, 64);
	SAY(file, pread(fd2, buf, 30, 0));
	puts(buf);
	SAY(file, close(fd2));
	SAY(file, close(fd));
}

static struct flock range(short type, long start)
{
	return (struct flock){ .l_type = type, .l_start = start, .l_len = 20 };
}

static void locks(const char *file)
{
	int fd = open(file, O_RDWR), fd2 = open(file, O_RDWR);
	int held[2], tried[2];
	struct flock l;
	pid_t pid;
	char byte;

	SAY(file, flock(fd, LOCK_SH));
	SAY(file, flock(fd, LOCK_EX));
	SAY(file, flock(fd2, LOCK_EX | LOCK_NB));
	SAY(file, flock(fd, LOCK_UN));
	for (int start = 0; start < 200; start += start == 0 ? 7 : 93) {
		l = range(F_WRLCK, start);
		SAY(file, fcntl(fd, F_OFD_SETLK, &l));
		l = range(F_RDLCK, start);
		SAY(file, fcntl(fd2, F_OFD_GETLK, &l));
		printf("%d %ld %ld\n", l.l_type, (long)l.l_start, (long)l.l_len);
	}
	l = range(F_RDLCK, 60);
	SAY(file, fcntl(fd2, F_OFD_SETLK, &l));
	/* A lock that has to wait until another process ends. */
	if (pipe(held) < 0 || pipe(tried) < 0)
		exit(2);
	pid = fork();
	if (pid == 0) {
		l = range(F_WRLCK, 300);
		_exit(fcntl(open(file, O_RDWR), F_SETLK, &l) || write(held[1], "", 1) != 1 ||
		      read(tried[0], &byte, 1) != 1 || usleep(100000));
	}
	close(held[1]);
	/* Nothing can be read if a filter has refused the lock of the child. */
	if (read(held[0], &byte, 1) < 0)
		exit(2);
	l = range(F_WRLCK, 310);
	SAY(file, fcntl(fd, F_SETLK, &l));
	if (write(tried[1], "", 1) != 1)
		exit(2);
	SAY(file, fcntl(fd, F_SETLKW, &l));
	waitpid(pid, NULL, 0);
	close(held[0]);
	close(tried[0]);
	close(tried[1]);
	close(fd);
	close(fd2);
}

static void flags(const char *file)
{
	int fd = open(file, O_RDONLY), n = 0;
	char label[FSLABEL_MAX];

	/* One that the lower file system knows, and no program. */
	SAY(file, ioctl(fd, FS_IOC_GETFSLABEL, label));
	SAY(file, ioctl(fd, FS_IOC_GETFLAGS, &n));
	printf("%d\n", n & FS_NOATIME_FL);
	n |= FS_NOATIME_FL;
	SAY(file, ioctl(fd, FS_IOC_SETFLAGS, &n));
	close(fd);
}

static void attrs(const char *file)
{
	/* user::rw-, user:5:r--, group::r--, mask::r--, other::r-- */
	static const unsigned char acl[] = "\2\0\0\0\1\0\6\0\377\377\377\377\2\0\4\0\5\0\0\0"
					   "\4\0\4\0\377\377\377\377\20\0\4\0\377\377\377\377"
					   "\40\0\4\0\377\377\377\377";
	static const char *const values[] = { "short", "cccccccc", "ggg", "value", "" };

	for (int i = 0; i < 5; i++) {
		memset(buf, 0, 64);
		printf("value \"%s\"\n", values[i]);
		SAY(file, lsetxattr(file, "user.b", values[i], strlen(values[i]), 0));
		SAY(file, lgetxattr(file, "user.b", buf, 64));
		puts(buf);
	}
	SAY(file, lsetxattr(file, "user.a", "aaaaaaaa", 8, 0));
	SAY(file, lgetxattr(file, "user.a", buf, 64));
	SAY(file, lgetxattr(file, "user.alias", buf, 64));
	SAY(file, lgetxattr(file, "user.alias", NULL, 0));
	SAY(file, lgetxattr(file, "user.alias", buf, 3));
	SAY(file, lsetxattr(file, "user.c", "cccccccc", 8, 0));
	SAY(file, lgetxattr(file, "user.c", buf, 64));
	SAY(file, lsetxattr(file, "user.once", "1", 1, 0));
	SAY(file, lsetxattr(file, "user.once", "2", 1, 0));
	SAY(file, lsetxattr(file, "user.secret", "2", 1, 0));
	SAY(file, lsetxattr(file, "user.trusted", "2", 1, 0));
	SAY(file, lgetxattr(file, "trusted.user", buf, 64));
	SAY(file, lsetxattr(file, "trusted.x", "2", 1, 0));
	SAY(file, lsetxattr(file, "user.long", "long value", 10, 0));
	memset(buf, 0, 64);
	SAY(file, lgetxattr(file, "user.long", buf, 64));
	puts(buf);
	SAY(file, lgetxattr(file, "user.none", buf, 64));
	SAY(file, lgetxattr(file, "user.none", buf, 2));
	SAY(file, lgetxattr(file, "user.none", NULL, 0));
	SAY(file, lgetxattr(file, "user.absent", buf, 64));
	SAY(file, llistxattr(file, buf, sizeof(buf) < 65536 ? sizeof(buf) : 65536));
	for (const char *at = buf; *at; at += strlen(at) + 1)
		if (strcmp(at, "security.capability") != 0)
			puts(at);
	memset(buf, 0, sizeof(buf));
	SAY(file, lsetxattr(file, "system.posix_acl_access", acl, sizeof(acl) - 1, 0));
	SAY(file, lsetxattr(file, "system.posix_acl_default", acl, sizeof(acl) - 1, 0));
	SAY(file, lgetxattr(file, "system.posix_acl_access", buf, 64));
	printf("%d\n", memcmp(buf, acl, sizeof(acl) - 1));
	show(file);
	SAY(file, lremovexattr(file, "system.posix_acl_access"));
	SAY(file, lremovexattr(file, "system.posix_acl_default"));
	SAY(file, lgetxattr(file, "system.posix_acl_access", buf, 64));
	SAY(file, lremovexattr(file, "user.a"));
	SAY(file, lremovexattr(file, "user.a"));
	SAY(file, lremovexattr(file, "user.secret"));
	memset(buf, 0, sizeof(buf));
}

int main(void)
{
	static const char *const files[] = { "plain", "own", "dir", "link" };
	struct statfs fs;
	int fd;

	setvbuf(stdout, NULL, _IONBF, 0);
	for (int i = 0; i < 4; i++) {
		opens(files[i]);
		if (i < 2) {
			data(files[i]);
			locks(files[i]);
		}
		flags(files[i]);
		attrs(files[i]);
		memset(buf, 0, 64);
		SAY(files[i], readlink(files[i], buf, 63));
		puts(buf);
	}
	if (SAY(".", statfs(".", &fs)) == 0)
		printf("%ld free\n", (long)fs.f_bfree);
	fd = open(".", O_RDONLY);
	SAY(".", fsync(fd));
	SAY(".", fdatasync(fd));
	SAY(".", syncfs(fd));
	return 0;
}
