/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Flags of mounts. */
#include <stdint.h>

/* Returns the MOUNT_ATTR_ bits of mount_setattr(2) and fsmount(2) for PST_MOUNT_ flags. */
uint64_t mount_attrs(unsigned int flags);
