// SPDX-License-Identifier: LGPL-2.1-or-later
/* Probes the file system of LOWER. No state, no locks. */
#include "fs/fs.h"
#include "probe/probe.h"
#include "util/fstype.h"

#include <penstock/penstock.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/statfs.h>

static void probe_type(struct probe *probe, int lower_fd)
{
	const struct fstype *type;
	struct statfs st;

	if (fstatfs(lower_fd, &st) < 0) {
		probe_row(probe, "lower_type", false, "The type of LOWER is not known: %s.",
			  strerror(errno));
		return;
	}
	type = fstype_find((uint64_t)st.f_type);
	if (!type->magic)
		probe_row(probe, "lower_type", true,
			  "LOWER has the type 0x%lx, which Penstock does not know.",
			  (unsigned long)st.f_type);
	else
		probe_row(probe, "lower_type", true, "LOWER is %s%s.", type->name,
			  type->stacked ? ", which may be stacked on another file system" : "");
}

static void probe_handles(struct probe *probe, int lower_fd)
{
	const char *name = "lower_handles";
	unsigned int len;
	int r = fs_handles_try(lower_fd, &len);

	if (r == 0)
		probe_row(probe, name, true,
			  "LOWER has file handles, of %u bytes here: the view keeps no "
			  "descriptor for each file that the kernel has in its cache.",
			  len);
	else if (!len)
		probe_row(probe, name, false,
			  "LOWER has no file handles (%s): the view keeps a descriptor open for "
			  "each file in the kernel's cache. Raise RLIMIT_NOFILE if operations fail "
			  "with EMFILE.",
			  strerror(-r));
	else if (r == -EPERM)
		probe_row(
			probe, name, false,
			"Opening file handles needs CAP_DAC_READ_SEARCH in the initial user "
			"namespace: without it the view keeps a descriptor open for each file in "
			"the kernel's cache. Raise RLIMIT_NOFILE if operations fail with EMFILE.");
	else
		probe_row(
			probe, name, false,
			"LOWER has file handles, but cannot open them (%s): the view keeps a "
			"descriptor open for each file in the kernel's cache. Raise RLIMIT_NOFILE "
			"if operations fail with EMFILE.",
			strerror(-r));
}

static void probe_watch(struct probe *probe, int lower_fd)
{
	struct fs_watch_support support;

	fs_watch_support(lower_fd, &support);
	if (support.watchable)
		probe_row(probe, "lower_watch", true,
			  "cache=auto watches this file system: the view shows changes of LOWER "
			  "at once.");
	else
		probe_row(probe, "lower_watch", false,
			  "cache=auto cannot watch this file system (%s): the view shows changes "
			  "of LOWER after one second.",
			  support.why);
}

void probe_lower(struct probe *probe, int lower_fd)
{
	probe_type(probe, lower_fd);
	probe_handles(probe, lower_fd);
	probe_watch(probe, lower_fd);
}
