// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Inode numbers of the view: those below.
 *
 * All of the view has one st_dev: the kernel gives what is mounted below it one of its own on
 * virtiofs only. Below there may be several: file systems mounted there, subvolumes, layers of
 * overlayfs. So that two files are not taken for one because their numbers are the same, files that
 * are not on LOWER's own device get the number of theirs mixed in where inode numbers are not in
 * use.
 */
#include "fs/fs-private.h"

#include <errno.h>
#include <stdlib.h>

#define MAX_DEVS 4096

struct devs {
	_Atomic unsigned int n; /* entries below it are constant */
	pthread_mutex_t lock;   /* guards adding */
	uint64_t dev[MAX_DEVS]; /* the first is LOWER's */
};

int ino_devs_new(struct devs **ret_devs)
{
	struct devs *devs = calloc(1, sizeof(*devs));

	if (!devs)
		return -ENOMEM;
	pthread_mutex_init(&devs->lock, NULL);
	*ret_devs = devs;
	return 0;
}

struct devs *ino_devs_free(struct devs *devs)
{
	if (devs)
		pthread_mutex_destroy(&devs->lock);
	free(devs);
	return NULL;
}

static unsigned int dev_find(struct devs *devs, uint64_t dev)
{
	unsigned int n = atomic_load_explicit(&devs->n, memory_order_acquire), i;

	for (i = 0; i < n && devs->dev[i] != dev; i++)
		;
	return i;
}

uint64_t ino_mix(struct fs *fs, const struct statx *stx)
{
	uint64_t dev = (uint64_t)stx->stx_dev_major << 32 | stx->stx_dev_minor;
	struct devs *devs = fs->devs;
	unsigned int i = dev_find(devs, dev);

	if (i == devs->n) {
		pthread_mutex_lock(&devs->lock);
		i = dev_find(devs, dev);
		/*
		 * Further devices share a number, which is right for all files that are not linked.
		 */
		if (i == devs->n && i < MAX_DEVS) {
			devs->dev[i] = dev;
			atomic_store_explicit(&devs->n, i + 1, memory_order_release);
		}
		pthread_mutex_unlock(&devs->lock);
	}
	return (uint64_t)i << 48;
}
