/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Passthrough: the only file that holds backing ids, and the only place that decides how the data
 * of an open file is reached.
 *
 * The kernel knows two states of a file, and answers EIO to an open that does not fit: with a
 * backing file (every open must name the same id) or with pages of its own. So a node has one mode
 * from its first open to its last release:
 *
 *	mode now	the file can pass  it cannot	it has no size	filters see data
 *	no opens	backing		   cached	direct		direct, or cached if they allow
 *	backing		backing		   -		-		refused
 *	cached		cached		   cached	-		direct, or cached if they allow
 *	direct		direct		   direct	direct		direct
 *
 * where - cannot be: what a file can is found out at the first open and holds until the last close.
 * "No size" are files of proc, sysfs and their like. Filters may come and go while a file is open; an
 * open that would go round one is refused with EBUSY.
 *
 * Privilege: the kernel reads and writes as whoever registered the file. With CAP_FSETID a write by
 * anybody leaves set-user-ID bits, without it a write by root takes them away. The kernel asks us to
 * clear them first where it has to be (SETATTR), but goes by the mode that it has in mind; so the
 * privilege is used for files that have such bits when they are opened, where what the kernel has in
 * mind is of that moment, and for no others.
 *
 * Where a server decides by who asks, the file is registered as its owner (owner.c), and served where
 * that would not do for all who may open it.
 *
 * The id is kept from one open to the next, so that opening costs no registration; ids that have
 * been idle for a tick are given back, because they hold the lower inode: the space of a file that
 * is deleted below would not be freed.
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

enum {
	FLAG_IDLE = 1 << 0,  /* on the idle list */
	FLAG_USED = 1 << 1,  /* opened since the list was looked at */
	FLAG_KEEPS = 1 << 2, /* registered such that writes leave set-user-ID bits */
	FLAG_STALE = 1 << 3, /* other filters saw the pages that the kernel keeps */
};

struct pass {
	struct fs *fs;
	struct owners *owners;
	pthread_mutex_t shard[N_SHARDS];
	_Atomic uint64_t n_backings, n_registered, n_refused;
	_Atomic bool told, told_owner; /* a refusal has been logged; that an owner may not */

	pthread_mutex_t idle_lock; /* guards what follows */
	uint64_t *idle;		   /* nodeids; they may be gone */
	size_t n_idle;
};

int pass_new(struct fs *fs, struct pass **ret_pass)
{
	struct pass *pass = calloc(1, sizeof(*pass));

	if (!pass)
		return -ENOMEM;
	pass->idle = calloc(MAX_IDLE, sizeof(*pass->idle));
	if (!pass->idle || owners_new(&pass->owners) < 0) {
		free(pass->idle);
		free(pass);
		return -ENOMEM;
	}
	pass->fs = fs;
	for (int i = 0; i < N_SHARDS; i++)
		pthread_mutex_init(&pass->shard[i], NULL);
	pthread_mutex_init(&pass->idle_lock, NULL);
	*ret_pass = pass;
	return 0;
}

struct pass *pass_free(struct pass *pass)
{
	if (!pass)
		return NULL;
	for (int i = 0; i < N_SHARDS; i++)
		pthread_mutex_destroy(&pass->shard[i]);
	pthread_mutex_destroy(&pass->idle_lock);
	owners_free(pass->owners);
	free(pass->idle);
	free(pass);
	return NULL;
}

static pthread_mutex_t *lock_of(struct pass *pass, const struct node *node)
{
	return &pass->shard[hash_mix((uintptr_t)node) % N_SHARDS];
}

/* Registers the lower file, as its owner or (NULL) as nobody in particular; caller holds the shard. */
static int backing_open(struct pass *pass, struct node *node, bool keeps, const struct file_owner *owner)
{
	_cleanup_(creds_leavep) struct creds_scope scope = CREDS_NONE;
	_cleanup_(fdref_putp) struct fdref ref = FDREF_NONE;
	struct fs_host *host = &pass->fs->config.host;
	int r;

	r = fdref_get(pass->fs->fds, node, &ref);
	if (r < 0)
		return r;
	if (owner)
		r = owners_set(pass->owners, node, owner);
	if (r == 0)
		r = owner ? creds_enter_owner(owner->uid, owner->gid, &scope) :
			    creds_enter_backing(keeps, &scope);
	if (r == 0)
		r = host->backing_open(host->aux, ref.fd);
	if (r < 0) {
		owners_set(pass->owners, node, NULL);
		return r;
	}
	node->backing_id = r;
	if (keeps)
		node->pass_flags |= FLAG_KEEPS;
	else
		node->pass_flags &= (uint8_t)~FLAG_KEEPS;
	pass->n_backings++;
	pass->n_registered++;
	return 0;
}

/* Caller holds the shard, or nobody else can reach the node. */
static void backing_close(struct pass *pass, struct node *node)
{
	struct fs_host *host = &pass->fs->config.host;

	if (!node->backing_id)
		return;
	host->backing_close(host->aux, node->backing_id);
	node->backing_id = 0;
	if (nodetab_mount(pass->fs->nodes, node->fh.mount)->owners)
		owners_set(pass->owners, node, NULL);
	pass->n_backings--;
}

/*
 * Whether data passes through at all. The kernel opens the lower file once more, as nobody or as the owner
 * of the file: where the lower file system decides by who opens, and not by owners, the user has to have
 * asked for that.
 */
static bool passes(struct fs *fs, const struct node *node)
{
	return fs->config.passthrough && (fs->config.passthrough_asked || !lower_asks(fs, node) ||
					  nodetab_mount(fs->nodes, node->fh.mount)->owners);
}

/* What was found out, without a lock, about the owner of a file that is being opened. */
struct trial {
	bool tried;
	bool may;		/* open it as it is being opened */
	bool may_all;		/* ... for reading and writing, as somebody else may do later */
	struct file_owner owner;
};

static void try_owner(struct pass *pass, struct node *node, const struct stat *st, int flags,
		      struct trial *trial)
{
	struct fs *fs = pass->fs;
	bool passing, open;

	if (!nodetab_mount(fs->nodes, node->fh.mount)->owners || !passes(fs, node) || !st->st_mode)
		return;
	pthread_mutex_lock(lock_of(pass, node));
	open = node->n_open;
	passing = open && node->io_mode == PASS_BACKING;
	pthread_mutex_unlock(lock_of(pass, node));
	if (open && !passing)
		return;
	trial->tried = true;
	/* The owner may be another one by now; for the kernel it is who it was. */
	if (!passing || !owners_find(pass->owners, node, &trial->owner))
		trial->owner = (struct file_owner){ st->st_uid, st->st_gid };
	trial->may_all = !passing && owner_may(fs, node, &trial->owner, O_RDWR);
	trial->may = trial->may_all || (passing && owner_may(fs, node, &trial->owner, flags));
}

/* Whether a file that goes by its owner passes through, and as whom; caller holds the shard. */
static bool owner_passes(struct pass *pass, struct node *node, const struct stat *st,
			 const struct trial *trial)
{
	struct file_owner now;

	/* A write by root would leave set-user-ID bits, and the server takes them away from the owner's. */
	if (!trial->tried || !trial->may_all || (st->st_mode & (S_ISUID | S_ISGID)))
		return false;
	if (node->backing_id && (!owners_find(pass->owners, node, &now) ||
				 now.uid != trial->owner.uid || now.gid != trial->owner.gid))
		backing_close(pass, node);
	return true;
}

static void tell_owner(struct pass *pass)
{
	pass->n_refused++;
	if (!atomic_exchange(&pass->told_owner, true))
		log_warning("a file is served, not passed through: on the server its owner may not do what "
			    "others may, or it has set-user-ID or set-group-ID bits. Further ones are "
			    "counted, not logged");
}

static void tell_refusal(struct pass *pass, int r)
{
	pass->n_refused++;
	if (!atomic_exchange(&pass->told, true))
		log_warning("the kernel will not pass a file through (%s)%s; its data is served. "
			    "Further refusals are counted, not logged",
			    strerror(-r),
			    r == -ELOOP ? ": its file system is stacked too deep" : "");
}

/* How the data of a node that filters see is reached: PASS_NONE where none do. */
static enum pass_mode filtered(struct fs *fs, const struct node *node)
{
	uint64_t seen = node->filters & atomic_load(&fs->filters.data);

	if (!seen)
		return PASS_NONE;
	return seen & ~atomic_load(&fs->filters.cacheable) ? PASS_DIRECT : PASS_CACHED;
}

/* Registers the lower file unless it is; caller holds the shard. */
static enum pass_mode pass_through(struct pass *pass, struct node *node, const struct stat *st,
				   const struct trial *trial)
{
	bool owners = nodetab_mount(pass->fs->nodes, node->fh.mount)->owners;
	bool keeps = (st->st_mode & (S_ISUID | S_ISGID)) && !authority_is_served(node, STATX_MODE) &&
		     !set_id_hidden(node);
	int r;

	if (owners && !owner_passes(pass, node, st, trial)) {
		tell_owner(pass);
		return PASS_CACHED;
	}
	/* An open for reading does not care, and does not know the mode. */
	if (node->backing_id &&
	    (!st->st_mode || keeps == !!(node->pass_flags & FLAG_KEEPS)))
		return PASS_BACKING;
	backing_close(pass, node);
	r = backing_open(pass, node, keeps, owners ? &trial->owner : NULL);
	/* One that has lost its last name meanwhile is not the kernel's to refuse: we only lack the way. */
	if (r < 0 && r != -ESTALE)
		tell_refusal(pass, r);
	return r < 0 ? PASS_CACHED : PASS_BACKING;
}

/* The table at the top; caller holds the shard. PASS_NONE: refused. */
static enum pass_mode decide(struct pass *pass, struct node *node, const struct stat *st,
			     const struct trial *trial)
{
	enum pass_mode asked = filtered(pass->fs, node);

	if (node->n_open && node->io_mode == PASS_BACKING)
		return asked == PASS_NONE && (!trial->tried || trial->may) ? PASS_BACKING :
									    PASS_NONE;
	if (node->n_open)
		return asked == PASS_DIRECT ? PASS_DIRECT : node->io_mode;
	if (nodetab_mount(pass->fs->nodes, node->fh.mount)->zero_size)
		return PASS_DIRECT;
	if (asked != PASS_NONE)
		return asked;
	if (!passes(pass->fs, node))
		return PASS_CACHED;
	return pass_through(pass, node, st, trial);
}

int pass_open(struct fs *fs, struct node *node, const struct stat *st, int flags,
	      struct fs_open *open)
{
	struct pass *pass = fs->pass;
	struct trial trial = { 0 };

	/* It waits for the server. */
	try_owner(pass, node, st, flags, &trial);
	pthread_mutex_lock(lock_of(pass, node));
	open->mode = decide(pass, node, st, &trial);
	if (open->mode != PASS_NONE) {
		node->io_mode = (uint8_t)open->mode;
		node->n_open++;
		node->pass_flags |= FLAG_USED;
		open->backing_id = open->mode == PASS_BACKING ? node->backing_id : 0;
		open->keep_cache = open->mode == PASS_CACHED && !(node->pass_flags & FLAG_STALE);
		node->pass_flags &= (uint8_t)~FLAG_STALE;
	}
	pthread_mutex_unlock(lock_of(pass, node));
	return open->mode == PASS_NONE ? -EBUSY : 0;
}

void pass_data_changed(struct fs *fs, struct node *node)
{
	pthread_mutex_lock(lock_of(fs->pass, node));
	node->pass_flags |= FLAG_STALE;
	pthread_mutex_unlock(lock_of(fs->pass, node));
}

bool pass_bypasses(struct fs *fs, struct node *node)
{
	enum pass_mode asked = filtered(fs, node);
	bool bypasses;

	pthread_mutex_lock(lock_of(fs->pass, node));
	bypasses = asked != PASS_NONE && node->n_open && node->io_mode == PASS_BACKING;
	pthread_mutex_unlock(lock_of(fs->pass, node));
	return bypasses;
}

/* Remembers that the node's id has nothing to do; caller holds the shard. */
static void idle_add(struct pass *pass, struct node *node)
{
	bool first = false;

	pthread_mutex_lock(&pass->idle_lock);
	if (pass->n_idle < MAX_IDLE) {
		first = pass->n_idle == 0;
		pass->idle[pass->n_idle++] = node->id;
		node->pass_flags |= FLAG_IDLE;
	}
	pthread_mutex_unlock(&pass->idle_lock);
	if (!(node->pass_flags & FLAG_IDLE))
		backing_close(pass, node);
	if (first)
		pass->fs->config.host.want_tick(pass->fs->config.host.aux);
}

void pass_close(struct fs *fs, struct node *node)
{
	struct pass *pass = fs->pass;

	pthread_mutex_lock(lock_of(pass, node));
	if (--node->n_open == 0) {
		node->io_mode = PASS_NONE;
		if (node->backing_id && !(node->pass_flags & FLAG_IDLE))
			idle_add(pass, node);
	}
	pthread_mutex_unlock(lock_of(pass, node));
}

bool pass_let_go(struct fs *fs, struct node *node)
{
	bool open;

	pthread_mutex_lock(lock_of(fs->pass, node));
	open = node->n_open;
	if (!open)
		backing_close(fs->pass, node);
	pthread_mutex_unlock(lock_of(fs->pass, node));
	return !open;
}

void pass_node_gone(struct fs *fs, struct node *node)
{
	/* The last reference has gone: no lock is needed to be alone with the node. */
	backing_close(fs->pass, node);
}

/* Looks at one idle node; true when it stays on the list. */
static bool idle_look(struct pass *pass, uint64_t id)
{
	struct node *node = node_lookup_id(pass->fs->nodes, id);
	bool stays = false;

	if (!node)
		return false;
	pthread_mutex_lock(lock_of(pass, node));
	if (!(node->pass_flags & FLAG_IDLE)) {
		/* Another node that goes under the number now. */
	} else if (node->n_open == 0 && (node->pass_flags & FLAG_USED)) {
		node->pass_flags &= (uint8_t)~FLAG_USED;
		stays = true;
	} else {
		node->pass_flags &= (uint8_t)~FLAG_IDLE;
		if (node->n_open == 0)
			backing_close(pass, node);
	}
	pthread_mutex_unlock(lock_of(pass, node));
	node_put(pass->fs->nodes, node);
	return stays;
}

bool pass_reap(struct fs *fs)
{
	struct pass *pass = fs->pass;
	_cleanup_(freep) uint64_t *look = calloc(MAX_IDLE, sizeof(*look));
	size_t n, n_stay = 0;
	bool left;

	if (!look)
		return true;
	/* The nodes' locks come before the list's: look at a copy. */
	pthread_mutex_lock(&pass->idle_lock);
	n = pass->n_idle;
	memcpy(look, pass->idle, n * sizeof(*look));
	pthread_mutex_unlock(&pass->idle_lock);
	for (size_t i = 0; i < n; i++)
		if (idle_look(pass, look[i]))
			look[n_stay++] = look[i];
	pthread_mutex_lock(&pass->idle_lock);
	memmove(pass->idle + n_stay, pass->idle + n, (pass->n_idle - n) * sizeof(*look));
	memcpy(pass->idle, look, n_stay * sizeof(*look));
	pass->n_idle = pass->n_idle - n + n_stay;
	left = pass->n_idle > 0;
	pthread_mutex_unlock(&pass->idle_lock);
	return left;
}

void pass_stat(struct fs *fs, struct fs_stat *stat)
{
	stat->n_backings = fs->pass->n_backings;
	stat->n_registered = fs->pass->n_registered;
	stat->n_refused = fs->pass->n_refused;
}
