// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Locks on the lower file (locks=lower). With locks=local the kernel sends no requests for locks.
 *
 * A lock of flock(2) belongs to an open file, so the daemon takes it on the handle's own lower
 * descriptor. A lock of fcntl(2) belongs to a file and an owner (a process, or an open file for OFD
 * locks), and any handle of the file can take it. So each pair of file and owner has one lower
 * descriptor, on which the daemon takes its locks as OFD locks. Closing the descriptor drops all
 * locks of the owner: at FLUSH (each close by a process), and at RELEASE for owners that used that
 * handle last.
 *
 * Waiting: each waiter is a thread that waits in fcntl(2) or flock(2), so that order and fairness
 * are those of the lower file system. A signal interrupts a waiter. If the signal arrives between
 * the waiter's test of the flag and its system call, the system call is not interrupted; so each
 * tick sends the signal again until the waiter has ended. INTERRUPT may also overtake its request,
 * so the daemon remembers the last numbers for which it found no waiter.
 *
 * Locking: locks->lock guards all state, because locks are not on a hot path.
 */
#include "fs/lock-private.h"
#include "util/cleanup.h"
#include "util/clock.h"
#include "util/thread.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>

#define MAX_WAITERS 1024
#define STACK_SIZE  (128 * 1024)

int locks_new(struct fs *fs, struct locks **ret_locks)
{
	struct locks *locks = calloc(1, sizeof(*locks));

	if (!locks)
		return -ENOMEM;
	locks->fs = fs;
	locks->waiting.n = fs->config.n_waiting_locks ? fs->config.n_waiting_locks : MAX_WAITERS;
	pthread_mutex_init(&locks->lock, NULL);
	clock_cond_init(&locks->gone);
	thread_wake_install();
	*ret_locks = locks;
	return 0;
}

struct locks *locks_free(struct locks *locks)
{
	if (!locks)
		return NULL;
	locks_shutdown(locks);
	while (locks->owners) {
		struct owner *owner = locks->owners;

		locks->owners = owner->next;
		lock_owner_put(locks->fs, owner);
	}
	pthread_cond_destroy(&locks->gone);
	pthread_mutex_destroy(&locks->lock);
	free(locks);
	return NULL;
}

/* Interrupts a wait. Caller holds the lock. */
static void wake(struct wait *wait)
{
	wait->interrupted = true;
	thread_wake(wait->thread);
}

void locks_shutdown(struct locks *locks)
{
	pthread_mutex_lock(&locks->lock);
	locks->down = true;
	while (locks->waits) {
		for (struct wait *wait = locks->waits; wait; wait = wait->next)
			wake(wait);
		clock_cond_wait_ms(&locks->gone, &locks->lock, 20);
	}
	pthread_mutex_unlock(&locks->lock);
}

bool locks_tick(struct locks *locks)
{
	bool left = false;

	pthread_mutex_lock(&locks->lock);
	for (struct wait *wait = locks->waits; wait; wait = wait->next) {
		if (!wait->interrupted)
			continue;
		wake(wait);
		left = true;
	}
	pthread_mutex_unlock(&locks->lock);
	return left;
}

void fs_interrupt(struct fs *fs, uint64_t unique)
{
	struct locks *locks = fs->locks;
	struct wait *wait;

	if (fs->config.locks != PST_LOCKS_LOWER)
		return;
	pthread_mutex_lock(&locks->lock);
	for (wait = locks->waits; wait; wait = wait->next)
		if (wait->unique == unique)
			break;
	if (wait)
		wake(wait);
	else
		locks->early[locks->next_early++ % N_EARLY] = unique;
	pthread_mutex_unlock(&locks->lock);
	if (wait)
		fs->config.host.want_tick(fs->config.host.aux);
}

/* Returns true if the INTERRUPT of the request arrived before it. Caller holds the lock. */
static bool was_early(struct locks *locks, uint64_t unique)
{
	for (int i = 0; i < N_EARLY; i++) {
		if (locks->early[i] != unique)
			continue;
		locks->early[i] = 0;
		return true;
	}
	return false;
}

int fs_flush(struct fs *fs, struct handle *handle, uint64_t owner)
{
	if (fs->config.locks == PST_LOCKS_LOWER)
		locks_drop(fs, handle->node, &owner, NULL);
	return data_flush(fs, handle);
}

/* -- taking ------------------------------------------------------------------------------------ */

/*
 * Takes a lock on a lower descriptor. Returns 0, or -EAGAIN if another owner holds it, or -errno.
 */
static int take(int fd, const struct fs_lock *lock, bool wait)
{
	struct flock fl = lock_to_flock(lock);
	int r, how;

	if (lock->flock) {
		how = lock->type == F_RDLCK ? LOCK_SH : lock->type == F_WRLCK ? LOCK_EX : LOCK_UN;
		r = flock(fd, how | (wait ? 0 : LOCK_NB));
	} else {
		r = fcntl(fd, wait ? F_OFD_SETLKW : F_OFD_SETLK, &fl);
	}
	if (r < 0)
		return errno == EACCES ? -EAGAIN : -errno;
	return 0;
}

/*
 * Puts the references of a wait to owner and handle. Must be called before the reply: the client
 * may close the file right after the reply, and the wait must not keep the lower file open then.
 */
static void wait_drop(struct wait *wait, int r)
{
	struct locks *locks = wait->fs->locks;

	pthread_mutex_lock(&locks->lock);
	if (wait->owner)
		lock_owner_waited(wait->fs, wait->owner, r);
	handle_put(wait->fs->handles, wait->handle);
	pthread_mutex_unlock(&locks->lock);
}

static void wait_free(struct wait *wait)
{
	struct locks *locks = wait->fs->locks;
	struct wait **link = &locks->waits;

	pthread_mutex_lock(&locks->lock);
	while (*link != wait)
		link = &(*link)->next;
	*link = wait->next;
	fair_share_put(&locks->waiting, wait->handle_uid);
	pthread_cond_broadcast(&locks->gone);
	pthread_mutex_unlock(&locks->lock);
	free(wait);
}

static void *wait_main(void *arg)
{
	struct wait *wait = arg;
	int r;

	fs_thread_init();
	do {
		r = wait->interrupted ? -EINTR : take(wait->fd, &wait->lock, true);
	} while (r == -EINTR && !wait->interrupted);
	wait_drop(wait, r);
	wait->waiter->done(wait->waiter, r);
	wait_free(wait);
	return NULL;
}

/* Starts the thread of a wait. Returns FS_LATER or -errno. Caller holds the lock. */
static int wait_start(struct fs *fs, struct wait *wait)
{
	struct locks *locks = fs->locks;
	pthread_attr_t attr;
	int r;

	if (locks->waiting.n_taken >= locks->waiting.n ||
	    !fair_share_has_room(&locks->waiting, wait->handle_uid))
		return -ENOLCK;
	if (locks->down || was_early(locks, wait->unique))
		return -EINTR;
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_SIZE);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	r = thread_create(&wait->thread, &attr, wait_main, wait);
	pthread_attr_destroy(&attr);
	if (r < 0)
		return -ENOLCK;
	/* The thread cannot put these references earlier, because it needs the lock for that. */
	handle_get(wait->handle);
	if (wait->owner)
		wait->owner->refs++;
	wait->next = locks->waits;
	locks->waits = wait;
	fair_share_take(&locks->waiting, wait->handle_uid);
	return FS_LATER;
}

static int wait_for(struct fs *fs, struct handle *handle, struct owner *owner, int fd,
		    const struct fs_lock *lock, struct fs_waiter *waiter)
{
	_cleanup_(freep) struct wait *wait = calloc(1, sizeof(*wait));
	int r;

	if (!wait)
		return -ENOMEM;
	*wait = (struct wait){
		.fs = fs,
		.waiter = waiter,
		.handle = handle,
		.handle_uid = handle->uid,
		.owner = owner,
		.lock = *lock,
		.unique = waiter->unique,
		.fd = fd,
	};
	r = wait_start(fs, wait);
	if (r == FS_LATER)
		take_ptr(wait);
	return r;
}

int fs_setlk(struct fs *fs, struct handle *handle, const struct fs_lock *lock,
	     struct fs_waiter *waiter)
{
	struct locks *locks = fs->locks;
	struct owner *owner = NULL;
	int fd = -1, r;

	if (lock->start > INT64_MAX || lock->end < lock->start)
		return -EINVAL;
	if (lock->flock) {
		fd = lower_of_handle(fs, handle);
		if (fd < 0)
			return fd;
	}
	pthread_mutex_lock(&locks->lock);
	r = lock->flock ? 0 : lock_owner_of(fs, handle, lock, &owner);
	if (r == 0) {
		if (owner)
			fd = owner->fd;
		r = take(fd, lock, false);
		if (r == 0 && owner)
			owner->dropped = false;
		if (r == -EAGAIN && waiter && owner && lock_deadlocks(locks, owner, lock))
			r = -EDEADLK;
		if (r == -EAGAIN && waiter)
			r = wait_for(fs, handle, owner, fd, lock, waiter);
	}
	pthread_mutex_unlock(&locks->lock);
	return r;
}
