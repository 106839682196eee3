// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * ramfs-libfuse MOUNTPOINT one|many [OPTION...]
 *
 * The names and attributes of examples/ramfs.c with the low-level interface of libfuse, for
 * bench/ramfs. Both programs have the same tree, that of <penstock/tree.h>. With "many", libfuse
 * calls these functions in several threads, so a lock guards the tree.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#define FUSE_USE_VERSION 34
#include <errno.h>
#include <fuse_lowlevel.h>
#include <penstock/tree.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/sysmacros.h>

#define FOREVER 1e9

static struct pst_tree *tree;
static pthread_rwlock_t lock = PTHREAD_RWLOCK_INITIALIZER;

static struct stat stat_of(const struct pst_inode *inode)
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

static struct fuse_entry_param entry_of(const struct pst_inode *inode)
{
	return (struct fuse_entry_param){
		.ino = inode->stx.stx_ino,
		.attr = stat_of(inode),
		.attr_timeout = FOREVER,
		.entry_timeout = FOREVER,
	};
}

static void reply(fuse_req_t req, int r)
{
	pthread_rwlock_unlock(&lock);
	fuse_reply_err(req, -r);
}

static void look_up(fuse_req_t req, fuse_ino_t dir, const char *text)
{
	/* An entry without an inode: the kernel caches that the name does not exist. */
	struct fuse_entry_param entry = { .entry_timeout = FOREVER };
	struct pst_name *name;

	pthread_rwlock_rdlock(&lock);
	name = pst_tree_find(tree, pst_tree_inode(tree, dir), text);
	if (name)
		entry = entry_of(name->inode);
	pthread_rwlock_unlock(&lock);
	fuse_reply_entry(req, &entry);
}

static void forget(fuse_req_t req, fuse_ino_t ino, uint64_t n)
{
	pthread_rwlock_wrlock(&lock);
	if (pst_tree_inode(tree, ino))
		pst_inode_drop(tree, pst_tree_inode(tree, ino));
	pthread_rwlock_unlock(&lock);
	fuse_reply_none(req);
}

static void get_attributes(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct stat st;

	pthread_rwlock_rdlock(&lock);
	st = stat_of(pst_tree_inode(tree, ino));
	pthread_rwlock_unlock(&lock);
	fuse_reply_attr(req, &st, FOREVER);
}

static void change(fuse_req_t req, fuse_ino_t ino, struct stat *st, int set,
		   struct fuse_file_info *fi)
{
	struct statx asked = {
		.stx_mode = (uint16_t)st->st_mode,
		.stx_uid = st->st_uid,
		.stx_gid = st->st_gid,
		.stx_mask = (set & FUSE_SET_ATTR_MODE ? STATX_MODE : 0u) |
			    (set & FUSE_SET_ATTR_UID ? STATX_UID : 0u) |
			    (set & FUSE_SET_ATTR_GID ? STATX_GID : 0u),
	};
	struct stat now;

	pthread_rwlock_wrlock(&lock);
	pst_inode_set(pst_tree_inode(tree, ino), &asked, 0);
	now = stat_of(pst_tree_inode(tree, ino));
	pthread_rwlock_unlock(&lock);
	fuse_reply_attr(req, &now, FOREVER);
}

/* Makes a file. Returns 0 and its entry, or -errno. */
static int make(fuse_req_t req, fuse_ino_t dir, const char *text, mode_t mode,
		struct fuse_entry_param *ret_entry)
{
	const struct fuse_ctx *ctx = fuse_req_ctx(req);
	struct statx stx = {
		.stx_mode = (uint16_t)mode,
		.stx_uid = ctx->uid,
		.stx_gid = ctx->gid,
	};
	struct pst_inode *inode;
	int r = -ENOMEM;

	pthread_rwlock_wrlock(&lock);
	inode = pst_inode_new(tree, &stx);
	if (inode)
		r = pst_tree_link(tree, pst_tree_inode(tree, dir), text, inode);
	if (r == 0)
		*ret_entry = entry_of(inode);
	pthread_rwlock_unlock(&lock);
	return r;
}

static void make_dir(fuse_req_t req, fuse_ino_t dir, const char *text, mode_t mode)
{
	struct fuse_entry_param entry;
	int r = make(req, dir, text, S_IFDIR | mode, &entry);

	if (r < 0)
		fuse_reply_err(req, -r);
	else
		fuse_reply_entry(req, &entry);
}

static void create(fuse_req_t req, fuse_ino_t dir, const char *text, mode_t mode,
		   struct fuse_file_info *fi)
{
	struct fuse_entry_param entry;
	int r = make(req, dir, text, mode, &entry);

	if (r < 0)
		fuse_reply_err(req, -r);
	else
		fuse_reply_create(req, &entry, fi);
}

static void remove_file(fuse_req_t req, fuse_ino_t dir, const char *text)
{
	pthread_rwlock_wrlock(&lock);
	reply(req, pst_tree_remove(tree, pst_tree_inode(tree, dir), text, 0));
}

static void remove_dir(fuse_req_t req, fuse_ino_t dir, const char *text)
{
	pthread_rwlock_wrlock(&lock);
	reply(req, pst_tree_remove(tree, pst_tree_inode(tree, dir), text, 1));
}

static void rename_file(fuse_req_t req, fuse_ino_t dir, const char *text, fuse_ino_t new_dir,
			const char *new_text, unsigned int flags)
{
	pthread_rwlock_wrlock(&lock);
	reply(req, pst_tree_rename(tree, pst_tree_inode(tree, dir), text,
				   pst_tree_inode(tree, new_dir), new_text, flags));
}

static void open_file(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	fi->keep_cache = 1;
	fuse_reply_open(req, fi);
}

static void list_names(fuse_req_t req, fuse_ino_t dir, size_t size, off_t off, int plus)
{
	char *buf = malloc(size);
	struct pst_name *name;
	size_t len = 0;

	pthread_rwlock_rdlock(&lock);
	name = pst_tree_after(pst_tree_inode(tree, dir), (uint64_t)off);
	for (; name; name = name->after) {
		struct fuse_entry_param entry = entry_of(name->inode);
		size_t n;

		if (plus)
			n = fuse_add_direntry_plus(req, buf + len, size - len, name->text, &entry,
						   (off_t)name->number);
		else
			n = fuse_add_direntry(req, buf + len, size - len, name->text, &entry.attr,
					      (off_t)name->number);
		if (n > size - len)
			break;
		len += n;
	}
	pthread_rwlock_unlock(&lock);
	fuse_reply_buf(req, buf, len);
	free(buf);
}

static void list(fuse_req_t req, fuse_ino_t dir, size_t size, off_t off, struct fuse_file_info *fi)
{
	list_names(req, dir, size, off, 0);
}

static void list_plus(fuse_req_t req, fuse_ino_t dir, size_t size, off_t off,
		      struct fuse_file_info *fi)
{
	list_names(req, dir, size, off, 1);
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
	.readdir = list,
	.readdirplus = list_plus,
	.getxattr = get_xattr,
};

int main(int argc, char **argv)
{
	struct fuse_args args = FUSE_ARGS_INIT(argc - 2, argv + 2);
	struct fuse_loop_config config = { .clone_fd = 1, .max_idle_threads = 10 };
	struct fuse_session *session;

	if (argc < 3)
		return 2;
	args.argv[0] = argv[0];
	tree = pst_tree_new(NULL);
	session = fuse_session_new(&args, &ops, sizeof(ops), NULL);
	if (!tree || !session || fuse_session_mount(session, argv[1]) != 0)
		return 1;
	if (strcmp(argv[2], "many") == 0)
		fuse_session_loop_mt(session, &config);
	else
		fuse_session_loop(session);
	fuse_session_unmount(session);
	fuse_session_destroy(session);
	pst_tree_free(tree);
	return 0;
}
