// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * guard LOWER VIEW local|lower|syncfs: tests that no user of a view can harm other users in a way
 * that LOWER would not allow, above all during a change of the lower tree. Prints a line for each
 * check.
 */
#include "check.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <linux/fs.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

static void make(const char *file)
{
	close(open(file, O_CREAT | O_WRONLY, 0644));
}

/* Waits for a child. Returns its exit status; -1, with the child killed, if it takes too long. */
static int ended(pid_t pid)
{
	int status;

	for (int i = 0; i < 100; i++) {
		if (waitpid(pid, &status, WNOHANG) == pid)
			return WIFEXITED(status) ? WEXITSTATUS(status) : -2;
		usleep(100000);
	}
	kill(pid, SIGKILL);
	return -1;
}

/* Repeats a call in a child until this process kills it. */
static pid_t repeat(void (*call)(void))
{
	pid_t pid = fork();

	while (pid == 0)
		call();
	return pid;
}

static void stop(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

/* ---- a name that is renamed below while the view uses it --------------------------------- */

static char v_new[4200], v_old[4200];

static void unlink_new(void)
{
	unlink(v_new);
}

static void rename_new(void)
{
	rename(v_new, v_old);
}

/*
 * Renames r/new to r/kept in LOWER while the view does @call with r/new. Returns how often r/kept
 * was gone afterwards: nobody ever touches that name in the view.
 */
static int lost(void (*call)(void))
{
	char new[4200], kept[4200];
	time_t end = time(NULL) + 4;
	int n = 0;
	pid_t pid;

	snprintf(new, sizeof(new), "%s/r/new", lower);
	snprintf(kept, sizeof(kept), "%s/r/kept", lower);
	pid = repeat(call);
	while (time(NULL) < end && n < 5) {
		make(new);
		if (rename(new, kept) < 0)
			continue; /* the view was faster */
		n += access(kept, F_OK) < 0;
		unlink(kept);
	}
	stop(pid);
	return n;
}

/* The same with a target of renames: r/target moves to r/kept, and r/kept must stay what it was. */
static void rename_over(void)
{
	make(v_old);
	rename(v_old, v_new);
}

static int overwritten(void)
{
	char new[4200], kept[4200];
	time_t end = time(NULL) + 4;
	struct stat a, b;
	int n = 0;
	pid_t pid;

	snprintf(new, sizeof(new), "%s/r/new", lower);
	snprintf(kept, sizeof(kept), "%s/r/kept", lower);
	pid = repeat(rename_over);
	while (time(NULL) < end && n < 5) {
		if (rename(new, kept) < 0 || stat(kept, &a) < 0)
			continue;
		sched_yield();
		n += stat(kept, &b) < 0 || a.st_ino != b.st_ino;
		unlink(kept);
	}
	stop(pid);
	return n;
}

static void names_that_move(void)
{
	mkdir(L("r"), 0755);
	snprintf(v_new, sizeof(v_new), "%s/r/new", view);
	snprintf(v_old, sizeof(v_old), "%s/r/old", view);
	CHECK("unlink-spares-new-name", lost(unlink_new) == 0);
	CHECK("rename-spares-new-name", lost(rename_new) == 0);
	CHECK("rename-spares-moved-target", overwritten() == 0);
}

/* ---- locks ------------------------------------------------------------------------------- */

static int shared_fd;
static volatile int turn; /* 1 the thread locks, 2 it has */

static void *lock_it(void *arg)
{
	struct flock fl = { .l_type = F_WRLCK };

	for (;;) {
		while (__atomic_load_n(&turn, __ATOMIC_ACQUIRE) != 1)
			;
		fcntl(shared_fd, F_SETLK, &fl);
		__atomic_store_n(&turn, 2, __ATOMIC_RELEASE);
	}
	return arg;
}

/* Locks a file in one thread while another closes it. Returns 0 if no lock is left. */
static int lock_and_close(void)
{
	time_t end = time(NULL) + 8;
	pid_t pid = fork();

	if (pid == 0) {
		pthread_t t;
		int fd;

		close(open(V("lock"), O_CREAT | O_RDWR, 0644));
		fd = open(L("lock"), O_RDWR);
		if (pthread_create(&t, NULL, lock_it, NULL))
			_exit(2);
		while (time(NULL) < end) {
			struct flock fl = { .l_type = F_WRLCK };

			shared_fd = open(V("lock"), O_RDWR);
			__atomic_store_n(&turn, 1, __ATOMIC_RELEASE);
			for (int i = rand() % 2000; i > 0; i--)
				__asm__ volatile("" ::: "memory");
			close(shared_fd);
			while (__atomic_load_n(&turn, __ATOMIC_ACQUIRE) != 2)
				;
			/* For this, locks of the own process are those of others. */
			if (fcntl(fd, F_OFD_GETLK, &fl) < 0 || fl.l_type != F_UNLCK)
				_exit(1);
		}
		_exit(0);
	}
	return ended(pid);
}

/* ---- one user who stops others ----------------------------------------------------------- */

/* Moves data from a pipe that stays empty into a file, which must not keep others from it. */
static void splice_from_empty_pipe(void)
{
	int fds[2];
	pid_t waits, other;

	make(L("s"));
	if (pipe(fds) < 0)
		return;
	waits = fork();
	if (waits == 0) {
		int fd = open(V("s"), O_WRONLY);

		_exit(splice(fds[0], NULL, fd, NULL, 100, 0) == 1 ? 0 : 1);
	}
	usleep(300000);
	other = fork();
	if (other == 0)
		_exit(truncate(V("s"), 0) < 0 || chmod(V("s"), 0600) < 0 || unlink(V("s")) < 0);
	CHECK("splice-holds-no-lock", ended(other) == 0);
	if (write(fds[1], "x", 1) < 0)
		failed = true;
	CHECK("splice-ends", ended(waits) == 0);
	close(fds[0]);
	close(fds[1]);
}

/* Moves LOWER itself into a directory that was below it and that a task in the view is in. */
static void lower_becomes_child(void)
{
	char base[4200], name[256];
	pid_t pid;
	int fd;

	snprintf(base, sizeof(base), "%s", lower);
	*strrchr(base, '/') = '\0';
	snprintf(name, sizeof(name), "in/%s", strrchr(lower, '/') + 1);
	mkdir(L("in"), 0755);
	fd = open(V("in"), O_RDONLY | O_DIRECTORY);
	rename(L("in"), path(base, "in"));
	rename(lower, path(base, name));
	pid = fork();
	if (pid == 0) {
		struct stat st;

		_exit(fstatat(fd, strrchr(lower, '/') + 1, &st, 0) == 0 || errno == ELOOP ? 0 : 1);
	}
	CHECK("lower-moved-into-child", ended(pid) == 0);
	rename(path(base, name), lower);
	rename(path(base, "in"), L("in"));
	close(fd);
	CHECK("lower-moved-back", access(V("in"), F_OK) == 0);
}

/* ---- attributes -------------------------------------------------------------------------- */

static void append_only_below(void)
{
	int flags = FS_APPEND_FL, none = 0, fd, l;

	make(L("a"));
	fd = open(V("a"), O_RDWR);
	l = open(L("a"), O_RDWR);
	if (write(l, "text", 4) < 0 || ioctl(l, FS_IOC_SETFLAGS, &flags) < 0) {
		printf("skip append-only-truncate: errno %d\n", errno);
	} else {
		CHECK("append-only-truncate", ftruncate(fd, 0) < 0 && errno == EPERM);
		CHECK("append-only-has-its-data", lseek(l, 0, SEEK_END) == 4);
		ioctl(l, FS_IOC_SETFLAGS, &none);
	}
	close(l);
	close(fd);
}

static bool write_text(pid_t pid, const char *file, const char *text)
{
	char name[64];
	int fd;
	bool good;

	snprintf(name, sizeof(name), "/proc/%d/%s", (int)pid, file);
	fd = open(name, O_WRONLY);
	good = write(fd, text, strlen(text)) > 0;
	close(fd);
	return good;
}

/* Runs a function as root of a user namespace whose root is user 100000. */
static bool as_container_root(bool (*run)(void))
{
	int go[2], ready[2];
	char c = 0;
	pid_t pid;

	if (pipe(go) < 0 || pipe(ready) < 0)
		return false;
	pid = fork();
	if (pid == 0) {
		if (unshare(CLONE_NEWUSER) < 0 || write(ready[1], &c, 1) < 0 ||
		    read(go[0], &c, 1) < 0 || setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0)
			_exit(2);
		_exit(!run());
	}
	if (read(ready[0], &c, 1) < 0 || !write_text(pid, "uid_map", "0 100000 65536") ||
	    !write_text(pid, "gid_map", "0 100000 65536") || write(go[1], &c, 1) < 0)
		return false;
	for (int i = 0; i < 2; i++) {
		close(go[i]);
		close(ready[i]);
	}
	return ended(pid) == 0;
}

static const struct vfs_cap_data capability = { .magic_etc = VFS_CAP_REVISION_2,
						.data[0].permitted = 1 << 10 };

static bool set_capability_below(void)
{
	return setxattr(L("caps1"), "security.capability", &capability, sizeof(capability), 0) == 0;
}

static bool set_capability(void)
{
	struct vfs_ns_cap_data got;

	return setxattr(V("caps2"), "security.capability", &capability, sizeof(capability), 0) ==
		       0 &&
	       getxattr(V("caps2"), "security.capability", &got, sizeof(got)) ==
		       sizeof(capability) &&
	       memcmp(&got, &capability, sizeof(capability)) == 0;
}

static void capabilities_of_containers(void)
{
	char a[64] = "", b[64] = "", c[64] = "";
	int n;

	make(L("caps1"));
	make(L("caps2"));
	if (chown(L("caps1"), 100000, 100000) < 0 || chown(L("caps2"), 100000, 100000) < 0 ||
	    !as_container_root(set_capability_below)) {
		printf("skip container-sets-capability: not in LOWER either\n");
		return;
	}
	CHECK("container-sets-capability", as_container_root(set_capability));
	n = getxattr(L("caps1"), "security.capability", a, sizeof(a));
	CHECK("container-capability-is-below",
	      n == sizeof(struct vfs_ns_cap_data) &&
		      getxattr(L("caps2"), "security.capability", b, sizeof(b)) == n &&
		      getxattr(V("caps2"), "security.capability", c, sizeof(c)) == n &&
		      memcmp(a, b, n) == 0 && memcmp(a, c, n) == 0);
}

/* Writes more than the device of the lower file system has room for. Returns 0 if syncfs fails. */
static int syncfs_reports(void)
{
	int v = open(V("big"), O_CREAT | O_WRONLY, 0644), l = open(L("big"), O_RDONLY);
	static char data[1 << 20];

	for (int i = 0; i < 24; i++) {
		memset(data, i + 1, sizeof(data));
		if (write(v, data, sizeof(data)) < 0)
			return 3;
	}
	if (syncfs(v) == 0)
		return syncfs(l) == 0 ? 4 : 1;
	return syncfs(v) == 0 ? 0 : 1; /* once is enough */
}

int main(int argc, char **argv)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc != 4)
		return 2;
	lower = argv[1];
	view = argv[2];
	umask(022);
	if (strcmp(argv[3], "syncfs") == 0)
		return syncfs_reports();
	if (strcmp(argv[3], "lower") == 0) {
		CHECK("no-lock-after-close", lock_and_close() == 0);
		return failed;
	}
	names_that_move();
	splice_from_empty_pipe();
	append_only_below();
	capabilities_of_containers();
	lower_becomes_child();
	return failed;
}
