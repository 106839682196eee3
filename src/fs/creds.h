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
#include <stdint.h>

struct fs_caller;

struct creds_scope {
	uint8_t entered;		/* what has to be undone, creds.c */
};
#define CREDS_NONE ((struct creds_scope){ 0 })

/* Capabilities, groups and umask of a thread that serves. */
int creds_thread_init(void);

/* Whether the calling thread has a capability in force. */
bool creds_have(int cap);

/* New files belong to the caller and get the caller's umask. */
int creds_enter_caller(const struct fs_caller *caller, struct creds_scope *ret_scope);
/* The lower file system clears set-user-ID and set-group-ID bits where data or size change. */
int creds_enter_killing(struct creds_scope *ret_scope);
/* As whom the kernel shall read and write: nobody in particular, with no privilege to misuse; but
 * keep_suidgid: one whose writes leave set-user-ID and set-group-ID bits alone. */
int creds_enter_backing(bool keep_suidgid, struct creds_scope *ret_scope);
void creds_leavep(struct creds_scope *scope);
