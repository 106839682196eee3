// SPDX-License-Identifier: GPL-2.0-only
/*
 * Listings of directories that filters hold for.
 *
 * The lower directory is locked while the lower file system lists it. So names are collected there
 * first, as many as a slot has room for; then the filters run on all of them at once, and those
 * that are left go to the caller. The position of a listing is that of the lower directory.
 *
 * Programs before and after READDIR see these names as one answer, the records of a listing of
 * FUSE, and may change them.
 */
#include "filters/filters.h"
#include "filters/op.h"

#include "filter/records.h"

/* Room for the records of all names that are collected at once. */
#define LIST_SIZE (PST_N_LISTED * FUSE_REC_ALIGN(FUSE_NAME_OFFSET + PST_LISTED_SIZE))

struct batch {
	struct dir_context ctx;
	bool full;
	unsigned int n;
	struct {
		u64 ino;
		loff_t pos;
		unsigned int type, len;
		char text[PST_LISTED_SIZE];
		struct pst_attr attr; /* for filters that want more than the type */
		bool hidden;
	} name[PST_N_LISTED];
	char records[]; /* LIST_SIZE bytes, if there are programs for READDIR */
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
	b->ctx.pos = pos;
	err = pst_iterate_lower(lower, &b->ctx);
	/* Names that came before an error are listed first; the next call meets the error again. */
	return b->n ? 0 : err;
}

/*
 * Looks up the collected names, for filters that decide by more than the type of a file. Acts as
 * the task that mounted the view. The caller has no slot yet.
 */
static void look_up_batch(const struct pst_op *op, struct dentry *dir, struct batch *b)
{
	const struct super_block *sb = op->inode->i_sb;
	const struct cred *old = override_creds(pst_filters_of(op->inode)->cred);

	for (unsigned int i = 0; i < b->n; i++) {
		struct qstr name = QSTR_INIT(b->name[i].text, b->name[i].len);
		struct dentry *l = b->name[i].hidden || name_is_dots(b->name[i].text) ?
					   NULL :
					   c_lookup(pst_idmap(sb), dir, name);

		/* DT_* are the bits of S_IFMT, shifted. */
		b->name[i].attr = (struct pst_attr){ .mode = b->name[i].type << 12 };
		if (IS_ERR_OR_NULL(l))
			continue;
		if (d_is_positive(l))
			pst_fill_attr_below(sb, d_inode(l), &b->name[i].attr);
		dput(l);
	}
	revert_creds(old);
}

static void filter_one_by_one(struct listing *listing, struct batch *b)
{
	for (unsigned int i = 0; i < b->n; i++)
		if (!b->name[i].hidden && !name_is_dots(b->name[i].text))
			b->name[i].hidden =
				listing_check(listing, b->name[i].text, &b->name[i].attr);
}

/* Runs the filters on the collected names, and sets hidden of each. */
static void filter_batch(const struct pst_op *op, struct file *lower, struct batch *b)
{
	u64 looks = op->chain->want_child & op->chain->names &
		    filter_node_filters(&pst_i(op->inode)->filter);
	unsigned int added[PST_N_LISTED];
	struct listing *listing;
	struct slot *slot;

	if (looks)
		look_up_batch(op, lower->f_path.dentry, b);
	slot = pst_call_begin(op->chain, FUSE_READDIR, op->inode);
	listing = &slot->listing;
	if (listing_needs_filters(slot->call)) {
		listing_init(listing, slot->call);
		if (looks)
			filter_one_by_one(listing, b);
		for (unsigned int i = 0; i < b->n && !looks; i++) {
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
	pst_call_end(op->inode, slot);
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

/* ---- programs before and after READDIR ---------------------------------------------------- */

/* Makes records of the names that are left, as many as have room. *ret_end: where the next is. */
static size_t encode(struct batch *b, size_t room, loff_t *ret_end)
{
	size_t at = 0;

	*ret_end = b->ctx.pos;
	for (unsigned int i = 0; i < b->n; i++) {
		size_t size = FUSE_REC_ALIGN(FUSE_NAME_OFFSET + b->name[i].len);
		struct fuse_dirent *dirent = (struct fuse_dirent *)(b->records + at);

		if (b->name[i].hidden)
			continue;
		if (at + size > room) {
			*ret_end = b->name[i].pos;
			break;
		}
		memset(dirent, 0, size);
		dirent->ino = b->name[i].ino;
		dirent->off = i + 1 < b->n ? b->name[i + 1].pos : b->ctx.pos;
		dirent->namelen = b->name[i].len;
		dirent->type = b->name[i].type;
		memcpy(dirent->name, b->name[i].text, b->name[i].len);
		at += size;
	}
	return at;
}

/* Emits records, also as programs have left them. Returns 0, or -EIO for an invalid one. */
static noinline_for_stack int emit_records(struct dir_context *ctx, const char *records, size_t len)
{
	struct record record = {};
	int r;

	while ((r = records_next(records, len, false, &record)) > 0) {
		const struct fuse_dirent *dirent = &record.dirent;

		if (!dir_emit(ctx, records + record.at + FUSE_NAME_OFFSET, dirent->namelen,
			      dirent->ino, dirent->type))
			return 0;
		ctx->pos = dirent->off;
	}
	return r ? -EIO : 0;
}

/* Lists until there is a name, or none any more. *ret_end: where the next one is. */
static int list_lower(struct pst_op *op, struct file *lower, struct batch *b, loff_t *ret_end)
{
	int err;

	*ret_end = op->in.read.offset;
	do {
		err = fill_batch(lower, *ret_end, b);
		if (err)
			return err;
		filter_batch(op, lower, b);
		op->answer_len = encode(b, op->in.read.size, ret_end);
	} while (!op->answer_len && b->full);
	return 0;
}

/*
 * Does a READDIR with programs. *ret_again is set if programs have dropped all names and there may
 * be more.
 */
static int list_with_programs(struct pst_op *op, struct file *file, struct dir_context *ctx,
			      struct batch *b, bool *ret_again)
{
	loff_t end = ctx->pos;
	bool some = false;
	int err;

	op->in.read = (struct fuse_read_in){
		.fh = pst_fh(file),
		.offset = ctx->pos,
		.size = LIST_SIZE,
		.flags = file->f_flags,
	};
	op->answer = b->records;
	op->room = LIST_SIZE;
	err = pst_before(op);
	if (!err) {
		err = list_lower(op, file->private_data, b, &end);
		some = !err && op->answer_len;
	}
	err = pst_after(op, err);
	*ret_again = !err && some && !op->answer_len;
	if (err)
		return err;
	if (!op->answer_len)
		ctx->pos = end;
	return emit_records(ctx, b->records, op->answer_len);
}

static bool has_programs(const struct pst_op *op)
{
	return (op->chain->pre[FUSE_READDIR] | op->chain->post[FUSE_READDIR]) & op->filters;
}

/* ---- listing ------------------------------------------------------------------------------ */

/* Lists a directory of the view. Without programs for READDIR until the caller has no more room. */
int pst_filter_iterate(struct file *file, struct dir_context *ctx)
{
	struct batch *b = kvmalloc(sizeof(*b) + LIST_SIZE, GFP_KERNEL);
	struct pst_op op;
	bool again = false;
	int err;

	if (!b)
		return -ENOMEM;
	b->ctx = (struct dir_context){ .actor = collect };
	do {
		if (!pst_asks(&op, file_inode(file), FUSE_READDIR)) {
			err = pst_iterate_lower(file->private_data, ctx);
			again = false;
		} else if (has_programs(&op)) {
			err = list_with_programs(&op, file, ctx, b, &again);
		} else {
			err = fill_batch(file->private_data, ctx->pos, b);
			if (!err)
				filter_batch(&op, file->private_data, b);
			again = !err && emit(ctx, b) && b->full;
			pst_after(&op, err);
		}
	} while (again && !fatal_signal_pending(current));
	kvfree(b);
	return err;
}
