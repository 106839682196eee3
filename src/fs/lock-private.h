/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Shared by lock.c, lock-owner.c and lock-holder.c. */
#include "fs/fs-private.h"

#define N_EARLY 1024

/* The lower descriptor of one owner of one file. */
struct owner {
	struct owner *next;
	unsigned int refs; /* the list's, and one for each waiter */
	struct node *node; /* counted */
	uint64_t owner;
	uint64_t fh;  /* the handle that was used last */
	uint32_t pid; /* of the process that locked last */
	int fd;
	bool dropped; /* its locks were dropped while it waited for another lock */
};

struct wait {
	struct wait *next;
	struct fs *fs;
	struct fs_waiter *waiter;
	struct handle *handle; /* counted */
	uint32_t handle_uid;   /* handle->uid, because the handle is put first */
	struct owner *owner;   /* counted; NULL for flock */
	struct fs_lock lock;
	uint64_t unique; /* waiter->unique, because done() ends the waiter */
	int fd;
	pthread_t thread;
	_Atomic bool interrupted;
};

struct locks {
	struct fs *fs;
	pthread_mutex_t lock; /* guards all members below */
	pthread_cond_t gone;  /* a waiter has ended */
	struct owner *owners;
	struct wait *waits;
	struct fair_share waiting; /* waiting locks, by user */
	bool down;
	uint64_t early[N_EARLY]; /* requests that were interrupted before they came */
	unsigned int next_early;
};

struct flock lock_to_flock(const struct fs_lock *lock);
/*
 * lock-owner.c: finds the owner of a lock, or makes it. *ret_owner is borrowed from the list.
 * Releases the lock, which the caller holds, while it opens the owner's descriptor.
 */
int lock_owner_of(struct fs *fs, struct handle *handle, const struct fs_lock *lock,
		  struct owner **ret_owner);
/* Drops a reference of a waiter, or of the list; NULL is allowed. Caller holds the lock. */
void lock_owner_put(struct fs *fs, struct owner *owner);
/*
 * A waiter of the owner has ended with r: drops its reference, and the owner if it has no locks and
 * no waiters. Caller holds the lock.
 */
void lock_owner_waited(struct fs *fs, struct owner *owner, int r);
/*
 * lock-holder.c: true if an owner that waits for a lock would wait for itself, directly or by way
 * of other owners. Caller holds the lock.
 */
bool lock_deadlocks(struct locks *locks, struct owner *owner, const struct fs_lock *lock);
