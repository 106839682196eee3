/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * From names to nodes.
 *
 * A lookup is two system calls: the handle of the name and its attributes. Between them somebody
 * below may put another file under the name; answering with the attributes of the one and the node
 * of the other would let a user open a file by the permissions of another. So the two must agree on
 * the inode number, read from its place in the handle; where they do not, or the layout of the
 * handle is unknown, or a mount was crossed, the name is opened and both are asked of the open file.
 *
 * Symbolic links are never followed here, and only a directory's own descriptor is walked from.
 */
#include "fs/fs-private.h"
#include "util/cleanup.h"
#include "util/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

static int read_name(int dir_fd, const char *name, struct statx *ret_stx)
{
	if (statx(dir_fd, name, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, STX_MASK,
		  (struct statx *)ret_stx) < 0)
		return -errno;
	return 0;
}

/* The node for a key, in ret_entry together with the promises for it. */
static int entry_of_key(struct fs *fs, struct node_key *key, struct fs_entry *entry)
{
	int r;

	key->ino = entry->attr.stx.stx_ino;
	key->type = entry->attr.stx.stx_mode & S_IFMT;
	r = node_lookup_or_new(fs->nodes, key, &entry->node, NULL);
	if (r < 0)
		return r;
	/* A number that was used again for a file of another kind: the node is of the past. */
	if (entry->node->type != key->type) {
		entry->node = node_put(fs->nodes, entry->node);
		return -ESTALE;
	}
	attr_answer(fs, entry->node, &entry->attr);
	attr_answer_entry(fs, entry);
	return 0;
}

/*
 * A descriptor by which files of the same mount can be opened by handle: it must be open for
 * reading. Where the mount's root is a pipe or a device there is none.
 */
static int open_for_handles(int fd, uint32_t mode)
{
	int opened = -1;

	if (S_ISDIR(mode))
		opened = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	else if (S_ISREG(mode))
		opened = open(fd_path(fd).text, O_RDONLY | O_CLOEXEC);
	return opened;
}

/* File systems whose files say that they are empty: only reading shows what is in them. */
static bool is_sizeless(uint64_t type)
{
	return type == PROC_SUPER_MAGIC || type == SYSFS_MAGIC || type == DEBUGFS_MAGIC ||
	       type == TRACEFS_MAGIC || type == CGROUP_SUPER_MAGIC || type == CGROUP2_SUPER_MAGIC ||
	       type == SECURITYFS_MAGIC || type == BPF_FS_MAGIC;
}

int name_mount_of(struct fs *fs, int fd, int mnt_id, const struct statx *stx, bool handles)
{
	struct lower_mount mount = { .mnt_id = mnt_id, .fd = -1 };
	int number = nodetab_mount_find(fs->nodes, mnt_id);
	struct statfs st;

	if (number >= 0)
		return number;
	if (handles && !fs->config.own_fds)
		mount.fd = open_for_handles(fd, stx->stx_mode);
	mount.handles = mount.fd >= 0;
	mount.sizeless = fstatfs(fd, &st) == 0 && is_sizeless((uint64_t)st.f_type);
	return nodetab_mount_add(fs->nodes, &mount);
}

int name_resolve_fd(struct fs *fs, struct node *dir, int fd, struct fs_entry *ret_entry)
{
	struct node_key key = { .own_fd = -1, .filters = dir ? dir->filters : 0 };
	struct fs_entry entry = { 0 };
	bool handles;
	int r, mnt_id, mount;

	r = lower_stat(fd, &entry.attr.stx);
	if (r < 0)
		return r;
	r = fhandle_at(fd, "", &key.fh, &mnt_id);
	handles = r == 0;
	if (!handles)
		mnt_id = (int)entry.attr.stx.stx_mnt_id;
	mount = name_mount_of(fs, fd, mnt_id, &entry.attr.stx, handles);
	if (mount < 0)
		return mount;
	handles = handles && nodetab_mount(fs->nodes, (unsigned int)mount)->handles;
	if (handles) {
		key.fh.mount = (uint16_t)mount;
		r = entry_of_key(fs, &key, &entry);
	} else {
		key.fh = node_key_own((unsigned int)mount, entry.attr.stx.stx_dev_major,
				      entry.attr.stx.stx_dev_minor, entry.attr.stx.stx_ino);
		key.flags |= NODE_OWN_FD;
		key.own_fd = open(fd_path(fd).text, O_PATH | O_CLOEXEC);
		if (key.own_fd < 0)
			return -errno;
		r = entry_of_key(fs, &key, &entry);
		if (r < 0 || entry.node->fd_slot != (uint32_t)key.own_fd)
			fd_close(key.own_fd);
	}
	if (r == 0)
		*ret_entry = entry;
	return r;
}

static int resolve_by_opening(struct fs *fs, struct node *dir, int dir_fd, const char *name,
			      struct fs_entry *ret_entry)
{
	_cleanup_(fd_closep) int fd = lower_openat(fs, dir_fd, name, O_PATH | O_NOFOLLOW, 0);

	if (fd < 0)
		return fd;
	return name_resolve_fd(fs, dir, fd, ret_entry);
}

int name_resolve(struct fs *fs, struct node *dir, int dir_fd, const char *name,
		 struct fs_entry *ret_entry)
{
	const struct lower_mount *mount = nodetab_mount(fs->nodes, dir->fh.mount);
	struct node_key key = { .own_fd = -1, .filters = dir->filters };
	struct fs_entry entry = { 0 };
	int r, mnt_id;

	if (!mount->handles)
		return resolve_by_opening(fs, dir, dir_fd, name, ret_entry);
	r = fhandle_at(dir_fd, name, &key.fh, &mnt_id);
	if (r == -EOPNOTSUPP)
		return resolve_by_opening(fs, dir, dir_fd, name, ret_entry);
	if (r < 0)
		return r;
	r = read_name(dir_fd, name, &entry.attr.stx);
	if (r < 0)
		return r;
	if (mnt_id != mount->mnt_id || fhandle_is_ino(&key.fh, entry.attr.stx.stx_ino) != 1 ||
	    ((entry.attr.stx.stx_mask & STATX_MNT_ID) &&
	     (int)entry.attr.stx.stx_mnt_id != mnt_id))
		return resolve_by_opening(fs, dir, dir_fd, name, ret_entry);
	key.fh.mount = dir->fh.mount;
	r = entry_of_key(fs, &key, &entry);
	if (r == 0)
		*ret_entry = entry;
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
		return resolve_by_opening(fs, NULL, dir_fd, name, ret_entry);
	}
	r = lower_stat(dir_fd, &entry.attr.stx);
	if (r < 0)
		return r;
	entry.node = node_get(dir);
	attr_answer(fs, dir, &entry.attr);
	attr_answer_entry(fs, &entry);
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
	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return lookup_dots(fs, dir, ref.fd, name, ret_entry);
	r = name_resolve(fs, dir, ref.fd, name, ret_entry);
	/* The name was replaced between two looks: the third is as good as the first. */
	if (r == -ESTALE)
		r = name_resolve(fs, dir, ref.fd, name, ret_entry);
	if (r == -ENOENT && attr_absent_ns(fs)) {
		*ret_entry = (struct fs_entry){ .entry_ns = attr_absent_ns(fs) };
		return 0;
	}
	return r;
}

struct node *fs_node_revive(struct fs *fs, uint64_t nodeid)
{
	_cleanup_(fd_closep) int fd = -1;
	struct fs_entry entry;
	struct fhandle fh;

	if (!node_id_unpack(fs->nodes, nodeid, &fh))
		return NULL;
	fd = fhandle_open(nodetab_mount(fs->nodes, 0)->fd, &fh, O_PATH | O_NOFOLLOW);
	if (fd < 0 || name_resolve_fd(fs, NULL, fd, &entry) < 0)
		return NULL;
	if (entry.node->id == nodeid)
		return entry.node;
	node_put(fs->nodes, entry.node);
	return NULL;
}
