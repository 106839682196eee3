// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Read-only views. A view becomes read-only and writable together with the file system of LOWER.
 * Remounts of the view also change the flags of the detached clone of LOWER's mount, by which the
 * view reaches lower files. view->flags_lock guards view->mount_flags and the flags of the clone.
 */
#include "api/view.h"
#include "mount/mount.h"
#include "util/fstype.h"
#include "util/log.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/statvfs.h>

static void lower_is_readonly(void *aux)
{
	lower_readonly_check(aux);
}

int view_follow_lower(struct pst_view *view, struct pst_error *error)
{
	bool own = view->mount_flags & PST_MOUNT_RDONLY;
	struct lower_readonly_config config = {
		.path = view->lower,
		.mountpoint = view->mountpoint,
		.connection = view->connection,
		.was_readonly = view->was_readonly,
		.readonly = view->was_readonly && !own,
		.suspended = own,
	};
	const struct fstype *type;
	int r;

	if (config.readonly)
		log_warning("%s: LOWER is read-only, so the view is, too", view->mountpoint);
	/* On a remote file system statfs(2) may block, forever if its server has died. */
	type = fstype_of(view->lower_fd);
	if (type && type->remote)
		return 0;
	config.lower = fcntl(view->lower_fd, F_DUPFD_CLOEXEC, 3);
	r = config.lower < 0 ? -errno : lower_readonly_start(&config, &view->lower_readonly);
	if (r < 0)
		return error_set(error, r,
				 "cannot start to watch whether LOWER becomes read-only: %s",
				 strerror(-r));
	server_on_readonly(view->server, lower_is_readonly, view->lower_readonly);
	return 0;
}

int view_keep_lower(struct pst_view *view, const struct pst_view_options *options, int lower)
{
	struct statvfs st;
	/*
	 * Not fstatvfs(lower): the clone for a view that is mounted read-only is read-only already,
	 * even if LOWER is writable.
	 */
	bool was_readonly = statvfs(view->lower, &st) == 0 && (st.f_flag & ST_RDONLY);

	view->mount_flags = options->mount_flags;
	view->readonly_below = mount_clone_has_readonly_below(view->lower);
	view->lower_fd = fcntl(lower, F_DUPFD_CLOEXEC, 3);
	if (view->lower_fd < 0)
		return -errno;
	view->was_readonly = was_readonly;
	/*
	 * The clone becomes writable, because mount/lower-readonly.c makes the view read-only
	 * while LOWER is. The kernel keeps the flag if a user namespace has locked it.
	 */
	if (was_readonly && !(options->mount_flags & PST_MOUNT_RDONLY))
		mount_clone_clear_readonly(lower);
	return 0;
}

int pst_view_remounted(struct pst_view *view, unsigned int mount_flags, unsigned int changed,
		       struct pst_error *error)
{
	VIEW_USE_LOG(view);
	unsigned int clone_flags;
	int r = 0;

	/* The module looks at the flags of the mount itself. */
	if (view->kernel)
		return 0;
	error->text[0] = '\0';
	pthread_mutex_lock(&view->flags_lock);
	mount_flags = (view->mount_flags & ~changed) | (mount_flags & changed);
	clone_flags = mount_flags & ~(view->fills ? PST_MOUNT_RDONLY : 0u);
	/*
	 * When the view became read-only, the kernel set the read-only flag of all mounts in the
	 * clone. Nothing remembers which submounts were read-only before, so clearing the flag
	 * would make all of them writable.
	 */
	if (view->readonly_below && (view->mount_flags & PST_MOUNT_RDONLY) &&
	    !(mount_flags & PST_MOUNT_RDONLY))
		r = error_set(
			error, -EBUSY,
			"some file systems below LOWER are mounted read-only, and would become "
			"writable in the view: unmount the view and mount it again");
	else
		r = mount_clone_set_flags(view->lower_fd, clone_flags);
	/*
	 * EBUSY: the daemon has lower files open for writing, so the clone cannot become read-only.
	 * Change the other flags, and leave the clone writable. No client can write by the clone,
	 * because the superblock of the view is read-only.
	 */
	if (r == -EBUSY && (mount_flags & PST_MOUNT_RDONLY) &&
	    !(view->mount_flags & PST_MOUNT_RDONLY))
		r = mount_clone_set_flags(view->lower_fd, mount_flags & ~PST_MOUNT_RDONLY);
	if (r == 0 && view->lower_readonly && (changed & ~mount_flags & PST_MOUNT_RDONLY) &&
	    lower_readonly_now(view->lower_readonly)) {
		mount_clone_set_flags(view->lower_fd, view->mount_flags);
		r = error_set(error, -EROFS, "LOWER is read-only, so the view stays read-only");
	}
	if (r < 0 && !error->text[0])
		error_set(error, r,
			  "the kernel refuses to change the mount flags with which the "
			  "view accesses LOWER: %s",
			  strerror(-r));
	if (r == 0)
		view->mount_flags = mount_flags;
	if (r == 0 && view->lower_readonly)
		lower_readonly_suspend(view->lower_readonly, mount_flags & PST_MOUNT_RDONLY);
	pthread_mutex_unlock(&view->flags_lock);
	return r;
}
