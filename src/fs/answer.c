/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the kernel was told of a node, so that an open sees what it must forget: close-to-open, whether or
 * not a change was heard of.
 *
 * node->answer holds short forms: in the lower half of what a write changes, 0 where the kernel has
 * forgotten that; in the upper half of the rest. They are odd: an even one (UNSURE) differs from all, and
 * stands for what nobody can say the kernel has.
 *
 * In the same word is what the kernel may have besides, and forgets together with all of the rest only: ACL,
 * one or that there is none; HUGE, a size that it does not forget with what a write changes.
 */
#include "fs/fs-private.h"
#include "util/clock.h"
#include "util/hash.h"

#define ACL 2ULL
#define HUGE 4ULL
#define BESIDES (ACL | HUGE)
#define WRITTEN (0xffffffffULL & ~BESIDES)
#define REST (0xffffffffULL << 32)
#define UNSURE (8 | 8ULL << 32) /* half of it in the place of a half */

static uint64_t in_short(const struct statx *stx)
{
	uint64_t written[] = {
		stx->stx_size,
		(uint64_t)stx->stx_mtime.tv_sec << 30 ^ stx->stx_mtime.tv_nsec,
		(uint64_t)stx->stx_ctime.tv_sec << 30 ^ stx->stx_ctime.tv_nsec,
	};
	uint64_t rest[] = {
		(uint64_t)stx->stx_mode << 32 | stx->stx_nlink,
		(uint64_t)stx->stx_uid << 32 | stx->stx_gid,
	};

	return (hash_bytes(0, rest, sizeof(rest)) | 1) << 32 |
	       ((hash_bytes(0, written, sizeof(written)) | 1) & WRITTEN);
}

bool answer_is_under_way(const struct node *node)
{
	return clock_ms() - atomic_load_explicit(&node->promised_ms, memory_order_relaxed) <=
	       ANSWER_UNDER_WAY_MS;
}

/*
 * What of an answer the kernel may not have taken, where another one was given before. It drops one when
 * the file is written to before it comes; of two that cross it takes the one that comes first. Size and times
 * are asked for again after a write, and told again where a change was heard of (watch-event.c).
 */
static uint64_t may_be_dropped(struct fs *fs, struct node *node)
{
	bool heard_of = fs->watch && atomic_load(&node->watch) != WATCH_NOT;

	return !heard_of && answer_is_under_way(node) ? REST | WRITTEN : REST;
}

void answer_note(struct fs *fs, struct node *node, const struct statx *stx, bool to_change)
{
	uint64_t said = atomic_load_explicit(&node->answer, memory_order_relaxed);
	uint64_t is = in_short(stx), huge = stx->stx_size >= FS_WRITTEN_LIMIT ? HUGE : 0;
	uint64_t dropped = to_change ? 0 : may_be_dropped(fs, node);
	uint64_t note, unsure;

	do {
		unsure = 0;
		if ((said & REST) && ((said ^ is) & REST))
			unsure |= REST & dropped;
		if ((said & WRITTEN) && ((said ^ is) & WRITTEN))
			unsure |= WRITTEN & dropped;
		note = (UNSURE & unsure) | (is & ~unsure) | (said & BESIDES) | huge;
	} while (!atomic_compare_exchange_weak(&node->answer, &said, note));
	atomic_store_explicit(&node->promised_ms, clock_ms(), memory_order_relaxed);
}

void answer_acl(struct node *node)
{
	if (!(atomic_load_explicit(&node->answer, memory_order_relaxed) & ACL))
		atomic_fetch_or(&node->answer, ACL);
}

void answer_take_back(struct fs *fs, struct node *node)
{
	const struct fs_host *host = &fs->config.host;

	if (!host->forget_attr_now)
		return;
	/* The bits before: what the kernel is told meanwhile it does not keep. */
	fs->n_taking_back++;
	atomic_fetch_and(&node->answer, ~BESIDES);
	host->forget_attr_now(host->aux, node->id);
	fs->n_taking_back--;
}

/* In this order: who clears the bit is counted before, and until the kernel has forgotten. */
static bool has(struct fs *fs, struct node *node, uint64_t besides)
{
	return (atomic_load(&node->answer) & besides) || atomic_load(&fs->n_taking_back);
}

void answer_take_back_written(struct fs *fs, struct node *node)
{
	const struct fs_host *host = &fs->config.host;

	if (has(fs, node, HUGE))
		answer_take_back(fs, node);
	else if (host->forget_written_now)
		host->forget_written_now(host->aux, node->id);
}

void answer_compare(struct fs *fs, struct node *node)
{
	uint64_t said = atomic_load(&node->answer) & ~BESIDES, is, has_still = 0;
	struct statx stx;

	/* Also of what is watched: by a name that nobody has told us of it changes unheard. */
	if (!said || lower_node_stat(fs, node, &stx) < 0)
		return;
	is = in_short(&stx);
	if (is == said)
		return;
	/*
	 * Where the rest is the same, the view itself has written to it, mostly: mode and owner need not be
	 * asked for again. But an ACL may be another one where the ctime is, and the mode the same.
	 */
	if (((is ^ said) & REST) || has(fs, node, BESIDES)) {
		answer_take_back(fs, node);
	} else if (said & WRITTEN) {
		answer_take_back_written(fs, node);
		has_still = REST;
	} else {
		return;
	}
	/*
	 * Only now, so that nobody else who opens it finds nothing to compare too early. An answer that was
	 * given meanwhile is another one and stays.
	 */
	atomic_compare_exchange_strong(&node->answer, &said, said & has_still);
}
