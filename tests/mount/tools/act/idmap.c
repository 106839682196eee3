// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * act idmap SOURCE TARGET DISK SEEN COUNT [DISK SEEN COUNT...]: mounts a copy of the mount SOURCE
 * at TARGET in which the owners DISK... appear as SEEN....
 */
#include <linux/mount.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "act.h"

static void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		err(2, "%s", path);
	close(fd);
}

/*
 * Opens a user namespace with this map. A child process keeps the namespace alive until it is open.
 */
static int namespace_open(const char *map)
{
	char path[64], c;
	int ready[2];

	if (pipe(ready) < 0)
		err(2, "pipe");
	pid_t pid = fork();
	if (pid == 0) {
		if (unshare(CLONE_NEWUSER) < 0 || write(ready[1], "x", 1) != 1)
			_exit(1);
		pause();
		_exit(0);
	}
	if (read(ready[0], &c, 1) != 1)
		errx(2, "no user namespace");
	snprintf(path, sizeof(path), "/proc/%d/uid_map", pid);
	write_file(path, map);
	snprintf(path, sizeof(path), "/proc/%d/gid_map", pid);
	write_file(path, map);
	snprintf(path, sizeof(path), "/proc/%d/ns/user", pid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	if (fd < 0)
		err(2, "%s", path);
	return fd;
}

int act_idmap(int argc, char **argv)
{
	char map[1024] = "";

	if (argc < 5 || (argc - 2) % 3)
		return 2;
	for (int i = 2; i < argc; i += 3)
		snprintf(map + strlen(map), sizeof(map) - strlen(map), "%s %s %s\n", argv[i],
			 argv[i + 1], argv[i + 2]);
	int tree = syscall(SYS_open_tree, AT_FDCWD, argv[0], OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	if (tree < 0)
		err(1, "open_tree %s", argv[0]);
	struct mount_attr attr = { .attr_set = MOUNT_ATTR_IDMAP, .userns_fd = namespace_open(map) };
	if (syscall(SYS_mount_setattr, tree, "", AT_EMPTY_PATH, &attr, sizeof(attr)) < 0) {
		printf("%s\n", strerrorname_np(errno));
		return 1;
	}
	if (syscall(SYS_move_mount, tree, "", AT_FDCWD, argv[1], MOVE_MOUNT_F_EMPTY_PATH) < 0)
		err(1, "move_mount %s", argv[1]);
	return 0;
}
