// SPDX-License-Identifier: GPL-2.0-only
/*
 * Listings of directories that filters hold for.
 *
 * The lower directory is locked while the lower file system lists it. So names are collected there
 * first, as many as a slot has room for; then the filters run on all of them at once, and those
 * that are left go to the caller. The position of a listing is that of the lower directory.
 */
#include "filters.h"

struct batch {
	struct dir_context ctx;
	bool full;
	unsigned int n;
	struct {
		u64 ino;
		loff_t pos;
		unsigned int type, len;
		char text[PST_LISTED_SIZE];
		bool hidden;
	} name[PST_N_LISTED];
};

/* Called by the lower file system for each name. Returns false to end the listing before it. */
static bool collect(struct dir_context *ctx, const char *text, int len, loff_t pos, u64 ino,
		    unsigned int type)
{
	struct batch *b = container_of(ctx, struct batch, ctx);

	if (b->n == PST_N_LISTED) {
		b->full = true;
		return false;
	}
	b->name[b->n].ino = ino;
	b->name[b->n].pos = pos;
	b->name[b->n].type = type;
	b->name[b->n].len = len;
	/* No file system that a view can have as the lower one has longer names. */
	b->name[b->n].hidden = len <= 0 || len >= PST_LISTED_SIZE;
	if (!b->name[b->n].hidden) {
		memcpy(b->name[b->n].text, text, len);
		b->name[b->n].text[len] = '\0';
	}
	b->n++;
	return true;
}

/* Collects the names from @pos on. */
static int fill_batch(struct file *lower, loff_t pos, struct batch *b)
{
	int err;

	b->n = 0;
	b->full = false;
	/*
	 * The caller may have had no room for the end of the last batch. To set f_pos is not
	 * enough: tmpfs keeps in mind that it has listed all until somebody seeks.
	 */
	if (lower->f_pos != pos) {
		loff_t at = vfs_llseek(lower, pos, SEEK_SET);

		if (at < 0)
			return at;
	}
	err = iterate_dir(lower, &b->ctx);
	/* Names that came before an error are listed first; the next call meets the error again. */
	return b->n ? 0 : err;
}

/* Runs the filters on the collected names, and sets hidden of each. */
static void filter_batch(struct inode *dir, struct batch *b)
{
	unsigned int added[PST_N_LISTED];
	struct slot *slot = pst_call_begin(FUSE_READDIR, dir);
	struct listing *listing = &slot->listing;

	if (listing_needs_filters(slot->call)) {
		listing_init(listing, slot->call);
		for (unsigned int i = 0; i < b->n; i++) {
			if (b->name[i].hidden || name_is_dots(b->name[i].text))
				continue;
			added[listing->n] = i;
			listing_add(listing, b->name[i].text, b->name[i].ino, b->name[i].pos,
				    b->name[i].type);
		}
		listing_filter_names(listing);
		for (unsigned int i = 0; i < listing->n; i++)
			b->name[added[i]].hidden = listing->names[i].hidden;
	}
	pst_call_end(dir, slot);
}

/* Returns false if the caller has no more room; ctx->pos is then that of the name that is next. */
static bool emit(struct dir_context *ctx, const struct batch *b)
{
	for (unsigned int i = 0; i < b->n; i++) {
		ctx->pos = b->name[i].pos;
		if (!b->name[i].hidden && !dir_emit(ctx, b->name[i].text, b->name[i].len,
						    b->name[i].ino, b->name[i].type))
			return false;
	}
	ctx->pos = b->ctx.pos;
	return true;
}

/* Lists a directory of the view, whose lower file is @lower. */
int pst_filter_iterate(struct file *file, struct file *lower, struct dir_context *ctx)
{
	struct batch *b = kvmalloc(sizeof(*b), GFP_KERNEL);
	int err;

	if (!b)
		return -ENOMEM;
	b->ctx = (struct dir_context){ .actor = collect };
	do {
		err = fill_batch(lower, ctx->pos, b);
		if (!err)
			filter_batch(file_inode(file), b);
	} while (!err && emit(ctx, b) && b->full);
	kvfree(b);
	return err;
}
