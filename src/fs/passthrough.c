// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Passthrough: the only file that holds backing ids, and the only place that decides the I/O mode
 * of an open file.
 *
 * The kernel has a file open either with a backing file (every open must name the same id) or with
 * a page cache of the view, and fails an open of the other kind with EIO. So a node has one mode
 * from its first open to its last release:
 *
 *	mode now	can pass through  cannot	zero size  filters see data
 *	none		passthrough	  cached	direct	   direct, or cached if they allow
 *	passthrough	passthrough	  -		-	   refused
 *	cached		cached		  cached	-	   direct, or cached if they allow
 *	direct		direct		  direct	direct	   direct
 *
 * "-" cannot be: the first open decides whether the file can pass through, for all opens until the
 * last release. "Zero size": files of proc, sysfs and the like. Filters may be added and removed
 * while a file is open; an open that would bypass one fails with EBUSY.
 *
 * Privilege: the kernel reads and writes with the credentials of the thread that registered the
 * file. With CAP_FSETID a write by any caller keeps the set-ID bits; without it a write by root
 * clears them. The kernel sends SETATTR first where a write has to clear the bits, but decides that
 * by the mode in its cache. So a file is registered with CAP_FSETID only if it has set-ID bits when
 * it is opened, because the cached mode is fresh at that moment.
 *
 * If a server checks permissions itself, the file is registered as its owner (owner.c), and
 * served where the owner lacks a permission that other callers may have.
 *
 * A backing id is kept from one open to the next, so that an open needs no registration. It is
 * closed after a tick without an open, because it holds the lower inode: the space of a file that
 * was deleted below would not be freed.
 *
 * Locks: shard of the node for its members of this file's; idle_lock for the list. A shard is taken
 * before idle_lock.
 */
#include "fs/creds.h"
#include "fs/fs-private.h"
#include "util/cleanup.h"
#include "util/hash.h"
#include "util/log.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#define N_SHARDS 64
#define MAX_IDLE 4096

enum backing_flag {
	FLAG_IDLE = 1 << 0,  /* on the idle list */
	FLAG_USED = 1 << 1,  /* opened since the list was looked at */
	FLAG_KEEPS = 1 << 2, /* registered such that writes leave set-user-ID bits */
	FLAG_STALE = 1 << 3, /* other filters saw the pages that the kernel keeps */
};

struct passthrough {
	struct fs *fs;
	struct owners *owners;
	pthread_mutex_t shard[N_SHARDS];
	_Atomic uint64_t n_backings, n_registered, n_refused;
	_Atomic bool told, told_owner; /* a refusal has been logged; that an owner may not */

	pthread_mutex_t idle_lock; /* guards what follows */
	uint64_t *idle;            /* nodeids; they may be gone */
	size_t n_idle;
};

int passthrough_new(struct fs *fs, struct passthrough **ret_pt)
{
	struct passthrough *pt = calloc(1, sizeof(*pt));

	if (!pt)
		return -ENOMEM;
	pt->idle = calloc(MAX_IDLE, sizeof(*pt->idle));
	if (!pt->idle || owners_new(&pt->owners) < 0) {
		free(pt->idle);
		free(pt);
		return -ENOMEM;
	}
	pt->fs = fs;
	for (int i = 0; i < N_SHARDS; i++)
		pthread_mutex_init(&pt->shard[i], NULL);
	pthread_mutex_init(&pt->idle_lock, NULL);
	*ret_pt = pt;
	return 0;
}

struct passthrough *passthrough_free(struct passthrough *pt)
{
	if (!pt)
		return NULL;
	for (int i = 0; i < N_SHARDS; i++)
		pthread_mutex_destroy(&pt->shard[i]);
	pthread_mutex_destroy(&pt->idle_lock);
	owners_free(pt->owners);
	free(pt->idle);
	free(pt);
	return NULL;
}

static pthread_mutex_t *lock_of(struct passthrough *pt, const struct node *node)
{
	return &pt->shard[hash_mix((uintptr_t)node) % N_SHARDS];
}

/*
 * Registers the lower file as its owner, or as an unprivileged user (NULL); caller holds the shard.
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
		r = owners_set(pt->owners, node, owner);
	if (r == 0)
		r = owner ? creds_enter_owner(owner->uid, owner->gid, &scope) :
			    creds_enter_backing(keeps, &scope);
	if (r == 0)
		r = host->backing_open(host->aux, ref.fd);
	if (r < 0) {
		owners_set(pt->owners, node, NULL);
		return r;
	}
	node->backing_id = r;
	if (keeps)
		node->passthrough_flags |= FLAG_KEEPS;
	else
		node->passthrough_flags &= (uint8_t)~FLAG_KEEPS;
	pt->n_backings++;
	pt->n_registered++;
	return 0;
}

/* Caller holds the shard, or nobody else can reach the node. */
static void backing_close(struct passthrough *pt, struct node *node)
{
	struct fs_host *host = &pt->fs->config.host;

	if (!node->backing_id)
		return;
	host->backing_close(host->aux, node->backing_id);
	node->backing_id = 0;
	if (nodetab_mount(pt->fs->nodes, node->fh.mount)->checks_ids)
		owners_set(pt->owners, node, NULL);
	pt->n_backings--;
}

/*
 * True if the file system of the node allows passthrough. The kernel opens the lower file once
 * more, as an unprivileged user or as the owner; where the lower file system checks the caller, and
 * not by IDs, that needs the option passthrough=on.
 */
static bool passes(struct fs *fs, const struct node *node)
{
	return fs->config.passthrough &&
	       (fs->config.passthrough_asked || !lower_checks_caller(fs, node) ||
		nodetab_mount(fs->nodes, node->fh.mount)->checks_ids);
}

/* The result of trying to open a file as its owner, without a lock. */
struct trial {
	bool tried;
	bool may;     /* open it as it is being opened */
	bool may_all; /* ... for reading and writing, as somebody else may do later */
	struct file_owner owner;
};

static void try_owner(struct passthrough *pt, struct node *node, const struct stat *st, int flags,
		      struct trial *trial)
{
	struct fs *fs = pt->fs;
	bool passing, open;

	if (!nodetab_mount(fs->nodes, node->fh.mount)->checks_ids || !passes(fs, node) ||
	    !st->st_mode)
		return;
	pthread_mutex_lock(lock_of(pt, node));
	open = node->n_open;
	passing = open && node->io_mode == IO_PASSTHROUGH;
	pthread_mutex_unlock(lock_of(pt, node));
	if (open && !passing)
		return;
	trial->tried = true;
	/* The owner may be another one by now; for the kernel it is who it was. */
	if (!passing || !owners_find(pt->owners, node, &trial->owner))
		trial->owner = (struct file_owner){ st->st_uid, st->st_gid };
	trial->may_all = !passing && owner_may(fs, node, &trial->owner, O_RDWR);
	trial->may = trial->may_all || (passing && owner_may(fs, node, &trial->owner, flags));
}

/* True if a file of a server may pass through; closes a backing id of another owner.
 * Caller holds the shard. */
static bool owner_passes(struct passthrough *pt, struct node *node, const struct stat *st,
			 const struct trial *trial)
{
	struct file_owner now;

	/*
	 * A write by root would leave set-user-ID bits, and the server takes them away from the
	 * owner's.
	 */
	if (!trial->tried || !trial->may_all || (st->st_mode & (S_ISUID | S_ISGID)))
		return false;
	if (node->backing_id && (!owners_find(pt->owners, node, &now) ||
				 now.uid != trial->owner.uid || now.gid != trial->owner.gid))
		backing_close(pt, node);
	return true;
}

static void tell_owner(struct passthrough *pt)
{
	pt->n_refused++;
	if (!atomic_exchange(&pt->told_owner, true))
		log_warning("a file is served, not passed through: on the server its owner may not "
			    "do what others may, or it has set-user-ID or set-group-ID bits. "
			    "Further ones are counted, not logged");
}

static void tell_refusal(struct passthrough *pt, int r)
{
	pt->n_refused++;
	if (!atomic_exchange(&pt->told, true))
		log_warning("the kernel will not pass a file through (%s)%s; its data is served. "
			    "Further refusals are counted, not logged",
			    strerror(-r),
			    r == -ELOOP ? ": its file system is stacked too deep" : "");
}

/* The mode that the filters of a node need; IO_NONE if none of them sees its data. */
static enum io_mode filter_mode(struct fs *fs, const struct node *node)
{
	uint64_t seen = node_filters(node) & atomic_load(&fs->filters.data);

	if (!seen)
		return IO_NONE;
	return seen & ~atomic_load(&fs->filters.cacheable) ? IO_DIRECT : IO_CACHED;
}

/*
 * Registers the lower file unless it is registered already, and returns the mode; caller holds the
 * shard.
 */
static enum io_mode register_if_possible(struct passthrough *pt, struct node *node,
					 const struct stat *st, const struct trial *trial)
{
	bool owners = nodetab_mount(pt->fs->nodes, node->fh.mount)->checks_ids;
	bool keeps = (st->st_mode & (S_ISUID | S_ISGID)) &&
		     !authority_is_served(node, STATX_MODE) && !set_id_hidden(node);
	int r;

	if (owners && !owner_passes(pt, node, st, trial)) {
		tell_owner(pt);
		return IO_CACHED;
	}
	/* An open for reading does not care, and does not know the mode. */
	if (node->backing_id && (!st->st_mode || keeps == !!(node->passthrough_flags & FLAG_KEEPS)))
		return IO_PASSTHROUGH;
	backing_close(pt, node);
	r = backing_open(pt, node, keeps, owners ? &trial->owner : NULL);
	/*
	 * ESTALE: the file was unlinked, so its handle no longer opens. The kernel refused nothing.
	 */
	if (r < 0 && r != -ESTALE)
		tell_refusal(pt, r);
	return r < 0 ? IO_CACHED : IO_PASSTHROUGH;
}

/* Looks up the table at the top; caller holds the shard. IO_NONE: refused. */
static enum io_mode decide(struct passthrough *pt, struct node *node, const struct stat *st,
			   const struct trial *trial)
{
	enum io_mode wanted = filter_mode(pt->fs, node);

	if (node->n_open && node->io_mode == IO_PASSTHROUGH)
		return wanted == IO_NONE && (!trial->tried || trial->may) ? IO_PASSTHROUGH :
									    IO_NONE;
	if (node->n_open)
		return wanted == IO_DIRECT ? IO_DIRECT : node->io_mode;
	if (nodetab_mount(pt->fs->nodes, node->fh.mount)->zero_size)
		return IO_DIRECT;
	if (wanted != IO_NONE)
		return wanted;
	if (!passes(pt->fs, node))
		return IO_CACHED;
	return register_if_possible(pt, node, st, trial);
}

int passthrough_open(struct fs *fs, struct node *node, const struct stat *st, int flags,
		     struct fs_open *open)
{
	struct passthrough *pt = fs->passthrough;
	struct trial trial = { 0 };

	/* Not under the lock, because it waits for the server. */
	try_owner(pt, node, st, flags, &trial);
	pthread_mutex_lock(lock_of(pt, node));
	open->mode = decide(pt, node, st, &trial);
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
 * Puts the node on the list of idle backing ids, or closes its id if the list is full; caller holds
 * the shard.
 */
static void idle_add(struct passthrough *pt, struct node *node)
{
	bool first = false;

	pthread_mutex_lock(&pt->idle_lock);
	if (pt->n_idle < MAX_IDLE) {
		first = pt->n_idle == 0;
		pt->idle[pt->n_idle++] = node->id;
		node->passthrough_flags |= FLAG_IDLE;
	}
	pthread_mutex_unlock(&pt->idle_lock);
	if (!(node->passthrough_flags & FLAG_IDLE))
		backing_close(pt, node);
	if (first)
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
	/* The last reference has gone: no lock is needed to be alone with the node. */
	backing_close(fs->passthrough, node);
}

/*
 * Closes the backing id of one idle node if it was idle for a tick; true if the node stays on the
 * list.
 */
static bool idle_look(struct passthrough *pt, uint64_t id)
{
	struct node *node = node_lookup_id(pt->fs->nodes, id);
	bool stays = false;

	if (!node)
		return false;
	pthread_mutex_lock(lock_of(pt, node));
	if (!(node->passthrough_flags & FLAG_IDLE)) {
		/* Another node that goes under the number now. */
	} else if (node->n_open == 0 && (node->passthrough_flags & FLAG_USED)) {
		node->passthrough_flags &= (uint8_t)~FLAG_USED;
		stays = true;
	} else {
		node->passthrough_flags &= (uint8_t)~FLAG_IDLE;
		if (node->n_open == 0)
			backing_close(pt, node);
	}
	pthread_mutex_unlock(lock_of(pt, node));
	node_put(pt->fs->nodes, node);
	return stays;
}

bool passthrough_reap(struct fs *fs)
{
	struct passthrough *pt = fs->passthrough;
	_cleanup_(freep) uint64_t *look = calloc(MAX_IDLE, sizeof(*look));
	size_t n, n_stay = 0;
	bool left;

	if (!look)
		return true;
	/* The nodes' locks come before the list's: look at a copy. */
	pthread_mutex_lock(&pt->idle_lock);
	n = pt->n_idle;
	memcpy(look, pt->idle, n * sizeof(*look));
	pthread_mutex_unlock(&pt->idle_lock);
	for (size_t i = 0; i < n; i++)
		if (idle_look(pt, look[i]))
			look[n_stay++] = look[i];
	pthread_mutex_lock(&pt->idle_lock);
	memmove(pt->idle + n_stay, pt->idle + n, (pt->n_idle - n) * sizeof(*look));
	memcpy(pt->idle, look, n_stay * sizeof(*look));
	pt->n_idle = pt->n_idle - n + n_stay;
	left = pt->n_idle > 0;
	pthread_mutex_unlock(&pt->idle_lock);
	return left;
}

void passthrough_stat(struct fs *fs, struct fs_stat *stat)
{
	stat->n_backings = fs->passthrough->n_backings;
	stat->n_registered = fs->passthrough->n_registered;
	stat->n_refused = fs->passthrough->n_refused;
}
