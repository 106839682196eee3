// SPDX-License-Identifier: LGPL-2.1-or-later
/* Finds the files of LOWER that an eviction could free. No state, no locks. */
#include "fs/hollow-private.h"
#include "util/cleanup.h"
#include "util/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <stdio.h>
#include <string.h>
#include <sys/xattr.h>

int fs_each_filled(struct fs *fs, fs_filled_fn fn, void *aux)
{
	_cleanup_(fd_closep) int fd = lower_open(fs, fs->root, O_RDONLY);
	char path[64], *paths[] = { path, NULL };
	bool goes_on = true;
	size_t len;
	FTSENT *entry;
	FTS *fts;

	if (fd < 0)
		return fd;
	len = (size_t)snprintf(path, sizeof(path), "/proc/self/fd/%d/.", fd);
	/* Without mounts below LOWER, whose files no syncfs(2) of LOWER covers. */
	fts = fts_open(paths, FTS_PHYSICAL | FTS_XDEV | FTS_NOCHDIR, NULL);
	if (!fts)
		return -errno;
	while (goes_on && (entry = fts_read(fts)))
		if (entry->fts_info == FTS_F && S_ISREG(entry->fts_statp->st_mode) &&
		    lgetxattr(entry->fts_path, HOLLOW_FILLED, NULL, 0) > 0)
			goes_on = fn(aux, entry->fts_path + len + 1, entry->fts_statp);
	fts_close(fts);
	return 0;
}
