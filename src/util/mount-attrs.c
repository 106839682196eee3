// SPDX-License-Identifier: LGPL-2.1-or-later
#include "util/mount-attrs.h"

#include <linux/mount.h>
#include <penstock/penstock.h>
#include <stddef.h>

uint64_t mount_attrs(unsigned int flags)
{
	static const struct {
		unsigned int flag;
		uint64_t attr;
	} map[] = {
		{ PST_MOUNT_RDONLY, MOUNT_ATTR_RDONLY },
		{ PST_MOUNT_NOSUID, MOUNT_ATTR_NOSUID },
		{ PST_MOUNT_NODEV, MOUNT_ATTR_NODEV },
		{ PST_MOUNT_NOEXEC, MOUNT_ATTR_NOEXEC },
		{ PST_MOUNT_NOATIME, MOUNT_ATTR_NOATIME },
		{ PST_MOUNT_NODIRATIME, MOUNT_ATTR_NODIRATIME },
		{ PST_MOUNT_STRICTATIME, MOUNT_ATTR_STRICTATIME },
		{ PST_MOUNT_NOSYMFOLLOW, MOUNT_ATTR_NOSYMFOLLOW },
	};
	uint64_t attrs = 0;

	for (size_t i = 0; i < sizeof(map) / sizeof(map[0]); i++)
		if (flags & map[i].flag)
			attrs |= map[i].attr;
	return attrs;
}
