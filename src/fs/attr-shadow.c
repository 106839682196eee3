/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the kernel was told of a file, so that an open sees what it must forget: close-to-open, whether or
 * not a change was heard of. Nothing is kept of what is not a regular file: it is not opened here.
 *
 * node->answer holds short forms: in the lower half of what a write changes, 0 where the kernel has
 * forgotten that, or was never told; in the upper half of the rest. They are odd. Where nobody can say what
 * the kernel has, an even one stands there, which differs from all that a file can be.
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

static uint64_t in_short(const struct statx *stx)
{
	/* Blocks change by themselves: when pages are written back, when space that was reserved is trimmed. */
	uint64_t written[] = {
		stx->stx_size,
		stx->stx_blocks,
		(uint64_t)stx->stx_mtime.tv_sec << 30 ^ stx->stx_mtime.tv_nsec,
		(uint64_t)stx->stx_ctime.tv_sec << 30 ^ stx->stx_ctime.tv_nsec,
	};
	uint64_t rest[] = {
		(uint64_t)stx->stx_mode << 32 | stx->stx_nlink,
		(uint64_t)stx->stx_uid << 32 | stx->stx_gid,
	};

	return (hash_bytes(0, rest, sizeof(rest)) | 1) << 32 |
	       ((hash_bytes(0, written, sizeof(written)) | 1) & WRITTEN) |
	       (stx->stx_size >= FS_WRITTEN_LIMIT ? HUGE : 0);
}

/* In other modes an open has nothing to make up for. */
static bool is_compared(struct fs *fs)
{
	return fs->config.cache == PST_CACHE_AUTO || fs->config.cache == PST_CACHE_TTL;
}

uint64_t answer_in_short(struct fs *fs, struct node *node, const struct statx *stx)
{
	if (!S_ISREG(node->type) || (!is_compared(fs) && stx->stx_size < FS_WRITTEN_LIMIT))
		return 0;
	return in_short(stx);
}

/* Even in both halves, and another one than there is: who compares would not see that it was noted anew. */
static uint64_t unsure_after(uint64_t said)
{
	uint64_t step = 16;

	return ((((said & WRITTEN) + step) & WRITTEN) | (((said & REST) + (step << 32)) & REST) |
		8 | 8ULL << 32) &
	       ~(1 | 1ULL << 32);
}

bool answer_is_under_way(const struct node *node)
{
	/* Read first: it may be of the moment after. */
	uint32_t answered_ms = atomic_load(&node->answered_ms);

	return clock_ms() - answered_ms <= ANSWER_UNDER_WAY_MS;
}

/*
 * Which halves of an answer the kernel may not take where they are not what it was told before.
 *
 * After a change that it asked for it takes all. Filters may refuse other answers. An entry it takes, and
 * keeps the ACL that it has. When asked for attributes it drops an answer where it has written to the file
 * meanwhile; size and times it asks for again then. Of two answers that cross it takes the one that comes
 * first: where the change between them is heard of it is told of that once more (watch-events.c; a name that
 * nobody has told us of is one link more).
 */
static uint64_t in_doubt(const struct node *node, uint64_t said, enum answer answer, bool may_cross)
{
	bool filters = atomic_load(&node->filters) & ~NODE_FILTERS_SET;

	if (answer == ANSWER_SETATTR)
		return 0;
	if (filters || may_cross || (answer == ANSWER_ENTRY && (said & ACL)))
		return REST | WRITTEN;
	return REST;
}

static uint64_t note_of(uint64_t said, uint64_t is, uint64_t doubt)
{
	uint64_t unsure = 0;

	if ((said & REST) && ((said ^ is) & REST))
		unsure |= REST;
	if ((said & (WRITTEN | ACL)) && ((said ^ is) & WRITTEN))
		unsure |= WRITTEN;
	unsure &= doubt;
	return (unsure_after(said) & unsure) | (is & ~unsure) | (said & BESIDES);
}

void answer_note(struct node *node, uint64_t is, enum answer answer, bool heard_of)
{
	uint64_t said = atomic_load(&node->answer);
	bool may_cross = !heard_of && answer_is_under_way(node);

	/* Before it is noted: whoever finds the note knows that it is under way. */
	node->answered_ms = clock_ms();
	if (!is)
		return;
	while (!atomic_compare_exchange_weak(
		&node->answer, &said, note_of(said, is, in_doubt(node, said, answer, may_cross))))
		may_cross = !heard_of;
}

void answer_acl(struct fs *fs, struct node *node)
{
	if (is_compared(fs) && !(atomic_load_explicit(&node->answer, memory_order_relaxed) & ACL))
		atomic_fetch_or(&node->answer, ACL);
}

void answer_take_back(struct fs *fs, struct node *node)
{
	const struct fs_host *host = &fs->config.host;

	if (!host->forget_attr_now)
		return;
	/* The bits before: an answer that is under way when the kernel forgets, of an ACL too, it does not keep. */
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
	uint64_t said = atomic_load(&node->answer), is, has_still = 0;
	struct statx stx;

	/* Also of what is watched: by a name that nobody has told us of it changes unheard. */
	if (!said || lower_node_stat(fs, node, &stx) < 0)
		return;
	said &= ~BESIDES;
	is = in_short(&stx) & ~BESIDES;
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
	 * Only now, so that nobody else who opens it finds nothing to compare too early. What was noted meanwhile
	 * is another word and stays.
	 */
	atomic_compare_exchange_strong(&node->answer, &said, said & has_still);
}
