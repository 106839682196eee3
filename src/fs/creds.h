/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Identity. Threads of a view run as root with the few capabilities that serving needs. To act with
 * another identity, a thread enters a scope, which ends with the block that declares the variable:
 *
 *	_cleanup_(creds_leavep) struct creds_scope scope = CREDS_NONE;
 *	r = creds_enter_caller(caller, &scope);
 *
 * All creds_enter_*() change the calling thread only, and return 0 or -errno.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fs_caller;
struct statx;

struct creds_scope {
	uint8_t entered; /* enum entered of creds.c: the changes to undo */
};
#define CREDS_NONE ((struct creds_scope){ 0 })

/*
 * Returns true if this thread may run a callback of the program now: it has called
 * fs_thread_init(), or it is one of the program in pst_view_dispatch(), which sets that.
 */
bool fs_thread_in_view(void);
void fs_thread_set_in_view(bool in_view);

/* Returns the user ID of the caller that fs_serve() has set, or 0 if there is none. */
uint32_t creds_serving_uid(void);
/*
 * Gives the thread the whole identity of the caller that fs_serve() has set: user, groups, and of
 * the daemon's capabilities only those that the caller has or that are in more_caps (CAP_BIT()).
 * Does nothing if there is no caller, or if the caller is root without groups and has all of the
 * daemon's capabilities. The other scopes do nothing inside this one.
 */
int creds_enter_whole(uint64_t more_caps, struct creds_scope *ret_scope);

/*
 * Makes new inodes belong to the caller. Keeps the capabilities that override permissions, because
 * the kernel has checked the permissions before it sent the request.
 */
int creds_enter_caller(const struct fs_caller *caller, struct creds_scope *ret_scope);
/* Sets the umask of this thread for the files that it creates. */
void creds_umask(uint32_t mask);
/*
 * For changes of data and size: the lower file system clears the same set-ID bits as for the
 * caller, and charges the caller's quota. mode and gid are the file's. kill is true if the kernel
 * reports that the caller lacks CAP_FSETID; callers other than root are treated as if they did.
 */
int creds_enter_writer(const struct fs_caller *caller, bool kill, uint32_t mode, uint32_t gid,
		       struct creds_scope *ret_scope);
/* Acts as a user who is in no group of the file and lacks CAP_FSETID. */
int creds_enter_stranger(struct creds_scope *ret_scope);
/* Drops CAP_SYS_ADMIN, so that the lower file system lists the attributes that other users see. */
int creds_enter_ordinary(struct creds_scope *ret_scope);
/*
 * For registering a backing file: acts as an unprivileged user, with whose credentials the kernel
 * then reads and writes the file. If keep_suidgid is true, these writes leave set-ID bits.
 */
int creds_enter_backing(bool keep_suidgid, struct creds_scope *ret_scope);
/* As creds_enter_backing(), with the IDs of a file's owner. */
int creds_enter_owner(uint32_t uid, uint32_t gid, struct creds_scope *ret_scope);
void creds_leavep(struct creds_scope *scope);

/* caller.c: facts about a caller, read from /proc while the caller waits for the reply. */
#define CALLER_MAX_GROUPS 8192
struct caller_facts {
	uint64_t caps;   /* effective, in the daemon's user namespace */
	size_t n_groups; /* groups beyond the limit are ignored, and permit nothing */
	uint32_t groups[CALLER_MAX_GROUPS];
};
void caller_read(const struct fs_caller *caller, struct caller_facts *ret_facts);
bool caller_capable(const struct fs_caller *caller, int cap);
bool caller_in_group(const struct fs_caller *caller, uint32_t gid);
/* Returns the set-ID bits of a file that a write by the caller clears. */
uint32_t caller_bits_to_kill(const struct fs_caller *caller, const struct statx *stx);
