// SPDX-License-Identifier: LGPL-2.1-or-later
#include "util/proc.h"
#include "util/fd.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

bool proc_is_dying(uint32_t pid)
{
	char text[4096];
	int r = proc_read(pid, "status", text, sizeof(text));

	if (r < 0)
		return pid && (r == -ENOENT || r == -ESRCH);
	return (proc_mask(text, "\nSigPnd:") | proc_mask(text, "\nShdPnd:")) >> (SIGKILL - 1) & 1;
}
