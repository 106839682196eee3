// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * From names to nodes.
 *
 * A lookup is two system calls: the handle of the name and its attributes. Between them somebody
 * below may put another file under the name; answering with the attributes of the one and the node
 * of the other would let a user open a file by the permissions of another. So the two must agree on
 * the inode number, read from its place in the handle; where they do not, or the layout of the
 * handle is unknown, or a mount was crossed, the name is opened and both are asked of the open
 * file.
 *
 * Symbolic links are never followed here, and only a directory's own descriptor is walked from.
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

/* The handle and the attributes of a name; -EOPNOTSUPP where it has no handle. */
static int read_name(struct fs *fs, struct node *dir, int dir_fd, const char *name,
		     struct fhandle *fh, int *mnt_id, struct statx *ret_stx)
{
	_cleanup_(creds_leavep) struct creds_scope scope = CREDS_NONE;
	int r = lower_enter(fs, dir, &scope);

	if (r == 0)
		r = fhandle_at(dir_fd, name, fh, mnt_id);
	if (r < 0)
		return r;
	if (statx(dir_fd, name, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, STX_MASK,
		  (struct statx *)ret_stx) < 0)
		return -errno;
	return 0;
}

/* Finds or makes the node for a key, and takes the key's descriptor. Fills *entry. */
static int entry_of_key(struct fs *fs, struct node_key *key, struct node *dir,
			struct fs_entry *entry)
{
	bool new = false;
	int r;

	key->ino = entry->attr.stx.stx_ino;
	key->type = entry->attr.stx.stx_mode & S_IFMT;
	r = node_lookup_or_new(fs->nodes, key, &entry->node, &new);
	/*
	 * A new node owns the descriptor, whatever fails from here on: other threads may have found
	 * the node already, and the last reference to it closes the descriptor.
	 */
	if (!new)
		key->own_fd = fd_close(key->own_fd);
	if (r < 0)
		return r;
	/* A number that was used again for a file of another kind: the node is of the past. */
	if (entry->node->type != key->type) {
		entry->node = node_put(fs->nodes, entry->node);
		return -ESTALE;
	}
	/* A hint: no operation finds the file by it. */
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

int lookup_fd(struct fs *fs, struct node *dir, int fd, struct fs_entry *ret_entry)
{
	struct node_key key = { .own_fd = -1, .filters = inherited_filters(fs, dir) };
	struct fs_entry entry = { 0 };
	bool handles;
	int r, mnt_id, mount;

	{
		_cleanup_(creds_leavep) struct creds_scope scope = CREDS_NONE;

		r = dir ? lower_enter(fs, dir, &scope) : 0;
		if (r == 0)
			r = lower_stat(fd, &entry.attr.stx);
		if (r < 0)
			return r;
	}
	r = fhandle_at(fd, "", &key.fh, &mnt_id);
	handles = r == 0;
	if (!handles)
		mnt_id = (int)entry.attr.stx.stx_mnt_id;
	mount = lower_mount_of(fs, fd, mnt_id, &entry.attr.stx, handles ? &key.fh : NULL);
	if (mount < 0)
		return mount;
	handles = handles && nodetab_mount(fs->nodes, (unsigned int)mount)->handles;
	if (handles) {
		key.fh.mount = (uint16_t)mount;
		r = entry_of_key(fs, &key, dir, &entry);
	} else {
		key.fh = node_key_own((unsigned int)mount, entry.attr.stx.stx_dev_major,
				      entry.attr.stx.stx_dev_minor, entry.attr.stx.stx_ino);
		key.flags |= NODE_OWN_FD;
		key.own_fd = fd_reopen(fd, O_PATH);
		if (key.own_fd < 0)
			return key.own_fd;
		r = entry_of_key(fs, &key, dir, &entry);
	}
	if (r < 0)
		return r;
	*ret_entry = entry;
	return 0;
}

/* Opens a name as the caller: an O_PATH descriptor or -errno. */
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

	/* A file system of the server's that is mounted by who enters it: a look is no entering. */
	if (fd >= 0 && dir && lower_checks_caller(fs, dir) && !fs->config.hide_mounts &&
	    lower_is_entered_elsewhere(fd)) {
		fd_close(fd);
		fd = open_name(fs, dir, dir_fd, name, O_DIRECTORY);
	}
	if (fd < 0)
		return fd;
	return lookup_fd(fs, dir, fd, ret_entry);
}

/*
 * Returns whether a name of a proc file system is a thread of this process. To such threads proc
 * opens files that it denies to others, whatever identity this thread has taken.
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
	const struct lower_mount *mount = nodetab_mount(fs->nodes, dir->fh.mount);
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
	    fhandle_is_ino(&key.fh, entry.attr.stx.stx_ino) != 1 ||
	    ((entry.attr.stx.stx_mask & STATX_MNT_ID) && (int)entry.attr.stx.stx_mnt_id != mnt_id))
		return resolve_by_opening(fs, dir, dir_fd, name, ret_entry);
	key.fh.mount = dir->fh.mount;
	r = entry_of_key(fs, &key, dir, &entry);
	if (r < 0)
		return r;
	*ret_entry = entry;
	return 0;
}

int lookup_name(struct fs *fs, struct node *dir, int dir_fd, const char *name,
		struct fs_entry *ret_entry)
{
	int r = resolve(fs, dir, dir_fd, name, ret_entry);

	if (r == 0)
		namecache_put(fs->names, dir, name, ret_entry->node->id);
	else if (r == -ENOENT)
		namecache_put(fs->names, dir, name, NAMECACHE_ABSENT);
	return r;
}

/* "." and "..": the kernel asks for them when it turns a file handle of the view into a file. */
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
	{
		_cleanup_(creds_leavep) struct creds_scope scope = CREDS_NONE;

		r = lower_enter(fs, dir, &scope);
		if (r == 0)
			r = lower_stat(dir_fd, &entry.attr.stx);
	}
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
	/* The name was replaced between two looks: the third is as good as the first. */
	if (r == -ESTALE)
		r = lookup_name(fs, dir, ref.fd, name, ret_entry);
	if (r == -ENOENT && attr_absent_ns(fs, dir)) {
		*ret_entry = (struct fs_entry){ .entry_ns = attr_absent_ns(fs, dir) };
		return 0;
	}
	return r;
}

int fs_peek(struct fs *fs, struct node *dir, const char *name, struct statx *ret_stx,
	    struct node **ret_node)
{
	_cleanup_(fdref_putp) struct fdref ref = FDREF_NONE;
	_cleanup_(fd_closep) int fd = -1;
	struct fhandle fh = { 0 };
	int r, mnt_id;

	r = fdref_get(fs->fds, dir, &ref);
	if (r < 0)
		return r;
	fd = lower_openat(fs, ref.fd, name, O_PATH | O_NOFOLLOW, 0);
	if (fd < 0)
		return fd;
	r = lower_stat(fd, ret_stx);
	if (r < 0)
		return r;
	if (fhandle_at(fd, "", &fh, &mnt_id) == 0 && nodetab_mount_find(fs->nodes, mnt_id) >= 0 &&
	    nodetab_mount(fs->nodes, (unsigned int)nodetab_mount_find(fs->nodes, mnt_id))->handles)
		fh.mount = (uint16_t)nodetab_mount_find(fs->nodes, mnt_id);
	else if (nodetab_mount_find(fs->nodes, (int)ret_stx->stx_mnt_id) >= 0)
		fh = node_key_own(
			(unsigned int)nodetab_mount_find(fs->nodes, (int)ret_stx->stx_mnt_id),
			ret_stx->stx_dev_major, ret_stx->stx_dev_minor, ret_stx->stx_ino);
	else
		return 0;
	*ret_node = node_lookup_fh(fs->nodes, &fh);
	r = *ret_node ? authority_apply(fs, *ret_node, ret_stx) : 0;
	if (r < 0)
		*ret_node = node_put(fs->nodes, *ret_node);
	return r;
}

bool fs_revives(const struct fs *fs)
{
	return nodetab_packs(fs->nodes) && nodetab_mount(fs->nodes, 0)->handles;
}

struct node *fs_node_revive(struct fs *fs, uint64_t nodeid)
{
	_cleanup_(fd_closep) int fd = -1;
	struct fs_entry entry;
	struct fhandle fh;

	/* Its names are not known, so filters that go by names cannot be asked about it. */
	if (atomic_load(&fs->filters.by_name))
		return NULL;
	if (!node_id_unpack(fs->nodes, nodeid, &fh))
		return NULL;
	fd = fhandle_open(nodetab_mount(fs->nodes, 0)->fd, &fh, O_PATH | O_NOFOLLOW);
	if (fd < 0 || lookup_fd(fs, NULL, fd, &entry) < 0)
		return NULL;
	if (entry.node->id == nodeid)
		return entry.node;
	node_put(fs->nodes, entry.node);
	return NULL;
}
