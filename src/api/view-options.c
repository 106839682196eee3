// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Options of a view as a program gives them. A value that the library does not know is refused: the program
 * was built for another version, or has not initialised the struct, and the view would not be as it thinks.
 */
#include "api/view-options.h"

#include <errno.h>
#include <stddef.h>

#include "util/log.h"

#define ALL_FLAGS (2 * PST_MOUNT_DIRSYNC - 1)
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
		{ "pseudo", options->pseudo, PST_PSEUDO_SHOW },
		{ "opened", options->opened, 0 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].value > rows[i].last)
			return error_set(error, -EINVAL,
					 "%s=%u: the values are 0 to %u; PST_VIEW_OPTIONS_INIT sets all",
					 rows[i].name, rows[i].value, rows[i].last);
	return 0;
}

static int check_reserved(const struct pst_view_options *options, struct pst_error *error)
{
	unsigned int sum = 0;

	for (size_t i = 0; i < sizeof(options->reserved); i++)
		sum |= options->reserved[i];
	for (size_t i = 0; i < sizeof(options->reserved2); i++)
		sum |= options->reserved2[i];
	return !sum ? 0 :
		      error_set(error, -EINVAL,
				"reserved members are not 0; PST_VIEW_OPTIONS_INIT sets all");
}

int view_options_check(const struct pst_view_options *options, struct pst_error *error)
{
	unsigned int atime = options->mount_flags & ATIME_FLAGS;
	int r = check_choices(options, error);

	if (r == 0)
		r = check_reserved(options, error);
	if (r < 0)
		return r;
	if (options->mount_flags & ~ALL_FLAGS)
		return error_set(error, -EINVAL, "mount_flags=%#x: %#x is no flag of a view",
				 options->mount_flags, options->mount_flags & ~ALL_FLAGS);
	if (atime & (atime - 1))
		return error_set(error, -EINVAL,
				 "mount_flags=%#x: only one of NOATIME, STRICTATIME and RELATIME holds",
				 options->mount_flags);
	return 0;
}
