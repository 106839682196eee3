// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Finds the nodes of names.
 *
 * A lookup takes two system calls: one reads the handle of the name, one its attributes. Between
 * them another process may give the name to another file. A reply with the node of one file and the
 * attributes of the other would let a user open a file by the permissions of another file. So
 * handle and attributes must have the same inode number; it is read from its known place in the
 * handle. If the numbers differ, if the layout of the handle is unknown, or if the name is on
 * another mount, the lookup opens the name and reads handle and attributes from the open file.
 *
 * This file never follows symbolic links: all paths are one name in the descriptor of a directory.
 * No state, no locks.
 */
#include "fs/fs-private.h"
#include "util/cleanup.h"
#include "util/fd.h"
#include "util/name.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/*
 * Reads the handle and the attributes of a name. Returns 0, -EOPNOTSUPP if its file system has no
 * handles, or another -errno.
 */
static int read_name(struct fs *fs, struct node *dir, int dir_fd, const char *name,
		     struct fhandle *fh, int *mnt_id, struct statx *ret_stx)
{
	_cleanup_(creds_leavep) struct creds_scope scope = CREDS_NONE;
	int r = lower_enter(fs, dir, &scope);

	if (r == 0)
		r = fhandle_at(dir_fd, name, fh, mnt_id);
	if (r < 0)
		return r;
	return statx(dir_fd, name, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, STX_MASK, ret_stx) < 0 ?
		       -errno :
		       0;
}

/*
 * Finds or creates the node of a key, and completes *entry, in which the caller has filled the
 * attributes. Takes ownership of key->own_fd, even on failure.
 */
static int entry_of_key(struct fs *fs, struct node_key *key, struct node *dir,
			struct fs_entry *entry)
{
	bool new = false;
	int r;

	key->ino = entry->attr.stx.stx_ino;
	key->type = entry->attr.stx.stx_mode & S_IFMT;
	r = node_lookup_or_new(fs->nodes, key, &entry->node, &new);
	/*
	 * A new node owns the descriptor even if this function fails below: other threads may have
	 * found the node already, and the last reference to it closes the descriptor.
	 */
	if (!new)
		key->own_fd = fd_close(key->own_fd);
	if (r < 0)
		return r;
	/* The lower file system has given the inode number to a file of another type. */
	if (entry->node->type != key->type) {
		entry->node = node_put(fs->nodes, entry->node);
		return -ESTALE;
	}
	if (dir)
		atomic_store_explicit(&entry->node->parent, dir->id, memory_order_relaxed);
	if (new)
		attr_find_alias(fs, entry->node);
	r = attr_complete(fs, entry->node, &entry->attr, REPLY_ENTRY);
	if (r < 0) {
		entry->node = node_put(fs->nodes, entry->node);
		return r;
	}
	if (new)
		attr_node_seen_first(fs, entry->node, &entry->attr);
	attr_complete_entry(fs, dir, entry);
	return 0;
}

/*
 * Returns the filters that a new node inherits from its directory, or from the root if the node was
 * found by its handle.
 */
static uint64_t inherited_filters(struct fs *fs, struct node *dir)
{
	return node_filters(dir ? dir : fs->root) & ~FILTERS_SET;
}

static struct fhandle key_own(unsigned int mount, const struct statx *stx)
{
	return node_key_own(mount, stx->stx_dev_major, stx->stx_dev_minor, stx->stx_ino);
}

int lookup_key(struct fs *fs, int fd, const struct statx *stx, struct fhandle *ret_fh)
{
	struct fhandle fh;
	bool has = fhandle_at(fd, "", &fh, NULL) == 0;
	int mount = lower_mount_of(fs, fd, stx, has ? &fh : NULL);

	if (mount < 0)
		return mount;
	has = has && nodetab_mount(fs->nodes, (unsigned int)mount)->handles;
	fh.mount = (uint16_t)mount;
	*ret_fh = has ? fh : key_own((unsigned int)mount, stx);
	return has;
}

int lookup_fd(struct fs *fs, struct node *dir, int fd, struct fs_entry *ret_entry)
{
	struct node_key key = { .own_fd = -1, .filters = inherited_filters(fs, dir) };
	struct fs_entry entry = { 0 };
	int r = dir ? lower_stat_as_caller(fs, dir, fd, &entry.attr.stx) :
		      lower_stat(fd, &entry.attr.stx);

	if (r == 0)
		r = lookup_key(fs, fd, &entry.attr.stx, &key.fh);
	if (r < 0)
		return r;
	if (r == 0) {
		key.flags = NODE_OWN_FD;
		key.own_fd = fd_reopen(fd, O_PATH);
		if (key.own_fd < 0)
			return key.own_fd;
	}
	r = entry_of_key(fs, &key, dir, &entry);
	if (r == 0)
		*ret_entry = entry;
	return r;
}

/* Opens a name as the caller. Returns an O_PATH descriptor or -errno. */
static int open_name(struct fs *fs, struct node *dir, int dir_fd, const char *name, int flags)
{
	_cleanup_(creds_leavep) struct creds_scope scope = CREDS_NONE;
	int r = dir ? lower_enter(fs, dir, &scope) : 0;

	return r < 0 ? r : lower_openat(fs, dir_fd, name, O_PATH | O_NOFOLLOW | flags, 0);
}

static int resolve_by_opening(struct fs *fs, struct node *dir, int dir_fd, const char *name,
			      struct fs_entry *ret_entry)
{
	_cleanup_(fd_closep) int fd = open_name(fs, dir, dir_fd, name, 0);

	/*
	 * An open with O_PATH does not trigger the automount of a file system of the server; an
	 * open with O_DIRECTORY does.
	 */
	if (fd >= 0 && dir && lower_checks_caller(fs, dir) && !fs->config.hide_mounts &&
	    lower_is_automount(fd)) {
		fd_close(fd);
		fd = open_name(fs, dir, dir_fd, name, O_DIRECTORY);
	}
	if (fd < 0)
		return fd;
	return lookup_fd(fs, dir, fd, ret_entry);
}

/*
 * Returns true if a name of a proc file system is a thread of this process. The proc file system
 * lets the daemon open the files of its own threads even while it acts as a caller who may not open
 * them, so a client could read the daemon's memory.
 */
static bool is_this_process(int dir_fd, const char *name)
{
	char path[64];

	if (name[strspn(name, "0123456789")] || strlen(name) > 20)
		return false;
	snprintf(path, sizeof(path), "self/task/%s", name);
	return faccessat(dir_fd, path, F_OK, 0) == 0;
}

static int resolve(struct fs *fs, struct node *dir, int dir_fd, const char *name,
		   struct fs_entry *ret_entry)
{
	const struct lower_mount *mount = lower_mount(fs, dir);
	struct node_key key = { .own_fd = -1, .filters = inherited_filters(fs, dir) };
	struct fs_entry entry = { 0 };
	int r, mnt_id;

	if (mount->proc && is_this_process(dir_fd, name))
		return -EACCES;
	watch_before_read(fs, dir, dir_fd);
	if (!mount->handles)
		return resolve_by_opening(fs, dir, dir_fd, name, ret_entry);
	r = read_name(fs, dir, dir_fd, name, &key.fh, &mnt_id, &entry.attr.stx);
	if (r == -EOPNOTSUPP)
		return resolve_by_opening(fs, dir, dir_fd, name, ret_entry);
	if (r < 0)
		return r;
	if ((entry.attr.stx.stx_attributes & STATX_ATTR_AUTOMOUNT) || mnt_id != mount->mnt_id ||
	    (int)entry.attr.stx.stx_mnt_id != mnt_id ||
	    fhandle_is_ino(&key.fh, entry.attr.stx.stx_ino) != 1)
		return resolve_by_opening(fs, dir, dir_fd, name, ret_entry);
	key.fh.mount = dir->fh.mount;
	r = entry_of_key(fs, &key, dir, &entry);
	if (r == 0)
		*ret_entry = entry;
	return r;
}

int lookup_name(struct fs *fs, struct node *dir, int dir_fd, const char *name,
		struct fs_entry *ret_entry)
{
	int r = resolve(fs, dir, dir_fd, name, ret_entry);

	if (r == 0)
		namecache_put(&fs->names, dir, name, ret_entry->node->id);
	else if (r == -ENOENT)
		namecache_put(&fs->names, dir, name, NAMECACHE_ABSENT);
	return r;
}

/* Looks up "." or "..", as the kernel does to make a file of a file handle of the view. */
static int lookup_dots(struct fs *fs, struct node *dir, int dir_fd, const char *name,
		       struct fs_entry *ret_entry)
{
	struct fs_entry entry = { 0 };
	int r;

	if (name[1] == '.') {
		if (dir == fs->root || !S_ISDIR(dir->type))
			return -ENOENT;
		if (atomic_load(&fs->filters.by_name))
			return -ESTALE;
		return resolve_by_opening(fs, NULL, dir_fd, name, ret_entry);
	}
	r = lower_stat_as_caller(fs, dir, dir_fd, &entry.attr.stx);
	if (r == 0)
		r = attr_complete(fs, dir, &entry.attr, REPLY_ENTRY);
	if (r < 0)
		return r;
	entry.node = node_get(dir);
	attr_complete_entry(fs, NULL, &entry);
	*ret_entry = entry;
	return 0;
}

int fs_lookup(struct fs *fs, struct node *dir, const char *name, struct fs_entry *ret_entry)
{
	_cleanup_(fdref_putp) struct fdref ref = FDREF_NONE;
	int r;

	r = fdref_get(fs->fds, dir, &ref);
	if (r < 0)
		return r;
	if (name_is_dots(name))
		return lookup_dots(fs, dir, ref.fd, name, ret_entry);
	r = lookup_name(fs, dir, ref.fd, name, ret_entry);
	/* ESTALE: another process replaced the name meanwhile. */
	if (r == -ESTALE)
		r = lookup_name(fs, dir, ref.fd, name, ret_entry);
	if (r == -ENOENT) {
		struct fs_entry absent = { .entry_ns = attr_name_timeout(fs, dir) };

		if (!absent.entry_ns)
			return r;
		*ret_entry = absent;
		return 0;
	}
	return r;
}

int fs_peek(struct fs *fs, struct node *dir, const char *name, struct statx *ret_stx,
	    struct node **ret_node)
{
	_cleanup_(fdref_putp) struct fdref ref = FDREF_NONE;
	_cleanup_(fd_closep) int fd = -1;
	struct fhandle fh;
	int r, mount;

	r = fdref_get(fs->fds, dir, &ref);
	if (r < 0)
		return r;
	fd = lower_openat(fs, ref.fd, name, O_PATH | O_NOFOLLOW, 0);
	if (fd < 0)
		return fd;
	r = lower_stat(fd, ret_stx);
	if (r < 0)
		return r;
	mount = nodetab_mount_find(fs->nodes, (int)ret_stx->stx_mnt_id);
	/* No lookup has found a file on this mount, so there is no node on it. */
	if (mount < 0)
		return 0;
	if (nodetab_mount(fs->nodes, (unsigned int)mount)->handles &&
	    fhandle_at(fd, "", &fh, NULL) == 0)
		fh.mount = (uint16_t)mount;
	else
		fh = key_own((unsigned int)mount, ret_stx);
	*ret_node = node_lookup_fh(fs->nodes, &fh);
	r = *ret_node ? authority_apply(fs, *ret_node, ret_stx) : 0;
	if (r < 0)
		*ret_node = node_put(fs->nodes, *ret_node);
	return r;
}

bool fs_revives(const struct fs *fs)
{
	return nodetab_packs(fs->nodes);
}

struct node *fs_node_revive(struct fs *fs, uint64_t nodeid)
{
	_cleanup_(fd_closep) int fd = -1;
	struct fs_entry entry;
	struct fhandle fh;

	/* The names of the file are unknown, so filters by name could not decide about it. */
	if (atomic_load(&fs->filters.by_name))
		return NULL;
	if (!node_id_unpack(fs->nodes, nodeid, &fh))
		return NULL;
	if (fh.type == FHANDLE_OWN)
		return keyed_revive(fs, nodeid, &fh);
	fd = fhandle_open(nodetab_mount(fs->nodes, 0)->fd, &fh, O_PATH | O_NOFOLLOW);
	if (fd < 0 || lookup_fd(fs, NULL, fd, &entry) < 0)
		return NULL;
	if (entry.node->id == nodeid)
		return entry.node;
	node_put(fs->nodes, entry.node);
	return NULL;
}
