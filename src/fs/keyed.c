// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Files of a program (struct pst_node_ops): which operations the program answers of a lower file,
 * nodes that have a key and no lower file, and files that the program reads and writes.
 *
 * The masks of lower files are in fs->answers, by the node's number; a bit of node->served says
 * that the program has given the mask. So a view without a program has no memory for them. If two
 * threads ask at the same time, both get the same mask.
 *
 * Locks: fs->keyed_lock is held while the program finds a file again (find()) and while a node with
 * a key is made, and while the program learns that one is gone (forget()), so that the program sees
 * one before the other. No lock is taken under it but those of the node table.
 */
#include "fs/keyed.h"
#include "fs/fs-private.h"
#include "util/fd.h"
#include "util/hash.h"
#include "util/log.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>

/* No server decides the number of links, so this bit of node->served is free. */
#define ANSWERS_KNOWN STATX_NLINK
#define ANSWERS_BYTES (NODE_MAX * sizeof(*((struct fs *)0)->answers))

int keyed_init(struct fs *fs)
{
	pthread_mutexattr_t attr;
	void *p;

	pthread_mutex_init(&fs->keyed_lock, NULL);
	pthread_mutexattr_init(&attr);
	pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_RECURSIVE);
	pthread_mutex_init(&fs->program_lock, &attr);
	pthread_mutexattr_destroy(&attr);
	if (!fs->config.node_ops.ops)
		return entry_attr_init(fs);
	p = mmap(NULL, ANSWERS_BYTES, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (p == MAP_FAILED)
		return -errno;
	fs->answers = p;
	return entry_attr_init(fs);
}

void keyed_fini(struct fs *fs)
{
	pthread_mutex_destroy(&fs->keyed_lock);
	pthread_mutex_destroy(&fs->program_lock);
	if (fs->answers)
		munmap(fs->answers, ANSWERS_BYTES);
	entry_attr_fini(fs);
}

void fs_program_lock(struct fs *fs)
{
	if (fs->config.node_ops.serial)
		pthread_mutex_lock(&fs->program_lock);
}

void fs_program_unlock(struct fs *fs)
{
	if (fs->config.node_ops.serial)
		pthread_mutex_unlock(&fs->program_lock);
}

/* The attributes of files with a lower file are those of the lower file and of the server. */
static uint32_t possible(const struct fs *fs, const struct node *node)
{
	return node == fs->root ? PST_ANSWERS_ALL :
				  PST_ANSWERS_ALL & ~(PST_ANSWERS_GETATTR | PST_ANSWERS_SETATTR);
}

static uint32_t ask_answers(struct fs *fs, struct node *node)
{
	const struct pst_node_ops *ops = &fs->config.node_ops;
	struct fhandle fh;
	struct pst_file file;
	uint32_t answers;

	fs_describe(fs, node, &fh, &file);
	fs_program_lock(fs);
	answers = ops->ops(ops->aux, &file);
	fs_program_unlock(fs);
	if (answers & ~possible(fs, node))
		log_error("the program's ops() returned %#x for inode %llu, which has bits that a "
			  "file with a lower file cannot have; the view ignores these",
			  answers, (unsigned long long)node->ino);
	answers &= possible(fs, node);
	fs->answers[node_number(fs->nodes, node)] = answers;
	atomic_fetch_or_explicit(&node->served, ANSWERS_KNOWN, memory_order_release);
	return answers;
}

uint32_t fs_answers(struct fs *fs, struct node *node)
{
	if (node_is_keyed(node))
		return node_has_no_lower(node) ? PST_ANSWERS_ALL : 0;
	if (!fs->answers)
		return node == fs->root && fs->config.node_ops.size &&
				       !fs->config.node_ops.by_filters ?
			       PST_ANSWERS_ALL :
			       0;
	if (atomic_load_explicit(&node->served, memory_order_acquire) & ANSWERS_KNOWN)
		return fs->answers[node_number(fs->nodes, node)];
	return ask_answers(fs, node);
}

/*
 * A lookup may have made another node of the key while the last reference to this one was put: then
 * the program learns it from the other node. Nobody makes one during forget(), see keyed_lock.
 */
void keyed_gone(struct fs *fs, struct node *node)
{
	const struct pst_node_ops *ops = &fs->config.node_ops;
	struct node *other;
	struct fhandle fh;
	struct pst_file file;

	if (!node_is_keyed(node))
		return;
	entry_attr_drop(fs, node);
	if (!ops->forget)
		return;
	fs_describe(fs, node, &fh, &file);
	fs_program_lock(fs);
	pthread_mutex_lock(&fs->keyed_lock);
	other = node_lookup_fh(fs->nodes, &fh);
	/* When the view ends, the node itself is found. */
	if (!other || other == node)
		ops->forget(ops->aux, &file);
	pthread_mutex_unlock(&fs->keyed_lock);
	fs_program_unlock(fs);
	node_put(fs->nodes, other);
}

/* -- nodes with a key -------------------------------------------------------------------------- */

/* Returns what is wrong with the attributes of a file with a key, or NULL. */
static const char *wrong_stat(const struct statx *stx, uint32_t type)
{
	uint32_t is = stx->stx_mode & S_IFMT;

	if (is != type)
		return "another type in stx_mode than the file has had";
	if (is != S_IFREG && is != S_IFDIR && is != S_IFLNK && is != S_IFCHR && is != S_IFBLK &&
	    is != S_IFIFO && is != S_IFSOCK)
		return "no type in stx_mode";
	if (stx->stx_uid == (uint32_t)-1 || stx->stx_gid == (uint32_t)-1)
		return "the owner or group -1";
	if (stx->stx_size > INT64_MAX)
		return "a size above 2^63 - 1";
	if (stx->stx_atime.tv_nsec > 999999999 || stx->stx_mtime.tv_nsec > 999999999 ||
	    stx->stx_ctime.tv_nsec > 999999999)
		return "nanoseconds above 999999999";
	return NULL;
}

/* Returns the time for which the kernel may cache a name or attributes of the program. */
static uint64_t timeout(struct fs *fs, struct node *node)
{
	uint64_t ns = fs->config.node_ops.timeout_ns;

	if (fs->config.cache == PST_CACHE_NONE || (node && attr_is_by_caller(fs, node)))
		return 0;
	return ns > ATTR_LONG_NS ? ATTR_LONG_NS : ns;
}

int fs_keyed_attr(struct fs *fs, struct node *node, const struct statx *stx,
		  struct fs_attr *ret_attr)
{
	const char *wrong = wrong_stat(stx, node->type);

	if (wrong) {
		log_error("the program answered with %s: the caller gets EIO", wrong);
		return -EIO;
	}
	ret_attr->stx = *stx;
	ret_attr->stx.stx_ino = node->ino;
	ret_attr->stx.stx_mask = STATX_BASIC_STATS | (stx->stx_mask & STATX_BTIME);
	if (!stx->stx_blksize)
		ret_attr->stx.stx_blksize = 4096;
	ret_attr->attr_ns = timeout(fs, node);
	return 0;
}

/* Completes the attributes of a node with a key that has got a lower file. */
static int lower_attr(struct fs *fs, struct node *node, struct fs_attr *attr)
{
	int r = lower_node_stat(fs, node, &attr->stx);

	return r < 0 ? r : attr_complete(fs, node, attr, REPLY_ENTRY);
}

/* Returns an inode number above those that lower file systems use. */
static uint64_t ino_of_key(const void *key, size_t len)
{
	return hash_bytes(0, key, len) | 1ULL << 63;
}

struct node *keyed_revive(struct fs *fs, uint64_t nodeid, const struct fhandle *fh)
{
	const struct pst_node_ops *ops = &fs->config.node_ops;
	struct node_key key = {
		.fh = *fh,
		.flags = NODE_OWN_FD | NODE_KEYED,
		.own_fd = -1,
		.filters = node_filters(fs->root) & ~FILTERS_SET,
	};
	struct pst_file file = { .nodeid = nodeid };
	struct node *node = NULL;
	size_t len;

	if (!ops->find)
		return NULL;
	file.key = node_key_name(fh, &len);
	file.key_len = (uint32_t)len;
	fs_program_lock(fs);
	pthread_mutex_lock(&fs->keyed_lock);
	key.type = ops->find(ops->aux, &file, &key.ino) & S_IFMT;
	if (!key.ino)
		key.ino = ino_of_key(file.key, len);
	if (key.type)
		node_lookup_or_new(fs->nodes, &key, &node, NULL);
	pthread_mutex_unlock(&fs->keyed_lock);
	fs_program_unlock(fs);
	return node;
}

struct node *fs_keyed_node(struct fs *fs, const void *key, size_t len)
{
	struct fhandle fh;

	if (!len || len > PST_KEY_MAX)
		return NULL;
	fh = node_key_named(key, len);
	return node_lookup_fh(fs->nodes, &fh);
}

/* Returns true if a descriptor can become the lower file of a node. */
static int may_back(struct fs *fs, const struct node *node, int fd)
{
	const struct lower_mount *mount = nodetab_mount(fs->nodes, 0);
	struct statx stx;
	int r = lower_stat(fd, &stx);

	if (r < 0)
		return r;
	if (!S_ISREG(node->type) || !S_ISREG(stx.stx_mode))
		return -EINVAL;
	if (stx.stx_dev_major != mount->dev_major || stx.stx_dev_minor != mount->dev_minor)
		return -EXDEV;
	return 0;
}

int fs_keyed_back(struct fs *fs, struct node *node, int fd)
{
	uint32_t none = (uint32_t)-1;
	int own, r;

	if (!node_is_keyed(node))
		return -EINVAL;
	r = may_back(fs, node, fd);
	if (r < 0)
		return r;
	own = fd_reopen(fd, O_PATH);
	if (own < 0)
		return own;
	if (!atomic_compare_exchange_strong(&node->fd_slot, &none, (uint32_t)own)) {
		fd_close(own);
		return -EBUSY;
	}
	fs_invalidate_node(fs, node, false);
	return 0;
}

void fs_name_changed(struct fs *fs, struct node *dir, const char *name, struct node *removed)
{
	invalidate_name(fs, dir, name, removed, !removed);
}

/* Finds or makes the node of a key in the directory dir. */
static int node_of_key(struct fs *fs, struct node *dir, const void *name, size_t len,
		       const struct statx *stx, struct node **ret_node)
{
	struct node_key key = {
		.fh = node_key_named(name, len),
		.ino = stx->stx_ino ? stx->stx_ino : ino_of_key(name, len),
		.type = stx->stx_mode & S_IFMT,
		.flags = NODE_OWN_FD | NODE_KEYED,
		.own_fd = -1,
		.filters = node_filters(dir) & ~FILTERS_SET,
	};
	int r;

	pthread_mutex_lock(&fs->keyed_lock);
	r = node_lookup_or_new(fs->nodes, &key, ret_node, NULL);
	pthread_mutex_unlock(&fs->keyed_lock);
	return r;
}

/* Fills the attributes of an entry whose node is known. */
static int fill_entry(struct fs *fs, const struct statx *stx, struct fs_entry *entry)
{
	int r = node_has_no_lower(entry->node) ? fs_keyed_attr(fs, entry->node, stx, &entry->attr) :
						 lower_attr(fs, entry->node, &entry->attr);

	return r < 0 ? r : entry_attr_set(fs, entry->node, stx);
}

int fs_keyed_entry(struct fs *fs, struct node *dir, const void *key, size_t len,
		   const struct statx *stx, struct fs_entry *ret_entry)
{
	int r = 0;

	ret_entry->node = NULL;
	if (!len || len > PST_KEY_MAX) {
		log_error("the program answered with a key of %zu bytes, expected 1 to %d: the "
			  "caller gets EIO",
			  len, PST_KEY_MAX);
		return -EIO;
	}
	/* A node that lives is not made here, so keyed_lock is not needed. */
	ret_entry->node = node_lookup_key(fs->nodes, key, len);
	if (!ret_entry->node)
		r = node_of_key(fs, dir, key, len, stx, &ret_entry->node);
	if (r < 0)
		return r;
	ret_entry->entry_ns = timeout(fs, dir);
	r = fill_entry(fs, stx, ret_entry);
	if (r < 0) {
		ret_entry->node = node_put(fs->nodes, ret_entry->node);
		return r;
	}
	atomic_store_explicit(&ret_entry->node->parent, dir->id, memory_order_relaxed);
	return 0;
}

int fs_keyed_absent(struct fs *fs, struct node *dir, struct fs_entry *ret_entry)
{
	struct fs_entry absent = { .entry_ns = timeout(fs, dir) };

	if (!absent.entry_ns)
		return -ENOENT;
	*ret_entry = absent;
	return 0;
}

/* -- files that the program reads and writes --------------------------------------------------- */

int fs_open_served(struct fs *fs, struct node *node, int flags, const struct pst_opened *from,
		   struct fs_open *ret_open)
{
	struct fs_open open = { 0 };
	int r;

	if (from->data > PST_DATA_DIRECT) {
		log_error("the program opened a file with data=%d, expected PST_DATA_CACHED or "
			  "_DIRECT: the caller gets EIO",
			  from->data);
		return -EIO;
	}
	r = handle_new(fs->handles, node, flags, creds_serving_uid(), &open.handle);
	if (r < 0)
		return r;
	r = passthrough_open_served(fs, node, from->data == PST_DATA_DIRECT ? IO_DIRECT : IO_CACHED,
				    &open);
	if (r < 0) {
		handle_put(fs->handles, open.handle);
		return r;
	}
	attr_opened(fs, node, flags, open.mode);
	open.handle->io_mode = (uint8_t)open.mode;
	open.handle->served = true;
	open.handle->number = from->handle;
	open.keep_cache = open.keep_cache && !(flags & O_TRUNC) &&
			  (from->keep_cache || fs->config.node_ops.timeout_ns == UINT64_MAX);
	open.no_flush = !fs->config.node_ops.flush && fs->config.locks == PST_LOCKS_LOCAL;
	*ret_open = open;
	return 0;
}
