// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The namespaces of `penstock run`.
 *
 * A mount that a mount namespace inherits from one with another user namespace is locked: nobody in
 * the new one can unmount it, move it, or bind a directory without the mounts on it. So nothing
 * that the command does makes the directory below the view visible, though the command may be root
 * in its user namespace. Moves of the directories above could: other-paths.c and system-calls.c
 * prevent these. The kernel also refuses open_by_handle_at(2) on mounts that have locked mounts.
 *
 * State: the caller, which namespaces_of_view() sets. No locks.
 */
#include "run/namespaces.h"
#include "run/note.h"
#include "run/other-paths.h"
#include "run/protect.h"
#include "run/user-namespace.h"
#include "util/caps.h"
#include "util/cleanup.h"
#include "util/fd.h"
#include "util/log.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAP_SIZE 4096 /* the kernel accepts no longer map */

/*
 * The caller of `penstock run`. Without privileges it is root in the user namespace of the view,
 * and the only user there.
 */
static struct {
	bool is_root;
	uid_t uid;
	gid_t gid;
} caller;

int namespaces_of_view(struct pst_error *error)
{
	int r = 0;

	caller.uid = geteuid();
	caller.gid = getegid();
	caller.is_root = caps_have(CAP_SYS_ADMIN);
	if (!caller.is_root)
		r = user_namespace_enter(caller.uid, caller.gid, error);
	if (r < 0)
		return r;
	if (unshare(CLONE_NEWNS) < 0)
		return error_set(error, -errno, "cannot make a mount namespace: %s",
				 strerror(errno));
	/* Mounts that are made outside later appear inside, but not the other way. */
	if (mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0)
		return error_set(error, -errno, "cannot make the mounts private: %s",
				 strerror(errno));
	return 0;
}

uid_t namespaces_user_outside(uid_t uid)
{
	return uid == 0 && !caller.is_root ? caller.uid : uid;
}

gid_t namespaces_group_outside(gid_t gid)
{
	return gid == 0 && !caller.is_root ? caller.gid : gid;
}

/* -- the user namespace of the command -------------------------------------------------------- */

/*
 * Makes the map that gives each ID of this namespace the same number in the next one. Splits the
 * first ID off its extent: proc_in_our_user_namespace() takes processes with equal maps for
 * processes in one namespace, whose capabilities count in the tree below, and who may send requests
 * to the control sockets of views.
 */
static int identity_map(const char *own, char *ret_map)
{
	char text[MAP_SIZE], *line = text;
	size_t n = 0;

	if (fd_read_file(own, text, sizeof(text)) < 0)
		return -errno;
	for (char *end; *line; line = end + (*end == '\n')) {
		uint32_t id, outside, count;

		end = strchrnul(line, '\n');
		if (sscanf(line, "%u %u %u", &id, &outside, &count) != 3)
			continue;
		if (n == 0 && count > 1) {
			n += (size_t)snprintf(ret_map, MAP_SIZE, "%u %u 1\n", id, id);
			id++;
			count--;
		}
		n += (size_t)snprintf(ret_map + n, MAP_SIZE - n, "%u %u %u\n", id, id, count);
		if (n >= MAP_SIZE)
			return -E2BIG;
	}
	return 0;
}

int namespaces_map(pid_t pid, struct pst_error *error)
{
	static const char *const files[] = { "uid_map", "gid_map" };
	char own[64], map[MAP_SIZE];

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		int r = 0;

		snprintf(own, sizeof(own), "/proc/self/%s", files[i]);
		if (caller.is_root)
			r = identity_map(own, map);
		else
			snprintf(map, sizeof(map), "%u 0 1", i ? caller.gid : caller.uid);
		if (r == 0)
			r = user_namespace_write(pid, files[i], map);
		if (r < 0)
			return error_set(error, r,
					 "cannot give the command its users and groups: %s: %s",
					 files[i], strerror(-r));
	}
	return 0;
}

static int mount_proc(struct pst_error *error)
{
	if (mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) == 0)
		return 0;
	return error_set(
		error, -errno,
		"cannot mount a /proc for the command: %s: a container that covers parts "
		"of /proc does not allow it (docker: --security-opt systempaths=unconfined, "
		"podman: --security-opt unmask=ALL), nor does `penstock run` of root",
		strerror(errno));
}

/* Mounts the file of --audit over itself, read-only, if it is a regular file. */
static int protect_audit(const char *path, struct pst_error *error)
{
	struct stat st;

	if (!path || stat(path, &st) < 0 || !S_ISREG(st.st_mode))
		return 0;
	if (mount(path, path, NULL, MS_BIND, NULL) == 0 &&
	    mount(NULL, path, NULL, MS_BIND | MS_REMOUNT | MS_RDONLY | MS_NOSUID | MS_NODEV,
		  NULL) == 0)
		return 0;
	return error_set(error, -errno, "--audit %s: cannot protect the file from the command: %s",
			 path, strerror(errno));
}

int namespaces_of_command(const struct tree *tree, const char *audit, int fd,
			  struct pst_error *error)
{
	bool is_root = !caps_in_user_namespace();
	struct note note;
	int r;

	if (unshare(CLONE_NEWNS) < 0)
		return error_set(error, -errno, "cannot make a mount namespace for the command: %s",
				 strerror(errno));
	r = other_paths_cover(tree, error);
	if (r == 0)
		r = protect_audit(audit, error);
	if (r == 0)
		r = mount_proc(error);
	if (r == 0)
		r = is_root ? protect_from_root(error) : protect_from_user(error);
	if (r < 0)
		return r;
	if (unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0)
		return user_namespace_refused(errno, "the command", "", error);
	r = note_send(fd, NOTE_MAP, 0, NULL);
	if (r == 0)
		r = note_receive(fd, &note) == 1 && note.kind == NOTE_MAPPED ? 0 : -EPIPE;
	if (r < 0)
		return error_set(error, r, "the user namespace of the command got no users");
	return is_root ? protect_check(error) : 0;
}
