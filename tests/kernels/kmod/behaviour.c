// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * behaviour LOWER VIEW local|lower|COUNT: tests that a change in a view of the kernel module
 * appears in LOWER at once, and a change in LOWER in the view. Prints a line for each check.
 */
#include "check.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

static bool lower_locks;

static void put(const char *file, const char *text)
{
	int fd = open(file, O_CREAT | O_WRONLY | O_TRUNC, 0644);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		printf("not ok put: %s\n", file);
	close(fd);
}

static bool has(const char *file, const char *text)
{
	char buf[256] = "";
	int fd = open(file, O_RDONLY);
	ssize_t n = fd < 0 ? -1 : read(fd, buf, sizeof(buf) - 1);

	close(fd);
	return n == (ssize_t)strlen(text) && memcmp(buf, text, n) == 0;
}

static bool same(const char *a, const char *b)
{
	struct stat x, y;

	return lstat(a, &x) == 0 && lstat(b, &y) == 0 && x.st_ino == y.st_ino &&
	       x.st_mode == y.st_mode && x.st_uid == y.st_uid && x.st_gid == y.st_gid &&
	       x.st_size == y.st_size && x.st_nlink == y.st_nlink && x.st_blocks == y.st_blocks &&
	       x.st_mtim.tv_nsec == y.st_mtim.tv_nsec && x.st_ctim.tv_nsec == y.st_ctim.tv_nsec;
}

static bool absent(const char *file)
{
	struct stat st;

	return lstat(file, &st) < 0 && errno == ENOENT;
}

static bool listed(const char *dir, const char *name)
{
	DIR *d = opendir(dir);
	struct dirent *e;
	bool found = false;

	while (d && (e = readdir(d)))
		found = found || strcmp(e->d_name, name) == 0;
	closedir(d);
	return found;
}

/* Runs a function as user 77 in a child. Returns true if the function did. */
static bool as_user(bool (*run)(void))
{
	int status;

	if (fork() == 0)
		_exit(setgid(77) || setuid(77) || !run());
	wait(&status);
	return status == 0;
}

static void changes_below_are_seen(void)
{
	int fd;

	put(L("f"), "one");
	CHECK("created-below", same(L("f"), V("f")) && has(V("f"), "one"));
	put(L("f"), "longer text");
	CHECK("written-below", same(L("f"), V("f")) && has(V("f"), "longer text"));
	chmod(L("f"), 0600);
	CHECK("chmod-below", same(L("f"), V("f")));
	chown(L("f"), 5, 6);
	CHECK("chown-below", same(L("f"), V("f")));
	CHECK("absent", absent(V("g")));
	rename(L("f"), L("g"));
	CHECK("renamed-below",
	      absent(V("f")) && same(L("g"), V("g")) && listed(view, "g") && !listed(view, "f"));
	link(L("g"), L("h"));
	CHECK("linked-below", same(L("h"), V("h")) && same(L("g"), V("g")));
	fd = open(V("h"), O_RDWR);
	unlink(L("h"));
	CHECK("removed-below", absent(V("h")) && write(fd, "x", 1) == 1 && !listed(view, "h"));
	close(fd);
	unlink(L("g"));
	put(L("g"), "new");
	CHECK("replaced-below", same(L("g"), V("g")) && has(V("g"), "new"));
	mkdir(L("d"), 0755);
	put(L("d/f"), "1");
	CHECK("directory-below", same(L("d/f"), V("d/f")));
	fd = open(V("d"), O_RDONLY | O_DIRECTORY);
	mkdir(L("e"), 0755);
	rename(L("d"), L("e/d"));
	CHECK("directory-moved-below",
	      same(L("e/d"), V("e/d")) && has(V("e/d/f"), "1") && absent(V("d")));
	CHECK("moved-directory-still-open",
	      faccessat(fd, "f", R_OK, 0) == 0 &&
		      close(openat(fd, "new", O_CREAT | O_WRONLY, 0644)) == 0 &&
		      same(L("e/d/new"), V("e/d/new")));
	rename(L("e/d"), L("d"));
	CHECK("directory-moved-back", same(L("d/new"), V("d/new")) && absent(V("e/d")));
	rename(L("e"), L("d/e"));
	CHECK("parent-becomes-child", same(L("d/e"), V("d/e")));
	close(fd);
	/* Each side creates a name that the other has seen as absent. */
	CHECK("create-after-absent",
	      absent(V("n")) &&
		      (put(L("n"), "1"), open(V("n"), O_CREAT | O_EXCL | O_RDWR, 0600) < 0) &&
		      errno == EEXIST);
	CHECK("unlink-after-replace",
	      (unlink(L("n")), put(L("n"), "2"), unlink(V("n")) == 0) && absent(L("n")));
	CHECK("mkdir-after-absent", absent(V("m")) && mkdir(L("m"), 0755) == 0 &&
					    mkdir(V("m"), 0755) < 0 && errno == EEXIST);
	CHECK("rmdir-after-remove", rmdir(L("m")) == 0 && rmdir(V("m")) < 0 && errno == ENOENT);
}

static fsfilcnt_t free_inodes(void)
{
	struct statfs s;

	return statfs(lower, &s) == 0 ? s.f_ffree : 0;
}

/* A file system in a process frees an inode a little later. */
static bool has_free_inodes(fsfilcnt_t n)
{
	for (int i = 0; i < 50 && free_inodes() < n; i++)
		usleep(100000);
	return free_inodes() >= n;
}

static void removed_files_are_freed(void)
{
	fsfilcnt_t n = free_inodes();
	int fd;

	put(L("held"), "text");
	fd = open(V("held"), O_RDONLY);
	unlink(L("held"));
	CHECK("held-file", n > 0 && fd >= 0 && free_inodes() < n);
	close(fd);
	CHECK("closed-file-is-freed", has_free_inodes(n));
	mkdir(L("held"), 0755);
	fd = open(V("held"), O_RDONLY | O_DIRECTORY);
	CHECK("absent-in-directory", absent(V("held/absent")));
	rmdir(L("held"));
	CHECK("held-directory", fd >= 0 && free_inodes() < n);
	close(fd);
	CHECK("closed-directory-is-freed", has_free_inodes(n));
}

static bool write_plain(void)
{
	int fd = open(V("suid"), O_WRONLY);

	return fd >= 0 && write(fd, "k", 1) == 1;
}

static bool truncate_plain(void)
{
	return truncate(V("suid"), 1) == 0;
}

static bool open_denied(void)
{
	return open(V("secret"), O_RDONLY) < 0 && errno == EACCES &&
	       open(V("secret"), O_RDWR | O_CREAT, 0666) < 0 && errno == EACCES &&
	       chmod(V("secret"), 0777) < 0 && errno == EPERM && truncate(V("secret"), 0) < 0 &&
	       errno == EACCES && unlink(V("secret")) < 0 && errno == EACCES;
}

static bool sticky_denied(void)
{
	return unlink(V("sticky/f")) < 0 && errno == EPERM &&
	       rename(V("sticky/f"), V("sticky/g")) < 0 && errno == EPERM;
}

static void permission_is_that_below(void)
{
	struct stat st;
	int fd, flags = FS_APPEND_FL, none = 0;

	put(L("secret"), "s");
	put(L("suid"), "abc");
	CHECK("looked-at", has(V("secret"), "s"));
	chmod(L("secret"), 0600);
	CHECK("denied-after-chmod-below", as_user(open_denied));
	chmod(L("suid"), 06777);
	CHECK("write-strips-setid",
	      as_user(write_plain) && stat(L("suid"), &st) == 0 && (st.st_mode & 07777) == 0777);
	chmod(L("suid"), 06777);
	CHECK("truncate-strips-setid",
	      as_user(truncate_plain) && stat(V("suid"), &st) == 0 && (st.st_mode & 07777) == 0777);
	fd = open(V("suid"), O_RDONLY);
	chmod(L("suid"), 06777);
	CHECK("fchown-strips-setid",
	      fchown(fd, 7, 7) == 0 && stat(L("suid"), &st) == 0 && (st.st_mode & 07777) == 0777);
	close(fd);
	mkdir(L("sticky"), 0777);
	put(L("sticky/f"), "1");
	CHECK("in-sticky", same(L("sticky/f"), V("sticky/f")));
	chmod(L("sticky"), 01777);
	CHECK("sticky-below", as_user(sticky_denied));
	fd = open(L("suid"), O_RDONLY);
	if (ioctl(fd, FS_IOC_SETFLAGS, &flags) == 0) {
		CHECK("append-only-below", open(V("suid"), O_WRONLY) < 0 && errno == EPERM &&
						   open(V("suid"), O_WRONLY | O_TRUNC) < 0 &&
						   truncate(V("suid"), 0) < 0 &&
						   open(V("suid"), O_WRONLY | O_APPEND) >= 0);
		ioctl(fd, FS_IOC_SETFLAGS, &none);
		close(fd);
		fd = open(V("suid"), O_RDONLY);
		CHECK("flags-by-view", ioctl(fd, FS_IOC_SETFLAGS, &flags) == 0 &&
					       ioctl(fd, FS_IOC_GETFLAGS, &none) == 0 &&
					       (none & FS_APPEND_FL) &&
					       open(L("suid"), O_WRONLY) < 0 && errno == EPERM);
		flags = 0;
		ioctl(fd, FS_IOC_SETFLAGS, &flags);
	} else {
		printf("skip append-only-below: errno %d\n", errno);
	}
	close(fd);
}

static int lock_in_child(const char *file, int cmd, bool flock_too)
{
	struct flock fl = { .l_type = F_WRLCK };
	int status;

	if (fork() == 0) {
		int fd = open(file, O_RDWR);

		if (flock_too)
			_exit(flock(fd, LOCK_EX | LOCK_NB) == 0 ? 0 : errno);
		_exit(fcntl(fd, cmd, &fl) == 0 ? 0 : errno);
	}
	wait(&status);
	return WEXITSTATUS(status);
}

static void locks_are_where_they_should_be(void)
{
	int below = lower_locks ? EAGAIN : 0, fd = open(V("f"), O_CREAT | O_RDWR, 0644), status;
	struct flock fl = { .l_type = F_WRLCK };

	CHECK("flock", flock(fd, LOCK_EX) == 0 && lock_in_child(V("f"), 0, true) == EAGAIN &&
			       lock_in_child(L("f"), 0, true) == below);
	close(fd);
	CHECK("flock-ends-with-close",
	      lock_in_child(L("f"), 0, true) == 0 && lock_in_child(V("f"), 0, true) == 0);
	fd = open(V("f"), O_RDWR);
	CHECK("posix-lock", fcntl(fd, F_SETLK, &fl) == 0 &&
				    lock_in_child(V("f"), F_SETLK, false) == EAGAIN &&
				    lock_in_child(L("f"), F_SETLK, false) == below);
	if (fork() == 0) {
		struct flock get = { .l_type = F_WRLCK };
		int other = open(V("f"), O_RDWR);

		_exit(fcntl(other, F_GETLK, &get) == 0 && get.l_type == F_WRLCK &&
				      get.l_pid == getppid() ?
			      0 :
			      1);
	}
	wait(&status);
	CHECK("getlk", status == 0);
	close(open(V("f"), O_RDONLY));
	CHECK("posix-lock-ends-with-any-close", lock_in_child(L("f"), F_SETLK, false) == 0 &&
							lock_in_child(V("f"), F_SETLK, false) == 0);
	CHECK("ofd-lock", fcntl(fd, F_OFD_SETLK, &fl) == 0 &&
				  lock_in_child(V("f"), F_OFD_SETLK, false) == EAGAIN &&
				  lock_in_child(L("f"), F_OFD_SETLK, false) == below);
	close(open(V("f"), O_RDONLY));
	CHECK("ofd-lock-stays", lock_in_child(V("f"), F_OFD_SETLK, false) == EAGAIN);
	close(fd);
	CHECK("ofd-lock-ends-with-file", lock_in_child(L("f"), F_OFD_SETLK, false) == 0);
	/* A lock that waits is granted when the other process ends. */
	fd = open(V("f"), O_RDWR);
	fcntl(fd, F_SETLK, &fl);
	if (fork() == 0) {
		alarm(20);
		_exit(fcntl(open(V("f"), O_RDWR), F_SETLKW, &fl) == 0 ? 0 : 1);
	}
	usleep(300000);
	fl.l_type = F_UNLCK;
	fcntl(fd, F_SETLK, &fl);
	wait(&status);
	CHECK("waiting-lock", status == 0);
	close(fd);
	fd = open(V("f"), O_RDONLY);
	CHECK("lease-is-refused", fcntl(fd, F_SETLEASE, F_RDLCK) < 0 && errno == EINVAL);
	close(fd);
	fd = open(L("f"), O_RDONLY);
	CHECK("lease-below-is-broken", fcntl(fd, F_SETLEASE, F_RDLCK) == 0 &&
					       open(V("f"), O_RDWR | O_NONBLOCK) < 0 &&
					       errno == EWOULDBLOCK);
	fcntl(fd, F_SETLEASE, F_UNLCK);
	close(fd);
}

static void unnamed_files(void)
{
	int fd = open(view, O_TMPFILE | O_RDWR, 0), excl;
	char proc[64];
	struct stat st;

	CHECK("tmpfile", fd >= 0 && write(fd, "text", 4) == 4 && fstat(fd, &st) == 0 &&
				 st.st_size == 4 && st.st_nlink == 0);
	snprintf(proc, sizeof(proc), "/proc/self/fd/%d", fd);
	CHECK("tmpfile-linked",
	      fchmod(fd, 0644) == 0 &&
		      linkat(AT_FDCWD, proc, AT_FDCWD, V("named"), AT_SYMLINK_FOLLOW) == 0 &&
		      has(L("named"), "text") && same(L("named"), V("named")));
	close(fd);
	excl = open(view, O_TMPFILE | O_RDWR | O_EXCL, 0600);
	snprintf(proc, sizeof(proc), "/proc/self/fd/%d", excl);
	CHECK("tmpfile-exclusive",
	      excl >= 0 && linkat(AT_FDCWD, proc, AT_FDCWD, V("named2"), AT_SYMLINK_FOLLOW) < 0 &&
		      errno == ENOENT);
	close(excl);
}

static void data(void)
{
	struct {
		struct fiemap map;
		struct fiemap_extent e[8];
	} a = { .map = { .fm_length = ~0ULL, .fm_extent_count = 8, .fm_flags = FIEMAP_FLAG_SYNC } },
	  b = a;
	int v = open(V("data"), O_CREAT | O_RDWR, 0644), l = open(L("data"), O_RDWR), r, s;
	struct statfs x, y;
	char buf[64], *map;

	write(v, "0123456789", 10);
	CHECK("write-is-below", pread(l, buf, 64, 0) == 10);
	map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, v, 0);
	CHECK("mapping-is-shared",
	      map != MAP_FAILED && (map[0] = 'X', pread(l, buf, 1, 0) == 1 && buf[0] == 'X') &&
		      pwrite(l, "Y", 1, 1) == 1 && map[1] == 'Y');
	munmap(map, 4096);
	CHECK("append-flag-is-followed", fcntl(v, F_SETFL, O_APPEND) == 0 &&
						 pwrite(v, "Z", 1, 0) == 1 &&
						 pread(l, buf, 64, 0) == 11 && buf[10] == 'Z');
	fcntl(v, F_SETFL, 0);
	r = ioctl(l, FS_IOC_FIEMAP, &a);
	s = ioctl(v, FS_IOC_FIEMAP, &b);
	CHECK("fiemap", r == s && memcmp(&a, &b, sizeof(a)) == 0);
	r = open(V("clone"), O_CREAT | O_RDWR, 0644);
	s = open(L("clone2"), O_CREAT | O_RDWR, 0644);
	errno = 0;
	int v_result = ioctl(r, FICLONE, v), v_errno = errno, l_result = ioctl(s, FICLONE, l);
	CHECK("clone", v_result == l_result && (v_result == 0 || v_errno == EOPNOTSUPP));
	CHECK("copy-range", copy_file_range(v, &(off_t){ 0 }, r, &(off_t){ 0 }, 11, 0) == 11 &&
				    same(L("clone"), V("clone")));
	CHECK("statfs", statfs(view, &x) == 0 && statfs(lower, &y) == 0 && x.f_type == y.f_type &&
				x.f_blocks == y.f_blocks && x.f_files == y.f_files);
	CHECK("syncfs", syncfs(v) == 0);
	close(r);
	close(s);
	close(v);
	close(l);
}

static void handles(void)
{
	union {
		struct file_handle h;
		char room[sizeof(struct file_handle) + MAX_HANDLE_SZ];
	} f = { .h.handle_bytes = MAX_HANDLE_SZ }, d = { .h.handle_bytes = MAX_HANDLE_SZ },
	  out = { .h.handle_bytes = MAX_HANDLE_SZ };
	int mount_id, at, fd, dir;
	char buf[16] = "", link[64], to[4200] = "";

	mkdir(L("hd"), 0755);
	mkdir(L("hd/e"), 0755);
	put(L("hd/e/f"), "handle");
	if (name_to_handle_at(AT_FDCWD, V("hd/e/f"), &f.h, &mount_id, 0) < 0 &&
	    errno == EOPNOTSUPP) {
		printf("skip handles: the lower file system has none\n");
		return;
	}
	CHECK("handle", name_to_handle_at(AT_FDCWD, V("hd/e"), &d.h, &mount_id, 0) == 0);
	at = open(view, O_RDONLY | O_DIRECTORY);
	for (int cold = 0; cold < 2; cold++) {
		fd = open_by_handle_at(at, &f.h, O_RDONLY);
		CHECK(cold ? "handle-of-file-cold" : "handle-of-file",
		      fd >= 0 && read(fd, buf, 16) == 6 && memcmp(buf, "handle", 6) == 0);
		close(fd);
		dir = open_by_handle_at(at, &d.h, O_RDONLY | O_DIRECTORY);
		CHECK(cold ? "handle-of-directory-cold" : "handle-of-directory",
		      dir >= 0 && faccessat(dir, "f", R_OK, 0) == 0);
		snprintf(link, sizeof(link), "/proc/self/fd/%d", dir);
		CHECK("handle-has-path",
		      readlink(link, to, sizeof(to) - 1) > 0 && strcmp(to, V("hd/e")) == 0);
		close(dir);
		put("/proc/sys/vm/drop_caches", "2");
	}
	/*
	 * Makes a handle of the view for a file outside LOWER, from the handle of the lower file
	 * system.
	 */
	put(path(lower, "../outside"), "outside");
	if (name_to_handle_at(AT_FDCWD, path(lower, "../outside"), &out.h, &mount_id, 0) == 0) {
		memmove(out.h.f_handle + 4, out.h.f_handle, out.h.handle_bytes);
		memcpy(out.h.f_handle, &out.h.handle_type, 4);
		out.h.handle_bytes += 4;
		out.h.handle_type = f.h.handle_type;
		CHECK("handle-from-outside",
		      open_by_handle_at(at, &out.h, O_RDONLY) < 0 && errno == ESTALE);
		out.h.f_handle[1] = 1;
		CHECK("handle-from-outside-with-parent",
		      open_by_handle_at(at, &out.h, O_RDONLY) < 0 && errno == ESTALE);
	}
	f.h.f_handle[2] = 1;
	CHECK("handle-that-is-none", open_by_handle_at(at, &f.h, O_RDONLY) < 0 && errno == ESTALE);
	unlink(path(lower, "../outside"));
	close(at);
}

static void times_of_access(void)
{
	struct timespec old[2] = { { 5, 0 }, { 1000000000, 0 } };
	struct stat st;
	char buf[8];
	int fd;

	put(L("at"), "x");
	utimensat(AT_FDCWD, L("at"), old, 0);
	fd = open(V("at"), O_RDONLY | O_NOATIME);
	CHECK("noatime", read(fd, buf, 1) == 1 && stat(V("at"), &st) == 0 && st.st_atime == 5);
	close(fd);
	fd = open(V("at"), O_RDONLY);
	CHECK("atime", read(fd, buf, 1) == 1 && stat(V("at"), &st) == 0 && st.st_atime > 5 &&
			       same(L("at"), V("at")));
	close(fd);
}

/* Checks that no command changes a file in a view that is mounted read-only. */
static int refuses_changes(const char *file)
{
	int fd = open(file, O_RDONLY), flags = FS_NOATIME_FL, version = 7;
	struct stat st;

	return fd < 0 || ioctl(fd, FS_IOC_SETFLAGS, &flags) == 0 ||
	       ioctl(fd, FS_IOC_SETVERSION, &version) == 0 || fstat(fd, &st) < 0;
}

/* Takes all memory in a child, until the kernel has reclaimed what it can and kills the child. */
static void take_all_memory(void)
{
	int status;

	if (fork() == 0) {
		int fd = open("/proc/self/oom_score_adj", O_WRONLY);

		if (fd < 0 || write(fd, "1000", 4) != 4)
			_exit(1);
		while (mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0) != MAP_FAILED)
			;
		_exit(0);
	}
	wait(&status);
}

/*
 * Leaves files that are removed below to reclaim: looks at COUNT names in the view, some before
 * their files are made, removes the files in LOWER, so that the view has the last reference to
 * each, and takes all memory.
 */
static int removed_files_are_reclaimed(int count)
{
	char name[64], data[4096] = "";
	struct stat st;

	mkdir(L("gone"), 0755);
	mkdir(L("gone/dir"), 0755);
	for (int i = 0; i < count; i++) {
		snprintf(name, sizeof(name), "gone/%s%d", i % 2 ? "dir/" : "", i);
		/* The kernel may have cached the name in the view while the file was absent. */
		bool absent_first = i % 3 == 0 && lstat(V(name), &st) < 0;
		int fd = open(L(name), O_CREAT | O_WRONLY, 0644);

		if (fd < 0 || write(fd, data, sizeof(data)) < 0)
			return 2;
		close(fd);
		if (!absent_first && lstat(V(name), &st) < 0)
			return 3;
	}
	for (int i = 0; i < count; i++) {
		snprintf(name, sizeof(name), "gone/%s%d", i % 2 ? "dir/" : "", i);
		unlink(L(name));
	}
	rmdir(L("gone/dir"));
	take_all_memory();
	return 0;
}

int main(int argc, char **argv)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	signal(SIGIO, SIG_IGN);
	if (argc == 2 && strcmp(argv[1], "euid") == 0)
		return printf("%d\n", (int)geteuid()) < 0;
	if (argc == 3 && strcmp(argv[1], "ro") == 0)
		return refuses_changes(argv[2]);
	if (argc != 4)
		return 2;
	lower = argv[1];
	view = argv[2];
	if (atoi(argv[3]) > 0)
		return removed_files_are_reclaimed(atoi(argv[3]));
	lower_locks = strcmp(argv[3], "lower") == 0;
	umask(022);
	changes_below_are_seen();
	removed_files_are_freed();
	permission_is_that_below();
	locks_are_where_they_should_be();
	unnamed_files();
	data();
	handles();
	times_of_access();
	return failed;
}
