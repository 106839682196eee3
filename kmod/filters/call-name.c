// SPDX-License-Identifier: GPL-2.0-only
/*
 * Runs filters for operations that change names. If the chain has fixed names, see lookup.c, the
 * dentry says what the programs for names would say.
 */
#include "filters/filters.h"
#include "filters/op.h"

#include <linux/kdev_t.h>

#include "filter/apply.h"
#include "filter/call-fill.h"
#include "filter/name-check.h"
#include "filter/place.h"

/* The state that programs before and after an operation need until it ends. */
struct pst_name_call {
	struct pst_op op;
	struct pst_called names;
	struct pst_create_out out; /* entry comes first, also for the other operations */
	struct pst_attr found;
};

static struct inode *dir_of(const struct pst_name_op *op)
{
	return d_inode(op->dentry->d_parent);
}

/* Returns whether the dentry alone cannot say what filters answer to an operation. */
static bool is_asked(const struct pst_name_op *op, const struct pst_chain *chain)
{
	u64 held = filter_node_filters(&pst_i(dir_of(op))->filter);
	u64 asked = chain->core.pre[op->opcode] | chain->core.post[op->opcode];

	if (op->inode)
		held |= filter_node_filters(&pst_i(op->inode)->filter);
	if (op->inode || !chain->fixed_names)
		asked = chain->core.any[op->opcode];
	return held & asked & ~(op->served ? chain->serves : 0) &
	       ~pst_unread(&chain->core, dir_of(op), op->opcode);
}

static bool makes_file(const struct pst_name_op *op)
{
	return op_find(op->opcode)->effect == OP_CREATES;
}

static void fill_in(const struct pst_name_op *op, union pst_in *in)
{
	*in = (union pst_in){};
	switch (op->opcode) {
	case FUSE_MKNOD:
		in->mknod.mode = op->mode;
		in->mknod.rdev = new_encode_dev(op->dev);
		in->mknod.umask = current_umask();
		break;
	case FUSE_MKDIR:
		in->mkdir.mode = op->mode & ~S_IFMT;
		in->mkdir.umask = current_umask();
		break;
	case FUSE_CREATE:
	case FUSE_TMPFILE:
		in->create.flags = op->flags & ~O_NOCTTY;
		in->create.mode = op->mode;
		in->create.umask = current_umask();
		break;
	case FUSE_LINK:
		in->link.oldnodeid = pst_i(op->inode)->nodeid;
		break;
	case FUSE_RENAME2:
		in->rename.newdir = pst_i(op->inode)->nodeid;
		in->rename.flags = op->flags;
		break;
	}
}

/*
 * Makes what filters need until the operation ends, but for the attributes of the names. NULL: no
 * memory.
 */
static struct pst_name_call *new_call(const struct pst_name_op *op, const struct pst_chain *chain)
{
	struct pst_name_call *c = kzalloc(sizeof(*c), GFP_KERNEL_ACCOUNT);
	struct dentry *const dentry[2] = { op->dentry, op->dentry2 };

	if (!c)
		return NULL;
	pst_op_init(&c->op, &chain->core, dir_of(op), op->inode, op->opcode);
	if (op->served)
		c->op.filters &= ~chain->serves;
	fill_in(op, &c->op.in);
	for (int i = 0; i < 2 && dentry[i]; i++) {
		c->op.name[i] = dentry[i]->d_name.name;
		c->names.dentry[i] = dentry[i];
		c->names.inode[i] = d_inode(dentry[i]);
	}
	if (op->text) {
		c->op.name[1] = op->text;
		c->op.data = op->text;
		c->op.data_len = strlen(op->text);
	}
	c->op.aux = &c->names;
	c->op.out = op_find(op->opcode)->result_size ? &c->out : NULL;
	/* Other IDs of the caller are the owner of a new file, and nothing to other operations. */
	c->op.may_act = true;
	c->op.keep = !chain->fixed_names && (makes_file(op) || op->opcode == FUSE_LINK);
	return c;
}

/*
 * Fills the attributes of the files that have the names. Programs may have hidden one by its
 * attributes (PST_WANT_CHILD), so that it has no inode in the view.
 */
static void fill_names(const struct pst_chain *chain, struct pst_called *names)
{
	for (int i = 0; i < 2 && names->dentry[i]; i++) {
		struct dentry *d = names->dentry[i], *l;

		if (names->inode[i])
			pst_fill_attr(names->inode[i], &names->attr[i]);
		if (pst_lower(d) || !(chain->core.want_child & chain->core.names))
			continue;
		l = pst_lookup_lower(d, false);
		if (IS_ERR(l))
			continue;
		if (d_is_positive(l))
			pst_fill_attr_below(d->d_sb, d_inode(l), &names->attr[i]);
		dput(l);
	}
}

/* A default ACL of the lower directory takes the place of each umask. */
static bool has_default_acl(struct inode *lower_dir)
{
	struct posix_acl *acl = get_inode_acl(lower_dir, ACL_TYPE_DEFAULT);

	if (IS_ERR_OR_NULL(acl))
		return false;
	posix_acl_release(acl);
	return true;
}

/* Takes over the mode and umask that filters have left for a new file. */
static int take_mode(struct pst_name_op *op, u32 umask)
{
	const struct pst_op *o = &op->call->op;
	umode_t mode = call_member(&o->in, op_find(op->opcode)->mode);

	/* The lower file system takes away what the umask of the caller has, too. */
	if (umask != current_umask() && !has_default_acl(pst_lower_inode(dir_of(op)))) {
		mode &= ~(umask & 0777);
		op->adds = mode & current_umask();
	}
	op->mode = (op->mode & S_IFMT) | (mode & 07777);
	/* No set-id bit goes to an owner that a filter has chosen; see src/fs/set-id.c. */
	if (o->acts && !S_ISDIR(op->mode))
		op->mode &= ~(S_ISUID | S_ISGID);
	return 0;
}

/* Takes over what programs have changed of an operation. Returns 0 or an error. */
static int take_changes(struct pst_name_op *op)
{
	const struct pst_op *o = &op->call->op;
	const union pst_in *in = &o->in;

	/* Without such programs, the names may have gone with the slot. */
	if (!(o->chain->pre[op->opcode] & o->filters))
		return 0;
	for (int i = 0; i < op_find(op->opcode)->n_entries; i++)
		if (strcmp(o->name[i], op->call->names.dentry[i]->d_name.name) != 0)
			return pst_op_bad(o, true, "changed a name");
	if (o->acts && makes_file(op)) {
		op->cred = pst_op_cred(o);
		if (!op->cred)
			return -ENOMEM;
	}
	switch (op->opcode) {
	case FUSE_SYMLINK:
		op->text = o->data;
		break;
	case FUSE_MKNOD:
		op->dev = new_decode_dev(in->mknod.rdev);
		return take_mode(op, in->mknod.umask);
	case FUSE_MKDIR:
		return take_mode(op, in->mkdir.umask);
	case FUSE_CREATE:
		op->flags |= in->create.flags & O_EXCL;
		fallthrough;
	case FUSE_TMPFILE:
		return take_mode(op, in->create.umask);
	case FUSE_RENAME2:
		op->flags = in->rename.flags;
	}
	return 0;
}

/* Runs the programs after an operation. Returns the new result, and frees the call. */
static int end_call(struct pst_name_op *op, int r, struct inode *inode)
{
	struct pst_name_call *c = op->call;
	u64 asked = c->op.filters & c->op.chain->post[op->opcode];
	bool shows = inode && pst_showing(c->op.chain);
	struct pst_seen seen = {};

	c->op.made = inode;
	if (!r && (shows || (inode && asked))) {
		pst_seen_fill(inode, c->op.chain, &seen);
		pst_fill_attr(inode, &c->found);
		c->op.found = &c->found;
		pst_fill_entry(inode, &c->out.entry);
	}
	shows = shows && !r;
	r = pst_after(&c->op, r);
	if (!r && shows)
		pst_show_result(inode, &seen, asked, &c->out.entry.attr);
	kfree(c);
	op->call = NULL;
	return r;
}

/*
 * Checks if the task may remove the names, or give the file another one. The VFS has done so by
 * attributes that a filter may have shown to another task.
 */
static int may_take(const struct pst_name_op *op)
{
	int err;

	if (!pst_sb(op->dentry->d_sb)->shows_by_caller)
		return 0;
	if (op->opcode == FUSE_LINK)
		return pst_may_link(op->inode);
	if (op->opcode != FUSE_UNLINK && op->opcode != FUSE_RMDIR && op->opcode != FUSE_RENAME2)
		return 0;
	err = pst_owns(d_inode(op->dentry), dir_of(op));
	if (!err && op->dentry2 && d_really_is_positive(op->dentry2))
		err = pst_owns(d_inode(op->dentry2), op->inode);
	return err;
}

static bool is_other(const struct inode *inode)
{
	return inode && pst_i(inode)->other;
}

/* Decides who does the operation below, if that is not the caller. */
static int take_cred(struct pst_name_op *op)
{
	const struct inode *dir = dir_of(op);

	if (op->cred || !pst_sb(dir->i_sb)->shows ||
	    !(is_other(dir) || is_other(d_inode(op->dentry)) || is_other(op->inode) ||
	      (op->dentry2 && is_other(d_inode(op->dentry2)))))
		return 0;
	op->cred = pst_shown_cred(dir);
	return op->cred ? 0 : -ENOMEM;
}

static void let_go(struct pst_name_op *op)
{
	if (op->cred)
		put_cred(op->cred);
	op->cred = NULL;
	pst_serve_done(op);
}

/* Lets the second tree do an operation, and run the filters that it has, too. */
static int serve_asked(struct pst_name_op *op)
{
	struct pst_op *o = &op->call->op;
	u64 here = ~pst_chain_of(o->chain)->serves;

	o->filters &= here;
	if (o->call)
		o->call->ran &= here;
	return pst_serve_asked(op);
}

/*
 * Chooses the tree in which an operation is done, and runs the programs for names and those before
 * the operation. Returns 0 to do the operation as op says then, and to call pst_name_end();
 * PST_ANSWERED if a filter says that it is done; or an error.
 */
int pst_name_begin(struct pst_name_op *op)
{
	const struct super_block *sb = op->dentry->d_sb;
	struct pst_chain *chain;
	int r;

	/* A change of filters after the choice of the tree has to be noticed. */
	op->began = pst_settle_begin(sb);
	r = pst_serve_choose(op);
	chain = pst_chain_get(pst_sb(sb));
	op->fixed_names = !chain || chain->fixed_names;
	if (!r && chain && chain->core.attached)
		r = pst_attached_check(chain, op);
	if (!r && chain && is_asked(op, chain)) {
		op->call = new_call(op, chain);
		if (op->call) {
			fill_names(chain, &op->call->names);
			r = pst_before(&op->call->op);
		} else {
			r = -ENOMEM;
		}
		if (!r)
			r = take_changes(op);
	}
	if (!op->call)
		pst_chain_put(chain);
	if (!r && op->call && op->call->op.serve)
		r = serve_asked(op);
	if (!r)
		r = may_take(op) ?: take_cred(op);
	if (r && op->call)
		r = end_call(op, r, NULL) ?: PST_ANSWERED;
	if (r)
		let_go(op);
	return r;
}

/* Gives the inode of a file without a name the filters and cells of the directory. */
static int give_nameless(const struct pst_chain *chain, const struct pst_name_op *op,
			 struct inode *inode)
{
	struct slot *slot;

	if (!chain)
		return 0;
	slot = pst_call_begin(&chain->core, FUSE_TMPFILE, dir_of(op));
	place_inherit(slot->call, slot->call->node);
	pst_filter_give(slot->call, dir_of(op), inode);
	pst_call_end(dir_of(op), slot);
	return 0;
}

/*
 * Runs the programs after an operation with the result r, and gives a file that got the name its
 * filters; inode: the file, or NULL. Returns the new result.
 */
int pst_name_end(struct pst_name_op *op, int r, struct inode *inode)
{
	bool given = op->call && op->call->op.call;
	struct pst_chain *chain;

	if (op->call)
		r = end_call(op, r, inode);
	let_go(op);
	if (r || !inode)
		return r;
	if (!given) {
		chain = pst_chain_get(pst_sb(op->dentry->d_sb));
		r = op->opcode == FUSE_TMPFILE ? give_nameless(chain, op, inode) :
						 pst_filter_found(chain, op->dentry, inode);
		pst_chain_put(chain);
	}
	return r ? r : pst_renew(inode);
}

/*
 * Checks a RENAME again, whose names lead to other files below by now: rd has the lower files that
 * really move. Returns 0, -EPERM or another error.
 */
int pst_filter_rename_again(const struct pst_name_op *op, const struct renamedata *rd)
{
	struct pst_name_call *c;
	struct slot *slot;
	int err;

	if (!op->call)
		return 0;
	c = new_call(op, pst_chain_of(op->call->op.chain));
	if (!c)
		return -ENOMEM;
	pst_fill_attr_below(op->dentry->d_sb, d_inode(rd->old_dentry), &c->names.attr[0]);
	if (d_is_positive(rd->new_dentry))
		pst_fill_attr_below(op->dentry->d_sb, d_inode(rd->new_dentry), &c->names.attr[1]);
	slot = pst_op_slot(&c->op);
	err = call_fill_save(slot->call);
	if (!err)
		err = name_check_call(slot->call);
	if (err)
		pst_trace_result(slot->call, err);
	pst_call_end(dir_of(op), slot);
	kfree(c);
	return err;
}
