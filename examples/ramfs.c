// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * ramfs EMPTY-DIRECTORY MOUNTPOINT [transport=dev|uring]
 *
 * A whole file system in memory: the program answers everything, and the lower directory nothing.
 * The files are lost when it is unmounted. ramfs-tree.c has the files; this file connects them with
 * the library.
 *
 *	cc -o ramfs ramfs.c ramfs-tree.c -lpenstock
 */
#include "ramfs-tree.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <penstock/node.h>
#include <unistd.h>

/* The key of a file is the number of its inode. The root of the view has no key. */
static struct inode *inode_of(const struct pst_file *file)
{
	uint64_t ino = TREE_ROOT;

	if (file->key_len)
		memcpy(&ino, file->key, sizeof(ino));
	return tree_inode(ino);
}

static int answer_entry(const struct inode *inode, struct pst_entry *entry)
{
	uint64_t ino = inode->stx.stx_ino;

	pst_entry_key(entry, &ino, sizeof(ino));
	entry->stx = inode->stx;
	return 0;
}

static struct inode *lock_to_read(struct pst_request *req)
{
	pthread_rwlock_rdlock(&tree_lock);
	return inode_of(req->file);
}

static struct inode *lock_to_write(struct pst_request *req)
{
	pthread_rwlock_wrlock(&tree_lock);
	return inode_of(req->file);
}

/* Unlocks, and passes the result on. */
static int64_t unlock(int64_t r)
{
	pthread_rwlock_unlock(&tree_lock);
	return r;
}

static uint32_t answers(void *aux, const struct pst_file *file)
{
	return file->nodeid == 1 ? PST_ANSWERS_ALL : 0;
}

static void forget(void *aux, const struct pst_file *file)
{
	pthread_rwlock_wrlock(&tree_lock);
	tree_forget(inode_of(file));
	pthread_rwlock_unlock(&tree_lock);
}

static uint32_t find(void *aux, const struct pst_file *file, uint64_t *ret_ino)
{
	struct inode *inode;
	uint32_t type;

	pthread_rwlock_rdlock(&tree_lock);
	inode = inode_of(file);
	type = inode ? inode->stx.stx_mode & S_IFMT : 0;
	if (inode)
		*ret_ino = inode->stx.stx_ino;
	pthread_rwlock_unlock(&tree_lock);
	return type;
}

/* -- names ------------------------------------------------------------------------------------- */

static int look_up(struct pst_request *req, const char *text, struct pst_entry *entry)
{
	struct name *name = tree_find(lock_to_read(req), text);

	/* An empty entry: the kernel caches that the name does not exist. */
	return (int)unlock(name ? answer_entry(name->inode, entry) : 0);
}

static int make(struct pst_request *req, const char *text, uint32_t mode, dev_t rdev,
		const char *target, struct pst_entry *entry)
{
	struct inode *inode;
	int r = tree_make(lock_to_write(req), text, mode, req->uid, req->gid, rdev, target, &inode);

	return (int)unlock(r < 0 ? r : answer_entry(inode, entry));
}

static int create(struct pst_request *req, const char *text, uint32_t mode, int flags,
		  struct pst_entry *entry, struct pst_opened *opened)
{
	struct inode *inode;
	int r = tree_make(lock_to_write(req), text, mode, req->uid, req->gid, 0, NULL, &inode);

	if (r == 0) {
		answer_entry(inode, entry);
		inode->n_open++;
	}
	return (int)unlock(r);
}

static int make_unnamed(struct pst_request *req, uint32_t mode, int flags, struct pst_entry *entry,
			struct pst_opened *opened)
{
	return create(req, NULL, mode, flags, entry, opened);
}

static int link_file(struct pst_request *req, const char *text, struct pst_entry *entry)
{
	struct inode *dir = lock_to_write(req), *inode = inode_of(req->file2);
	int r = tree_find(dir, text) ? -EEXIST : tree_link(dir, text, inode);

	return (int)unlock(r < 0 ? r : answer_entry(inode, entry));
}

static int remove_name(struct pst_request *req, const char *text, int is_dir)
{
	return (int)unlock(tree_remove(lock_to_write(req), text, is_dir));
}

static int rename_file(struct pst_request *req, const char *text, const char *new_text,
		       unsigned int flags)
{
	struct inode *dir = lock_to_write(req);

	return (int)unlock(tree_rename(dir, text, inode_of(req->file2), new_text, flags));
}

static int list(struct pst_request *req, uint64_t at, struct pst_listing *listing)
{
	struct name *name = lock_to_read(req)->first;
	struct pst_entry entry = { 0 };

	for (; name; name = name->after) {
		if (name->number <= at)
			continue;
		answer_entry(name->inode, &entry);
		if (pst_listing_add(listing, name->text, name->number, &entry) == 1)
			break;
	}
	return (int)unlock(0);
}

/* -- attributes and data ----------------------------------------------------------------------- */

static int get_attributes(struct pst_request *req, struct statx *stx)
{
	*stx = lock_to_read(req)->stx;
	return (int)unlock(0);
}

static int change(struct pst_request *req, const struct statx *asked, struct statx *stx)
{
	struct inode *inode = lock_to_write(req);
	int r = tree_change(inode, asked, req->clears_set_ids);

	*stx = inode->stx;
	return (int)unlock(r);
}

static ssize_t read_link(struct pst_request *req, char *buf, size_t size)
{
	return unlock(tree_read(lock_to_read(req), buf, size, 0));
}

static int open_file(struct pst_request *req, int flags, struct pst_opened *opened)
{
	static const struct statx empty = { .stx_mask = STATX_SIZE };
	struct inode *inode = lock_to_write(req);
	int r = flags & O_TRUNC ? tree_change(inode, &empty, req->clears_set_ids) : 0;

	if (r == 0)
		inode->n_open++;
	/* Only this program changes files, and it does so through the kernel's pages. */
	opened->keep_cache = 1;
	return (int)unlock(r);
}

static ssize_t read_file(struct pst_request *req, void *buf, size_t size, uint64_t off)
{
	return unlock(tree_read(lock_to_read(req), buf, size, off));
}

static ssize_t write_file(struct pst_request *req, const void *buf, size_t size, uint64_t off)
{
	return unlock(tree_write(lock_to_write(req), buf, size, off, req->clears_set_ids));
}

static ssize_t copy(struct pst_request *req, uint64_t off, uint64_t off2, size_t len)
{
	struct inode *from = lock_to_write(req), *to = inode_of(req->file2);
	size_t left = off < from->stx.stx_size ? from->stx.stx_size - off : 0;

	return unlock(tree_copy(from, off, to, off2, len < left ? len : left));
}

static int allocate(struct pst_request *req, int mode, uint64_t off, uint64_t len)
{
	return (int)unlock(tree_allocate(lock_to_write(req), mode, off, len));
}

/* Files have no holes. */
static int64_t seek(struct pst_request *req, int64_t off, int whence)
{
	int64_t size = (int64_t)lock_to_read(req)->stx.stx_size;

	return unlock(off >= size ? -ENXIO : whence == SEEK_DATA ? off : size);
}

static void release(struct pst_request *req)
{
	lock_to_write(req)->n_open--;
	unlock(0);
}

int main(int argc, char **argv)
{
	struct pst_node_ops ops = {
		.size = sizeof(ops),
		.quick = PST_ANSWERS_ALL,
		.timeout_ns = UINT64_MAX,
		.ops = answers,
		.forget = forget,
		.find = find,
		.lookup = look_up,
		.getattr = get_attributes,
		.setattr = change,
		.readlink = read_link,
		.make = make,
		.create = create,
		.link = link_file,
		.remove = remove_name,
		.rename = rename_file,
		.open = open_file,
		.read = read_file,
		.write = write_file,
		.copy_file_range = copy,
		.tmpfile = make_unnamed,
		.fallocate = allocate,
		.lseek = seek,
		.release = release,
		.readdir = list,
	};
	struct pst_view_options options = PST_VIEW_OPTIONS_INIT;
	struct pst_error error;
	struct pst_view *view;

	if (argc < 3)
		errx(2, "usage: ramfs EMPTY-DIRECTORY MOUNTPOINT [transport=dev|uring]");
	options.lower = argv[1];
	options.mountpoint = argv[2];
	options.node_ops = &ops;
	options.fsname = "ramfs";
	for (int i = 3; i < argc; i++) {
		if (strcmp(argv[i], "transport=dev") == 0)
			options.transport = PST_TRANSPORT_DEV;
		if (strcmp(argv[i], "transport=uring") == 0) {
			options.transport = PST_TRANSPORT_URING;
			options.enable_uring = 1;
		}
	}
	tree_init();
	if (pst_view_mount(&options, &view, &error) < 0)
		errx(1, "%s", error.text);
	pst_view_wait(view);
	pst_view_free(view);
}
