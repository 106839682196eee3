// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Owners of fcntl(2) locks: each pair of file and owner has one lower descriptor, on which its
 * locks are taken. Locking: locks->lock guards everything here.
 */
#include "fs/lock-private.h"
#include "util/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

/* Caller holds the lock. */
void lock_owner_put(struct fs *fs, struct owner *owner)
{
	if (!owner || --owner->refs)
		return;
	fd_close(owner->fd);
	node_put(fs->nodes, owner->node);
	free(owner);
}

/* Finds the owner with this number for a node, or returns NULL. Caller holds the lock. */
static struct owner *owner_find(struct locks *locks, struct node *node, uint64_t number)
{
	struct owner *owner;

	for (owner = locks->owners; owner; owner = owner->next)
		if (owner->node == node && owner->owner == number)
			break;
	return owner;
}

/*
 * Opens the descriptor of an owner. Tries O_RDWR, because read and write locks may follow; if that
 * fails, opens the file with the access mode of the handle.
 */
static int owner_open(struct fs *fs, struct handle *handle)
{
	int fd = lower_open(fs, handle->node, O_RDWR);

	if (fd < 0 && fd != FS_WOULD_WAIT)
		fd = lower_open(fs, handle->node, handle->flags & O_ACCMODE);
	return fd;
}

/*
 * Finds or creates the owner of a lock. Returns 0 or -errno; *ret_owner is borrowed. Caller holds
 * the lock, which this function releases while it opens the descriptor.
 */
int lock_owner_of(struct fs *fs, struct handle *handle, const struct fs_lock *lock,
		  struct owner **ret_owner)
{
	struct locks *locks = fs->locks;
	struct owner *owner = owner_find(locks, handle->node, lock->owner);
	int fd;

	if (!owner) {
		pthread_mutex_unlock(&locks->lock);
		fd = owner_open(fs, handle);
		pthread_mutex_lock(&locks->lock);
		if (fd < 0)
			return fd;
		owner = owner_find(locks, handle->node, lock->owner);
		if (owner)
			fd_close(fd);
	}
	if (!owner) {
		owner = calloc(1, sizeof(*owner));
		if (!owner) {
			fd_close(fd);
			return -ENOMEM;
		}
		*owner = (struct owner){
			.next = locks->owners,
			.refs = 1,
			.node = node_get(handle->node),
			.owner = lock->owner,
			.fd = fd,
		};
		locks->owners = owner;
	}
	owner->fh = handle_fh(handle);
	/* UNLOCK and GETLK have pid 0. */
	if (lock->pid)
		owner->pid = lock->pid;
	*ret_owner = owner;
	return 0;
}

/*
 * Drops all locks of an owner. Also closes its descriptor, unless a waiter uses the descriptor: the
 * waiter's lock would be dropped as soon as it is granted. Caller holds the lock.
 */
static void owner_drop(struct fs *fs, struct owner **link)
{
	struct flock all = { .l_type = F_UNLCK, .l_whence = SEEK_SET };
	struct owner *owner = *link;

	if (owner->refs > 1) {
		fcntl(owner->fd, F_OFD_SETLK, &all);
		owner->dropped = true;
		return;
	}
	*link = owner->next;
	lock_owner_put(fs, owner);
}

void locks_drop(struct fs *fs, const struct node *node, const uint64_t *number, const uint64_t *fh)
{
	struct locks *locks = fs->locks;
	struct owner **link = &locks->owners;

	pthread_mutex_lock(&locks->lock);
	while (*link) {
		struct owner *owner = *link;

		if (owner->node == node && (!number || owner->owner == *number) &&
		    (!fh || owner->fh == *fh))
			owner_drop(fs, link);
		if (*link == owner)
			link = &owner->next;
	}
	pthread_mutex_unlock(&locks->lock);
}

/*
 * Ends the use of an owner by a waiter, whose wait has ended with r. If the owner was dropped
 * meanwhile and the waiter got no lock, the owner has no locks and is freed. Caller holds the lock.
 */
void lock_owner_waited(struct fs *fs, struct owner *owner, int r)
{
	struct owner **link = &fs->locks->owners;

	if (r == 0)
		owner->dropped = false;
	lock_owner_put(fs, owner);
	if (!owner->dropped || owner->refs > 1)
		return;
	while (*link != owner)
		link = &(*link)->next;
	owner_drop(fs, link);
}
