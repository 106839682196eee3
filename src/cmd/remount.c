// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * mount -o remount: changes the flags of the view's mount (ro, nosuid, noatime, ...). Other options
 * of a view cannot change; mount(8) repeats those of fstab at each remount.
 *
 * Data passes through by a private mount of the view's process. When the flags for access times or
 * read-only change, the process changes them there, too.
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

/* Gets those flags of a mount that the private mount has, too. */
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

static int tell(const char *path, unsigned int flags, unsigned int changed)
{
	struct json_object *arguments = json_object_new_object(), *reply = NULL;
	int code;

	json_add_number(arguments, "flags", flags);
	json_add_number(arguments, "changed", changed);
	code = ask(path, "remounted", arguments, ASK_MS, &reply);
	json_object_put(arguments);
	json_object_put(reply);
	return code;
}

static int fail(const char *path, int error)
{
	if (error == -EBUSY)
		cmd_error("%s: files are open for writing, so it cannot become read-only", path);
	else if (error == -EPERM)
		cmd_error("%s: changing the flags of a mount takes CAP_SYS_ADMIN: run it as root",
			  path);
	else
		cmd_error("%s: the flags of the mount cannot be changed: %s", path,
			  strerror(-error));
	return cmd_exit_code(error);
}

int remount(const struct mount_options *options)
{
	const char *path = options->view.mountpoint ? options->view.mountpoint :
						      options->view.lower;
	_cleanup_(mounts_view_fini) struct mounts_view view = { 0 };
	_cleanup_(freep) char *type = NULL;
	unsigned int before, after, changed;
	int r, code;

	r = mounts_find(path, &view, &type);
	if (r < 0) {
		cmd_error("%s is not the mount point of a view, so nothing can be remounted", path);
		return cmd_exit_code(r);
	}
	if (options->kept)
		cmd_error("%s: remount changes the flags of the mount only; until it is unmounted "
			  "these stay as they are: %s",
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
	if (!changed)
		return CMD_OK;
	code = tell(path, after, changed);
	if (code != CMD_OK)
		change(path, before & BELOW, ~before & BELOW);
	return code;
}
