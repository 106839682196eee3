// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Passthrough. Only this file stores backing IDs and decides the I/O mode of an open file.
 *
 * The kernel has a file open either with a backing file (each open must name the same id) or with a
 * page cache of the view, and fails an open of the other kind with EIO. So a node has one mode from
 * its first open to its last release:
 *
 *	mode now	can pass through  cannot	zero size  filters see data
 *	none		passthrough	  cached	direct	   direct, or cached if they allow
 *	passthrough	passthrough	  -		-	   refused
 *	cached		cached		  cached	-	   direct, or cached if they allow
 *	direct		direct		  direct	direct	   direct
 *
 * A hollow file whose pieces are fetched when clients read them (pieces.c) is cached, too.
 *
 * A file that the program of struct pst_node_ops reads and writes is cached or direct, as the
 * program says; its open fails with EBUSY while the file passes through.
 *
 * "-" cannot happen: the first open decides if the file can pass through, for all opens until the
 * last release. "Zero size" files are those of proc, sysfs and the like. Filters may be added and
 * removed while a file is open; an open that would bypass a filter fails with EBUSY.
 *
 * Privilege: the kernel reads and writes with the credentials of the thread that registered the
 * file. With CAP_FSETID a write by any caller keeps the set-ID bits; without it a write by root
 * clears them. If a write has to clear the bits, the kernel sends SETATTR before, but it decides
 * that by the mode in its cache. So a file is registered with CAP_FSETID only if it has set-ID bits
 * when it is opened, because the cached mode is fresh at that moment.
 *
 * If a remote server checks permissions itself (NFS), the file is registered with the credentials
 * of its owner (owner.c), or served if the owner lacks a permission that other callers may have.
 *
 * A backing ID is kept from one open to the next, so that an open needs no registration. It is
 * closed after a tick without an open, because it references the lower inode: if the file is
 * deleted in the lower tree, the lower file system cannot free its space before.
 *
 * Locks: the lock of a node's shard guards the node's members for passthrough, and its entry in
 * owned. idle_lock guards the queue of idle nodes, and is taken after the lock of a shard.
 */
#include "fs/creds.h"
#include "fs/fs-private.h"
#include "fs/hollow-private.h"
#include "util/cleanup.h"
#include "util/hash.h"
#include "util/log.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#define N_SHARDS 256
#define MAX_IDLE 4096

enum backing_flag {
	FLAG_IDLE = 1 << 0,  /* in the idle queue */
	FLAG_USED = 1 << 1,  /* opened since the last tick */
	FLAG_KEEPS = 1 << 2, /* registered with CAP_FSETID: writes leave set-ID bits */
	FLAG_STALE = 1 << 3, /* the kernel may have cached pages from before a change of filters */
};

struct shard {
	pthread_mutex_t lock;
	struct owned *owned; /* nodes whose files are registered with their owners' credentials */
};

struct passthrough {
	struct fs *fs;
	struct shard shard[N_SHARDS];
	_Atomic uint64_t n_backings, n_registered, n_refused;
	_Atomic bool told;       /* a refusal by the kernel has been logged */
	_Atomic bool told_owner; /* a refusal because of the owner's rights has been logged */

	pthread_mutex_t idle_lock; /* guards the members below */
	size_t idle_at;
	_Atomic size_t n_idle;   /* also read without the lock */
	uint64_t idle[MAX_IDLE]; /* a ring of nodeids; their nodes may have been freed */
};

int passthrough_new(struct fs *fs, struct passthrough **ret_pt)
{
	struct passthrough *pt = calloc(1, sizeof(*pt));

	if (!pt)
		return -ENOMEM;
	pt->fs = fs;
	for (int i = 0; i < N_SHARDS; i++)
		pthread_mutex_init(&pt->shard[i].lock, NULL);
	pthread_mutex_init(&pt->idle_lock, NULL);
	*ret_pt = pt;
	return 0;
}

struct passthrough *passthrough_free(struct passthrough *pt)
{
	if (!pt)
		return NULL;
	for (int i = 0; i < N_SHARDS; i++)
		pthread_mutex_destroy(&pt->shard[i].lock);
	pthread_mutex_destroy(&pt->idle_lock);
	free(pt);
	return NULL;
}

static struct shard *shard_of(struct passthrough *pt, const struct node *node)
{
	return &pt->shard[hash_mix((uintptr_t)node) % N_SHARDS];
}

static pthread_mutex_t *lock_of(struct passthrough *pt, const struct node *node)
{
	return &shard_of(pt, node)->lock;
}

/*
 * Registers the lower file with the credentials of owner, or of an unprivileged user if owner is
 * NULL. If keeps is true, writes leave set-ID bits. Returns 0 or -errno. Caller holds the shard's
 * lock.
 */
static int backing_open(struct passthrough *pt, struct node *node, bool keeps,
			const struct file_owner *owner)
{
	_cleanup_(creds_leavep) struct creds_scope scope = CREDS_NONE;
	_cleanup_(fdref_putp) struct fdref ref = FDREF_NONE;
	struct fs_host *host = &pt->fs->config.host;
	int r;

	r = fdref_get(pt->fs->fds, node, &ref);
	if (r < 0)
		return r;
	if (owner)
		r = owned_set(&shard_of(pt, node)->owned, node, owner);
	if (r == 0)
		r = owner ? creds_enter_owner(owner->uid, owner->gid, &scope) :
			    creds_enter_backing(keeps, &scope);
	if (r == 0)
		r = host->backing_open(host->aux, ref.fd);
	if (r < 0) {
		owned_set(&shard_of(pt, node)->owned, node, NULL);
		return r;
	}
	node->backing_id = r;
	node->passthrough_flags &= (uint8_t)~FLAG_KEEPS;
	if (keeps)
		node->passthrough_flags |= FLAG_KEEPS;
	pt->n_backings++;
	pt->n_registered++;
	return 0;
}

/* Caller holds the shard. */
static void backing_close(struct passthrough *pt, struct node *node)
{
	struct fs_host *host = &pt->fs->config.host;

	if (!node->backing_id)
		return;
	host->backing_close(host->aux, node->backing_id);
	node->backing_id = 0;
	owned_set(&shard_of(pt, node)->owned, node, NULL);
	pt->n_backings--;
}

/*
 * Returns true if the file system of the node allows passthrough. The kernel reads and writes for
 * all callers with the credentials of one user. If the lower file system checks the caller, and not
 * by IDs alone, the caller's own rights would be ignored, so the user must ask for it
 * (passthrough=on).
 */
static bool passes(struct fs *fs, const struct node *node)
{
	return fs->config.passthrough &&
	       (fs->config.passthrough_asked || !lower_checks_caller(fs, node) ||
		lower_mount(fs, node)->checks_ids);
}

/* The result of trying to open a file as its owner. */
struct trial {
	bool tried;
	bool may;     /* the owner may open the file with the flags of this open */
	bool may_all; /* the owner may open it for reading and writing, as a later open may do */
	struct file_owner owner;
};

static void try_owner(struct passthrough *pt, struct node *node, const struct stat *st, int flags,
		      struct trial *trial)
{
	struct fs *fs = pt->fs;
	bool passing, open;

	if (!lower_mount(fs, node)->checks_ids || !passes(fs, node) || !st->st_mode)
		return;
	trial->owner = (struct file_owner){ st->st_uid, st->st_gid };
	pthread_mutex_lock(lock_of(pt, node));
	open = node->n_open;
	passing = open && node->io_mode == IO_PASSTHROUGH;
	/* If the owner has changed, the kernel still opens the file as the former owner. */
	if (passing)
		owned_find(shard_of(pt, node)->owned, node, &trial->owner);
	pthread_mutex_unlock(lock_of(pt, node));
	if (open && !passing)
		return;
	trial->tried = true;
	trial->may_all = !passing && owner_may(fs, node, &trial->owner, O_RDWR);
	trial->may = trial->may_all || (passing && owner_may(fs, node, &trial->owner, flags));
}

/*
 * Returns true if a file of a remote server may pass through. Closes its backing ID if the file was
 * registered with another owner. Caller holds the shard's lock.
 */
static bool owner_passes(struct passthrough *pt, struct node *node, const struct stat *st,
			 const struct trial *trial)
{
	struct file_owner now;

	/*
	 * A write by root has to leave set-ID bits. But the kernel would write as the owner for all
	 * callers, and the server clears the bits after a write by the owner.
	 */
	if (!trial->tried || !trial->may_all || (st->st_mode & (S_ISUID | S_ISGID)))
		return false;
	if (node->backing_id && (!owned_find(shard_of(pt, node)->owned, node, &now) ||
				 now.uid != trial->owner.uid || now.gid != trial->owner.gid))
		backing_close(pt, node);
	return true;
}

/* Counts a file that is served because of a refusal. Returns true for the first one of its kind. */
static bool count_refusal(struct passthrough *pt, _Atomic bool *told)
{
	pt->n_refused++;
	return !atomic_exchange(told, true);
}

/* Returns the mode that the filters of a node need, or IO_NONE if none of them sees its data. */
static enum io_mode filter_mode(struct fs *fs, const struct node *node)
{
	uint64_t seen = node_filters(node) & atomic_load(&fs->filters.data);

	if (!seen)
		return IO_NONE;
	return seen & ~atomic_load(&fs->filters.cacheable) ? IO_DIRECT : IO_CACHED;
}

/*
 * Registers the lower file unless it is registered already. Returns IO_PASSTHROUGH, or IO_CACHED
 * after a refusal. Caller holds the shard's lock.
 */
static enum io_mode register_if_possible(struct passthrough *pt, struct node *node,
					 const struct stat *st, const struct trial *trial)
{
	bool owners = lower_mount(pt->fs, node)->checks_ids;
	bool keeps = (st->st_mode & (S_ISUID | S_ISGID)) &&
		     !authority_is_served(node, STATX_MODE) && !set_id_hidden(node);
	int r;

	if (owners && !owner_passes(pt, node, st, trial)) {
		if (count_refusal(pt, &pt->told_owner))
			log_warning("a file is read and written through the view, not passed "
				    "through: its owner, as whom the kernel would access it on "
				    "the server, may not read and write it, or it has set-ID "
				    "bits. Further such files are counted (`penstock stat`), not "
				    "logged");
		return IO_CACHED;
	}
	/* An open for reading does not know the mode (0), and needs no particular credentials. */
	if (node->backing_id && (!st->st_mode || keeps == !!(node->passthrough_flags & FLAG_KEEPS)))
		return IO_PASSTHROUGH;
	backing_close(pt, node);
	r = backing_open(pt, node, keeps, owners ? &trial->owner : NULL);
	/*
	 * ESTALE: the file was unlinked, so its handle no longer opens. The kernel refused nothing.
	 */
	if (r < 0 && r != -ESTALE && count_refusal(pt, &pt->told))
		log_warning("a file is read and written through the view, because the kernel "
			    "refuses to pass it through (%s)%s. Further refusals are counted "
			    "(`penstock stat`), not logged",
			    strerror(-r),
			    r == -ELOOP ? ": its file system is stacked too deep" : "");
	return r < 0 ? IO_CACHED : IO_PASSTHROUGH;
}

/* Returns the mode by the table above, or IO_NONE to refuse. Caller holds the shard's lock. */
static enum io_mode decide(struct passthrough *pt, struct node *node, const struct stat *st,
			   const struct trial *trial, int flags)
{
	enum io_mode wanted = filter_mode(pt->fs, node);

	if (node->n_open && node->io_mode == IO_PASSTHROUGH)
		return wanted == IO_NONE && (!trial->tried || trial->may) ? IO_PASSTHROUGH :
									    IO_NONE;
	if (node->n_open)
		return wanted == IO_DIRECT ? IO_DIRECT : node->io_mode;
	if (lower_mount(pt->fs, node)->zero_size)
		return IO_DIRECT;
	if (wanted != IO_NONE)
		return wanted;
	/* O_TRUNC has just removed all pieces. */
	if (pt->fs->config.instance && !fs_is_whole(node) && !(flags & O_TRUNC))
		return IO_CACHED;
	if (!passes(pt->fs, node))
		return IO_CACHED;
	return register_if_possible(pt, node, st, trial);
}

int passthrough_open(struct fs *fs, struct node *node, const struct stat *st, int flags,
		     struct fs_open *open)
{
	struct passthrough *pt = fs->passthrough;
	struct trial trial = { 0 };

	/* Before the lock is taken, because the trial waits for the server. */
	try_owner(pt, node, st, flags, &trial);
	pthread_mutex_lock(lock_of(pt, node));
	open->mode = decide(pt, node, st, &trial, flags);
	if (open->mode != IO_NONE) {
		node->io_mode = (uint8_t)open->mode;
		node->n_open++;
		node->passthrough_flags |= FLAG_USED;
		open->backing_id = open->mode == IO_PASSTHROUGH ? node->backing_id : 0;
		open->keep_cache = open->mode == IO_CACHED &&
				   !(node->passthrough_flags & FLAG_STALE);
		node->passthrough_flags &= (uint8_t)~FLAG_STALE;
	}
	pthread_mutex_unlock(lock_of(pt, node));
	return open->mode == IO_NONE ? -EBUSY : 0;
}

int passthrough_open_served(struct fs *fs, struct node *node, enum io_mode mode,
			    struct fs_open *open)
{
	struct passthrough *pt = fs->passthrough;

	pthread_mutex_lock(lock_of(pt, node));
	if (node->n_open && node->io_mode == IO_PASSTHROUGH) {
		pthread_mutex_unlock(lock_of(pt, node));
		return -EBUSY;
	}
	if (filter_mode(fs, node) == IO_DIRECT || (node->n_open && node->io_mode == IO_DIRECT))
		mode = IO_DIRECT;
	open->mode = mode;
	node->io_mode = (uint8_t)mode;
	node->n_open++;
	open->keep_cache = mode == IO_CACHED && !(node->passthrough_flags & FLAG_STALE);
	node->passthrough_flags &= (uint8_t)~FLAG_STALE;
	pthread_mutex_unlock(lock_of(pt, node));
	return 0;
}

void fs_filters_changed(struct fs *fs, struct node *node, uint64_t changed)
{
	if (!(changed & fs->filters.data))
		return;
	pthread_mutex_lock(lock_of(fs->passthrough, node));
	node->passthrough_flags |= FLAG_STALE;
	pthread_mutex_unlock(lock_of(fs->passthrough, node));
}

bool fs_bypasses(struct fs *fs, struct node *node)
{
	enum io_mode wanted = filter_mode(fs, node);
	bool bypasses;

	pthread_mutex_lock(lock_of(fs->passthrough, node));
	bypasses = wanted != IO_NONE && node->n_open && node->io_mode == IO_PASSTHROUGH;
	pthread_mutex_unlock(lock_of(fs->passthrough, node));
	return bypasses;
}

/*
 * Adds the node to the queue of idle backing IDs, or closes its backing ID if the queue is full.
 * Caller holds the shard's lock.
 */
static void idle_add(struct passthrough *pt, struct node *node)
{
	pthread_mutex_lock(&pt->idle_lock);
	if (pt->n_idle < MAX_IDLE) {
		pt->idle[(pt->idle_at + pt->n_idle++) % MAX_IDLE] = node->id;
		node->passthrough_flags |= FLAG_IDLE;
	}
	pthread_mutex_unlock(&pt->idle_lock);
	if (!(node->passthrough_flags & FLAG_IDLE))
		backing_close(pt, node);
	pt->fs->config.host.want_tick(pt->fs->config.host.aux);
}

void passthrough_close(struct fs *fs, struct node *node)
{
	struct passthrough *pt = fs->passthrough;

	pthread_mutex_lock(lock_of(pt, node));
	if (--node->n_open == 0) {
		node->io_mode = IO_NONE;
		if (node->backing_id && !(node->passthrough_flags & FLAG_IDLE))
			idle_add(pt, node);
	}
	pthread_mutex_unlock(lock_of(pt, node));
}

bool passthrough_close_idle(struct fs *fs, struct node *node)
{
	bool open;

	pthread_mutex_lock(lock_of(fs->passthrough, node));
	open = node->n_open;
	if (!open)
		backing_close(fs->passthrough, node);
	pthread_mutex_unlock(lock_of(fs->passthrough, node));
	return !open;
}

void passthrough_node_gone(struct fs *fs, struct node *node)
{
	/* No other thread has a reference, so backing_id can be read without the lock. */
	if (!node->backing_id)
		return;
	/* The shard guards the owners of other nodes, too. */
	pthread_mutex_lock(lock_of(fs->passthrough, node));
	backing_close(fs->passthrough, node);
	pthread_mutex_unlock(lock_of(fs->passthrough, node));
}

/* Removes and returns the first nodeid of the queue of idle backing IDs, or 0 if it is empty. */
static uint64_t idle_take(struct passthrough *pt)
{
	uint64_t id = 0;

	pthread_mutex_lock(&pt->idle_lock);
	if (pt->n_idle) {
		id = pt->idle[pt->idle_at];
		pt->idle_at = (pt->idle_at + 1) % MAX_IDLE;
		pt->n_idle--;
	}
	pthread_mutex_unlock(&pt->idle_lock);
	return id;
}

/*
 * Closes the backing ID of a node from the queue, or adds the node to the queue again if it was
 * opened since.
 */
static void idle_look(struct passthrough *pt, struct node *node)
{
	pthread_mutex_lock(lock_of(pt, node));
	/* Without the flag, the nodeid now belongs to another node. */
	if (node->passthrough_flags & FLAG_IDLE) {
		bool used = node->passthrough_flags & FLAG_USED;

		node->passthrough_flags &= (uint8_t)~FLAG_IDLE;
		if (node->n_open == 0 && used) {
			node->passthrough_flags &= (uint8_t)~FLAG_USED;
			idle_add(pt, node);
		} else if (node->n_open == 0) {
			backing_close(pt, node);
		}
	}
	pthread_mutex_unlock(lock_of(pt, node));
}

bool passthrough_reap(struct fs *fs)
{
	struct passthrough *pt = fs->passthrough;

	for (size_t n = pt->n_idle; n > 0; n--) {
		struct node *node = node_lookup_id(fs->nodes, idle_take(pt));

		if (node)
			idle_look(pt, node);
		node_put(fs->nodes, node);
	}
	return pt->n_idle > 0;
}

void passthrough_stat(struct fs *fs, struct fs_stat *stat)
{
	stat->n_backings = fs->passthrough->n_backings;
	stat->n_registered = fs->passthrough->n_registered;
	stat->n_refused = fs->passthrough->n_refused;
}
