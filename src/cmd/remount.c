// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * mount -o remount: changes the flags of the view's mount (ro, nosuid, noatime, ...). Other options
 * of a view cannot change; mount(8) repeats those of fstab at each remount.
 *
 * Data passes through by a private mount of the view's process. When the flags for access times or
 * read-only change, the process changes them there, too. A view of the kernel engine has no
 * process, and reads the flags at each operation.
 */
#include "cmd/remount.h"
#include "cmd/ask.h"
#include "cmd/cmd.h"
#include "cmd/mounts.h"
#include "ctl/json.h"
#include "util/cleanup.h"
#include "util/mount-attrs.h"

#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <linux/mount.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/statvfs.h>

#define BELOW (PST_MOUNT_RDONLY | PST_MOUNT_NODIRATIME | ATIME)
#define ATIME (PST_MOUNT_NOATIME | PST_MOUNT_STRICTATIME | PST_MOUNT_RELATIME)

/* Gets the flags of a mount that the private mount has, too: BELOW. Returns 0 or -errno. */
static int flags_now(const char *path, unsigned int *ret_flags)
{
	struct statvfs st;

	if (statvfs(path, &st) < 0)
		return -errno;
	*ret_flags = (st.f_flag & ST_RDONLY ? PST_MOUNT_RDONLY : 0) |
		     (st.f_flag & ST_NODIRATIME ? PST_MOUNT_NODIRATIME : 0) |
		     (st.f_flag & ST_NOATIME  ? PST_MOUNT_NOATIME :
		      st.f_flag & ST_RELATIME ? PST_MOUNT_RELATIME :
						PST_MOUNT_STRICTATIME);
	return 0;
}

/* Sets and clears flags of the mount at path. Returns 0 or -errno. */
static int change(const char *path, unsigned int set, unsigned int clear)
{
	struct mount_attr attr = { .attr_set = mount_attrs(set),
				   .attr_clr = mount_attrs(clear & ~set) };

	/* These three exclude each other. */
	if ((set | clear) & ATIME)
		attr.attr_clr |= MOUNT_ATTR__ATIME;
	if (mount_setattr(AT_FDCWD, path, AT_NO_AUTOMOUNT, &attr, sizeof(attr)) == 0)
		return 0;
	return -errno;
}

/*
 * Has the process of the view give the flags to its private mount. Prints errors. Returns an exit
 * code.
 */
static int change_below(const char *path, unsigned int flags, unsigned int changed)
{
	struct json_object *arguments = json_object_new_object(), *reply = NULL;
	int code;

	json_add_number(arguments, "flags", flags);
	json_add_number(arguments, "changed", changed);
	code = ask(path, "remounted", arguments, ASK_MS, &reply, NULL);
	json_object_put(arguments);
	json_object_put(reply);
	return code;
}

static int fail(const char *path, int error)
{
	if (error == -EBUSY)
		cmd_error("%s: cannot become read-only while files in the view are open for "
			  "writing; `fuser -vm %s` lists the processes that use it",
			  path, path);
	else if (error == -EPERM)
		cmd_error("%s: changing the flags of a mount needs CAP_SYS_ADMIN: run this command "
			  "as root",
			  path);
	else
		cmd_error("%s: cannot change the flags of the mount: %s", path, strerror(-error));
	return cmd_exit_code(error);
}

int remount(const struct mount_options *options)
{
	const char *path = options->view.mountpoint ? options->view.mountpoint :
						      options->view.lower;
	_cleanup_(mounts_view_fini) struct mounts_view view = { 0 };
	unsigned int before, after, changed;
	int r, code = mounts_find(path, &view);

	if (code != CMD_OK)
		return code;
	if (options->kept)
		cmd_error("%s: remount changes only the flags of the mount; to change these "
			  "options, unmount the view and mount it again: %s",
			  path, options->kept);
	r = flags_now(path, &before);
	if (r == 0)
		r = change(path, options->flags_set, options->flags_clear);
	if (r == 0)
		r = flags_now(path, &after);
	if (r < 0)
		return fail(path, r);
	changed = (before ^ after) & BELOW;
	/* The mount stays read-only where LOWER is, which only the process of the view knows. */
	if (options->flags_clear & after & PST_MOUNT_RDONLY) {
		after &= ~(unsigned int)PST_MOUNT_RDONLY;
		changed |= PST_MOUNT_RDONLY;
	}
	if (!changed || view.in_kernel)
		return CMD_OK;
	code = change_below(path, after, changed);
	if (code != CMD_OK)
		change(path, before & BELOW, ~before & BELOW);
	return code;
}
