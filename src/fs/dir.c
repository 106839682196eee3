/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Directories. Offsets are the lower file system's own, so that telldir and seekdir mean the same in
 * the view as below, and a listing takes no memory however long it is.
 */
#include "fs/fs-private.h"
#include "util/cleanup.h"
#include "util/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define BUF_SIZE 32768

struct lower_dirent {
	uint64_t ino;
	int64_t off;
	uint16_t reclen;
	uint8_t type;
	char name[];
};

int fs_opendir(struct fs *fs, struct node *node, struct fs_open *ret_open)
{
	_cleanup_(fdref_putp) struct fdref ref = FDREF_NONE;
	_cleanup_(fd_closep) int fd = -1;
	struct fs_open open = { 0 };
	int r;

	if (!S_ISDIR(node->type))
		return -ENOTDIR;
	r = fdref_get(fs->fds, node, &ref);
	if (r < 0)
		return r;
	fd = openat(ref.fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	r = handle_new(fs->handles, node, O_RDONLY | O_DIRECTORY, fd, &open.handle);
	if (r < 0)
		return r;
	take_fd(&fd);
	open.cache_dir = open.keep_cache = attr_keep_listing(fs);
	*ret_open = open;
	return 0;
}

static bool is_dots(const char *name)
{
	return name[0] == '.' && (!name[1] || (name[1] == '.' && !name[2]));
}

/* The entry of a name for a listing that has them; none where it cannot be had right now. */
static void entry_of(struct fs *fs, struct handle *handle, const char *name,
		     struct fs_entry *ret_entry)
{
	struct fs_entry entry = { 0 };

	if (!is_dots(name))
		name_resolve(fs, handle->node, handle->fd, name, &entry);
	*ret_entry = entry;
}

/* Gives one buffer of entries on; returns how many bytes of it were, sets *pos to the offset then. */
static size_t give(struct fs *fs, struct handle *handle, const char *buf, size_t len, off_t *pos,
		   struct fs_dirsink *sink)
{
	size_t at = 0;

	while (at < len) {
		const struct lower_dirent *lower = (const struct lower_dirent *)(buf + at);
		struct fs_dirent dirent = {
			.name = lower->name,
			.name_len = strlen(lower->name),
			.ino = attr_ino(handle->node, lower->ino),
			.off = (uint64_t)lower->off,
			.type = lower->type,
		};
		struct fs_entry entry = { 0 };

		if (!sink->fits(sink, dirent.name_len))
			break;
		if (sink->entries)
			entry_of(fs, handle, lower->name, &entry);
		sink->add(sink, &dirent, &entry);
		*pos = lower->off;
		at += lower->reclen;
	}
	return at;
}

int fs_readdir(struct fs *fs, struct handle *handle, uint64_t off, struct fs_dirsink *sink)
{
	_Alignas(struct lower_dirent) char buf[BUF_SIZE];
	off_t pos = (off_t)off;
	int r = 0;

	pthread_mutex_lock(&handle->lock);
	if (handle->pos != pos && lseek(handle->fd, pos, SEEK_SET) < 0) {
		r = -errno;
		goto unlock;
	}
	for (;;) {
		ssize_t n = syscall(SYS_getdents64, handle->fd, buf, sizeof(buf));
		size_t given;

		if (n < 0)
			r = -errno;
		if (n <= 0)
			break;
		given = give(fs, handle, buf, (size_t)n, &pos, sink);
		if (given < (size_t)n) {
			/* The descriptor stands behind what was not given: the next call seeks. */
			handle->pos = -1;
			goto unlock;
		}
		if (sink->entries)
			break;
	}
	handle->pos = pos;
unlock:
	pthread_mutex_unlock(&handle->lock);
	return r;
}
