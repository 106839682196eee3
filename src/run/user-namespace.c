// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The user namespace in which an ordinary user may mount. A mount that other programs do not see
 * needs a mount namespace, and that needs CAP_SYS_ADMIN, which a user has in a user namespace only.
 * So there is no other way to a view that only one command sees: fusermount3 mounts in the
 * namespace of all programs, where the command could unmount the view. No state, no locks.
 */
#include "run/user-namespace.h"
#include "util/caps.h"
#include "util/cleanup.h"
#include "util/fd.h"
#include "util/log.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define APPARMOR "/proc/sys/kernel/apparmor_restrict_unprivileged_userns"

/* Settings of the kernel that forbid user namespaces, or rights in them. */
static const struct {
	const char *path;
	char forbids; /* if the value begins with it */
	const char *remedy;
} settings[] = {
	{ "/proc/sys/user/max_user_namespaces", '0',
	  "user.max_user_namespaces is 0: `sysctl user.max_user_namespaces=10000` allows them" },
	{ "/proc/sys/kernel/unprivileged_userns_clone", '0',
	  "kernel.unprivileged_userns_clone is 0: `sysctl kernel.unprivileged_userns_clone=1` "
	  "allows them" },
	{ APPARMOR, '1',
	  "AppArmor gives programs without a profile no rights in them: `sysctl "
	  "kernel.apparmor_restrict_unprivileged_userns=0`, or a profile with \"userns,\"" },
};

/* Returns why a user namespace was refused with this error, and the remedy. */
static const char *cause(int error)
{
	char value[16];

	for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++)
		if (fd_read_file(settings[i].path, value, sizeof(value)) > 0 &&
		    value[0] == settings[i].forbids)
			return settings[i].remedy;
	if (error == ENOSPC || error == EUSERS)
		return "as many as user.max_user_namespaces allows exist, or 32 lie in one another";
	if (error == EINVAL || error == ENOSYS)
		return "this kernel has none (CONFIG_USER_NS)";
	return "a container (docker: --security-opt seccomp=unconfined; for root --cap-add "
	       "SYS_ADMIN), chroot or a security module forbids it";
}

int user_namespace_refused(int error_number, const char *need, const char *instead,
			   struct pst_error *error)
{
	return error_set(error, -error_number,
			 "%s needs a user namespace, which the kernel refuses: %s (%s)%s", need,
			 cause(error_number), strerror(error_number), instead);
}

int user_namespace_write(pid_t pid, const char *file, const char *text)
{
	_cleanup_(fd_closep) int fd = -1;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", pid ? (int)pid : (int)getpid(), file);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	return fd < 0 || write(fd, text, strlen(text)) < 0 ? -errno : 0;
}

int user_namespace_enter(uid_t uid, gid_t gid, struct pst_error *error)
{
	char uid_map[64], gid_map[64];
	int r = 0;

	snprintf(uid_map, sizeof(uid_map), "0 %u 1", uid);
	snprintf(gid_map, sizeof(gid_map), "0 %u 1", gid);
	if (unshare(CLONE_NEWUSER) < 0)
		r = -errno;
	if (r == 0)
		r = user_namespace_write(0, "setgroups", "deny");
	if (r == 0)
		r = user_namespace_write(0, "uid_map", uid_map);
	if (r == 0)
		r = user_namespace_write(0, "gid_map", gid_map);
	if (r == 0 && !caps_have(CAP_SYS_ADMIN))
		r = -EPERM;
	if (r == 0)
		return 0;
	return user_namespace_refused(
		-r, "without CAP_SYS_ADMIN, a view that only the command sees",
		". Or use root; or, without a boundary, `penstock mount DIR MOUNTPOINT`, which "
		"needs only fusermount3, and run the command in MOUNTPOINT",
		error);
}
