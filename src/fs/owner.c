// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Passing data through where a server decides by who asks (NFS, SMB, ...).
 *
 * The kernel opens, reads and writes a backing file as whoever registered it, for all callers
 * alike. There is one user who may mostly do what any caller may: the owner of the file. So the
 * file is registered as its owner, after each open was tried as the caller, who gets the server's
 * answer, and as the owner, so that the kernel's own open will not be refused (the caller would get
 * EIO).
 *
 * Locks: that of the list, a leaf.
 */
#include "fs/creds.h"
#include "fs/fs-private.h"
#include "util/cleanup.h"
#include "util/fd.h"
#include "util/fstype.h"
#include "util/hash.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SYS_faccessat2
#define SYS_faccessat2 439
#endif

#define N_LISTS 256

/*
 * A node whose file is registered as somebody. Most nodes are not, so it is not kept in the node.
 */
struct owned {
	const struct node *node;
	struct file_owner owner;
	struct owned *next;
};

struct owners {
	pthread_mutex_t lock;
	struct owned *lists[N_LISTS];
};

int owners_new(struct owners **ret_owners)
{
	struct owners *owners = calloc(1, sizeof(*owners));

	if (!owners)
		return -ENOMEM;
	pthread_mutex_init(&owners->lock, NULL);
	*ret_owners = owners;
	return 0;
}

struct owners *owners_free(struct owners *owners)
{
	if (!owners)
		return NULL;
	for (int i = 0; i < N_LISTS; i++)
		while (owners->lists[i]) {
			struct owned *owned = owners->lists[i];

			owners->lists[i] = owned->next;
			free(owned);
		}
	pthread_mutex_destroy(&owners->lock);
	free(owners);
	return NULL;
}

/* The link to the node's entry, or the end of its list; caller holds the lock. */
static struct owned **place_of(struct owners *owners, const struct node *node)
{
	struct owned **at = &owners->lists[hash_mix((uintptr_t)node) % N_LISTS];

	while (*at && (*at)->node != node)
		at = &(*at)->next;
	return at;
}

bool owners_find(struct owners *owners, const struct node *node, struct file_owner *ret_owner)
{
	struct owned *owned;

	pthread_mutex_lock(&owners->lock);
	owned = *place_of(owners, node);
	if (owned)
		*ret_owner = owned->owner;
	pthread_mutex_unlock(&owners->lock);
	return owned;
}

int owners_set(struct owners *owners, const struct node *node, const struct file_owner *owner)
{
	_cleanup_(freep) struct owned *spare = owner ? calloc(1, sizeof(*spare)) : NULL;
	struct owned **at, *owned;

	if (owner && !spare)
		return -ENOMEM;
	pthread_mutex_lock(&owners->lock);
	at = place_of(owners, node);
	owned = *at;
	if (owner && !owned) {
		spare->node = node;
		owned = *at = take_ptr(spare);
	}
	if (owner) {
		owned->owner = *owner;
	} else if (owned) {
		*at = owned->next;
		spare = owned;
	}
	pthread_mutex_unlock(&owners->lock);
	return 0;
}

/* Opens what a descriptor stands for as somebody. */
static int open_as(struct fs *fs, int fd, const struct file_owner *owner, int flags)
{
	_cleanup_(creds_leavep) struct creds_scope scope = CREDS_NONE;
	int r = creds_enter_owner(owner->uid, owner->gid, &scope);

	return r < 0 ? r : lower_openat(fs, AT_FDCWD, fd_path(fd).text, flags, 0);
}

bool owner_may(struct fs *fs, struct node *node, const struct file_owner *owner, int flags)
{
	_cleanup_(fdref_putp) struct fdref ref = FDREF_NONE;
	_cleanup_(fd_closep) int fd = -1;

	if (fdref_get(fs->fds, node, &ref) < 0)
		return false;
	fd = open_as(fs, ref.fd, owner, (flags & O_ACCMODE) | O_NONBLOCK);
	return fd >= 0;
}

/* Asks the server whether the caller may execute the file. 0 or -errno. */
static int may_execute(struct fs *fs, struct node *node, int fd)
{
	_cleanup_(creds_leavep) struct creds_scope scope = CREDS_NONE;
	int r = lower_enter(fs, node, &scope);

	if (r == 0 && syscall(SYS_faccessat2, fd, "", X_OK, AT_EMPTY_PATH | AT_EACCESS) < 0)
		r = -errno;
	return r;
}

int owner_open_program(struct fs *fs, struct node *node)
{
	_cleanup_(fdref_putp) struct fdref ref = FDREF_NONE;
	struct file_owner owner;
	struct statx stx;
	int r;

	r = fdref_get(fs->fds, node, &ref);
	if (r == 0)
		r = may_execute(fs, node, ref.fd);
	if (r == 0)
		r = lower_stat(ref.fd, &stx);
	if (r < 0)
		return r;
	owner = (struct file_owner){ stx.stx_uid, stx.stx_gid };
	return open_as(fs, ref.fd, &owner, O_RDONLY);
}

int fs_open_dir(int fd)
{
	_cleanup_(creds_leavep) struct creds_scope scope = CREDS_NONE;
	int opened = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), r = -errno;
	const struct fstype *type;
	struct statx stx;

	if (opened >= 0 || r != -EACCES)
		return opened >= 0 ? opened : r;
	/* Root is nobody there. */
	type = fstype_of(fd);
	if (!type || !type->checks_ids)
		return r;
	r = lower_stat(fd, &stx);
	if (r == 0)
		r = creds_enter_owner(stx.stx_uid, stx.stx_gid, &scope);
	if (r < 0)
		return r;
	return fd_reopen(fd, O_RDONLY | O_DIRECTORY);
}
