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

#include "filter/listing.h"
#include "filter/name-check.h"
#include "filter/records.h"

/* Room for the records of all names that are collected at once. */
#define LIST_SIZE (PST_N_LISTED * FUSE_REC_ALIGN(FUSE_NAME_OFFSET + PST_LISTED_SIZE))

struct name {
	u64 ino;
	loff_t pos;
	u16 at, len; /* in batch.text */
	u8 type;
	bool hidden;
};

/* Not larger than a page, so that it costs little to clear. */
struct batch {
	struct dir_context ctx;
	bool full;
	unsigned int n, used;
	struct name name[PST_N_LISTED];
	char text[3000]; /* the names, each with a NUL */
};

static const char *text_of(const struct batch *b, unsigned int i)
{
	return b->text + b->name[i].at;
}

/* Called by the lower file system for each name. Returns false to end the listing before it. */
static bool collect(struct dir_context *ctx, const char *text, int len, loff_t pos, u64 ino,
		    unsigned int type)
{
	struct batch *b = container_of(ctx, struct batch, ctx);
	/* No file system that a view can have as the lower one has longer names. */
	bool hidden = len <= 0 || len >= PST_LISTED_SIZE;
	unsigned int used = hidden ? 0 : len + 1;

	BUILD_BUG_ON(sizeof(*b) > 4096);
	if (b->n == PST_N_LISTED || b->used + used > sizeof(b->text)) {
		b->full = true;
		return false;
	}
	b->name[b->n++] = (struct name){
		.ino = ino, .pos = pos, .at = b->used, .len = len, .type = type, .hidden = hidden
	};
	if (!hidden) {
		memcpy(b->text + b->used, text, len);
		b->text[b->used + len] = '\0';
		b->used += used;
	}
	return true;
}

static bool is_asked(const struct batch *b, unsigned int i)
{
	return !b->name[i].hidden && !name_is_dots(text_of(b, i));
}

/*
 * Looks up the collected names, for filters that decide by more than the type of a file. Acts as
 * the task that mounted the view. The caller has no slot yet. Returns the attributes of each, which
 * the caller frees; NULL if there is no memory.
 */
static struct pst_attr *look_up_batch(const struct pst_op *op, struct dentry *dir,
				      const struct batch *b)
{
	const struct super_block *sb = op->inode->i_sb;
	struct pst_attr *attr = kvcalloc(b->n, sizeof(*attr), GFP_KERNEL);
	const struct cred *old;

	if (!attr)
		return NULL;
	old = override_creds(pst_filters_of(op->inode)->cred);
	for (unsigned int i = 0; i < b->n; i++) {
		struct qstr name = QSTR_INIT(text_of(b, i), b->name[i].len);
		struct dentry *l = is_asked(b, i) ? c_lookup(pst_idmap(sb), dir, name) : NULL;

		/* DT_* are the bits of S_IFMT, shifted. */
		attr[i].mode = b->name[i].type << 12;
		if (IS_ERR_OR_NULL(l))
			continue;
		if (d_is_positive(l))
			pst_fill_attr_below(sb, d_inode(l), &attr[i]);
		dput(l);
	}
	revert_creds(old);
	return attr;
}

static void filter_one_by_one(struct filter_call *call, struct batch *b,
			      const struct pst_attr *attr)
{
	for (unsigned int i = 0; i < b->n; i++) {
		int r;

		if (!is_asked(b, i))
			continue;
		/* Each name is a call of its own. */
		call->noted = 0;
		r = name_check(call, call->node, text_of(b, i), NAME_FIND, &attr[i]);
		b->name[i].hidden = r == -ENOENT || r == -EIO;
	}
}

static void filter_together(struct filter_call *call, struct batch *b, const struct inode *dir)
{
	const struct chain *chain = call->chain;
	u8 added[PST_N_LISTED] __uninitialized;
	unsigned int n = 0;
	u64 hidden;

	for (unsigned int i = 0; i < b->n; i++) {
		const struct name *name = &b->name[i];

		if (!is_asked(b, i) ||
		    !pst_names_asked(chain, dir, chain->names, text_of(b, i), name->len))
			continue;
		added[n] = i;
		listing_fill(call->slot, n++, text_of(b, i), name->len, name->ino, name->type);
	}
	hidden = n ? listing_hidden(call, n) : 0;
	while (n--)
		b->name[added[n]].hidden = hidden >> n & 1;
}

/* Runs the filters on the collected names, and sets hidden of each. Returns 0 or -ENOMEM. */
static int filter_batch(const struct pst_op *op, struct file *lower, struct batch *b)
{
	u64 asked = op->chain->names & filter_node_filters(&pst_i(op->inode)->filter);
	struct pst_attr *attr = NULL;
	struct slot *slot;

	if (!asked)
		return 0;
	if (asked & op->chain->want_child) {
		attr = look_up_batch(op, lower->f_path.dentry, b);
		if (!attr)
			return -ENOMEM;
	}
	slot = pst_call_begin(op->chain, FUSE_LOOKUP, op->inode);
	slot->call->listed = true;
	if (attr)
		filter_one_by_one(slot->call, b, attr);
	else
		filter_together(slot->call, b, op->inode);
	pst_call_end(op->inode, slot);
	kvfree(attr);
	return 0;
}

/* Collects the names from @pos on, and runs the filters on them. */
static int fill_batch(const struct pst_op *op, struct file *lower, loff_t pos, struct batch *b)
{
	int err;

	b->n = b->used = 0;
	b->full = false;
	b->ctx.pos = pos;
	err = pst_iterate_lower(lower, &b->ctx);
	/* Names that came before an error are listed first; the next call meets the error again. */
	return b->n ? filter_batch(op, lower, b) : err;
}

/* Returns false if the caller has no more room; ctx->pos is then that of the name that is next. */
static bool emit(struct dir_context *ctx, const struct batch *b)
{
	for (unsigned int i = 0; i < b->n; i++) {
		ctx->pos = b->name[i].pos;
		if (!b->name[i].hidden &&
		    !dir_emit(ctx, text_of(b, i), b->name[i].len, b->name[i].ino, b->name[i].type))
			return false;
	}
	ctx->pos = b->ctx.pos;
	return true;
}

/* ---- programs before and after READDIR ---------------------------------------------------- */

/* Makes records of the names that are left, as many as have room. *ret_end: where the next is. */
static size_t encode(const struct batch *b, char *records, size_t room, loff_t *ret_end)
{
	size_t at = 0;

	*ret_end = b->ctx.pos;
	for (unsigned int i = 0; i < b->n; i++) {
		size_t size = FUSE_REC_ALIGN(FUSE_NAME_OFFSET + b->name[i].len);
		struct fuse_dirent *dirent = (struct fuse_dirent *)(records + at);

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
		memcpy(dirent->name, text_of(b, i), b->name[i].len);
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
		err = fill_batch(op, lower, *ret_end, b);
		if (err)
			return err;
		op->answer_len = encode(b, op->answer, op->in.read.size, ret_end);
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
	char *records = kvmalloc(LIST_SIZE, GFP_KERNEL);
	loff_t end = ctx->pos;
	bool some = false;
	int err;

	*ret_again = false;
	if (!records) {
		op->filters = 0;
		return pst_after(op, -ENOMEM);
	}
	op->in.read = (struct fuse_read_in){
		.fh = pst_fh(file),
		.offset = ctx->pos,
		.size = LIST_SIZE,
		.flags = file->f_flags,
	};
	op->answer = records;
	op->room = LIST_SIZE;
	err = pst_before(op);
	if (!err) {
		err = list_lower(op, file->private_data, b, &end);
		some = !err && op->answer_len;
	}
	err = pst_after(op, err);
	*ret_again = !err && some && !op->answer_len;
	if (!err && !op->answer_len)
		ctx->pos = end;
	if (!err)
		err = emit_records(ctx, records, op->answer_len);
	kvfree(records);
	return err;
}

/* ---- listing ------------------------------------------------------------------------------ */

/* Lists a directory of the view. Without programs for READDIR until the caller has no more room. */
int pst_filter_iterate(struct file *file, struct dir_context *ctx)
{
	struct batch *b = kmalloc(sizeof(*b), GFP_KERNEL);
	struct pst_op op __uninitialized;
	bool again = false;
	int err;

	if (!b)
		return -ENOMEM;
	b->ctx = (struct dir_context){ .actor = collect };
	do {
		if (!pst_asks(&op, file_inode(file), FUSE_READDIR)) {
			err = pst_iterate_lower(file->private_data, ctx);
			again = false;
		} else if ((op.chain->pre[FUSE_READDIR] | op.chain->post[FUSE_READDIR]) &
			   op.filters) {
			err = list_with_programs(&op, file, ctx, b, &again);
		} else {
			err = fill_batch(&op, file->private_data, ctx->pos, b);
			again = !err && emit(ctx, b) && b->full;
			pst_after(&op, err);
		}
	} while (again && !fatal_signal_pending(current));
	kfree(b);
	return err;
}
