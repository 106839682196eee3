// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Directories. Offsets are those of the lower file system, so that telldir(3) and seekdir(3) work
 * as in the lower tree, and the memory for a listing does not depend on its length. Locking: the
 * lock of a handle guards its stream.
 */
#include "fs/fs-private.h"
#include "util/cleanup.h"
#include "util/fd.h"
#include "util/name.h"

#include <dirent.h>
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

/*
 * The length of the getdents64(2) record of a name of NAME_MAX bytes. Names can be longer on file
 * systems that count characters.
 */
#define LONG_RECORD 280

/*
 * The state of an open directory. The daemon never reads names before a request asks for them. The
 * kernel puts a cached listing together from the replies to several readers, and assumes that it is
 * as new as the directory was when the first of these readers began. Names that were read before a
 * change and sent after it would make the cached listing wrong for all readers.
 */
struct dirstream {
	off_t pos;        /* of the lower descriptor */
	uint64_t ino_mix; /* of the directory's device */
	bool replied;     /* listings_taken() is due for the last reply */
	bool ended;       /* listings_end_taken() is due for it, with the number end */
	uint32_t end;
	_Alignas(struct lower_dirent) char buf[BUF_SIZE];
};

void fs_each_name(struct fs *fs, struct node *node, fs_name_fn fn, void *aux)
{
	_cleanup_(fdref_putp) struct fdref ref = FDREF_NONE;
	_cleanup_(fd_closep) int fd = -1;
	_Alignas(struct lower_dirent) char buf[4096];
	ssize_t n;

	if (!S_ISDIR(node->type) || fdref_get(fs->fds, node, &ref) < 0)
		return;
	fd = lower_openat(fs, ref.fd, ".", O_RDONLY | O_DIRECTORY, 0);
	while (fd >= 0 && (n = syscall(SYS_getdents64, fd, buf, sizeof(buf))) > 0) {
		for (ssize_t at = 0; at < n;) {
			const struct lower_dirent *lower = (struct lower_dirent *)(buf + at);

			fn(aux, node, lower->name, lower->ino, DTTOIF(lower->type));
			at += lower->reclen;
		}
	}
}

int fs_opendir(struct fs *fs, struct node *node, struct fs_open *ret_open)
{
	_cleanup_(fdref_putp) struct fdref ref = FDREF_NONE;
	_cleanup_(fd_closep) int fd = -1;
	struct fs_open open = { 0 };
	int r;

	if (!S_ISDIR(node->type))
		return -ENOTDIR;
	if (node_has_no_lower(node))
		return handle_new(fs->handles, node, O_RDONLY | O_DIRECTORY, creds_serving_uid(),
				  &ret_open->handle);
	r = fdref_get(fs->fds, node, &ref);
	if (r < 0)
		return r;
	watch_before_read(fs, node, ref.fd);
	/* Only with xdev=hide: opening the directory would trigger the automount that it hides. */
	if (lower_checks_caller(fs, node) && lower_is_automount(ref.fd))
		return -EACCES;
	/*
	 * A caller who may list a directory may lack the permission to search it, which "." needs.
	 */
	fd = lower_checks_caller(fs, node) ?
		     lower_open(fs, node, O_RDONLY) :
		     lower_openat(fs, ref.fd, ".", O_RDONLY | O_DIRECTORY, 0);
	if (fd < 0)
		return fd;
	r = handle_new(fs->handles, node, O_RDONLY | O_DIRECTORY, creds_serving_uid(),
		       &open.handle);
	if (r < 0)
		return r;
	lower_to_handle(fs, open.handle, take_fd(&fd));
	open.cache_dir = open.keep_cache = attr_keep_listing(fs, node) &&
					   !listings_end_is_late(fs, node);
	*ret_open = open;
	return 0;
}

int fs_dir_at(struct fs *fs, struct node *node, uint64_t off, struct handle **ret_handle)
{
	/* Offset 0 opens the directory again, so that the listing has the names that exist now. */
	struct handle *handle = off ? cursors_take(fs, node, off) : NULL;
	struct fs_open open;
	int r;

	if (!handle) {
		r = fs_opendir(fs, node, &open);
		if (r < 0)
			return r;
		handle = open.handle;
	}
	*ret_handle = handle;
	return 0;
}

/* Adds the records in the buffer to the reply. Returns false if some of them do not fit. */
static bool give(struct fs *fs, struct handle *handle, struct dirstream *stream, size_t len,
		 struct fs_dirsink *sink)
{
	for (size_t at = 0; at < len;) {
		const struct lower_dirent *lower = (const struct lower_dirent *)(stream->buf + at);
		struct fs_dirent dirent = {
			.name = lower->name,
			.name_len = strlen(lower->name),
			.ino = lower->ino ^ stream->ino_mix,
			.off = (uint64_t)lower->off,
			.type = lower->type,
		};
		struct fs_entry entry = { 0 };

		if (!sink->fits(sink, dirent.name_len))
			return false;
		/* A name that cannot be looked up now is listed without an entry. */
		if (sink->entries && !name_is_dots(lower->name))
			lookup_name(fs, handle->node, handle->fd, lower->name, &entry);
		sink->add(sink, &dirent, &entry);
		stream->pos = lower->off;
		at += lower->reclen;
	}
	return true;
}

/*
 * Sets the lower descriptor to an offset. Seeks even if the descriptor is at that offset, because
 * btrfs lists the names that existed at the open or at the last seek, and no later ones. The seek
 * is relative then, because file systems that number the names (ramfs) would find another name by
 * the offset once names have been added or removed.
 */
static int seek(struct handle *handle, struct dirstream *stream, off_t pos)
{
	bool stays = pos && stream->pos == pos;

	if (lseek(handle->fd, stays ? 0 : pos, stays ? SEEK_CUR : SEEK_SET) < 0)
		return -errno;
	stream->pos = pos;
	return 0;
}

/*
 * Sets *ret_stream to the handle's stream, which it creates if there is none, and seeks to pos.
 * Returns 0 or -errno. Caller holds the handle's lock.
 */
static int stream_at(struct fs *fs, struct handle *handle, off_t pos, struct dirstream **ret_stream)
{
	struct dirstream *stream = handle->stream;
	struct statx stx;
	int r;

	if (!stream) {
		r = lower_stat(handle->fd, &stx);
		if (r < 0)
			return r;
		stream = malloc(sizeof(*stream));
		if (!stream)
			return -ENOMEM;
		stream->pos = 0;
		stream->replied = stream->ended = false;
		stream->ino_mix = ino_mix(fs, &stx);
		handle->stream = stream;
	}
	r = seek(handle, stream, pos);
	if (r == 0)
		*ret_stream = stream;
	return r;
}

/*
 * Calls getdents64(2), with the caller's identity if the lower file system checks the caller.
 * Returns the number of bytes or -errno.
 */
static ssize_t read_names(struct fs *fs, struct handle *handle, struct dirstream *stream,
			  size_t size)
{
	_cleanup_(creds_leavep) struct creds_scope scope = CREDS_NONE;
	int r = lower_enter(fs, handle->node, &scope);
	ssize_t n;

	if (r < 0)
		return r;
	n = syscall(SYS_getdents64, handle->fd, stream->buf, size);
	return n < 0 ? -errno : n;
}

/*
 * Reads names and adds them to the reply: at most as many as surely have room. all is the room of
 * an empty reply. Returns 1 if there may be more names, 0 at the end of the directory or of the
 * reply, or -errno.
 */
static int read_some(struct fs *fs, struct handle *handle, struct dirstream *stream, size_t all,
		     struct fs_dirsink *sink)
{
	size_t room = sink->room(sink), size = room > BUF_SIZE ? BUF_SIZE : room;
	bool empty = room == all;
	ssize_t n;

	/* An empty reply would tell the kernel that the directory ends. */
	if (size < LONG_RECORD && !empty)
		return 0;
	if (size < LONG_RECORD)
		size = LONG_RECORD;
	n = read_names(fs, handle, stream, size);
	/* EINVAL: the next name is longer. */
	if (n == -EINVAL && empty)
		n = read_names(fs, handle, stream, BUF_SIZE);
	if (n < 0)
		return n == -EINVAL && !empty ? 0 : (int)n;
	if (give(fs, handle, stream, (size_t)n, sink))
		return n > 0;
	/* The next request reads the rest again. */
	return lseek(handle->fd, stream->pos, SEEK_SET) < 0 ? -errno : 0;
}

/*
 * Records that the kernel has cached the names of the last reply, or never will. Returns true if
 * the kernel has to drop its cached listing. Caller holds the handle's lock.
 */
static bool reply_is_taken(struct fs *fs, struct handle *handle)
{
	struct dirstream *stream = handle->stream;
	bool drops = false;

	if (!stream)
		return false;
	if (stream->ended)
		drops = listings_end_taken(fs, handle->node, stream->end);
	if (stream->replied) {
		listings_taken(fs, handle->node);
		drops |= listings_end_is_late(fs, handle->node);
	}
	stream->replied = stream->ended = false;
	return drops;
}

void dir_stream_free(struct fs *fs, struct handle *handle)
{
	if (reply_is_taken(fs, handle))
		fs_invalidate_node(fs, handle->node, true);
	free(handle->stream);
	handle->stream = NULL;
}

int fs_readdir(struct fs *fs, struct handle *handle, uint64_t off, struct fs_dirsink *sink)
{
	struct dirstream *stream = NULL;
	size_t all = sink->room(sink);
	uint64_t then = off;
	bool drops;
	int r;

	pthread_mutex_lock(&handle->lock);
	r = stream_at(fs, handle, (off_t)off, &stream);
	drops = reply_is_taken(fs, handle);
	if (r == 0) {
		listings_replies(fs, handle->node, off == 0);
		stream->replied = true;
		r = 1;
	}
	while (r > 0)
		r = read_some(fs, handle, stream, all, sink);
	if (stream && sink->room(sink) == all) {
		reply_is_taken(fs, handle);
		stream->end = listings_ends(fs, handle->node);
		stream->ended = true;
	}
	if (stream)
		then = (uint64_t)stream->pos;
	pthread_mutex_unlock(&handle->lock);
	if (drops)
		fs_invalidate_node(fs, handle->node, true);
	/* A reply without names ends the listing, and leaves no cursor. */
	if (fs->config.no_opendir && r == 0 && then != off)
		cursors_put(fs, handle, then);
	/*
	 * Without OPENDIR no reply can forbid the kernel to cache the listing, so it always does.
	 * If changes make no event, drop the cached listing after each reply.
	 */
	if (fs->config.no_opendir && !attr_keep_listing(fs, handle->node))
		fs_invalidate_node(fs, handle->node, true);
	return r;
}
