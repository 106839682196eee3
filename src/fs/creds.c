// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Who we are, thread by thread: the kernel keeps these identities per thread, and the calls here go
 * to the kernel directly because libc would change all threads at once.
 *
 * Leaving uid 0 for file access (setfsuid) takes the file capabilities out of the effective set,
 * coming back to it puts them in again; what has to stay in force in between is raised by capset.
 * Permission to do the operation has been decided by the kernel before it asked us
 * (default_permissions), so DAC capabilities stay in force while acting as the caller: the caller's
 * other groups, which may have given the permission, are not known here.
 *
 * These are enough if the lower file system leaves permissions to the kernel (util/fstype.c). If
 * the lower file system checks them itself (FUSE, network file systems, cgroup, ...), a thread
 * takes all of the caller's identity: user, groups and no capability that the caller lacks. In such
 * a scope the other scopes do nothing.
 */
#include "fs/creds.h"
#include "fs/fs.h"
#include "util/caps.h"
#include "util/fd.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <sys/fsuid.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The capabilities that serving needs, and why. */
#define CAPS_SERVE                                                                                 \
	(CAP_BIT(CAP_SYS_ADMIN) |       /* register backing files, trusted.* attributes */         \
	 CAP_BIT(CAP_DAC_READ_SEARCH) | /* open files by handle, link by descriptor */             \
	 CAP_BIT(CAP_DAC_OVERRIDE) |    /* the kernel has checked permissions already */           \
	 CAP_BIT(CAP_CHOWN) | CAP_BIT(CAP_FOWNER) | /* SETATTR, as the kernel has allowed it */    \
	 CAP_BIT(CAP_FSETID) | /* chmod g+s; not for data, see creds_enter_writer() */             \
	 CAP_BIT(CAP_SETUID) | CAP_BIT(CAP_SETGID) | /* act as the caller */                       \
	 CAP_BIT(CAP_MKNOD) | CAP_BIT(CAP_SETFCAP) | CAP_BIT(CAP_LINUX_IMMUTABLE) |                \
	 CAP_BIT(CAP_LEASE)) /* prove that nobody writes to somebody else's file */

/*
 * What leaving uid 0 takes out of the effective set, and coming back puts in again: the kernel's
 * CAP_FS_SET, as far as it is ours. A scope that has changed uid and takes nothing else out needs
 * no system call to put it back.
 */
#define CAPS_OF_UID_0                                                                              \
	(CAP_BIT(CAP_CHOWN) | CAP_BIT(CAP_DAC_OVERRIDE) | CAP_BIT(CAP_DAC_READ_SEARCH) |           \
	 CAP_BIT(CAP_FOWNER) | CAP_BIT(CAP_FSETID) | CAP_BIT(CAP_LINUX_IMMUTABLE) |                \
	 CAP_BIT(CAP_MKNOD))

/* Kept in force while acting as a caller that is not root. */
#define CAPS_CALLER                                                                                \
	(CAPS_SERVE & ~(CAP_BIT(CAP_CHOWN) | CAP_BIT(CAP_FOWNER) | CAP_BIT(CAP_FSETID) |           \
			CAP_BIT(CAP_LINUX_IMMUTABLE)))

/* Neither root, whose blocks are reserved, nor a user, whose quota would count. */
#define BACKING_ID 65534

enum entered {
	ENTERED_UID = 1 << 0,
	ENTERED_GID = 1 << 1,
	ENTERED_GROUPS = 1 << 2,
	ENTERED_CAPS = 1 << 3,
	ENTERED_WHOLE = 1 << 4,
};

static __thread uint64_t caps_permitted;         /* of this thread, once initialised */
static __thread const struct fs_caller *serving; /* whose request this thread is working on */
static __thread bool whole;                      /* the thread has all of the caller's identity */
static __thread uint32_t umask_now; /* the thread's umask: most callers have the same */

int fs_thread_init(void)
{
	int r;

	/* umask and working directory are what threads share as "fs": each gets its own. */
	if (unshare(CLONE_FS) < 0)
		return -errno;
	umask(022);
	umask_now = 022;
	fd_path_shorten();
	caps_permitted = caps_get().permitted & CAPS_SERVE;
	r = caps_set(caps_permitted, caps_permitted);
	if (r < 0)
		return r;
	/* Without CAP_SETGID (tests without root) the groups we have are our own anyway. */
	if (caps_permitted & CAP_BIT(CAP_SETGID))
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

/* setfsuid() reports no errors: ask again whether it took (-1 is no id and only asks). */
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

void creds_umask(uint32_t mask)
{
	if (mask == umask_now)
		return;
	umask(mask);
	umask_now = mask;
}

/* Takes the caller's place with these capabilities left; uid 0 keeps what it has (caps 0). */
static int enter(const struct fs_caller *caller, uint64_t caps, struct creds_scope *scope)
{
	/* A view without root serves its own user only. */
	if (whole || !(caps_permitted & CAP_BIT(CAP_SETUID)))
		return 0;
	if (caller->has_group && caller->group != caller->gid) {
		/*
		 * A user namespace may forbid to change groups (/proc/self/setgroups). Its
		 * processes, this one among them, then keep the groups with which the namespace was
		 * made.
		 */
		if (syscall(SYS_setgroups, 1, &caller->group) == 0)
			scope->entered |= ENTERED_GROUPS;
		else if (errno != EPERM)
			return -errno;
	}
	if (!fs_ids_set(caller->uid, caller->gid, scope))
		return -EPERM;
	return caps ? caps_enter(caps, scope) : 0;
}

int creds_enter_caller(const struct fs_caller *caller, struct creds_scope *ret_scope)
{
	return enter(caller, caller->uid == 0 ? 0 : CAPS_CALLER, ret_scope);
}

int creds_enter_writer(const struct fs_caller *caller, bool kill, uint32_t mode, uint32_t gid,
		       struct creds_scope *ret_scope)
{
	struct fs_caller writer = *caller;

	if ((caller->uid == 0 || caller->unknown) && !kill)
		return 0;
	/* The bit of a file that its group cannot execute stays for members of the group. */
	if ((mode & (S_ISGID | S_IXGRP)) == S_ISGID && caller->gid != gid &&
	    caller_in_group(caller, gid)) {
		writer.has_group = true;
		writer.group = gid;
	}
	return enter(&writer, caller->uid == 0 ? CAPS_SERVE & ~CAP_BIT(CAP_FSETID) : CAPS_CALLER,
		     ret_scope);
}

int creds_enter_stranger(struct creds_scope *ret_scope)
{
	if (whole)
		return 0;
	if (!fs_ids_set(0, BACKING_ID, ret_scope))
		return -EPERM;
	return caps_enter(CAPS_SERVE & ~CAP_BIT(CAP_FSETID), ret_scope);
}

int creds_enter_ordinary(struct creds_scope *ret_scope)
{
	if (whole)
		return 0;
	return caps_enter(CAPS_SERVE & ~CAP_BIT(CAP_SYS_ADMIN), ret_scope);
}

int creds_enter_backing(bool keep_suidgid, struct creds_scope *ret_scope)
{
	if (!(caps_permitted & CAP_BIT(CAP_SETUID)))
		return 0;
	/*
	 * Registering takes the initial user namespace, where every id is valid: nothing to verify.
	 */
	setfsgid(BACKING_ID);
	setfsuid(BACKING_ID);
	ret_scope->entered |= ENTERED_GID | ENTERED_UID;
	/* CAP_SYS_ADMIN, which registering takes, stays in force; it means nothing to data. */
	if (!keep_suidgid)
		return 0;
	return caps_enter((CAPS_SERVE & ~CAPS_OF_UID_0) | CAP_BIT(CAP_FSETID), ret_scope);
}

int creds_enter_owner(uint32_t uid, uint32_t gid, struct creds_scope *ret_scope)
{
	if (!fs_ids_set(uid, gid, ret_scope))
		return -EPERM;
	return uid == 0 && caps_permitted ? caps_enter(CAPS_SERVE & ~CAPS_OF_UID_0, ret_scope) : 0;
}

/*
 * Takes all that the caller has, and no more than that: the effective IDs too, because some file
 * systems (cgroup) look at these. The real ones stay ours, so that the caller cannot send us
 * signals.
 */
static int enter_whole(const struct fs_caller *caller, const struct caller_facts *facts,
		       struct creds_scope *scope)
{
	scope->entered |= ENTERED_WHOLE;
	whole = true;
	/* EPERM: a user namespace forbids it, and its groups stay those it was created with. */
	if (syscall(SYS_setgroups, facts->n_groups, facts->groups) < 0 && errno != EPERM)
		return -errno;
	if (syscall(SYS_setresgid, -1, caller->gid, -1) < 0 ||
	    syscall(SYS_setresuid, -1, caller->uid, -1) < 0)
		return -errno;
	/* Changing the user ID changes the effective set; this is the set that stays. */
	return caps_set(facts->caps & caps_permitted, caps_permitted);
}

static int enter_serving(uint64_t caps, struct creds_scope *ret_scope)
{
	struct caller_facts facts;

	if (!serving || whole || !(caps_permitted & CAP_BIT(CAP_SETUID)))
		return 0;
	caller_read(serving, &facts);
	facts.caps |= caps;
	if (serving->uid == 0 && serving->gid == 0 && !facts.n_groups &&
	    !(caps_permitted & ~facts.caps))
		return 0;
	return enter_whole(serving, &facts, ret_scope);
}

int creds_enter_whole(struct creds_scope *ret_scope)
{
	return enter_serving(0, ret_scope);
}

int creds_enter_whole_with(int cap, struct creds_scope *ret_scope)
{
	return enter_serving(CAP_BIT(cap), ret_scope);
}

uint32_t creds_serving_uid(void)
{
	return serving ? serving->uid : 0;
}

void fs_serve(const struct fs_caller *caller)
{
	serving = caller;
}

void creds_leavep(struct creds_scope *scope)
{
	if (scope->entered & ENTERED_UID)
		setfsuid(0);
	if (scope->entered & ENTERED_GID)
		setfsgid(0);
	if (scope->entered & ENTERED_WHOLE) {
		/* Changing groups takes a capability that the caller may not have had. */
		syscall(SYS_setresuid, -1, 0, -1);
		caps_set(caps_permitted, caps_permitted);
		syscall(SYS_setresgid, -1, 0, -1);
		syscall(SYS_setgroups, 0, NULL);
		whole = false;
	}
	if (scope->entered & ENTERED_GROUPS)
		syscall(SYS_setgroups, 0, NULL);
	if ((scope->entered & ENTERED_CAPS) && !(scope->entered & ENTERED_UID))
		caps_set(caps_permitted, caps_permitted);
	scope->entered = 0;
}
