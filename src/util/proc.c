// SPDX-License-Identifier: LGPL-2.1-or-later
#include "util/proc.h"
#include "util/fd.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The number of the field of /proc/PID/stat that has the pending signals of the thread. */
#define STAT_SIGNALS 31

int proc_read(uint32_t pid, const char *file, char *buf, size_t size)
{
	char path[64];

	if (!pid)
		return -ESRCH;
	snprintf(path, sizeof(path), "/proc/%u/%s", pid, file);
	return fd_read_file(path, buf, size);
}

bool proc_in_our_user_namespace(uint32_t pid)
{
	char ours[1024], theirs[1024];

	return fd_read_file("/proc/self/uid_map", ours, sizeof(ours)) > 0 &&
	       proc_read(pid, "uid_map", theirs, sizeof(theirs)) > 0 && strcmp(ours, theirs) == 0;
}

const char *proc_field(const char *text, const char *key)
{
	const char *at = strstr(text, key);

	return at ? at + strlen(key) : NULL;
}

uint64_t proc_mask(const char *text, const char *key)
{
	const char *field = proc_field(text, key);

	return field ? strtoull(field, NULL, 16) : 0;
}

/*
 * Reads the signals from "stat", whose length is bounded. In "status" they come after the groups,
 * of which a process may have 65536.
 */
bool proc_is_dying(uint32_t pid)
{
	char text[2048];
	int r = proc_read(pid, "stat", text, sizeof(text));
	/* The name of the program, in parentheses, may have spaces and parentheses. */
	const char *at = r < 0 ? NULL : strrchr(text, ')');

	if (r < 0)
		return pid && (r == -ENOENT || r == -ESRCH);
	for (int field = 2; at && field < STAT_SIGNALS; field++)
		at = strchr(at + 1, ' ');
	return at && strtoul(at, NULL, 10) >> (SIGKILL - 1) & 1;
}
