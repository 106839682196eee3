// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * When directories were changed and read, so that the kernel's cached listings are complete.
 *
 * The kernel puts a cached listing together from the replies to all readers of a directory, and
 * marks it with the version that the directory had when the first reader began. From the moment
 * that one reader has come to the end the cached listing counts as complete: every reader goes on
 * by it, also those who are halfway and began after a change which the cached listing does not
 * have. Only who begins compares the version. And a reader who begins before the first one has got
 * his reply replaces the version, not the names.
 *
 * So the end of a listing completes the cached listing only
 * - when nobody has changed the directory for a while: then nobody is halfway who began after the
 *   change;
 * - unless a reader began after a change while names in a reply from before it were under way: then
 *   the kernel may cache them under the version after it. The next change ends this, because the
 *   version then differs.
 * A reply with names is under way until the same reader asks for more or closes the directory.
 * This can take long: the kernel caches the names when the reader runs, which may wait for a CPU.
 *
 * A change of filters changes what directories list, too. All this is kept for groups of
 * directories, which costs some of them their cached listing for a moment. It is read and written
 * without a lock: a change and a beginning at the same moment are in either order, and the kernel
 * gets the reply to the change after both.
 */
#include "fs/fs-private.h"
#include "util/clock.h"

#include <errno.h>
#include <stdlib.h>

#define N_GROUPS 1024u
#define QUIET_MS 100

struct group {
	_Atomic uint32_t changed_ms;
	_Atomic uint32_t n_replies; /* with names, that are under way */
	_Atomic bool crossed;       /* a change came while one was */
	_Atomic bool mixed;         /* names from before a change may have the new version */
};

struct listings {
	struct group groups[N_GROUPS];
};

int listings_new(struct listings **ret_listings)
{
	struct listings *listings = calloc(1, sizeof(*listings));
	uint32_t long_ago = clock_ms() - 2 * QUIET_MS;

	if (!listings)
		return -ENOMEM;
	for (unsigned int i = 0; i < N_GROUPS; i++)
		listings->groups[i].changed_ms = long_ago;
	*ret_listings = listings;
	return 0;
}

struct listings *listings_free(struct listings *listings)
{
	free(listings);
	return NULL;
}

static struct group *group_of(struct fs *fs, const struct node *dir)
{
	return &fs->listings->groups[node_number(fs->nodes, dir) % N_GROUPS];
}

void listings_changed(struct fs *fs, const struct node *dir)
{
	struct group *group = group_of(fs, dir);

	group->changed_ms = clock_ms();
	group->crossed = group->n_replies;
	if (!group->crossed && group->mixed)
		group->mixed = false;
}

void fs_listing_changed(struct fs *fs, const struct node *dir)
{
	listings_changed(fs, dir);
}

void listings_replies(struct fs *fs, const struct node *dir, bool begins)
{
	struct group *group = group_of(fs, dir);

	if (begins && group->crossed && group->n_replies)
		group->mixed = true;
	group->n_replies++;
}

void listings_taken(struct fs *fs, const struct node *dir)
{
	group_of(fs, dir)->n_replies--;
}

bool fs_listing_is_settled(struct fs *fs, const struct node *dir)
{
	struct group *group = group_of(fs, dir);

	/*
	 * A directory that was opened before a filter came that depends on the caller still reads
	 * and writes the one cached listing that all callers share.
	 */
	return !attr_is_by_caller(fs, dir) && !group->mixed &&
	       clock_ms() - group->changed_ms > QUIET_MS;
}
