// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Shadow of the attributes that the kernel has cached of a regular file, for close-to-open
 * consistency: an open compares the shadow with the lower inode and invalidates the kernel's copy
 * if they differ, even if no event reported the change. Other types of files have no shadow,
 * because their opens make no request.
 *
 * node->shadow contains two hashes. The lower half is the hash of the attributes that a write
 * changes (WRITTEN), or 0 if the kernel has not cached them. The upper half is the hash of the
 * other attributes (OTHER). Hashes are odd. An even number means that the kernel may have cached
 * either of two values; it differs from every hash, so the next open invalidates.
 *
 * Two bits of the word record what the kernel drops only together with all attributes. ACL: the
 * kernel may have cached an ACL, or that the file has none. HUGE: the kernel may have cached a size
 * that invalidating the written attributes does not drop. No locks.
 */
#include "fs/fs-private.h"
#include "util/clock.h"
#include "util/hash.h"

#define ACL     2ULL
#define HUGE    4ULL
#define EXTRA   (ACL | HUGE)
#define WRITTEN (0xffffffffULL & ~EXTRA)
#define OTHER   (0xffffffffULL << 32)

static uint64_t hash_attributes(const struct statx *stx)
{
	/*
	 * The number of blocks changes without a write, too, when the kernel writes pages back or
	 * trims reserved space.
	 */
	uint64_t written[] = {
		stx->stx_size,
		stx->stx_blocks,
		(uint64_t)stx->stx_mtime.tv_sec << 30 ^ stx->stx_mtime.tv_nsec,
		(uint64_t)stx->stx_ctime.tv_sec << 30 ^ stx->stx_ctime.tv_nsec,
	};
	uint64_t other[] = {
		(uint64_t)stx->stx_mode << 32 | stx->stx_nlink,
		(uint64_t)stx->stx_uid << 32 | stx->stx_gid,
	};

	return (hash_bytes(0, other, sizeof(other)) | 1) << 32 |
	       ((hash_bytes(0, written, sizeof(written)) | 1) & WRITTEN) |
	       (stx->stx_size >= FS_WRITTEN_LIMIT ? HUGE : 0);
}

/* Returns true in the cache modes in which opens compare the shadow. */
static bool is_compared(struct fs *fs)
{
	return fs->config.cache == PST_CACHE_AUTO || fs->config.cache == PST_CACHE_TTL;
}

uint64_t shadow_of(struct fs *fs, struct node *node, const struct statx *stx)
{
	if (!S_ISREG(node->type) || (!is_compared(fs) && stx->stx_size < FS_WRITTEN_LIMIT))
		return 0;
	return hash_attributes(stx);
}

/*
 * Returns a word that is even in both halves and differs from old, so that a compare-and-swap
 * notices it.
 */
static uint64_t unsure_after(uint64_t old)
{
	uint64_t step = 16;

	return ((((old & WRITTEN) + step) & WRITTEN) | (((old & OTHER) + (step << 32)) & OTHER) |
		8 | 8ULL << 32) &
	       ~(1 | 1ULL << 32);
}

bool shadow_in_flight(const struct node *node)
{
	/* Before clock_ms(): a reply recorded in between would seem to be in the future. */
	uint32_t shadow_ms = atomic_load(&node->shadow_ms);

	return clock_ms() - shadow_ms <= SHADOW_IN_FLIGHT_MS;
}

/*
 * Returns the halves of the shadow (OTHER, WRITTEN) of which the kernel may keep its own copy and
 * ignore the reply.
 *
 * The kernel uses all of a reply to SETATTR. Filters may refuse other replies. From an entry the
 * kernel uses the attributes and keeps its cached ACL. It ignores a reply to GETATTR if it has
 * written to the file meanwhile, and asks for size and times again. If two replies cross, it uses
 * the first: if an event reports the change between the two, watch-events.c invalidates a second
 * time; but a new link by a name that is not watched changes the link count without an event.
 */
static uint64_t in_doubt(const struct node *node, uint64_t old, enum attr_reply reply,
			 bool may_cross)
{
	bool filters = node_filters(node) & ~FILTERS_SET;

	if (reply == REPLY_SETATTR)
		return 0;
	if (filters || may_cross || (reply == REPLY_ENTRY && (old & ACL)))
		return OTHER | WRITTEN;
	return OTHER;
}

/*
 * Returns the shadow after a reply with new; halves in doubt become unsure where new differs from
 * old.
 */
static uint64_t merge(uint64_t old, uint64_t new, uint64_t doubt)
{
	uint64_t unsure = 0;

	if ((old & OTHER) && ((old ^ new) & OTHER))
		unsure |= OTHER;
	if ((old & (WRITTEN | ACL)) && ((old ^ new) & WRITTEN))
		unsure |= WRITTEN;
	unsure &= doubt;
	return (unsure_after(old) & unsure) | (new & ~unsure) | (old & EXTRA);
}

void shadow_record(struct node *node, uint64_t shadow, enum attr_reply reply, bool watched)
{
	uint64_t old = atomic_load(&node->shadow);
	bool may_cross = !watched && shadow_in_flight(node);

	/*
	 * Before the shadow: a thread that reads the new shadow then sees that a reply is in
	 * flight.
	 */
	node->shadow_ms = clock_ms();
	if (!shadow)
		return;
	while (!atomic_compare_exchange_weak(
		&node->shadow, &old, merge(old, shadow, in_doubt(node, old, reply, may_cross))))
		may_cross = !watched;
}

void shadow_record_acl(struct fs *fs, struct node *node)
{
	if (is_compared(fs) && !(atomic_load_explicit(&node->shadow, memory_order_relaxed) & ACL))
		atomic_fetch_or(&node->shadow, ACL);
}

void shadow_drop(struct fs *fs, struct node *node)
{
	/*
	 * Clear the bits before the invalidation: the kernel ignores replies that are in flight
	 * during the invalidation, even one with an ACL.
	 */
	fs->n_shadow_drops++;
	atomic_fetch_and(&node->shadow, ~EXTRA);
	fs->config.host.invalidate_attr_now(fs->config.host.aux, node->id);
	fs->n_shadow_drops--;
}

/*
 * Tests the bit before n_shadow_drops: shadow_drop() increments the counter before it clears the
 * bit, and decrements it only when the kernel has invalidated.
 */
static bool has(struct fs *fs, struct node *node, uint64_t extra)
{
	return (atomic_load(&node->shadow) & extra) || atomic_load(&fs->n_shadow_drops);
}

void shadow_drop_written(struct fs *fs, struct node *node)
{
	if (has(fs, node, HUGE))
		shadow_drop(fs, node);
	else
		fs->config.host.invalidate_written_now(fs->config.host.aux, node->id);
}

void shadow_revalidate(struct fs *fs, struct node *node)
{
	uint64_t old = atomic_load(&node->shadow), new, remaining = 0;
	struct statx stx;

	/* Watched files, too: a change by a name that is not watched makes no event. */
	if (!old || lower_node_stat(fs, node, &stx) < 0)
		return;
	old &= ~EXTRA;
	new = hash_attributes(&stx) & ~EXTRA;
	if (new == old)
		return;
	/*
	 * If only the written attributes differ, in most cases the view itself has written to the
	 * file, so mode and owner stay cached. But another ctime with the same mode can mean that
	 * the ACL has changed.
	 */
	if (((new ^ old) & OTHER) || has(fs, node, EXTRA)) {
		shadow_drop(fs, node);
	} else if (old & WRITTEN) {
		shadow_drop_written(fs, node);
		remaining = OTHER;
	} else {
		return;
	}
	/*
	 * After the kernel has invalidated, so that no other open finds an empty shadow too early.
	 * A shadow that was recorded meanwhile is another word, and stays.
	 */
	atomic_compare_exchange_strong(&node->shadow, &old, old & remaining);
}

void shadow_filled(struct fs *fs, struct node *node)
{
	if (S_ISREG(node->type) && is_compared(fs))
		shadow_revalidate(fs, node);
	else
		shadow_drop(fs, node);
}
