// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What the kernel does not say about the caller of a request: its groups and capabilities. They are
 * read in /proc, which takes three system calls, so only where they can matter. The caller is a
 * thread that waits for the answer, so they hold still; where the caller cannot be found (it is in
 * another process namespace, or it does not wait) it has no groups and no capabilities. No state,
 * no locks.
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

/* Takes the next number of a line; false at the end of the line. */
static bool next_number(const char **at, uint32_t *ret_number)
{
	char *end;

	*at += strspn(*at, " \t");
	if (**at < '0' || **at > '9')
		return false;
	*ret_number = (uint32_t)strtoul(*at, &end, 10);
	*at = end;
	/* A number that the end of the text has cut off is another number. */
	return *end != 0;
}

/* Capabilities mean nothing outside the user namespace in which the caller has them. */
static bool in_our_user_namespace(uint32_t pid)
{
	char ours[1024], theirs[1024];

	return fd_read_file("/proc/self/uid_map", ours, sizeof(ours)) > 0 &&
	       proc_read(pid, "uid_map", theirs, sizeof(theirs)) > 0 && strcmp(ours, theirs) == 0;
}

/* The user ID by which the thread's own file accesses are checked. */
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
	 * Kernel code on top of the view (overlayfs, knfsd) acts as somebody else than the thread
	 * it runs in, and a filter may have put somebody in the caller's place: what the thread has
	 * is not theirs. A caller that acts as root there has all capabilities of root.
	 */
	if (fsuid_of(status) != caller->uid) {
		ret_facts->caps = caller->uid == 0 ? UINT64_MAX : 0;
		return;
	}
	ret_facts->caps = proc_mask(status, "\nCapEff:");
	if (ret_facts->caps && !in_our_user_namespace(caller->pid))
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

	/* Without group execution the bit stays for members of the group. */
	if ((stx->stx_mode & S_ISGID) &&
	    ((stx->stx_mode & S_IXGRP) || !caller_in_group(caller, stx->stx_gid)))
		kill |= S_ISGID;
	return kill && caller_capable(caller, CAP_FSETID) ? 0 : kill;
}
