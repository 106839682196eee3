// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * failures LOWER VIEW [close]: does each operation with its first, second, third, ... memory
 * allocation failing (fail-nth), until all have failed once. An operation may succeed or fail with
 * ENOMEM. The caller looks for errors and leaks in the kernel's log. Mounts the view itself.
 *
 * close: closes a file of the view, which is mounted with a filter that sees this. Its programs run
 * each time.
 */
#include "paths.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/xattr.h>
#include <unistd.h>

enum { MAX_POINTS = 150 };

static int nth = -1, n_odd, n_points;

static void put(const char *file, const char *text)
{
	int fd = open(file, O_WRONLY);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		printf("%s: %s\n", file, strerror(errno));
	close(fd);
}

static void make(const char *file)
{
	int fd = open(file, O_CREAT | O_RDWR, 0644);

	if (write(fd, "0123456789", 10) != 10)
		printf("%s: %s\n", file, strerror(errno));
	close(fd);
}

/* ---- operations: each returns a negative number, with errno, if it fails --------------------- */

static int mount_view(void)
{
	char options[4200];

	snprintf(options, sizeof(options), "lower=%s", lower);
	return mount("none", view, "penstock", 0, options);
}

/* Closes, keeps errno. */
static long closed(int fd, long result)
{
	int error = errno;

	close(fd);
	errno = error;
	return result;
}

static long do_read(void)
{
	char buf[16];
	int fd = open(V("d/f"), O_RDONLY);

	return fd < 0 ? -1 : closed(fd, read(fd, buf, 10));
}

static long do_write(void)
{
	int fd = open(V("d/f"), O_WRONLY);

	return fd < 0 ? -1 : closed(fd, write(fd, "abc", 3));
}

static long do_create(void)
{
	int fd = open(V("d/n"), O_CREAT | O_EXCL | O_RDWR, 0644);

	return fd < 0 ? -1 : closed(fd, 0);
}

static long do_create_plain(void)
{
	int fd = open(V("d/n"), O_CREAT | O_RDWR, 0644);

	return fd < 0 ? -1 : closed(fd, 0);
}

static long do_tmpfile(void)
{
	int fd = open(V("d"), O_TMPFILE | O_RDWR, 0644);

	return fd < 0 ? -1 : closed(fd, 0);
}

static long do_list(void)
{
	char buf[4096];
	int fd = open(V("d"), O_RDONLY | O_DIRECTORY);

	return fd < 0 ? -1 : closed(fd, getdents64(fd, buf, sizeof(buf)));
}

static long do_map(void)
{
	int fd = open(V("d/f"), O_RDWR);
	void *map;

	if (fd < 0)
		return -1;
	map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	closed(fd, 0);
	if (map == MAP_FAILED)
		return -1;
	munmap(map, 4096);
	return 0;
}

static long do_copy(void)
{
	int from = open(V("d/f"), O_RDONLY), to = open(V("d/g"), O_WRONLY);
	long n = from < 0 || to < 0 ? -1 : copy_file_range(from, NULL, to, NULL, 10, 0);

	closed(from, 0);
	return closed(to, n);
}

static long do_absent(void)
{
	struct stat st;

	return lstat(V("d/none"), &st) < 0 && errno != ENOENT ? -1 : 0;
}

static long do_handle(void)
{
	union {
		struct file_handle h;
		char room[sizeof(struct file_handle) + MAX_HANDLE_SZ];
	} f = { .h.handle_bytes = MAX_HANDLE_SZ };
	int id, at, fd;

	if (name_to_handle_at(AT_FDCWD, V("d/e"), &f.h, &id, 0) < 0)
		return errno == EOPNOTSUPP ? 0 : -1;
	at = open(view, O_RDONLY | O_DIRECTORY);
	fd = at < 0 ? -1 : open_by_handle_at(at, &f.h, O_RDONLY);
	closed(at, 0);
	return fd < 0 ? -1 : closed(fd, 0);
}

static long do_statfs(void)
{
	struct statfs sf;
	return statfs(view, &sf);
}
static long do_stat(void)
{
	struct stat st;
	return lstat(V("d/e/f"), &st);
}
static long do_readlink(void)
{
	char b[64];
	return readlink(V("d/s"), b, sizeof(b));
}
static long do_mkdir(void)
{
	return mkdir(V("d/n"), 0755);
}
static long do_mknod(void)
{
	return mknod(V("d/n"), S_IFIFO | 0644, 0);
}
static long do_symlink(void)
{
	return symlink("x", V("d/n"));
}
static long do_link(void)
{
	return link(V("d/f"), V("d/n"));
}
static long do_rename(void)
{
	return rename(V("d/n"), V("d/m"));
}
static long do_exchange(void)
{
	return renameat2(AT_FDCWD, V("d/n"), AT_FDCWD, V("d/m"), RENAME_EXCHANGE);
}
static long do_unlink(void)
{
	return unlink(V("d/n"));
}
static long do_rmdir(void)
{
	return rmdir(V("d/n"));
}
static long do_chmod(void)
{
	return chmod(V("d/f"), 0640);
}
static long do_chown(void)
{
	return chown(V("d/f"), 1, 1);
}
static long do_truncate(void)
{
	return truncate(V("d/f"), 5);
}
static long do_setxattr(void)
{
	return setxattr(V("d/f"), "user.b", "22", 2, 0);
}
static long do_getxattr(void)
{
	char b[64];
	return getxattr(V("d/f"), "user.a", b, sizeof(b));
}
static long do_listxattr(void)
{
	char b[64];
	return listxattr(V("d/f"), b, sizeof(b));
}
static long do_removexattr(void)
{
	return removexattr(V("d/f"), "user.b");
}
static long do_getacl(void)
{
	char b[64];
	return getxattr(V("d/f"), "system.posix_acl_access", b, sizeof(b));
}
static long do_moved(void)
{
	struct stat st;
	return lstat(V("d/e2/f"), &st);
}
static long do_mount(void)
{
	return mount_view();
}
static long do_umount(void)
{
	return umount(view);
}

static long do_setacl(void)
{
	static const char acl[] =
		"\2\0\0\0\1\0\6\0\xff\xff\xff\xff\2\0\6\0\x2a\0\0\0\4\0\4\0\xff\xff\xff\xff"
		"\x10\0\6\0\xff\xff\xff\xff\x20\0\4\0\xff\xff\xff\xff";

	return setxattr(V("d/f"), "system.posix_acl_access", acl, sizeof(acl) - 1, 0);
}

/* ---- preparations in LOWER before each try --------------------------------------------------- */

static void nothing(void)
{
}
static void no_n(void)
{
	unlink(L("d/n"));
	rmdir(L("d/n"));
	unlink(L("d/m"));
	rmdir(L("d/m"));
}
static void file_n(void)
{
	no_n();
	make(L("d/n"));
}
static void file_n_and_m(void)
{
	file_n();
	make(L("d/m"));
}
static void dir_n(void)
{
	no_n();
	mkdir(L("d/n"), 0755);
}
static void attribute_b(void)
{
	setxattr(L("d/f"), "user.b", "22", 2, 0);
}
static void move_e(void)
{
	struct stat st;
	rename(L("d/e2"), L("d/e"));
	lstat(V("d/e/f"), &st);
	rename(L("d/e"), L("d/e2"));
}
static void unmounted(void)
{
	umount(view);
}
static void mounted(void)
{
	umount(view);
	mount_view();
}

static const struct {
	const char *name;
	void (*prepare)(void);
	long (*run)(void);
} operations[] = {
	{ "mount", unmounted, do_mount },
	{ "umount", mounted, do_umount },
	{ "statfs", mounted, do_statfs },
	{ "stat", nothing, do_stat },
	{ "absent", nothing, do_absent },
	{ "read", nothing, do_read },
	{ "write", nothing, do_write },
	{ "list", nothing, do_list },
	{ "readlink", nothing, do_readlink },
	{ "create", no_n, do_create },
	{ "create-plain", no_n, do_create_plain },
	{ "tmpfile", no_n, do_tmpfile },
	{ "mkdir", no_n, do_mkdir },
	{ "mknod", no_n, do_mknod },
	{ "symlink", no_n, do_symlink },
	{ "link", no_n, do_link },
	{ "rename", file_n, do_rename },
	{ "rename-over", file_n_and_m, do_rename },
	{ "rename-directory", dir_n, do_rename },
	{ "exchange", file_n_and_m, do_exchange },
	{ "unlink", file_n, do_unlink },
	{ "rmdir", dir_n, do_rmdir },
	{ "chmod", nothing, do_chmod },
	{ "chown", nothing, do_chown },
	{ "truncate", nothing, do_truncate },
	{ "setxattr", nothing, do_setxattr },
	{ "getxattr", nothing, do_getxattr },
	{ "listxattr", nothing, do_listxattr },
	{ "removexattr", attribute_b, do_removexattr },
	{ "setacl", nothing, do_setacl },
	{ "getacl", nothing, do_getacl },
	{ "map", nothing, do_map },
	{ "copy", nothing, do_copy },
	{ "handle", nothing, do_handle },
	{ "moved-directory", move_e, do_moved },
};

/*
 * A failing copy from or to user space gives EFAULT. ext4 says EIO or ENOSPC where it lacks memory,
 * and the kernel says EINVAL where it lacks memory to clone a mount.
 */
static bool is_expected(int error, long (*run)(void))
{
	return error == ENOMEM || error == EFAULT || error == EIO || error == ENOSPC ||
	       (error == EINVAL && run == do_mount);
}

/* Lets the allocation n of this task fail, if n is not 0. */
static void inject(int n)
{
	char buf[16];

	if (pwrite(nth, buf, (size_t)snprintf(buf, sizeof(buf), "%d", n), 0) < 0)
		printf("fail-nth: %s\n", strerror(errno));
}

/* Returns true if the allocation has failed. */
static bool was_injected(void)
{
	char buf[16] = "";

	return pread(nth, buf, sizeof(buf) - 1, 0) > 0 && atoi(buf) == 0;
}

static void try_all(const char *name, void (*prepare)(void), long (*run)(void))
{
	int n, n_failed = 0;
	bool injected = true;

	for (n = 1; injected && n < MAX_POINTS; n++) {
		long result;
		int error;

		prepare();
		put("/proc/sys/vm/drop_caches", "2");
		inject(n);
		errno = 0;
		result = run();
		error = errno;
		injected = was_injected();
		inject(0);
		n_failed += result < 0;
		if (result < 0 && (!injected || !is_expected(error, run))) {
			printf("%s, allocation %d: %s\n", name, n, strerror(error));
			n_odd++;
		}
	}
	n_points += n - 2;
	printf("%s: %d points, %d failed\n", name, n - 2, n_failed);
}

/* Returns how often the programs before and after RELEASE have run in the only view. */
static long n_closes(void)
{
	char line[256], program[64];
	long sum = 0, n;
	glob_t files;
	FILE *f;

	if (glob("/proc/fs/penstock/*/programs", 0, NULL, &files) != 0)
		return -1;
	f = fopen(files.gl_pathv[0], "r");
	globfree(&files);
	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "%*[^\t]\t%63[^\t]\t%ld", program, &n) == 2 &&
		    (strcmp(program, "pre/release") == 0 || strcmp(program, "post/release") == 0))
			sum += n;
	if (f)
		fclose(f);
	return sum;
}

static int try_close(void)
{
	bool injected = true;

	make(L("f"));
	for (int n = 1; injected && n < MAX_POINTS; n++) {
		int fd = open(V("f"), O_RDONLY);
		long before = n_closes();

		inject(n);
		close(fd);
		injected = was_injected();
		inject(0);
		if (fd < 0 || n_closes() != before + 2) {
			printf("close, allocation %d: a program did not run\n", n);
			n_odd++;
		}
		n_points = n;
	}
	printf("close: %d points\n", n_points - 1);
	return n_odd != 0 || n_points < 2;
}

int main(int argc, char **argv)
{
	if (argc < 3)
		return 2;
	lower = argv[1];
	view = argv[2];
	/* All allocations can fail, also those that may wait; the log stays silent about them. */
	put("/sys/kernel/debug/failslab/ignore-gfp-wait", "N");
	put("/sys/kernel/debug/failslab/verbose", "0");
	put("/sys/kernel/debug/fail_page_alloc/ignore-gfp-wait", "N");
	put("/sys/kernel/debug/fail_page_alloc/min-order", "0");
	put("/sys/kernel/debug/fail_page_alloc/verbose", "0");
	put("/sys/kernel/debug/fail_usercopy/verbose", "0");
	nth = open("/proc/thread-self/fail-nth", O_RDWR);
	if (nth < 0)
		return 2;
	if (argc > 3)
		return try_close();
	mkdir(L("d"), 0755);
	mkdir(L("d/e"), 0755);
	make(L("d/e/f"));
	make(L("d/f"));
	make(L("d/g"));
	symlink("f", L("d/s"));
	setxattr(L("d/f"), "user.a", "1", 1, 0);
	for (size_t i = 0; i < sizeof(operations) / sizeof(*operations); i++)
		try_all(operations[i].name, operations[i].prepare, operations[i].run);
	umount(view);
	printf("%d points, %d odd errors\n", n_points, n_odd);
	return n_odd != 0;
}
