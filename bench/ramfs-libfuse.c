// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * ramfs-libfuse MOUNTPOINT [OPTION...]
 *
 * examples/ramfs.c with the low-level interface of libfuse: the same tree, for bench/ramfs.
 */
#include "ramfs-tree.h"

#define FUSE_USE_VERSION 34
#include <errno.h>
#include <fcntl.h>
#include <fuse_lowlevel.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#define FOREVER 1e9

static struct stat stat_of(const struct inode *inode)
{
	const struct statx *stx = &inode->stx;

	return (struct stat){
		.st_ino = stx->stx_ino,
		.st_mode = stx->stx_mode,
		.st_nlink = stx->stx_nlink,
		.st_uid = stx->stx_uid,
		.st_gid = stx->stx_gid,
		.st_size = (off_t)stx->stx_size,
		.st_blocks = (blkcnt_t)stx->stx_blocks,
		.st_blksize = 4096,
		.st_rdev = makedev(stx->stx_rdev_major, stx->stx_rdev_minor),
		.st_atim = { stx->stx_atime.tv_sec, stx->stx_atime.tv_nsec },
		.st_mtim = { stx->stx_mtime.tv_sec, stx->stx_mtime.tv_nsec },
		.st_ctim = { stx->stx_ctime.tv_sec, stx->stx_ctime.tv_nsec },
	};
}

static struct fuse_entry_param entry_of(const struct inode *inode)
{
	return (struct fuse_entry_param){
		.ino = inode->stx.stx_ino,
		.attr = stat_of(inode),
		.attr_timeout = FOREVER,
		.entry_timeout = FOREVER,
	};
}

static void reply_entry(fuse_req_t req, int r, const struct inode *inode)
{
	struct fuse_entry_param entry;

	if (r == 0)
		entry = entry_of(inode);
	pthread_rwlock_unlock(&tree_lock);
	if (r < 0)
		fuse_reply_err(req, -r);
	else
		fuse_reply_entry(req, &entry);
}

static void reply(fuse_req_t req, int r)
{
	pthread_rwlock_unlock(&tree_lock);
	fuse_reply_err(req, -r);
}

static void look_up(fuse_req_t req, fuse_ino_t dir, const char *text)
{
	struct name *name;

	pthread_rwlock_rdlock(&tree_lock);
	name = tree_find(tree_inode(dir), text);
	reply_entry(req, name ? 0 : -ENOENT, name ? name->inode : NULL);
}

static void forget(fuse_req_t req, fuse_ino_t ino, uint64_t n)
{
	pthread_rwlock_wrlock(&tree_lock);
	if (tree_inode(ino))
		tree_forget(tree_inode(ino));
	pthread_rwlock_unlock(&tree_lock);
	fuse_reply_none(req);
}

static void get_attributes(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct stat st;

	pthread_rwlock_rdlock(&tree_lock);
	st = stat_of(tree_inode(ino));
	pthread_rwlock_unlock(&tree_lock);
	fuse_reply_attr(req, &st, FOREVER);
}

static void change(fuse_req_t req, fuse_ino_t ino, struct stat *st, int set,
		   struct fuse_file_info *fi)
{
	struct inode *inode;
	struct statx asked = {
		.stx_mode = (uint16_t)st->st_mode,
		.stx_uid = st->st_uid,
		.stx_gid = st->st_gid,
		.stx_size = (uint64_t)st->st_size,
		.stx_mask = (set & FUSE_SET_ATTR_MODE ? STATX_MODE : 0u) |
			    (set & FUSE_SET_ATTR_UID ? STATX_UID : 0u) |
			    (set & FUSE_SET_ATTR_GID ? STATX_GID : 0u) |
			    (set & FUSE_SET_ATTR_SIZE ? STATX_SIZE : 0u),
	};
	struct stat now;

	pthread_rwlock_wrlock(&tree_lock);
	inode = tree_inode(ino);
	asked.stx_mode = (uint16_t)((inode->stx.stx_mode & S_IFMT) | (st->st_mode & 07777));
	tree_change(inode, &asked, false);
	now = stat_of(inode);
	pthread_rwlock_unlock(&tree_lock);
	fuse_reply_attr(req, &now, FOREVER);
}

static void make(fuse_req_t req, fuse_ino_t dir, const char *text, mode_t mode)
{
	const struct fuse_ctx *ctx = fuse_req_ctx(req);
	struct inode *inode = NULL;
	int r;

	pthread_rwlock_wrlock(&tree_lock);
	r = tree_make(tree_inode(dir), text, mode, ctx->uid, ctx->gid, 0, NULL, &inode);
	reply_entry(req, r, inode);
}

static void make_dir(fuse_req_t req, fuse_ino_t dir, const char *text, mode_t mode)
{
	make(req, dir, text, S_IFDIR | mode);
}

static void create(fuse_req_t req, fuse_ino_t dir, const char *text, mode_t mode,
		   struct fuse_file_info *fi)
{
	const struct fuse_ctx *ctx = fuse_req_ctx(req);
	struct fuse_entry_param entry;
	struct inode *inode = NULL;
	int r;

	pthread_rwlock_wrlock(&tree_lock);
	r = tree_make(tree_inode(dir), text, mode, ctx->uid, ctx->gid, 0, NULL, &inode);
	if (r == 0) {
		inode->n_open++;
		entry = entry_of(inode);
	}
	pthread_rwlock_unlock(&tree_lock);
	if (r < 0)
		fuse_reply_err(req, -r);
	else
		fuse_reply_create(req, &entry, fi);
}

static void remove_file(fuse_req_t req, fuse_ino_t dir, const char *text)
{
	pthread_rwlock_wrlock(&tree_lock);
	reply(req, tree_remove(tree_inode(dir), text, false));
}

static void remove_dir(fuse_req_t req, fuse_ino_t dir, const char *text)
{
	pthread_rwlock_wrlock(&tree_lock);
	reply(req, tree_remove(tree_inode(dir), text, true));
}

static void rename_file(fuse_req_t req, fuse_ino_t dir, const char *text, fuse_ino_t new_dir,
			const char *new_text, unsigned int flags)
{
	pthread_rwlock_wrlock(&tree_lock);
	reply(req, tree_rename(tree_inode(dir), text, tree_inode(new_dir), new_text, flags));
}

static void open_file(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	pthread_rwlock_wrlock(&tree_lock);
	tree_inode(ino)->n_open++;
	pthread_rwlock_unlock(&tree_lock);
	fi->keep_cache = 1;
	fuse_reply_open(req, fi);
}

static void release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	pthread_rwlock_wrlock(&tree_lock);
	tree_inode(ino)->n_open--;
	reply(req, 0);
}

static void list(fuse_req_t req, fuse_ino_t dir, size_t size, off_t off, struct fuse_file_info *fi)
{
	char *buf = malloc(size);
	size_t len = 0;

	pthread_rwlock_rdlock(&tree_lock);
	for (struct name *name = tree_inode(dir)->first; name; name = name->after) {
		struct fuse_entry_param entry = entry_of(name->inode);
		size_t n;

		if ((off_t)name->number <= off)
			continue;
		n = fuse_add_direntry_plus(req, buf + len, size - len, name->text, &entry,
					   (off_t)name->number);
		if (n > size - len)
			break;
		len += n;
	}
	pthread_rwlock_unlock(&tree_lock);
	fuse_reply_buf(req, buf, len);
	free(buf);
}

static void get_xattr(fuse_req_t req, fuse_ino_t ino, const char *name, size_t size)
{
	fuse_reply_err(req, ENODATA);
}

static const struct fuse_lowlevel_ops ops = {
	.lookup = look_up,
	.forget = forget,
	.getattr = get_attributes,
	.setattr = change,
	.mkdir = make_dir,
	.create = create,
	.unlink = remove_file,
	.rmdir = remove_dir,
	.rename = rename_file,
	.open = open_file,
	.release = release,
	.readdirplus = list,
	.getxattr = get_xattr,
};

int main(int argc, char **argv)
{
	struct fuse_args args = FUSE_ARGS_INIT(argc - 1, argv + 1);
	struct fuse_loop_config config = { .clone_fd = 1, .max_idle_threads = 10 };
	const char *mountpoint = argv[1];
	struct fuse_session *session;

	if (argc < 2)
		return 2;
	args.argv[0] = argv[0];
	tree_init();
	session = fuse_session_new(&args, &ops, sizeof(ops), NULL);
	if (!session || fuse_session_mount(session, mountpoint) != 0)
		return 1;
	fuse_session_loop_mt(session, &config);
	fuse_session_unmount(session);
	fuse_session_destroy(session);
	return 0;
}
