/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Identity. Threads of a view run as root with the few capabilities that serving needs. To act with
 * another identity they enter a scope, which ends with the block that declares it:
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

/* Returns the user ID of the caller that fs_serve() named; 0: there is none. */
uint32_t creds_serving_uid(void);
/*
 * Takes all of the identity of the caller that fs_serve() named: user, groups, and of the daemon's
 * capabilities only those that the caller has, or that are in more_caps (CAP_BIT()). Does nothing
 * if there is no caller, or if the caller has all of the daemon's capabilities. The other scopes do
 * nothing inside this one.
 */
int creds_enter_whole(uint64_t more_caps, struct creds_scope *ret_scope);

/*
 * Makes new inodes belong to the caller. Keeps the capabilities that override permissions, because
 * the kernel has checked these.
 */
int creds_enter_caller(const struct fs_caller *caller, struct creds_scope *ret_scope);
/* Sets the umask of this thread for the files that it creates. */
void creds_umask(uint32_t mask);
/*
 * Changes data and size as the caller: the lower file system clears the same set-ID bits as for the
 * caller, and charges the caller's quota. mode and gid are the file's. kill: the kernel says that
 * the caller lacks CAP_FSETID, as all callers but root are taken to do.
 */
int creds_enter_writer(const struct fs_caller *caller, bool kill, uint32_t mode, uint32_t gid,
		       struct creds_scope *ret_scope);
/* Becomes a member of none of the file's groups, without CAP_FSETID. */
int creds_enter_stranger(struct creds_scope *ret_scope);
/* Drops CAP_SYS_ADMIN, so that the lower file system lists the attributes that other users see. */
int creds_enter_ordinary(struct creds_scope *ret_scope);
/*
 * For registering a backing file: the kernel reads and writes it with these credentials, an
 * unprivileged user's. keep_suidgid: its writes leave set-ID bits.
 */
int creds_enter_backing(bool keep_suidgid, struct creds_scope *ret_scope);
/* As creds_enter_backing(), with the IDs of a file's owner. */
int creds_enter_owner(uint32_t uid, uint32_t gid, struct creds_scope *ret_scope);
void creds_leavep(struct creds_scope *scope);

/* caller.c: facts about a caller that waits for the reply, from /proc. */
#define CALLER_MAX_GROUPS 8192
struct caller_facts {
	uint64_t caps;   /* effective, in our user namespace */
	size_t n_groups; /* the caller loses what groups beyond the limit would permit */
	uint32_t groups[CALLER_MAX_GROUPS];
};
void caller_read(const struct fs_caller *caller, struct caller_facts *ret_facts);
bool caller_capable(const struct fs_caller *caller, int cap);
bool caller_in_group(const struct fs_caller *caller, uint32_t gid);
/* Returns the set-ID bits of a file that a write by the caller clears. */
uint32_t caller_bits_to_kill(const struct fs_caller *caller, const struct statx *stx);
