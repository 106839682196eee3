// SPDX-License-Identifier: LGPL-2.1-or-later
#include "util/cgroup.h"
#include "util/cleanup.h"
#include "util/fd.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CGROUP_ROOT "/sys/fs/cgroup"

uint64_t cgroup_of(uint32_t pid)
{
	_cleanup_(fd_closep) int fd = -1;
	char path[sizeof(CGROUP_ROOT) + 4200], text[4200];
	char *line, *end;
	struct stat st;
	ssize_t n;

	if (!pid)
		return 0;
	snprintf(path, sizeof(path), "/proc/%u/cgroup", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	n = read(fd, text, sizeof(text) - 1);
	if (n <= 0)
		return 0;
	text[n] = '\0';
	/* "0::/path"; lines of version 1 come before it. */
	line = strncmp(text, "0::", 3) == 0 ? text : strstr(text, "\n0::");
	if (!line)
		return 0;
	line = strchr(line, '/');
	if (!line)
		return 0;
	end = strchr(line, '\n');
	if (end)
		*end = '\0';
	/* If both versions are mounted, version 2 has a directory of its own. */
	snprintf(path, sizeof(path), CGROUP_ROOT "%s", line);
	if (access(CGROUP_ROOT "/cgroup.procs", F_OK) < 0)
		snprintf(path, sizeof(path), CGROUP_ROOT "/unified%s", line);
	return stat(path, &st) < 0 ? 0 : st.st_ino;
}
