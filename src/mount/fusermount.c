// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Mounts of ordinary users. fusermount3 opens /dev/fuse, mounts, and sends the descriptor over a
 * socket whose number it finds in the environment. No state, no locks.
 */
#include "mount/fusermount.h"
#include "mount/mount.h"
#include "util/caps.h"
#include "util/cleanup.h"
#include "util/fd.h"
#include "util/log.h"
#include "util/mountinfo.h"
#include "util/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

#define PROGRAM "fusermount3"

extern char **environ;

/* Finds the program in PATH. */
static bool find(char *ret_path, size_t size)
{
	_cleanup_(freep) char *copy = strdup(getenv("PATH") ?: "/usr/bin:/bin");
	char *rest = copy, *directory;

	while (rest && (directory = strsep(&rest, ":"))) {
		snprintf(ret_path, size, "%s/" PROGRAM, directory);
		if (access(ret_path, X_OK) == 0)
			return true;
	}
	return false;
}

bool fusermount_exists(void)
{
	char path[512];

	return find(path, sizeof(path));
}

const char *fusermount_lacks(void)
{
	struct stat program, device;
	struct statvfs fs;
	char path[512];

	if (!find(path, sizeof(path)) || stat(path, &program) < 0 || statvfs(path, &fs) < 0)
		return PROGRAM " is not installed: install the package fuse3";
	if (program.st_uid != 0 && caps_in_user_namespace())
		return PROGRAM " gets no rights in this user namespace, which has not its owner: "
			       "start the command outside of it";
	if (program.st_uid != 0 || !(program.st_mode & S_ISUID))
		return PROGRAM " has no set-user-ID bit of root: install the package fuse3 again";
	if (fs.f_flag & ST_NOSUID)
		return PROGRAM " lies on a file system mounted with nosuid: mount it with suid";
	if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1)
		return "programs can get no rights here (no_new_privs), as in a sandbox or a "
		       "container: start the command outside of it";
	if (stat("/dev/fuse", &device) < 0)
		return "there is no /dev/fuse: run `modprobe fuse`; give the device to a container";
	if (geteuid() ? access("/dev/fuse", R_OK | W_OK) < 0 : (~device.st_mode & 0006))
		return "/dev/fuse is closed to ordinary users: `chmod 666 /dev/fuse`, which udev "
		       "does on most systems";
	return NULL;
}

/*
 * Returns the environment of this process with one more variable; the caller frees the array. Not
 * setenv(3): other threads of a program that uses the library may read the environment, and mount.
 */
static char **environment_with(const char *variable)
{
	char **copy;
	size_t n = 0;

	while (environ && environ[n])
		n++;
	copy = calloc(n + 2, sizeof(*copy));
	if (!copy)
		return NULL;
	copy[0] = (char *)variable;
	for (size_t i = 0; i < n; i++)
		copy[i + 1] = environ[i];
	return copy;
}

static pid_t start(char *const argv[], int fd, int said)
{
	_cleanup_(freep) char **environment = environment_with("_FUSE_COMMFD=3");
	struct spawn child = {
		.file = PROGRAM, .argv = argv, .envp = environment, .third = fd, .errors = said
	};

	return environment ? spawn(&child) : -ENOMEM;
}

/*
 * Runs the program. Its descriptor 3 is fd, unless that is -1. Returns 0, -errno, or -EBUSY if the
 * program has failed; ret_message then has the end of its message in one line.
 */
static int run(char *const argv[], int fd, char *ret_message, size_t size)
{
	_cleanup_(fd_closep) int file = memfd_create("penstock-" PROGRAM, MFD_CLOEXEC);
	/* Not 2 or 3, which the child gets. */
	_cleanup_(fd_closep) int said = fcntl(file, F_DUPFD_CLOEXEC, 4);
	ssize_t n;
	int status;
	pid_t pid;

	if (said < 0)
		return -errno;
	pid = start(argv, fd, said);
	if (pid < 0)
		return pid;
	spawn_wait(pid, -1, &status);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	n = pread(said, ret_message, size - 1, 0);
	while (n > 0 && ret_message[n - 1] == '\n')
		n--;
	ret_message[n > 0 ? n : 0] = '\0';
	return -EBUSY;
}

/* Receives a descriptor, close-on-exec. Returns it or -errno. */
static int receive(int socket)
{
	union {
		struct cmsghdr head;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control;
	char byte;
	struct iovec data = { &byte, 1 };
	struct msghdr message = { .msg_iov = &data,
				  .msg_iovlen = 1,
				  .msg_control = &control,
				  .msg_controllen = sizeof(control) };
	struct cmsghdr *head;
	int fd;

	if (recvmsg(socket, &message, MSG_CMSG_CLOEXEC) <= 0)
		return -EPROTO;
	head = CMSG_FIRSTHDR(&message);
	if (!head || head->cmsg_type != SCM_RIGHTS || head->cmsg_len != CMSG_LEN(sizeof(fd)))
		return -EPROTO;
	memcpy(&fd, CMSG_DATA(head), sizeof(fd));
	return fd;
}

/* Writes the options. The name of the source may have commas, which get a backslash. */
static void write_options(const struct mount_options *options, char *buf, size_t size)
{
	static const struct {
		unsigned int flag;
		const char *word;
	} rows[] = { { PST_MOUNT_RDONLY, "ro" },
		     { PST_MOUNT_NOEXEC, "noexec" },
		     { PST_MOUNT_NOATIME, "noatime" },
		     { PST_MOUNT_SYNC, "sync" },
		     { PST_MOUNT_DIRSYNC, "dirsync" } };
	size_t n = (size_t)snprintf(buf, size, "default_permissions,subtype=penstock,max_read=%u",
				    options->max_read);

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if ((options->mount_flags & rows[i].flag) ||
		    (rows[i].flag == PST_MOUNT_RDONLY && options->readonly))
			n += (size_t)snprintf(buf + n, size - n, ",%s", rows[i].word);
	n += (size_t)snprintf(buf + n, size - n, ",fsname=");
	for (const char *at = options->source; *at && n + 3 < size; at++) {
		if (*at == ',' || *at == '\\')
			buf[n++] = '\\';
		buf[n++] = *at;
	}
	buf[n] = '\0';
}

int fusermount_mount(const struct mount_options *options, const char *mountpoint,
		     struct pst_error *error)
{
	char text[9000], message[200] = "";
	char *argv[] = { PROGRAM, "-o", text, "--", (char *)mountpoint, NULL };
	_cleanup_(fd_closep) int ours = -1;
	_cleanup_(fd_closep) int theirs = -1;
	int fds[2], fd, r;

	write_options(options, text, sizeof(text));
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0)
		return error_set(error, -errno, "cannot make a socket: %s", strerror(errno));
	ours = fds[0];
	theirs = fds[1];
	r = run(argv, theirs, message, sizeof(message));
	if (r < 0)
		return error_set(error, -EPERM,
				 "without root " PROGRAM
				 " mounts, and has not mounted at %s (%s); the "
				 "directory has to be yours, and /dev/fuse open to you",
				 mountpoint, message[0] ? message : strerror(-r));
	theirs = fd_close(theirs);
	fd = receive(ours);
	return fd < 0 ? error_set(error, fd, PROGRAM " has sent no descriptor") : fd;
}

/* Returns whether this user has mounted the topmost mount at a mount point. */
static bool is_own(const char *mountpoint)
{
	_cleanup_(mountinfo_fini) struct mountinfo_table table = { 0 };
	const struct mountinfo *mount;
	const char *id;

	if (mountinfo_read(MOUNTINFO_OWN, &table) < 0)
		return false;
	mount = mountinfo_at(&table, mountpoint);
	id = mount ? strstr(mount->options, "user_id=") : NULL;
	return id && strtoul(id + strlen("user_id="), NULL, 10) == getuid();
}

int fusermount_unmount(const char *mountpoint, bool lazy)
{
	char *argv[] = { PROGRAM, lazy ? "-uz" : "-u", "--", (char *)mountpoint, NULL };
	char message[200];

	/* The program exits with the same code for a mount of others and for one in use. */
	return is_own(mountpoint) ? run(argv, -1, message, sizeof(message)) : -EPERM;
}
