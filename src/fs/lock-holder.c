// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Finds the owner of a conflicting lock, for F_GETLK and for the detection of deadlocks. The kernel
 * returns the range of a conflicting lock but not its owner, because the locks that the view sets
 * on lower files belong to open files, not to processes. So this file tests the descriptor of each
 * owner.
 *
 * Locking: locks->lock guards everything here.
 */
#include "fs/lock-private.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

/*
 * The longest chain of waiting owners that is searched: the limit of the kernel for its own locks.
 */
#define MAX_WAITS 10

struct flock lock_to_flock(const struct fs_lock *lock)
{
	struct flock fl = {
		.l_type = (short)lock->type,
		.l_whence = SEEK_SET,
		.l_start = (off_t)lock->start,
	};

	/* Length 0 means up to the largest offset. */
	if (lock->end < INT64_MAX)
		fl.l_len = (off_t)(lock->end - lock->start + 1);
	return fl;
}

/* Finds a lock that conflicts with *lock. Sets l_type to F_UNLCK if there is none. */
static int conflict_of(const struct owner *owner, const struct fs_lock *lock,
		       struct flock *ret_flock)
{
	*ret_flock = lock_to_flock(lock);
	return fcntl(owner->fd, F_OFD_GETLK, ret_flock) < 0 ? -errno : 0;
}

static bool is_same(const struct flock *a, const struct flock *b)
{
	return a->l_type == b->l_type && a->l_start == b->l_start && a->l_len == b->l_len;
}

/* Returns true if this owner holds the lock *held, which F_OFD_GETLK has found. */
static bool holds(const struct owner *owner, const struct flock *held)
{
	struct flock own = *held, others = *held;

	/* Since Linux 6.6, F_OFD_GETLK with F_UNLCK finds locks of the descriptor itself. */
	own.l_type = F_UNLCK;
	own.l_pid = 0;
	if (fcntl(owner->fd, F_OFD_GETLK, &own) == 0)
		return is_same(&own, held);
	/* Older kernels: a lock that does not conflict with the descriptor is a lock of it. */
	others.l_type = F_WRLCK;
	others.l_pid = 0;
	return fcntl(owner->fd, F_OFD_GETLK, &others) == 0 && !is_same(&others, held);
}

/*
 * Finds the owner, other than except, that holds the lock *held. Returns NULL if a process outside
 * of the view holds it.
 */
static struct owner *holder_of(struct locks *locks, const struct owner *except,
			       const struct flock *held)
{
	struct owner *owner;

	for (owner = locks->owners; owner; owner = owner->next)
		if (owner->node == except->node && owner != except && holds(owner, held))
			break;
	return owner;
}

int fs_getlk(struct fs *fs, struct handle *handle, struct fs_lock *lock)
{
	struct locks *locks = fs->locks;
	struct owner *owner = NULL, *holder;
	struct flock fl;
	int r;

	if (lock->start > INT64_MAX || lock->end < lock->start)
		return -EINVAL;
	pthread_mutex_lock(&locks->lock);
	r = lock_owner_of(fs, handle, lock, &owner);
	if (r == 0)
		r = conflict_of(owner, lock, &fl);
	if (r == 0) {
		lock->type = fl.l_type;
		lock->start = (uint64_t)fl.l_start;
		lock->end = fl.l_len ? (uint64_t)(fl.l_start + fl.l_len - 1) : INT64_MAX;
		lock->pid = fl.l_pid > 0 ? (uint32_t)fl.l_pid : 0;
		holder = fl.l_type == F_UNLCK || lock->pid ? NULL : holder_of(locks, owner, &fl);
		if (holder)
			lock->pid = holder->pid;
	}
	pthread_mutex_unlock(&locks->lock);
	return r;
}

/*
 * Returns the lock request for which an owner waits, or NULL. A process has the same owner number
 * in all files.
 */
static struct wait *wait_of(struct locks *locks, uint64_t number)
{
	struct wait *wait;

	for (wait = locks->waits; wait; wait = wait->next)
		if (wait->owner && wait->owner->owner == number)
			break;
	return wait;
}

bool lock_deadlocks(struct locks *locks, struct owner *owner, const struct fs_lock *lock)
{
	const struct owner *waits = owner, *holder;
	struct flock fl;

	for (int i = 0; i < MAX_WAITS; i++) {
		const struct wait *wait;

		if (conflict_of(waits, lock, &fl) < 0 || fl.l_type == F_UNLCK)
			return false;
		holder = holder_of(locks, waits, &fl);
		if (!holder)
			return false;
		if (holder->owner == owner->owner)
			return true;
		wait = wait_of(locks, holder->owner);
		if (!wait)
			return false;
		waits = wait->owner;
		lock = &wait->lock;
	}
	return false;
}
