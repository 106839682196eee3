// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Which options of a view the kernel engine can do. An option without a row fits. No state, no
 * locks.
 *
 * Filters have no row, because the module checks each filter that it gets.
 */
#include "kernel/fits.h"
#include "util/log.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define ANY 0U /* each value but the default */

struct row {
	const char *option;
	size_t offset, size;
	/* The option asks for something if these bits differ from the default; ANY: all bits. */
	unsigned int bits;
	bool refused;    /* else accepted without effect, unless */
	bool process;    /* it concerns a process that serves data, and there is one */
	const char *why; /* continues a sentence that begins with the name of the option */
};

#define MEMBER(member)                                                                             \
	offsetof(struct pst_view_options, member), sizeof(((struct pst_view_options *)0)->member)

/* clang-format off */
static const struct row rows[] = {
	{ "sync", MEMBER(mount_flags), PST_MOUNT_SYNC, true, false,
	  "needs the FUSE engine: the kernel engine does not wait until a change is on the disk" },
	{ "dirsync", MEMBER(mount_flags), PST_MOUNT_DIRSYNC, true, false,
	  "needs the FUSE engine: the kernel engine does not wait until a change is on the disk" },
	{ "strictatime", MEMBER(mount_flags), PST_MOUNT_STRICTATIME, true, false,
	  "needs the FUSE engine: in the kernel engine the mount of LOWER decides when access "
	  "times change" },
	{ "relatime", MEMBER(mount_flags), PST_MOUNT_RELATIME, false, false,
	  "has no effect: the mount of LOWER decides when access times change" },
	{ "detached", MEMBER(detached), ANY, true, false,
	  "needs the FUSE engine: the kernel engine mounts its views" },
	{ "passthrough=off", MEMBER(passthrough), PST_PASSTHROUGH_OFF, true, false,
	  "needs the FUSE engine: in the kernel engine no process serves data" },
	{ "xattr=off", MEMBER(xattr), ANY, true, false,
	  "needs the FUSE engine: the kernel engine always shows extended attributes" },
	{ "handles", MEMBER(handles), ANY, true, false,
	  "needs the FUSE engine: file handles of the kernel engine have no key" },
	{ "pseudo=show", MEMBER(pseudo), ANY, true, false,
	  "needs the FUSE engine: the kernel engine shows no pseudo file systems" },
	{ "filters=process", MEMBER(run_filters), PST_RUN_FILTERS_PROCESS, true, false,
	  "needs the FUSE engine: the kernel engine has no process in which filters could run" },
	{ "idmap", MEMBER(idmap), ANY, true, false,
	  "needs the FUSE engine: the kernel engine has no idmapped mounts" },
	{ "noallow_other", MEMBER(allow_other), ANY, true, false,
	  "needs the FUSE engine: in the kernel engine modes alone decide who may enter the view" },
	{ "cache", MEMBER(cache), ANY, false, false,
	  "has no effect: the kernel engine keeps no attributes, so none is ever old" },
	{ "opendir", MEMBER(opendir), ANY, false, false, "has no effect: there are no requests" },
	{ "workers", MEMBER(n_workers), ANY, false, true, "has no effect: there is no process" },
	{ "pool", MEMBER(n_pool), ANY, false, true, "has no effect: there is no process" },
	{ "max_write", MEMBER(max_write), ANY, false, true,
	  "has no effect: there are no requests" },
	{ "fds", MEMBER(fd_budget), ANY, false, true, "has no effect: there is no process" },
	{ "transport", MEMBER(transport), ANY, false, true,
	  "has no effect: there are no requests" },
	{ "uring_depth", MEMBER(uring_depth), ANY, false, true,
	  "has no effect: there are no requests" },
	{ "enable_uring", MEMBER(enable_uring), ANY, false, true,
	  "has no effect: there are no requests, and io_uring is not enabled" },
};
/* clang-format on */

static bool is_asked(const struct pst_view_options *options, const struct row *row)
{
	static const struct pst_view_options defaults = PST_VIEW_OPTIONS_INIT;
	const char *value = (const char *)options + row->offset;
	unsigned int bits;

	if (row->bits == ANY)
		return memcmp(value, (const char *)&defaults + row->offset, row->size) != 0;
	memcpy(&bits, value, sizeof(bits));
	return bits & row->bits;
}

int kernel_fits(const struct pst_view_options *options, bool has_process,
		char ret_said[KERNEL_SAID_SIZE], struct pst_error *error)
{
	size_t n = 0;

	ret_said[0] = '\0';
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (!is_asked(options, &rows[i]) || (rows[i].process && has_process))
			continue;
		if (rows[i].refused)
			return error_set(error, -EOPNOTSUPP, "option %s %s", rows[i].option,
					 rows[i].why);
		if (n < KERNEL_SAID_SIZE)
			n += (size_t)snprintf(ret_said + n, KERNEL_SAID_SIZE - n, "%soption %s %s",
					      n ? "; " : "", rows[i].option, rows[i].why);
	}
	return 0;
}
