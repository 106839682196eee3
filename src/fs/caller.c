// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Groups and capabilities of the caller, which requests do not contain. Reading them from /proc
 * takes three system calls, so operations do it only if the result can make a difference. They do
 * not change meanwhile, because the caller waits for the reply. A caller that is not found, because
 * it is in another PID namespace or does not wait, gets no groups and no capabilities. No state, no
 * locks.
 */
#include "fs/creds.h"
#include "fs/fs.h"
#include "util/caps.h"
#include "util/fd.h"
#include "util/proc.h"

#include <linux/capability.h>
#include <stdlib.h>
#include <string.h>

#define STATUS_SIZE 65536

/* Reads the next number of a line. Returns false at the end of the line. */
static bool next_number(const char **at, uint32_t *ret_number)
{
	char *end;

	*at += strspn(*at, " \t");
	if (**at < '0' || **at > '9')
		return false;
	*ret_number = (uint32_t)strtoul(*at, &end, 10);
	*at = end;
	/* The end of the text may have cut this number off. */
	return *end != 0;
}

/* Returns the user ID for file access from a thread's status, or UINT32_MAX if there is none. */
static uint32_t fsuid_of(const char *status)
{
	const char *line = proc_field(status, "\nUid:");
	uint32_t uid = UINT32_MAX;

	for (int i = 0; line && i < 4; i++)
		if (!next_number(&line, &uid))
			return UINT32_MAX;
	return uid;
}

void caller_read(const struct fs_caller *caller, struct caller_facts *ret_facts)
{
	char status[STATUS_SIZE];
	const char *line;

	ret_facts->caps = 0;
	ret_facts->n_groups = 0;
	if (caller->has_group)
		ret_facts->groups[ret_facts->n_groups++] = caller->group;
	if (caller->unknown || proc_read(caller->pid, "status", status, sizeof(status)) <= 0)
		return;
	/*
	 * Kernel code on top of the view (overlayfs, knfsd) acts with another user ID than that of
	 * the thread in which it runs, and a filter may have replaced the caller. The groups and
	 * capabilities of the thread are then not those of the caller: give a caller with user ID 0
	 * all capabilities, and all others none.
	 */
	if (fsuid_of(status) != caller->uid) {
		ret_facts->caps = caller->uid == 0 ? UINT64_MAX : 0;
		return;
	}
	ret_facts->caps = proc_mask(status, "\nCapEff:");
	/* Capabilities in another user namespace have no effect on LOWER. */
	if (ret_facts->caps && !proc_in_our_user_namespace(caller->pid))
		ret_facts->caps = 0;
	line = proc_field(status, "\nGroups:");
	ret_facts->n_groups = 0;
	while (line && ret_facts->n_groups < CALLER_MAX_GROUPS &&
	       next_number(&line, &ret_facts->groups[ret_facts->n_groups]))
		ret_facts->n_groups++;
}

bool caller_capable(const struct fs_caller *caller, int cap)
{
	char status[STATUS_SIZE];

	return proc_read(caller->pid, "status", status, sizeof(status)) > 0 &&
	       (proc_mask(status, "\nCapEff:") & CAP_BIT(cap));
}

bool caller_in_group(const struct fs_caller *caller, uint32_t gid)
{
	char status[STATUS_SIZE];
	const char *line;
	uint32_t number;

	if (caller->gid == gid)
		return true;
	if (proc_read(caller->pid, "status", status, sizeof(status)) <= 0)
		return false;
	line = proc_field(status, "\nGroups:");
	while (line && next_number(&line, &number))
		if (number == gid)
			return true;
	return false;
}

uint32_t caller_bits_to_kill(const struct fs_caller *caller, const struct statx *stx)
{
	uint32_t kill = stx->stx_mode & S_ISUID;

	/* A write by a group member leaves S_ISGID of a file that the group cannot execute. */
	if ((stx->stx_mode & S_ISGID) &&
	    ((stx->stx_mode & S_IXGRP) || !caller_in_group(caller, stx->stx_gid)))
		kill |= S_ISGID;
	return kill && caller_capable(caller, CAP_FSETID) ? 0 : kill;
}
