// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The identity of each thread. The kernel keeps identities per thread; this file makes the system
 * calls directly, because libc would change all threads at once.
 *
 * Changing the user ID for file access (setfsuid) from 0 removes the file capabilities from the
 * effective set, and changing it back adds them again; capset(2) raises those that a scope needs in
 * between. The kernel has checked permissions before it sends a request (default_permissions). So
 * the capabilities that override permissions stay in force while a thread acts as the caller: the
 * thread does not have the caller's other groups, which may have given the permission.
 *
 * This is enough if the lower file system leaves permissions to the kernel (util/fstype.c). If the
 * lower file system checks them itself (FUSE, network file systems, cgroup, ...), a thread takes
 * all of the caller's identity: user, groups, and no capability that the caller lacks. In such a
 * scope the other scopes do nothing.
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

/* The capabilities that serving needs, and their uses. */
#define CAPS_SERVE                                                                                 \
	(CAP_BIT(CAP_SYS_ADMIN) |       /* register backing files, trusted.* attributes */         \
	 CAP_BIT(CAP_DAC_READ_SEARCH) | /* open files by handle, link by descriptor */             \
	 CAP_BIT(CAP_DAC_OVERRIDE) |    /* the kernel has checked permissions already */           \
	 CAP_BIT(CAP_CHOWN) | CAP_BIT(CAP_FOWNER) | /* SETATTR, as the kernel has allowed it */    \
	 CAP_BIT(CAP_FSETID) | /* chmod g+s; not for data, see creds_enter_writer() */             \
	 CAP_BIT(CAP_SETUID) | CAP_BIT(CAP_SETGID) | /* act as the caller */                       \
	 CAP_BIT(CAP_MKNOD) | CAP_BIT(CAP_SETFCAP) | CAP_BIT(CAP_LINUX_IMMUTABLE) |                \
	 CAP_BIT(CAP_LEASE)) /* prove that no process writes to a file of another user */

/*
 * The capabilities that leaving user ID 0 removes from the effective set, and that returning to
 * user ID 0 adds again: those of CAP_FS_SET of the kernel that the daemon has. So a scope that has
 * left user ID 0 needs no system call to restore them.
 */
#define CAPS_OF_UID_0                                                                              \
	(CAP_BIT(CAP_CHOWN) | CAP_BIT(CAP_DAC_OVERRIDE) | CAP_BIT(CAP_DAC_READ_SEARCH) |           \
	 CAP_BIT(CAP_FOWNER) | CAP_BIT(CAP_FSETID) | CAP_BIT(CAP_LINUX_IMMUTABLE) |                \
	 CAP_BIT(CAP_MKNOD))

/* The capabilities that a thread keeps while it acts as a caller that is not root. */
#define CAPS_CALLER                                                                                \
	(CAPS_SERVE & ~(CAP_BIT(CAP_CHOWN) | CAP_BIT(CAP_FOWNER) | CAP_BIT(CAP_FSETID) |           \
			CAP_BIT(CAP_LINUX_IMMUTABLE)))

/* A user ID that may not use blocks reserved for root, and whose quota is most likely unused. */
#define BACKING_ID 65534

enum entered {
	ENTERED_UID = 1 << 0,
	ENTERED_GID = 1 << 1,
	ENTERED_GROUPS = 1 << 2,
	ENTERED_CAPS = 1 << 3,
	ENTERED_WHOLE = 1 << 4,
};

static __thread uint64_t caps_permitted;         /* of this thread; 0 until fs_thread_init() */
static __thread const struct fs_caller *serving; /* the caller of this thread's request, or NULL */
static __thread bool whole;                      /* the thread has all of the caller's identity */
static __thread uint32_t umask_now;              /* of this thread: most callers have the same */

static __thread bool thread_in_view;

bool fs_thread_in_view(void)
{
	return thread_in_view;
}

void fs_thread_set_in_view(bool in_view)
{
	thread_in_view = in_view;
}

int fs_thread_init(void)
{
	return fs_thread_init_keeping(0);
}

int fs_thread_init_keeping(uint64_t caps)
{
	int r;

	thread_in_view = true;
	/* CLONE_FS: the thread gets a umask and a working directory of its own. */
	if (unshare(CLONE_FS) < 0)
		return -errno;
	umask(022);
	umask_now = 022;
	fd_path_shorten();
	caps_permitted = caps_get().permitted & (CAPS_SERVE | caps);
	r = caps_set(caps_permitted, caps_permitted);
	if (r < 0)
		return r;
	/* Without CAP_SETGID (tests without root) the view serves its own user only. */
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

/* setfsuid(2) reports no errors, so this reads the ID again: -1 is invalid and changes nothing. */
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

/*
 * Takes the caller's IDs, and the capabilities in caps; if caps is 0, the thread keeps the
 * capabilities of user ID 0.
 */
static int enter(const struct fs_caller *caller, uint64_t caps, struct creds_scope *scope)
{
	/* A view without root serves its own user only. */
	if (whole || !(caps_permitted & CAP_BIT(CAP_SETUID)))
		return 0;
	if (caller->has_group && caller->group != caller->gid) {
		/*
		 * EPERM: a user namespace may forbid to change groups (/proc/self/setgroups). Its
		 * processes, of which this is one, then keep the groups that it was created with.
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
	/* A write by a group member leaves S_ISGID of a file that the group cannot execute. */
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
	 * The kernel allows registering in the initial user namespace only, where each ID is valid.
	 */
	setfsgid(BACKING_ID);
	setfsuid(BACKING_ID);
	ret_scope->entered |= ENTERED_GID | ENTERED_UID;
	/* CAP_SYS_ADMIN, which registering needs, stays in force; it has no effect on data. */
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
 * Takes the caller's groups, effective IDs (some file systems, as cgroup, check these) and
 * capabilities. The real IDs stay the daemon's, so that the caller cannot send it signals.
 */
static int enter_whole(const struct fs_caller *caller, const struct caller_facts *facts,
		       struct creds_scope *scope)
{
	scope->entered |= ENTERED_WHOLE;
	whole = true;
	/* EPERM: as in enter(). */
	if (syscall(SYS_setgroups, facts->n_groups, facts->groups) < 0 && errno != EPERM)
		return -errno;
	if (syscall(SYS_setresgid, -1, caller->gid, -1) < 0 ||
	    syscall(SYS_setresuid, -1, caller->uid, -1) < 0)
		return -errno;
	/* After the user ID, because a change of the user ID changes the effective set. */
	return caps_set(facts->caps & caps_permitted, caps_permitted);
}

int creds_enter_whole(uint64_t more_caps, struct creds_scope *ret_scope)
{
	struct caller_facts facts;

	if (!serving || whole || !(caps_permitted & CAP_BIT(CAP_SETUID)))
		return 0;
	caller_read(serving, &facts);
	facts.caps |= more_caps;
	if (serving->uid == 0 && serving->gid == 0 && !facts.n_groups &&
	    !(caps_permitted & ~facts.caps))
		return 0;
	return enter_whole(serving, &facts, ret_scope);
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
		/* Setting groups needs a capability that the caller may lack. */
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
