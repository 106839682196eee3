// SPDX-License-Identifier: LGPL-2.1-or-later
/* Finds the cgroup of a process. No state, no locks. */
#include "util/cgroup.h"
#include "util/cleanup.h"
#include "util/fd.h"
#include "util/proc.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CGROUP_ROOT "/sys/fs/cgroup"

uint64_t cgroup_of(uint32_t pid)
{
	_cleanup_(fd_closep) int fd = -1;
	char path[sizeof(CGROUP_ROOT) + 4200], text[4200] = "\n";
	const char *below;
	struct stat st;

	if (!pid)
		return 0;
	snprintf(path, sizeof(path), "/proc/%u/cgroup", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	/* One read(2), because this may run for each operation. The rest of text stays NUL. */
	if (fd < 0 || read(fd, text + 1, sizeof(text) - 2) <= 0)
		return 0;
	/* The line of version 2, "0::/path", comes after those of version 1. */
	below = proc_field(text, "\n0::");
	if (!below)
		return 0;
	/* If both versions are mounted, version 2 has a directory of its own. */
	snprintf(path, sizeof(path), CGROUP_ROOT "%s%.*s",
		 access(CGROUP_ROOT "/cgroup.procs", F_OK) < 0 ? "/unified" : "",
		 (int)strcspn(below, "\n"), below);
	return stat(path, &st) < 0 ? 0 : st.st_ino;
}
