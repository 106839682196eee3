/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Who we are, thread by thread: the kernel keeps these identities per thread, and the calls here go
 * to the kernel directly because libc would change all threads at once.
 *
 * Leaving uid 0 for file access (setfsuid) takes the file capabilities out of the effective set,
 * coming back to it puts them in again; what has to stay in force in between is raised by capset.
 * Permission to do the operation has been decided by the kernel before it asked us
 * (default_permissions), so DAC capabilities stay in force while acting as the caller: the caller's
 * other groups, which may have given the permission, are not known here.
 */
#include "fs/creds.h"
#include "fs/fs.h"
#include "util/log.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define BIT(cap) (1ULL << (cap))

/* What serving needs, and why. */
#define CAPS_SERVE                                                                                 \
	(BIT(CAP_SYS_ADMIN) |		/* register backing files, trusted.* attributes */         \
	 BIT(CAP_DAC_READ_SEARCH) |	/* open files by handle, link by descriptor */             \
	 BIT(CAP_DAC_OVERRIDE) |	/* the kernel has checked permissions already */           \
	 BIT(CAP_CHOWN) | BIT(CAP_FOWNER) | /* SETATTR, as the kernel has allowed it */            \
	 BIT(CAP_FSETID) |		/* chmod g+s; kept from data, see creds_enter_killing() */ \
	 BIT(CAP_SETUID) | BIT(CAP_SETGID) | /* act as the caller */                               \
	 BIT(CAP_MKNOD) | BIT(CAP_SETFCAP) | BIT(CAP_LINUX_IMMUTABLE) |                            \
	 BIT(CAP_LEASE))		/* prove that nobody writes to somebody else's file */

/* Kept in force while acting as a caller that is not root. */
#define CAPS_CALLER                                                                                \
	(BIT(CAP_SYS_ADMIN) | BIT(CAP_DAC_READ_SEARCH) | BIT(CAP_DAC_OVERRIDE) | BIT(CAP_MKNOD) |  \
	 BIT(CAP_SETUID) | BIT(CAP_SETGID))

/* The kernel asks for CAP_SYS_ADMIN to register; it means nothing to reads and writes. */
#define CAPS_BACKING (BIT(CAP_SYS_ADMIN) | BIT(CAP_SETUID) | BIT(CAP_SETGID))

/* Neither root, whose blocks are reserved, nor a user, whose quota would count. */
#define BACKING_ID 65534

enum {
	ENTERED_UID = 1 << 0,
	ENTERED_GID = 1 << 1,
	ENTERED_GROUPS = 1 << 2,
	ENTERED_CAPS = 1 << 3,
};

static __thread uint64_t caps_permitted;	/* of this thread, once initialised */
static __thread uint32_t umask_now;		/* the thread's umask: most callers have the same */

static int caps_set(uint64_t effective, uint64_t permitted)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = {
		{ .effective = (uint32_t)effective, .permitted = (uint32_t)permitted },
		{ .effective = (uint32_t)(effective >> 32),
		  .permitted = (uint32_t)(permitted >> 32) },
	};

	return syscall(SYS_capset, &head, data) < 0 ? -errno : 0;
}

static void caps_get(uint64_t *ret_effective, uint64_t *ret_permitted)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = { 0 };

	syscall(SYS_capget, &head, data);
	*ret_effective = data[0].effective | (uint64_t)data[1].effective << 32;
	*ret_permitted = data[0].permitted | (uint64_t)data[1].permitted << 32;
}

bool creds_have(int cap)
{
	uint64_t effective, permitted;

	caps_get(&effective, &permitted);
	return effective & BIT(cap);
}

int creds_thread_init(void)
{
	uint64_t effective, permitted;
	int r;

	/* umask lives in what threads share as "fs": each gets one of its own. */
	if (unshare(CLONE_FS) < 0)
		return -errno;
	umask(022);
	umask_now = 022;
	caps_get(&effective, &permitted);
	caps_permitted = permitted & CAPS_SERVE;
	r = caps_set(caps_permitted, caps_permitted);
	if (r < 0)
		return r;
	/* Without CAP_SETGID (tests without root) the groups we have are our own anyway. */
	if (caps_permitted & BIT(CAP_SETGID))
		syscall(SYS_setgroups, 0, NULL);
	return 0;
}

static int caps_enter(uint64_t effective, struct creds_scope *scope)
{
	int r = caps_set(effective & caps_permitted, caps_permitted);

	if (r == 0)
		scope->entered |= ENTERED_CAPS;
	return r;
}

/* setfsuid() reports no errors: ask again whether it took. */
static bool fs_ids_set(uint32_t uid, uint32_t gid, struct creds_scope *scope)
{
	if (gid != 0) {
		setfsgid(gid);
		scope->entered |= ENTERED_GID;
		if ((uint32_t)setfsgid((gid_t)-1) != gid)
			return false;
	}
	if (uid != 0) {
		setfsuid(uid);
		scope->entered |= ENTERED_UID;
		if ((uint32_t)setfsuid((uid_t)-1) != uid)
			return false;
	}
	return true;
}

int creds_enter_caller(const struct fs_caller *caller, struct creds_scope *ret_scope)
{
	if (caller->umask != umask_now) {
		umask(caller->umask);
		umask_now = caller->umask;
	}
	/* A view without root serves its own user only. */
	if (!(caps_permitted & BIT(CAP_SETUID)))
		return 0;
	if (caller->has_group && caller->group != caller->gid) {
		if (syscall(SYS_setgroups, 1, &caller->group) < 0)
			return -errno;
		ret_scope->entered |= ENTERED_GROUPS;
	}
	if (!fs_ids_set(caller->uid, caller->gid, ret_scope))
		return -EPERM;
	return caller->uid == 0 ? 0 : caps_enter(CAPS_CALLER, ret_scope);
}

int creds_enter_killing(struct creds_scope *ret_scope)
{
	return caps_enter(CAPS_SERVE & ~BIT(CAP_FSETID), ret_scope);
}

int creds_enter_backing(bool keep_suidgid, struct creds_scope *ret_scope)
{
	if (!(caps_permitted & BIT(CAP_SETUID)))
		return 0;
	if (!fs_ids_set(BACKING_ID, BACKING_ID, ret_scope))
		return -EPERM;
	return caps_enter(CAPS_BACKING | (keep_suidgid ? BIT(CAP_FSETID) : 0), ret_scope);
}

void creds_leavep(struct creds_scope *scope)
{
	if (scope->entered & ENTERED_UID)
		setfsuid(0);
	if (scope->entered & ENTERED_GID)
		setfsgid(0);
	if (scope->entered & ENTERED_GROUPS)
		syscall(SYS_setgroups, 0, NULL);
	if (scope->entered & ENTERED_CAPS)
		caps_set(caps_permitted, caps_permitted);
	scope->entered = 0;
}
