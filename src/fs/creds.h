/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Identity. Threads of a view run as root with the few capabilities that serve; to act as somebody
 * else they enter a scope, which ends with the block that declared it:
 *
 *	_cleanup_(creds_leavep) struct creds_scope scope = CREDS_NONE;
 *	r = creds_enter_caller(caller, &scope);
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fs_caller;
struct statx;

struct creds_scope {
	uint8_t entered; /* what has to be undone, creds.c */
};
#define CREDS_NONE ((struct creds_scope){ 0 })

/* The user ID of the caller that fs_serve() named; 0 if there is none. */
uint32_t creds_serving_uid(void);
/*
 * Takes all of the identity of the caller that fs_serve() named: user, groups, and of our
 * capabilities those alone that the caller has. Does nothing where there is no caller, or where the
 * caller has all that we have. The other scopes do nothing inside of this one.
 */
int creds_enter_whole(struct creds_scope *ret_scope);
/* Likewise, with a capability that the caller may lack: the kernel itself asks, for the caller. */
int creds_enter_whole_with(int cap, struct creds_scope *ret_scope);

/* New inodes belong to the caller. The kernel has checked permissions, so none are needed below. */
int creds_enter_caller(const struct fs_caller *caller, struct creds_scope *ret_scope);
/* The umask for what this thread makes from now on. */
void creds_umask(uint32_t mask);
/*
 * Data and size change as if the caller did it: which set-user-ID and set-group-ID bits go, and
 * whose blocks are used. mode and gid are the file's. kill: the caller lacks CAP_FSETID, which the
 * kernel says and which is taken for granted for everybody but root.
 */
int creds_enter_writer(const struct fs_caller *caller, bool kill, uint32_t mode, uint32_t gid,
		       struct creds_scope *ret_scope);
/* A member of no group in question, without CAP_FSETID. */
int creds_enter_stranger(struct creds_scope *ret_scope);
/* The lower file system shows no more than to somebody without CAP_SYS_ADMIN. */
int creds_enter_ordinary(struct creds_scope *ret_scope);

/* caller.c: what the kernel does not say about a caller who waits for our answer, read in /proc. */
#define CALLER_MAX_GROUPS 8192
struct caller_facts {
	uint64_t caps;   /* effective, in our user namespace */
	size_t n_groups; /* further groups than these give the caller nothing */
	uint32_t groups[CALLER_MAX_GROUPS];
};
void caller_read(const struct fs_caller *caller, struct caller_facts *ret_facts);
bool caller_capable(const struct fs_caller *caller, int cap);
bool caller_in_group(const struct fs_caller *caller, uint32_t gid);
/* The set-ID bits of a file that a write by the caller clears. */
uint32_t caller_bits_to_kill(const struct fs_caller *caller, const struct statx *stx);
/* As whom the kernel shall read and write: nobody in particular, with no privilege to misuse; but
 * keep_suidgid: one whose writes leave set-user-ID and set-group-ID bits alone. */
int creds_enter_backing(bool keep_suidgid, struct creds_scope *ret_scope);
/* Likewise as the owner of a file, with no privilege but to register. */
int creds_enter_owner(uint32_t uid, uint32_t gid, struct creds_scope *ret_scope);
void creds_leavep(struct creds_scope *scope);
