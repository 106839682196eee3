// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Records when directories were changed and read, so that the kernel's cached listings are
 * complete.
 *
 * The kernel puts a cached listing together from the replies to all readers of a directory. It
 * marks the listing with the version that the directory had when the first reader began. Once one
 * reader has come to the end, the cached listing counts as complete: every reader then continues
 * with it, even one that is halfway and began after a change which the cached listing does not
 * have. Only a reader that begins compares the version. And if a reader begins before the first one
 * has received its reply, the kernel replaces the version of the listing, but not its names.
 *
 * So a reply may mark the end of the cached listing only if
 * - the directory has not changed for QUIET_MS, so that no reader which began after the change is
 *   still halfway; and
 * - no reader began after a change while a reply with names from before the change was in flight
 *   (mixed), because the kernel may then have cached old names under the new version. The next
 *   change ends this state, because it changes the version again.
 * A reply with names is in flight until the same reader asks for more or closes the directory. This
 * can take long, because the kernel caches the names when the reader runs, and the reader may wait
 * for a CPU.
 *
 * A reply that marked the end before a change may come to its reader after the change, when others
 * have filled the kernel's cached listing again as far as that end. Nothing can take the reply
 * back. So until that reader asks again or closes the directory (at most LATE_MS after the change),
 * opens make the kernel drop the cached listing and cache none; and it also drops the listing when
 * a reader has got names, and when the late reader asks again or closes the directory.
 *
 * A change of filters changes the names that directories list, too. Directories share the records
 * of LISTINGS_N_GROUPS groups, so a change in one directory makes the kernel drop the cached
 * listings of some other directories for a moment. No locks: if a change and the first READDIR of a
 * reader come at the same time, either order is right, because the kernel receives the reply to the
 * change after both.
 */
#include "fs/fs-private.h"
#include "util/clock.h"

#define QUIET_MS 100
/* A reader who waits for a CPU has run by then. */
#define LATE_MS 10000

static struct listing_group *group_of(struct fs *fs, const struct node *dir)
{
	return &fs->listings[node_number(fs->nodes, dir) % LISTINGS_N_GROUPS];
}

void fs_listing_changed(struct fs *fs, const struct node *dir)
{
	struct listing_group *group = group_of(fs, dir);

	group->changed_ms = clock_ms();
	group->n_changes++;
	if (group->n_ends) {
		group->crossed_ms = group->changed_ms;
		group->ends_crossed = true;
	}
	group->crossed = group->n_replies;
	if (!group->crossed)
		group->mixed = false;
}

void listings_replies(struct fs *fs, const struct node *dir, bool begins)
{
	struct listing_group *group = group_of(fs, dir);

	if (begins && group->crossed && group->n_replies)
		group->mixed = true;
	group->n_replies++;
}

void listings_taken(struct fs *fs, const struct node *dir)
{
	group_of(fs, dir)->n_replies--;
}

uint32_t listings_ends(struct fs *fs, const struct node *dir)
{
	struct listing_group *group = group_of(fs, dir);

	/* First, so that a change at the same time finds it. */
	group->n_ends++;
	return group->n_changes;
}

bool listings_end_taken(struct fs *fs, const struct node *dir, uint32_t number)
{
	struct listing_group *group = group_of(fs, dir);
	bool changed = group->n_changes != number;

	if (atomic_fetch_sub(&group->n_ends, 1) == 1)
		group->ends_crossed = false;
	return changed;
}

bool listings_end_is_late(struct fs *fs, const struct node *dir)
{
	struct listing_group *group = group_of(fs, dir);

	return group->ends_crossed && clock_ms() - group->crossed_ms < LATE_MS;
}

bool fs_listing_is_settled(struct fs *fs, const struct node *dir)
{
	struct listing_group *group = group_of(fs, dir);

	/*
	 * If a filter that depends on the caller was added while the directory is open, its readers
	 * still share one cached listing with all callers.
	 */
	return !attr_is_by_caller(fs, dir) && !group->mixed &&
	       clock_ms() - group->changed_ms > QUIET_MS;
}
