// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Options of a view as a program gives them. A value that the library does not know is refused: the
 * program was built for another version, or has not initialised the struct, and the view would not
 * be as it thinks.
 */
#include "api/view-options.h"
#include "api/view-paths.h"
#include "fs/fs.h"
#include "util/caps.h"
#include "util/cleanup.h"
#include "util/fd.h"
#include "util/fstype.h"
#include "util/log.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stddef.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#define MAX_WORKERS 256
#define MAX_POOL    256
#define MAX_DEPTH   1024

#define ALL_FLAGS   (2 * PST_MOUNT_DIRSYNC - 1)
#define ATIME_FLAGS (PST_MOUNT_NOATIME | PST_MOUNT_STRICTATIME | PST_MOUNT_RELATIME)

/* The members that are one of a few values, and the last of these. */
static int check_choices(const struct pst_view_options *options, struct pst_error *error)
{
	const struct {
		const char *name;
		unsigned int value, last;
	} rows[] = {
		{ "passthrough", options->passthrough, PST_PASSTHROUGH_OFF },
		{ "cache", options->cache, PST_CACHE_EXCLUSIVE },
		{ "locks", options->locks, PST_LOCKS_LOWER },
		{ "xdev", options->xdev, PST_XDEV_HIDE },
		{ "transport", options->transport, PST_TRANSPORT_DEV },
		{ "xattr", options->xattr, PST_XATTR_OFF },
		{ "opendir", options->opendir, PST_OPENDIR_OFF },
		{ "pseudo", options->pseudo, PST_PSEUDO_SHOW },
		{ "idmap", options->idmap, 1 },
		{ "allow_other", options->allow_other, 1 },
		{ "enable_uring", options->enable_uring, 1 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].value > rows[i].last)
			return error_set(error, -EINVAL,
					 "%s=%u: the values are 0 to %u; PST_VIEW_OPTIONS_INIT "
					 "sets all",
					 rows[i].name, rows[i].value, rows[i].last);
	return 0;
}

static int check_pads(const struct pst_view_options *options, struct pst_error *error)
{
	unsigned int sum = 0;

	for (size_t i = 0; i < sizeof(options->pad0); i++)
		sum |= options->pad0[i];
	for (size_t i = 0; i < sizeof(options->pad1); i++)
		sum |= options->pad1[i];
	return !sum ? 0 :
		      error_set(error, -EINVAL, "padding is not 0; PST_VIEW_OPTIONS_INIT sets all");
}

int view_options_copy(const struct pst_view_options *given, struct pst_view_options *ret_options,
		      struct pst_error *error)
{
	const char *rest = (const char *)given;
	struct pst_view_options options = { 0 };

	for (size_t i = sizeof(options); i < given->size; i++)
		if (rest[i])
			return error_set(
				error, -E2BIG,
				"the program sets options that this libpenstock does not have");
	memcpy(&options, given, given->size < sizeof(options) ? given->size : sizeof(options));
	*ret_options = options;
	return 0;
}

static int check_values(const struct pst_view_options *options, struct pst_error *error)
{
	unsigned int atime = options->mount_flags & ATIME_FLAGS;
	int r = check_choices(options, error);

	if (r == 0)
		r = check_pads(options, error);
	if (r < 0)
		return r;
	if (options->mount_flags & ~ALL_FLAGS)
		return error_set(error, -EINVAL, "mount_flags=%#x: a view has no flag %#x",
				 options->mount_flags, options->mount_flags & ~ALL_FLAGS);
	if (atime & (atime - 1))
		return error_set(error, -EINVAL,
				 "mount_flags=%#x: set only one of NOATIME, STRICTATIME and "
				 "RELATIME",
				 options->mount_flags);
	return 0;
}

int view_options_check(const struct pst_view_options *options, struct pst_error *error)
{
	int r = check_values(options, error);

	if (r < 0)
		return r;
	if (options->n_workers > MAX_WORKERS || options->n_pool > MAX_POOL)
		return error_set(error, -EINVAL, "workers must be at most %d, and pool at most %d",
				 MAX_WORKERS, MAX_POOL);
	if (options->max_write && (options->max_write < 4096 || options->max_write > 1u << 24))
		return error_set(error, -EINVAL, "max_write must be 4096 to 16777216 bytes");
	if (options->server &&
	    (options->server->size != sizeof(struct pst_server) || !options->server->fields ||
	     !options->server->getattr || !options->server->setattr))
		return error_set(error, -EINVAL,
				 "server: size, fields, getattr and setattr must be set");
	/* Without OPENDIR, only an invalidation makes the kernel drop a cached listing. */
	if (options->opendir == PST_OPENDIR_OFF && options->cache != PST_CACHE_EXCLUSIVE &&
	    options->cache != PST_CACHE_AUTO)
		return error_set(error, -EINVAL,
				 "opendir=off needs cache=auto or cache=exclusive, because the "
				 "kernel then caches listings");
	if (options->uring_depth > MAX_DEPTH)
		return error_set(error, -EINVAL, "io_uring: uring_depth must be at most %d",
				 MAX_DEPTH);
	return 0;
}

/*
 * Names the capability that is missing before system calls fail one by one. CAP_DAC_READ_SEARCH is
 * not needed: without it the nodes of the view keep descriptors.
 */
int view_check_privilege(struct pst_error *error)
{
	static const struct {
		int cap;
		const char *text;
	} needed[] = {
		{ CAP_SYS_ADMIN, "CAP_SYS_ADMIN (to mount)" },
		{ CAP_SETUID, "CAP_SETUID (to create files as the caller)" },
		{ CAP_SETGID, "CAP_SETGID (to create files as the caller)" },
	};

	for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++)
		if (!caps_have(needed[i].cap))
			return error_set(error, -EPERM, "mounting a view needs %s: %s",
					 needed[i].text,
					 geteuid() ? "run this command as root, or in a user "
						     "namespace and a mount namespace (`unshare "
						     "-Urm`)" :
						     "root does not have it here; give the "
						     "container --cap-add SYS_ADMIN and --device "
						     "/dev/fuse");
	return 0;
}

static int check_pseudo(const char *lower, enum pst_pseudo pseudo, struct pst_error *error)
{
	_cleanup_(fd_closep) int path_fd = open(lower, O_PATH | O_DIRECTORY | O_CLOEXEC);
	_cleanup_(fd_closep) int fd = path_fd < 0 ? -errno : fs_open_dir(path_fd);
	const struct fstype *type;

	if (fd < 0)
		return view_unreachable("LOWER", lower, -fd, error);
	type = pseudo == PST_PSEUDO_HIDE ? fstype_of(fd) : NULL;
	if (type && type->pseudo)
		return error_set(error, -EINVAL,
				 "LOWER is on %s, whose files are parts of the kernel; use "
				 "pseudo=show if all users of the view may use them: %s",
				 type->name, lower);
	return 0;
}

/*
 * Refuses LOWER if it has an ACL, because a view that ignores ACLs gives the group the rights of
 * the ACL's mask. Only LOWER itself is checked: an ACL there is a sign of more below.
 */
static int check_no_acl(const char *lower, struct pst_error *error)
{
	static const char *const names[] = { "system.posix_acl_access",
					     "system.posix_acl_default" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (getxattr(lower, names[i], NULL, 0) > 0)
			return error_set(
				error, -EINVAL,
				"xattr=off: LOWER has an ACL, which the view would ignore: "
				"%s",
				lower);
	return 0;
}

int view_check_lower(const char *lower, const struct pst_view_options *options,
		     struct pst_error *error)
{
	int r = check_pseudo(lower, options->pseudo, error);

	return r == 0 && options->xattr == PST_XATTR_OFF ? check_no_acl(lower, error) : r;
}
