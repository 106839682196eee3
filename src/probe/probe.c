// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * pst_probe(): which features of this machine a view can use.
 *
 * Each feature is tried, because the kernel's version is misleading: distributions backport
 * features, and containers forbid them. The version only explains why a feature is missing. A probe
 * attaches no mount and makes no file. No state, no locks.
 */
#include "probe/probe.h"
#include "fs/fs.h"
#include "mount/fusermount.h"
#include "mount/mount.h"
#include "util/caps.h"
#include "util/cleanup.h"
#include "util/fd.h"

#include <penstock/penstock.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>

static void probe_process(struct probe *probe)
{
	static const struct {
		int capability;
		const char *name, *use;
	} rows[] = {
		{ CAP_SYS_ADMIN, "cap_sys_admin",
		  "mount, pass files through, and set trusted.* attributes" },
		{ CAP_DAC_READ_SEARCH, "cap_dac_read_search", "open files by their handles" },
		{ CAP_DAC_OVERRIDE, "cap_dac_override", "use the directories of all users" },
		{ CAP_CHOWN, "cap_chown", "set owners" },
		{ CAP_FOWNER, "cap_fowner", "set modes and times of the files of all users" },
		{ CAP_SETUID, "cap_setuid", "create files as the caller" },
		{ CAP_SETGID, "cap_setgid", "create files with the caller's group" },
		{ CAP_MKNOD, "cap_mknod", "create device files" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		bool on = caps_have(rows[i].capability);

		probe_row(probe, rows[i].name, on, "This process may %s%s%s.", on ? "" : "not ",
			  rows[i].use, on ? "" : ": run this command as root");
	}
	if (caps_in_user_namespace())
		probe_row(probe, "user_namespace", false,
			  "This process is in a user namespace of its own, such as that of a "
			  "rootless container, for which the kernel passes no files through.");
	else
		probe_row(
			probe, "user_namespace", true,
			"This process is in the initial user namespace, which passthrough needs.");
}

static void probe_fusermount(struct probe *probe)
{
	const char *lacks = fusermount_lacks();

	probe_row(probe, "mount_as_user", !lacks, "%s.",
		  lacks ? lacks :
			  "Ordinary users can mount views on directories of their own, by "
			  "fusermount3");
}

/*
 * Opens LOWER for reading. Returns a descriptor or -errno. Opens LOWER on a detached clone of its
 * mount, as a view does, because the kernel may allow a process to open file handles on an attached
 * mount but not on a clone. If the process must not clone, opens LOWER on the attached mount.
 */
static int open_lower(const char *lower)
{
	struct pst_error error;
	_cleanup_(fd_closep) int clone_fd = mount_clone_lower(lower, 0, true, NULL, &error);
	_cleanup_(fd_closep) int path_fd = open(lower, O_PATH | O_DIRECTORY | O_CLOEXEC);

	return path_fd < 0 ? -errno : fs_open_dir(clone_fd < 0 ? path_fd : clone_fd);
}

int pst_probe(const char *lower, struct pst_probe *rows, size_t n, size_t *ret_n)
{
	_cleanup_(fd_closep) int lower_fd = -1;
	struct probe probe = { .rows = rows, .room = n };

	if (lower) {
		lower_fd = open_lower(lower);
		if (lower_fd < 0)
			return lower_fd;
	}
	probe_fusermount(&probe);
	probe_fuse(&probe, lower_fd);
	probe_process(&probe);
	probe_kernel(&probe);
	probe_engine(&probe);
	if (lower)
		probe_lower(&probe, lower_fd);
	*ret_n = probe.n_rows;
	return 0;
}
