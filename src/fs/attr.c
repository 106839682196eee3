// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Attributes in replies, and how long the kernel may cache them. This file stores no attribute:
 * each reply has attributes that were read for it from the lower inode or the server (authority.c).
 * Only this file decides timeouts:
 *
 *	cache=auto		long, if a change by another process makes an event (watch.c)
 *	cache=none		0
 *	cache=ttl		the ttl of the mount option
 *	cache=exclusive		long, because no other process changes the lower tree
 *
 * The timeout is 0 in all modes if filters that depend on the caller apply to the node, or if the
 * node has an alias.
 *
 * The timeout is also 0 while a process may store through a shared mapping, because stores make no
 * event: from the first open for reading and writing until a proof that there is no writer. The
 * last close proves nothing, because a mapping outlives it. The proof is a read lease on the lower
 * file: the kernel grants one only if there is no writer and no writable mapping. Stores to pages
 * of the view itself (files that are not passed through) reach the daemon as writes, which the
 * kernel knows.
 *
 * An open for writing through the view must not find the lease: the kernel opens the backing file
 * after our reply, and if that open would have to wait (O_NONBLOCK), the client gets EIO. So no
 * proof begins while there are writers, and a new writer waits for the end of a proof.
 *
 * node->attr_state:
 *	MAY_BE_MAPPED	an open may have allowed a mapping since the last proof
 *	SHORT_TIMEOUT	MAY_BE_MAPPED is set, but a reply had a short timeout, not 0
 *	PROVING		a thread tries to take the lease
 *	HAS_ALIAS	the node has, or had, an alias (node_lookup_alias()); to the kernel these
 *			are two files, so an operation on one invalidates nothing of the other
 *	the other bits	number of opens that allow a shared writable mapping, in units of ONE_OPEN
 *
 * No locks.
 */
#include "fs/fs-private.h"
#include "util/cleanup.h"
#include "util/fd.h"
#include "util/thread.h"

#include <fcntl.h>
#include <sched.h>

#define MAY_BE_MAPPED 1u
#define SHORT_TIMEOUT 2u
#define PROVING       4u
#define HAS_ALIAS     8u
#define ONE_OPEN      16u

/*
 * The first reply with a file that changed within RECENT_S has the short timeout, because another
 * process may have mapped it.
 */
#define RECENT_S         3600
#define SHORT_TIMEOUT_NS 20000000ULL

/*
 * Returns the timeout of attributes or names if stores through a mapping are ignored: the timeout
 * of the cache mode, or with a watch a long one for a directory that has a mark, and for the files
 * in it. A file with several names may be changed through a directory without a mark, so it needs
 * its own mark.
 */
static uint64_t timeout_of(struct fs *fs, struct node *node)
{
	uint8_t state;
	struct node *dir;

	if (attr_is_by_caller(fs, node) || (atomic_load(&node->attr_state) & HAS_ALIAS))
		return 0;
	if (!fs->watch)
		return fs->config.ttl_ns;
	state = atomic_load_explicit(&node->watch, memory_order_acquire);
	if (!S_ISDIR(node->type) && state == WATCH_NONE) {
		dir = node_lookup_id(fs->nodes, node->parent);
		state = dir ? atomic_load_explicit(&dir->watch, memory_order_acquire) : WATCH_NONE;
		node_put(fs->nodes, dir);
	}
	if (state == WATCH_NOT)
		return fs->config.ttl_ns;
	return state == WATCH_ON ? ATTR_LONG_NS : 0;
}

/*
 * Returns true if no process has the file open for writing. Takes the lease and gives it back
 * immediately. If a process opens the file for writing in between, it waits for that moment, and
 * the kernel sends the daemon a signal: F_SETSIG selects one that is ignored, because the default,
 * SIGIO, would kill the daemon.
 */
static bool prove_unwritten(struct fs *fs, struct node *node)
{
	_cleanup_(fd_closep) int fd = -1;

	/*
	 * On a remote file system each try costs a request, and a lease excludes no other client.
	 */
	if (lower_checks_caller(fs, node))
		return false;
	fd = lower_open(fs, node, O_RDONLY | O_NONBLOCK);
	if (fd < 0 || fcntl(fd, F_SETSIG, thread_wake_signal()) < 0 ||
	    fcntl(fd, F_SETLEASE, F_RDLCK) < 0)
		return false;
	fcntl(fd, F_SETLEASE, F_UNLCK);
	return true;
}

/* Returns true if a process may store through a mapping now. */
static bool may_be_stored_to(struct fs *fs, struct node *node)
{
	uint32_t state = atomic_load_explicit(&node->attr_state, memory_order_acquire);
	bool proven;

	if (state >= ONE_OPEN || (state & PROVING))
		return true;
	if (!(state & MAY_BE_MAPPED))
		return false;
	/* Clear the bit before the proof: an open that happens meanwhile sets it again. */
	if (!atomic_compare_exchange_strong(&node->attr_state, &state,
					    (state & HAS_ALIAS) | PROVING))
		return true;
	proven = !node->n_writers && prove_unwritten(fs, node);
	if (!proven)
		atomic_fetch_or(&node->attr_state, state);
	atomic_fetch_and(&node->attr_state, ~PROVING);
	return !proven;
}

/* Returns ns, or 0 if a process may store through a mapping now. */
static uint64_t unless_stored_to(struct fs *fs, struct node *node, uint64_t ns)
{
	return ns && S_ISREG(node->type) && may_be_stored_to(fs, node) ? 0 : ns;
}

uint64_t attr_timeout(struct fs *fs, struct node *node)
{
	return unless_stored_to(fs, node, timeout_of(fs, node));
}

static void want_watch(struct fs *fs, struct node *node)
{
	uint8_t none = WATCH_NONE;

	if (fs->watch)
		atomic_compare_exchange_strong(&node->watch, &none, WATCH_WANTED);
}

int attr_complete(struct fs *fs, struct node *node, struct fs_attr *attr, enum attr_reply reply)
{
	int settled = set_id_settle(fs, node, &attr->stx), r;
	uint64_t below, ns;

	if (settled < 0)
		return settled;
	below = shadow_of(fs, node, &attr->stx);
	if (attr->stx.stx_nlink > 1 && !S_ISDIR(node->type))
		want_watch(fs, node);
	r = authority_apply(fs, node, &attr->stx);
	if (r < 0)
		return r;
	ns = timeout_of(fs, node);
	shadow_record(node, below, reply, fs->watch && ns == ATTR_LONG_NS);
	/* A file with a key keeps its number when it gets a lower file. */
	attr->stx.stx_ino = node_is_keyed(node) ? node->ino :
						  attr->stx.stx_ino ^ ino_mix(fs, &attr->stx);
	attr->attr_ns = settled ? unless_stored_to(fs, node, ns) : 0;
	return 0;
}

static void limit_timeout(struct fs_attr *attr)
{
	if (attr->attr_ns > SHORT_TIMEOUT_NS)
		attr->attr_ns = SHORT_TIMEOUT_NS;
}

int attr_complete_link(struct fs *fs, struct node *node, int fd, struct fs_attr *ret_attr)
{
	int r;

	/* The mark must be there before the attributes are read, or a change could be missed. */
	want_watch(fs, node);
	watch_before_read(fs, node, fd);
	r = lower_stat(fd, &ret_attr->stx);
	if (r == 0)
		r = attr_complete(fs, node, ret_attr, REPLY_ENTRY);
	/*
	 * The kernel accepts this reply whenever it comes, even after it dropped the attributes for
	 * an open that allows a mapping or that found a change.
	 */
	if (S_ISREG(node->type))
		limit_timeout(ret_attr);
	return r;
}

void attr_find_alias(struct fs *fs, struct node *node)
{
	unsigned int mount = 0;
	struct node *alias = fs->config.cache == PST_CACHE_NONE ?
				     NULL :
				     node_lookup_alias(fs->nodes, node, &mount);

	if (!alias)
		return;
	atomic_fetch_or(&node->attr_state, HAS_ALIAS);
	/*
	 * Earlier replies had timeouts for the alias. If it is a directory, everything must be
	 * invalidated: the kernel may have cached names as absent, which no listing has.
	 */
	if (!(atomic_fetch_or(&alias->attr_state, HAS_ALIAS) & HAS_ALIAS)) {
		if (S_ISDIR(alias->type))
			fs->config.host.invalidate_all(fs->config.host.aux);
		fs_invalidate_node(fs, alias, true);
		/* A reply by another thread may have given the node a timeout meanwhile. */
		fs_invalidate_node(fs, node, false);
	}
	node_put(fs->nodes, alias);
}

void attr_node_seen_first(struct fs *fs, struct node *node, struct fs_attr *attr)
{
	int64_t now = time(NULL);

	/*
	 * A mapping that was created before the node was watched made no event. So the first reply
	 * has a short timeout, which is enough for most listings. The proof precedes the next
	 * reply.
	 */
	if (!fs->watch || !S_ISREG(node->type) ||
	    (now - attr->stx.stx_mtime.tv_sec > RECENT_S &&
	     now - attr->stx.stx_ctime.tv_sec > RECENT_S))
		return;
	atomic_fetch_or(&node->attr_state, MAY_BE_MAPPED | SHORT_TIMEOUT);
	limit_timeout(attr);
}

void attr_node_created(struct node *node)
{
	atomic_fetch_and(&node->attr_state, ~(MAY_BE_MAPPED | SHORT_TIMEOUT));
}

/*
 * The timeout is 0 if the lower file system decides who may search the directory and not every user
 * may, because the kernel sends no request to walk cached names.
 */
uint64_t attr_name_timeout(struct fs *fs, struct node *dir)
{
	uint64_t ns = timeout_of(fs, dir);
	struct statx stx;

	if (ns && lower_checks_caller(fs, dir) &&
	    (lower_node_stat(fs, dir, &stx) < 0 || (stx.stx_mode & 0111) != 0111))
		return 0;
	return ns;
}

void attr_complete_entry(struct fs *fs, struct node *dir, struct fs_entry *entry)
{
	entry->entry_ns = dir ? attr_name_timeout(fs, dir) : 0;
	if (entry->node && attr_is_by_caller(fs, entry->node))
		entry->entry_ns = 0;
}

void attr_mark_maybe_mapped(struct node *node)
{
	if (S_ISREG(node->type))
		atomic_fetch_or(&node->attr_state, MAY_BE_MAPPED);
}

void attr_writer_begins(struct node *node)
{
	node->n_writers++;
	while (atomic_load(&node->attr_state) & PROVING)
		sched_yield();
}

void attr_writer_ends(struct node *node)
{
	node->n_writers--;
}

void attr_opened(struct fs *fs, struct node *node, int flags, enum io_mode mode)
{
	uint32_t state;

	if ((flags & O_ACCMODE) != O_RDONLY)
		attr_writer_begins(node);
	state = atomic_load(&node->attr_state);
	if ((flags & O_ACCMODE) != O_RDWR || mode != IO_PASSTHROUGH)
		return;
	while (!atomic_compare_exchange_weak(&node->attr_state, &state,
					     ((state + ONE_OPEN) | MAY_BE_MAPPED) & ~SHORT_TIMEOUT))
		;
	/*
	 * Earlier replies had timeouts because no process could store to the file, and mmap(2)
	 * makes no request.
	 */
	if (!(state & MAY_BE_MAPPED) || (state & SHORT_TIMEOUT))
		shadow_drop_written(fs, node);
}

void attr_released(struct node *node, int flags, enum io_mode mode)
{
	if ((flags & O_ACCMODE) != O_RDONLY)
		attr_writer_ends(node);
	if ((flags & O_ACCMODE) == O_RDWR && mode == IO_PASSTHROUGH)
		atomic_fetch_sub(&node->attr_state, ONE_OPEN);
}

/*
 * The kernel drops a cached listing when the directory has another mtime. But a directory that
 * changes twice within one tick of the clock has the same mtime. So the kernel may cache listings
 * only if no other process writes, or changes make events.
 */
bool attr_keep_listing(struct fs *fs, struct node *dir)
{
	return timeout_of(fs, dir) == ATTR_LONG_NS;
}
