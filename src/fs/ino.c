// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Inode numbers of the view: those of the lower files.
 *
 * All files of a FUSE mount have the same st_dev (only virtiofs shows submounts). But LOWER can
 * contain several devices: mounts, subvolumes, layers of overlayfs. If two files of different
 * devices had the same inode number, programs would treat them as hard links of one file, and cp or
 * tar would lose data. So ino_mix() puts the index of the device into the upper bits of the number,
 * which file systems do not use; the device of LOWER has index 0. No locks.
 */
#include "fs/fs-private.h"

uint64_t ino_mix(struct fs *fs, const struct statx *stx)
{
	/* Plus 1, because 0 marks a free place. */
	uint64_t dev = ((uint64_t)stx->stx_dev_major << 32 | stx->stx_dev_minor) + 1, i;

	for (i = 0; i < INO_MAX_DEVS; i++) {
		uint64_t found = atomic_load_explicit(&fs->devs[i], memory_order_relaxed);

		if (!found)
			atomic_compare_exchange_strong(&fs->devs[i], &found, dev);
		/* found is still 0 if the device has got this place now. */
		if (!found || found == dev)
			break;
	}
	/* All further devices share an index. Programs compare inode numbers only of hard links. */
	return i << 48;
}
