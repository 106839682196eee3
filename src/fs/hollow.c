// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Hollow files: lower files that have all their attributes, and not yet their content. Hollow
 * directories have not yet their names. The mark of a hollow file is an extended attribute of the
 * lower inode (PST_HOLLOW), so it survives the process and the machine.
 *
 * A fill writes the content and then sets HOLLOW_FILLED, with which the file counts as whole on
 * this instance of the file system. settle.c removes the mark when the content is on the disk. So
 * that a fill which was interrupted changes nothing that a client sees, HOLLOW_FILLING has the size
 * and the times from before the fill. As long as it exists, the view shows these times, and the
 * next fill begins with a file without blocks. If the file is fetched in pieces, HOLLOW_FILLING
 * also says which are there (pieces.c). HOLLOW_CAPABILITY has the capabilities of a program, which
 * writes remove.
 *
 * In node->flags, NODE_WHOLE means that the file was seen without the mark, or filled. The caller,
 * src/source, runs one fill of a file at a time. No locks.
 */
#include "fs/hollow.h"
#include "fs/fs-private.h"
#include "fs/hollow-private.h"
#include "fs/keyed.h"
#include "fs/pieces-record.h"
#include "util/cleanup.h"
#include "util/fd.h"
#include "util/hash.h"
#include "util/log.h"

#include <errno.h>
#include <fcntl.h>
#include <penstock/source.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#define HIDDEN "trusted.penstock."

#ifndef STATX_MNT_ID_UNIQUE
#define STATX_MNT_ID_UNIQUE 0x00004000U
#endif

bool hollow_is_mark(const struct fs *fs, const char *name)
{
	return fs->config.instance && strncmp(name, HIDDEN, strlen(HIDDEN)) == 0;
}

void hollow_set_whole(struct node *node)
{
	atomic_fetch_or(&node->flags, NODE_WHOLE);
}

bool fs_is_whole(const struct node *node)
{
	return (atomic_load_explicit(&node->flags, memory_order_acquire) &
		(NODE_WHOLE | NODE_KEYED)) ||
	       (!S_ISREG(node->type) && !S_ISDIR(node->type));
}

uint64_t fs_length(struct fs *fs, struct node *node)
{
	struct statx stx;

	return lower_node_stat(fs, node, &stx) < 0 ? 0 : stx.stx_size;
}

bool hollow_is_absent(int number)
{
	return number == ENODATA || number == EOPNOTSUPP;
}

uint64_t fs_instance(const char *lower)
{
	char boot[64];
	struct statx stx;

	if (statx(AT_FDCWD, lower, 0, STATX_MNT_ID_UNIQUE, &stx) < 0 ||
	    !(stx.stx_mask & STATX_MNT_ID_UNIQUE) ||
	    fd_read_file("/proc/sys/kernel/random/boot_id", boot, sizeof(boot)) < 0)
		return FS_INSTANCE_UNKNOWN;
	return hash_bytes(stx.stx_mnt_id, boot, strlen(boot)) | 2;
}

static ssize_t get_filled(int fd, struct hollow_filled *ret_filled)
{
	ssize_t n = getxattr(fd_path(fd).text, HOLLOW_FILLED, ret_filled, sizeof(*ret_filled));

	if (n < 0)
		return hollow_is_absent(errno) ? -ENODATA : -errno;
	return n < (ssize_t)offsetof(struct hollow_filled, tag) ? -ENODATA : n;
}

bool hollow_is_filled(const struct fs *fs, int fd)
{
	struct hollow_filled filled;

	return get_filled(fd, &filled) > 0 && filled.instance != FS_INSTANCE_UNKNOWN &&
	       filled.instance == fs->config.instance;
}

int hollow_read_filled(int fd, struct hollow_filled *ret_filled, size_t *ret_tag_len)
{
	const struct hollow_filling *was = &ret_filled->was;
	ssize_t n = get_filled(fd, ret_filled);
	struct stat st;

	if (n < 0)
		return (int)n;
	if (fstat(fd, &st) < 0)
		return -errno;
	*ret_tag_len = (size_t)n - offsetof(struct hollow_filled, tag);
	return (uint64_t)st.st_size != was->length || st.st_mtim.tv_sec != was->times[1].sec ||
			       st.st_mtim.tv_nsec != was->times[1].nsec ?
		       HOLLOW_CHANGED :
		       0;
}

int fs_has_mark(struct fs *fs, struct node *node)
{
	_cleanup_(fdref_putp) struct fdref ref = FDREF_NONE;
	int r = fdref_get(fs->fds, node, &ref);

	if (r < 0)
		return r;
	if (getxattr(fd_path(ref.fd).text, PST_HOLLOW, NULL, 0) < 0)
		return hollow_is_absent(errno) ? 0 : -errno;
	return S_ISREG(node->type) && hollow_is_filled(fs, ref.fd) ? FS_UNSETTLED : 1;
}

int fs_is_hollow(struct fs *fs, struct node *node)
{
	int r = fs_is_whole(node) ? 0 : fs_has_mark(fs, node);

	if (r == FS_UNSETTLED)
		atomic_fetch_or(&node->flags, NODE_UNSETTLED);
	if (r == 0 || r == FS_UNSETTLED)
		hollow_set_whole(node);
	return r;
}

/* -- capabilities ------------------------------------------------------------------------------ */

#define CAPABILITY     "security.capability"
#define CAPABILITY_MAX 64 /* bytes; the kernel has up to 24 */

/* Copies an extended attribute, if the file has it. Returns 1, 0 if it does not, or -errno. */
static int copy_attribute(int fd, const char *from, const char *to)
{
	char value[CAPABILITY_MAX];
	ssize_t n = fgetxattr(fd, from, value, sizeof(value));

	if (n < 0)
		return hollow_is_absent(errno) ? 0 : -errno;
	return fsetxattr(fd, to, value, (size_t)n, 0) < 0 ? -errno : 1;
}

int hollow_save_capability(int fd)
{
	int r = copy_attribute(fd, CAPABILITY, HOLLOW_CAPABILITY);

	return r < 0 ? r : 0;
}

int hollow_restore_capability(int fd, bool end)
{
	int r = copy_attribute(fd, HOLLOW_CAPABILITY, CAPABILITY);

	if (r == 1 && end)
		r = fremovexattr(fd, HOLLOW_CAPABILITY) < 0 ? -errno : 0;
	return r < 0 ? r : 0;
}

bool fs_ahead_begins(struct node *node)
{
	if (S_ISREG(node->type) && fs_is_whole(node))
		return true;
	return (atomic_load_explicit(&node->flags, memory_order_relaxed) & NODE_AHEAD) ||
	       (atomic_fetch_or(&node->flags, NODE_AHEAD) & NODE_AHEAD);
}

int fs_open_node_dir(struct fs *fs, struct node *node)
{
	return lower_open(fs, node, O_RDONLY);
}

/* -- times ------------------------------------------------------------------------------------- */

struct hollow_filling hollow_filling_of(const struct stat *st)
{
	return (struct hollow_filling){
		.length = (uint64_t)st->st_size,
		.times = { { st->st_atim.tv_sec, st->st_atim.tv_nsec },
			   { st->st_mtim.tv_sec, st->st_mtim.tv_nsec } },
	};
}

void hollow_times_of(const struct hollow_filling *filling, struct timespec ret_times[2])
{
	for (int i = 0; i < 2; i++) {
		ret_times[i].tv_sec = filling->times[i].sec;
		ret_times[i].tv_nsec = filling->times[i].nsec;
	}
}

bool hollow_filling(int fd, struct hollow_filling *ret_filling)
{
	struct hollow_pieces pieces;

	if (getxattr(fd_path(fd).text, HOLLOW_FILLING, &pieces, sizeof(pieces)) <
	    (ssize_t)sizeof(pieces.was))
		return false;
	*ret_filling = pieces.was;
	return true;
}

void hollow_show_times(struct fs *fs, struct node *node, struct statx *stx)
{
	_cleanup_(fdref_putp) struct fdref ref = FDREF_NONE;
	struct hollow_filling filling;
	struct timespec times[2];

	/* A fill that has changed the mtime has written blocks, or mtime and ctime are equal. */
	if (fs_is_whole(node) || (S_ISREG(node->type) && !stx->stx_blocks &&
				  (stx->stx_mtime.tv_sec != stx->stx_ctime.tv_sec ||
				   stx->stx_mtime.tv_nsec != stx->stx_ctime.tv_nsec)))
		return;
	if (fdref_get(fs->fds, node, &ref) < 0 || !hollow_filling(ref.fd, &filling))
		return;
	hollow_times_of(&filling, times);
	stx->stx_atime.tv_sec = times[0].tv_sec;
	stx->stx_atime.tv_nsec = (uint32_t)times[0].tv_nsec;
	stx->stx_mtime.tv_sec = times[1].tv_sec;
	stx->stx_mtime.tv_nsec = (uint32_t)times[1].tv_nsec;
}

/* -- fills ------------------------------------------------------------------------------------- */

int hollow_begin_again(int fd, uint64_t length)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (st.st_size != (off_t)length && ftruncate(fd, (off_t)length) < 0)
		return -errno;
	if (length &&
	    fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, (off_t)length) < 0)
		return errno == EOPNOTSUPP ? 0 : -errno;
	return 0;
}

int hollow_read_tag(struct fs_fill *fill)
{
	ssize_t n = fgetxattr(fill->fd, PST_HOLLOW, fill->tag, sizeof(fill->tag));

	if (n < 0 && errno == ERANGE) {
		log_error("a mark in LOWER has a value of more than %d bytes: the caller gets EIO",
			  PST_HOLLOW_TAG_MAX);
		return -EIO;
	}
	if (n < 0)
		return hollow_is_absent(errno) ? FS_FILL_DONE : -errno;
	fill->tag_len = (size_t)n;
	return 0;
}

void hollow_log_lost(int error)
{
	log_error("LOWER's file system cannot write the content of a fetched file to the disk: %s. "
		  "The view fetches it again when it is needed",
		  strerror(-error));
}

int hollow_record_filled(struct fs *fs, const struct fs_fill *fill)
{
	struct hollow_filled filled = { .was.length = fill->length,
					.instance = fs->config.instance };
	size_t len = offsetof(struct hollow_filled, tag) + fill->tag_len;

	for (int i = 0; i < 2; i++) {
		filled.was.times[i].sec = fill->times[i].tv_sec;
		filled.was.times[i].nsec = fill->times[i].tv_nsec;
	}
	memcpy(filled.tag, fill->tag, fill->tag_len);
	return fsetxattr(fill->fd, HOLLOW_FILLED, &filled, len, 0) < 0 ? -errno : 0;
}

int hollow_finish(struct fs *fs, struct node *node, const struct fs_fill *fill, bool evictable)
{
	int r = evictable ? hollow_record_filled(fs, fill) : 0;

	/* The mark before the record: a file without the mark may have any record. */
	if (r == 0 && fremovexattr(fill->fd, PST_HOLLOW) < 0 && !hollow_is_absent(errno))
		r = -errno;
	if (r < 0)
		return r;
	fremovexattr(fill->fd, HOLLOW_FILLING);
	hollow_set_whole(node);
	return 0;
}

/* -- changes by clients ------------------------------------------------------------------------ */

/* Records that the file has no content but has all of it. */
static int set_emptied(struct node *node, const char *path)
{
	if (removexattr(path, PST_HOLLOW) < 0 && !hollow_is_absent(errno))
		return -errno;
	removexattr(path, HOLLOW_FILLING);
	removexattr(path, HOLLOW_CAPABILITY);
	hollow_set_whole(node);
	return 0;
}

/* As fs_hollow_changed(), for a file that was not emptied. Caller holds the lock of the record. */
static int update_record(int fd, const char *path, unsigned int changes)
{
	struct hollow_pieces record;
	struct hollow_filling now;
	struct stat st;
	ssize_t n;

	if ((changes & FS_HOLLOW_CAPABILITY) && removexattr(path, HOLLOW_CAPABILITY) < 0 &&
	    !hollow_is_absent(errno))
		return -errno;
	if (!(changes & (FS_HOLLOW_ATIME | FS_HOLLOW_MTIME)))
		return 0;
	n = getxattr(path, HOLLOW_FILLING, &record, sizeof(record));
	if (n < (ssize_t)sizeof(record.was))
		return 0;
	if (fstat(fd, &st) < 0)
		return -errno;
	now = hollow_filling_of(&st);
	/* The other time may be that of the interrupted fill. */
	for (int i = 0; i < 2; i++)
		if (changes & (FS_HOLLOW_ATIME << i))
			record.was.times[i] = now.times[i];
	return setxattr(path, HOLLOW_FILLING, &record, (size_t)n, 0) < 0 ? -errno : 0;
}

int fs_hollow_changed(struct fs *fs, struct node *node, unsigned int changes)
{
	_cleanup_(fdref_putp) struct fdref ref = FDREF_NONE;
	const char *path;
	int r = fdref_get(fs->fds, node, &ref);

	if (r < 0)
		return r;
	path = fd_path(ref.fd).text;
	/* Pieces may be settled meanwhile. */
	pthread_mutex_lock(&fs->pieces_lock);
	r = changes & FS_HOLLOW_EMPTIED ? set_emptied(node, path) :
					  update_record(ref.fd, path, changes);
	pthread_mutex_unlock(&fs->pieces_lock);
	return r;
}

int fs_fetch_when(struct fs *fs, struct node *node, const struct pst_source *source,
		  enum pst_fetch_when *ret_when)
{
	_cleanup_(fdref_putp) struct fdref ref = FDREF_NONE;
	char tag[PST_HOLLOW_TAG_MAX];
	struct pst_file file;
	struct pst_fetch fetch = { .fd = -1, .tag = tag, .file = &file };
	struct fhandle fh;
	struct stat st;
	ssize_t n;
	int r = fdref_get(fs->fds, node, &ref);

	if (r < 0)
		return r;
	*ret_when = PST_FETCH_READ;
	if (getxattr(fd_path(ref.fd).text, HOLLOW_FILLING, NULL, 0) >
	    (ssize_t)sizeof(struct hollow_filling))
		return 0;
	*ret_when = source->when;
	if (!source->when_of)
		return 0;
	n = getxattr(fd_path(ref.fd).text, PST_HOLLOW, tag, sizeof(tag));
	/* ERANGE: the fill refuses the mark, and logs that. */
	if (n < 0)
		return hollow_is_absent(errno) || errno == ERANGE ? 0 : -errno;
	if (fstat(ref.fd, &st) < 0)
		return -errno;
	fetch.tag_len = (size_t)n;
	fetch.len = fetch.length = (uint64_t)st.st_size;
	fs_describe(fs, node, &fh, &file);
	*ret_when = source->when_of(source->aux, &fetch);
	return 0;
}
