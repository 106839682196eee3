// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Inode numbers of the view: those of the lower files.
 *
 * The kernel gives all of the view one st_dev; only on virtiofs it gives one to each mount below.
 * LOWER can reach several devices: mounts, subvolumes, layers of overlayfs. Programs would take two
 * files of different devices for one if their inode numbers are the same. So ino_mix() mixes the
 * index of the device into the upper bits of the number, which file systems do not use; LOWER's own
 * device has index 0. Lock-free.
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
	/* All further devices share an index, which is right for files with one link. */
	return i << 48;
}
