// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * idmap FROM TO: shows the directory FROM at TO by an idmapped mount, in which the owners of files
 * are 100000 less than on the disk. A file of an owner below 100000 has none there.
 */
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#define MAP "100000 0 65536"

static int set_map(pid_t pid, const char *name)
{
	char path[50];
	int fd, err;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	fd = open(path, O_WRONLY);
	err = write(fd, MAP, strlen(MAP)) != (ssize_t)strlen(MAP);
	close(fd);
	return err;
}

/* Returns a user namespace with the map. */
static int make_namespace(void)
{
	int ready[2], fd = -1;
	char path[50], c;
	pid_t pid;

	if (pipe(ready) < 0)
		return -1;
	pid = fork();
	if (pid == 0) {
		if (unshare(CLONE_NEWUSER) < 0 || write(ready[1], "", 1) != 1)
			_exit(1);
		pause();
	}
	snprintf(path, sizeof(path), "/proc/%d/ns/user", pid);
	if (pid > 0 && read(ready[0], &c, 1) == 1 && !set_map(pid, "uid_map") &&
	    !set_map(pid, "gid_map"))
		fd = open(path, O_RDONLY);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	return fd;
}

int main(int argc, char **argv)
{
	struct mount_attr attr = { .attr_set = MOUNT_ATTR_IDMAP };
	int tree, ns = argc == 3 ? make_namespace() : -1;

	if (ns < 0)
		return 2;
	attr.userns_fd = (__u64)ns;
	tree = open_tree(AT_FDCWD, argv[1], OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	if (tree < 0 || mount_setattr(tree, "", AT_EMPTY_PATH, &attr, sizeof(attr)) < 0 ||
	    move_mount(tree, "", AT_FDCWD, argv[2], MOVE_MOUNT_F_EMPTY_PATH) < 0) {
		perror("idmap");
		return 1;
	}
	return 0;
}
