// SPDX-License-Identifier: GPL-2.0-only
/*
 * Operations on attributes that filters see. The arguments of programs are those that fs/fuse makes
 * for the daemon, so that programs see the same in both engines.
 */
#include "filters/filters.h"
#include "filters/op.h"

#include <linux/cred.h>

#define FATTR_OWNER (FATTR_UID | FATTR_GID)
#define FATTR_TIMES (FATTR_ATIME | FATTR_MTIME)

void pst_fill_fuse_attr(const struct kstat *stat, struct fuse_attr *ret_attr)
{
	*ret_attr = (struct fuse_attr){
		.ino = stat->ino,
		.size = stat->size,
		.blocks = stat->blocks,
		.atime = stat->atime.tv_sec,
		.mtime = stat->mtime.tv_sec,
		.ctime = stat->ctime.tv_sec,
		.atimensec = stat->atime.tv_nsec,
		.mtimensec = stat->mtime.tv_nsec,
		.ctimensec = stat->ctime.tv_nsec,
		.mode = stat->mode,
		.nlink = stat->nlink,
		.uid = pst_uid_of(stat->uid),
		.gid = pst_gid_of(stat->gid),
		.rdev = new_encode_dev(stat->rdev),
		.blksize = stat->blksize,
	};
}

/* ---- GETATTR and STATX ------------------------------------------------------------------- */

union attr_out {
	struct fuse_attr_out attr;
	struct fuse_statx_out statx;
};

static struct fuse_sx_time sx_time(struct timespec64 time)
{
	return (struct fuse_sx_time){ .tv_sec = time.tv_sec, .tv_nsec = time.tv_nsec };
}

static void fill_getattr(const struct pst_op *op, const struct kstat *stat, union attr_out *ret_out)
{
	if (op->opcode == FUSE_GETATTR) {
		ret_out->attr = (struct fuse_attr_out){};
		pst_fill_fuse_attr(stat, &ret_out->attr.attr);
		return;
	}
	ret_out->statx = (struct fuse_statx_out){};
	ret_out->statx.stat = (struct fuse_statx){
		.mask = stat->result_mask & (STATX_BASIC_STATS | STATX_BTIME),
		.blksize = stat->blksize,
		.attributes = stat->attributes,
		.nlink = stat->nlink,
		.uid = pst_uid_of(stat->uid),
		.gid = pst_gid_of(stat->gid),
		.mode = stat->mode,
		.ino = stat->ino,
		.size = stat->size,
		.blocks = stat->blocks,
		.attributes_mask = stat->attributes_mask,
		.atime = sx_time(stat->atime),
		.btime = sx_time(stat->btime),
		.ctime = sx_time(stat->ctime),
		.mtime = sx_time(stat->mtime),
		.rdev_major = MAJOR(stat->rdev),
		.rdev_minor = MINOR(stat->rdev),
		.dev_major = MAJOR(stat->dev),
		.dev_minor = MINOR(stat->dev),
	};
}

static noinline_for_stack bool is_unchanged(const struct pst_op *op, const struct kstat *stat,
					    const union attr_out *out)
{
	union attr_out was;

	fill_getattr(op, stat, &was);
	return memcmp(&was, out, op_find(op->opcode)->result_size) == 0;
}

static struct timespec64 time_of(u64 sec, u32 nsec)
{
	return (struct timespec64){ .tv_sec = sec, .tv_nsec = min(nsec, NSEC_PER_SEC - 1) };
}

static void take_getattr(const struct fuse_attr *attr, struct kstat *stat)
{
	stat->ino = attr->ino;
	stat->size = attr->size;
	stat->blocks = attr->blocks;
	stat->atime = time_of(attr->atime, attr->atimensec);
	stat->mtime = time_of(attr->mtime, attr->mtimensec);
	stat->ctime = time_of(attr->ctime, attr->ctimensec);
	stat->mode = attr->mode;
	stat->nlink = attr->nlink;
	stat->uid = KUIDT_INIT(attr->uid);
	stat->gid = KGIDT_INIT(attr->gid);
	stat->rdev = new_decode_dev(attr->rdev);
	stat->blksize = attr->blksize ?: stat->blksize;
}

static void take_statx(const struct fuse_statx *statx, struct kstat *stat)
{
	const u32 basic = STATX_BASIC_STATS | STATX_BTIME;

	stat->result_mask = (stat->result_mask & ~basic) | (statx->mask & basic) | STATX_TYPE;
	stat->ino = statx->ino;
	stat->size = statx->size;
	stat->blocks = statx->blocks;
	stat->atime = time_of(statx->atime.tv_sec, statx->atime.tv_nsec);
	stat->btime = time_of(statx->btime.tv_sec, statx->btime.tv_nsec);
	stat->mtime = time_of(statx->mtime.tv_sec, statx->mtime.tv_nsec);
	stat->ctime = time_of(statx->ctime.tv_sec, statx->ctime.tv_nsec);
	stat->mode = statx->mode;
	stat->nlink = statx->nlink;
	stat->uid = KUIDT_INIT(statx->uid);
	stat->gid = KGIDT_INIT(statx->gid);
	stat->rdev = MKDEV(statx->rdev_major, statx->rdev_minor);
	stat->blksize = statx->blksize ?: stat->blksize;
}

/*
 * Shows the result of programs for a GETATTR or STATX. It decides nothing if another filter has a
 * program for the other of the two only.
 */
static int show(const struct pst_op *op, const struct pst_seen *seen, const union attr_out *out,
		bool answered, struct kstat *stat)
{
	if (!(pst_showing(op->chain) & filter_node_filters(&pst_i(op->inode)->filter))) {
		if (!answered && is_unchanged(op, stat, out))
			return 0;
		return pst_op_bad(op, answered,
				  "changed attributes, and no program after GETATTR shows them");
	}
	if (op->opcode == FUSE_GETATTR)
		take_getattr(&out->attr.attr, stat);
	else
		take_statx(&out->statx.stat, stat);
	if (!uid_valid(stat->uid) || !gid_valid(stat->gid))
		return pst_op_bad(op, false, "showed an owner that is none");
	if (seen->filters & ~op->chain->post[op->opcode])
		stat->mode &= ~pst_i(op->inode)->hidden;
	else
		stat->mode = pst_show(op->inode, seen, stat->uid, stat->gid, stat->mode);
	return 0;
}

static noinline int run_getattr(struct pst_op *op, const struct path *path, struct kstat *stat,
				u32 mask, unsigned int flags)
{
	struct pst_chain *chain = pst_chain_of(op->chain);
	struct pst_seen seen __uninitialized;
	union attr_out out __uninitialized;
	bool answered;
	int err, r;

	if (op->opcode == FUSE_STATX)
		op->in.statx = (struct fuse_statx_in){ .sx_mask = STATX_BASIC_STATS | STATX_BTIME };
	else
		op->in.getattr = (struct fuse_getattr_in){};
	op->out = &out;
	pst_seen_fill(op->inode, op->chain, &seen);
	err = pst_before(op);
	answered = err == PST_OP_DONE;
	if (!err || answered) {
		r = pst_getattr_lower(path, stat, mask, flags);
		if (!answered)
			fill_getattr(op, stat, &out);
		err = r ? r : err;
	}
	/* For pst_op_bad(). */
	percpu_ref_get(&chain->ref);
	err = pst_after(op, err);
	op->chain = &chain->core;
	if (!err)
		err = show(op, &seen, &out, answered, stat);
	pst_chain_put(chain);
	return err;
}

int pst_filter_getattr(struct pst_op *op, const struct path *path, struct kstat *stat, u32 mask,
		       unsigned int flags)
{
	int err;

	/* Filters that have to see the operation, or readers of its result. */
	if (op->filters & ~op->chain->shows || pst_trace_is_read(pst_sb(op->inode->i_sb)))
		return run_getattr(op, path, stat, mask, flags);
	err = pst_getattr_lower(path, stat, mask, flags);
	if (!err && !pst_kept_shown(op, stat))
		return run_getattr(op, path, stat, mask, flags);
	pst_chain_put(pst_chain_of(op->chain));
	return err;
}

/* ---- SETATTR ----------------------------------------------------------------------------- */

static void fill_setattr(const struct iattr *attr, umode_t mode, struct fuse_setattr_in *in)
{
	unsigned int valid = attr->ia_valid;
	bool kills = valid & (ATTR_KILL_SUID | ATTR_KILL_SGID);

	*in = (struct fuse_setattr_in){
		.mode = attr->ia_mode,
		.uid = from_kuid(&init_user_ns, vfsuid_into_kuid(attr->ia_vfsuid)),
		.gid = from_kgid(&init_user_ns, vfsgid_into_kgid(attr->ia_vfsgid)),
		.size = attr->ia_size,
		.atime = attr->ia_atime.tv_sec,
		.atimensec = attr->ia_atime.tv_nsec,
		.mtime = attr->ia_mtime.tv_sec,
		.mtimensec = attr->ia_mtime.tv_nsec,
	};
	if (valid & ATTR_MODE && !kills)
		in->valid |= FATTR_MODE;
	if (valid & ATTR_UID)
		in->valid |= FATTR_UID;
	if (valid & ATTR_GID)
		in->valid |= FATTR_GID;
	if (valid & ATTR_SIZE)
		in->valid |= FATTR_SIZE | FATTR_LOCKOWNER;
	if (valid & ATTR_ATIME)
		in->valid |= FATTR_ATIME | (valid & ATTR_ATIME_SET ? 0 : FATTR_ATIME_NOW);
	/* ftruncate(2) sets the time by itself, below. */
	if (valid & ATTR_MTIME && (valid & ATTR_MTIME_SET ||
				   (valid & (ATTR_SIZE | ATTR_FILE)) != (ATTR_SIZE | ATTR_FILE)))
		in->valid |= FATTR_MTIME | (valid & ATTR_MTIME_SET ? 0 : FATTR_MTIME_NOW);
	if (valid & ATTR_FILE) {
		in->valid |= FATTR_FH;
		in->fh = pst_fh(attr->ia_file);
	}
	if ((!S_ISDIR(mode) && valid & (ATTR_UID | ATTR_GID)) ||
	    (valid & ATTR_SIZE && !capable(CAP_FSETID)))
		in->valid |= FATTR_KILL_SUIDGID;
}

static bool is_time(u32 valid, u32 set, u32 now, u32 nsec)
{
	return !(valid & set) || valid & now || nsec < NSEC_PER_SEC;
}

static int check_setattr(const struct fuse_setattr_in *in, umode_t mode)
{
	if (!is_time(in->valid, FATTR_ATIME, FATTR_ATIME_NOW, in->atimensec) ||
	    !is_time(in->valid, FATTR_MTIME, FATTR_MTIME_NOW, in->mtimensec))
		return -EINVAL;
	if (!(in->valid & FATTR_SIZE))
		return 0;
	if (!S_ISREG(mode))
		return S_ISDIR(mode) ? -EISDIR : -EINVAL;
	return in->size > S64_MAX ? -EFBIG : 0;
}

/* Returns the part of a change that the members @valid of the argument are. */
static struct iattr part_of(const struct fuse_setattr_in *in, u32 valid, const struct iattr *came,
			    umode_t type)
{
	struct iattr attr = {
		.ia_valid = came->ia_valid & (ATTR_CTIME | ATTR_FILE),
		.ia_mode = (in->mode & S_IALLUGO) | type,
		.ia_vfsuid = VFSUIDT_INIT(KUIDT_INIT(in->uid)),
		.ia_vfsgid = VFSGIDT_INIT(KGIDT_INIT(in->gid)),
		.ia_size = in->size,
		.ia_atime = { .tv_sec = in->atime, .tv_nsec = in->atimensec },
		.ia_mtime = { .tv_sec = in->mtime, .tv_nsec = in->mtimensec },
		.ia_file = came->ia_file,
	};

	if (valid & FATTR_MODE)
		attr.ia_valid |= ATTR_MODE;
	/* The ID -1 leaves the owner as it is, as in chown(2). */
	if (valid & FATTR_UID && vfsuid_valid(attr.ia_vfsuid))
		attr.ia_valid |= ATTR_UID;
	if (valid & FATTR_GID && vfsgid_valid(attr.ia_vfsgid))
		attr.ia_valid |= ATTR_GID;
	if (valid & FATTR_SIZE)
		attr.ia_valid |= ATTR_SIZE;
	if (valid & FATTR_ATIME)
		attr.ia_valid |= ATTR_ATIME | (in->valid & FATTR_ATIME_NOW ? 0 : ATTR_ATIME_SET);
	if (valid & FATTR_MTIME)
		attr.ia_valid |= ATTR_MTIME | (in->valid & FATTR_MTIME_NOW ? 0 : ATTR_MTIME_SET);
	return attr;
}

/*
 * Does what programs have made of a change. The caller was allowed to do the change as it came; a
 * filter may want what the caller may not do. The VFS never changes the owner and the mode at once,
 * nor do lower file systems expect it.
 */
static int change_otherwise(const struct pst_op *op, struct dentry *dentry,
			    const struct iattr *came)
{
	static const u32 steps[] = { FATTR_OWNER, FATTR_SIZE, FATTR_MODE, FATTR_TIMES };
	const struct fuse_setattr_in *in = &op->in.setattr;
	umode_t mode = d_inode(dentry)->i_mode;
	int err = check_setattr(in, mode);
	struct cred *cred;

	if (err)
		return err;
	cred = pst_op_cred(op);
	if (!cred)
		return -ENOMEM;
	for (int i = 0; i < ARRAY_SIZE(steps) && !err; i++)
		if (in->valid & steps[i])
			err = pst_change(dentry,
					 part_of(in, in->valid & steps[i], came, mode & S_IFMT),
					 cred);
	put_cred(cred);
	return err;
}

/* Fills the attributes that a SETATTR answers with. */
static noinline_for_stack int stat_lower(struct dentry *dentry, struct fuse_attr *ret_attr)
{
	struct path lower = pst_lower_path(dentry);
	struct kstat stat;
	int err = vfs_getattr_nosec(&lower, &stat, STATX_BASIC_STATS, 0);

	if (!err)
		pst_fill_fuse_attr(&stat, ret_attr);
	return err;
}

int pst_filter_setattr(struct pst_op *op, struct dentry *dentry, struct iattr attr)
{
	struct inode *inode = d_inode(dentry);
	struct fuse_attr_out out = {};
	struct pst_seen seen;
	int err = pst_may_change(dentry, &attr), r;
	u64 asked;

	if (err) {
		op->filters = 0;
		return pst_after(op, err);
	}
	fill_setattr(&attr, inode->i_mode, &op->in.setattr);
	op->out = &out;
	op->may_act = true;
	r = pst_before(op);
	if (!r && (op->changed || op->acts))
		r = change_otherwise(op, dentry, &attr);
	else if (!r)
		r = pst_change_as_shown(dentry, &attr);
	/* Programs can also make a failed change succeed. */
	pst_seen_fill(inode, op->chain, &seen);
	if (!r || r == PST_OP_DONE) {
		err = stat_lower(dentry, &out.attr);
		r = err ? err : 0;
	}
	asked = op->chain->post[FUSE_SETATTR];
	r = pst_after(op, r);
	if (!r)
		pst_show_result(inode, &seen, asked, &out.attr);
	return r;
}

/* ---- READLINK ---------------------------------------------------------------------------- */

/* Copies the text of the lower link, which is in its cache or in memory that is freed with it. */
static int read_lower_link(struct dentry *dentry, char *text, size_t *ret_len)
{
	DEFINE_DELAYED_CALL(done);
	const char *lower = pst_get_link_lower(dentry, &done);
	int err = PTR_ERR_OR_ZERO(lower);

	if (!err) {
		*ret_len = strscpy(text, lower, PATH_MAX);
		err = min_t(ssize_t, *ret_len, 0);
	}
	do_delayed_call(&done);
	return err;
}

const char *pst_filter_get_link(struct pst_op *op, struct dentry *dentry, struct delayed_call *done)
{
	char *text = kzalloc(PATH_MAX, GFP_KERNEL_ACCOUNT);
	int err;

	if (!text)
		return ERR_PTR(-ENOMEM);
	op->answer = text;
	op->room = PATH_MAX - 1;
	err = pst_before(op);
	if (!err)
		err = read_lower_link(dentry, text, &op->answer_len);
	err = pst_after(op, err);
	if (err) {
		kfree(text);
		return ERR_PTR(err);
	}
	text[op->answer_len] = '\0';
	set_delayed_call(done, kfree_link, text);
	return text;
}
