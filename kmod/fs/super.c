// SPDX-License-Identifier: GPL-2.0-only
/*
 * Super blocks: mounting a view, its options, and the module.
 *
 * A view holds a private clone of the mount that LOWER is on. No file system that is mounted
 * below LOWER is part of the clone, so the view shows the directories under them. If there is one
 * when the view is mounted, the option xdev=hide has to say that this is wanted. Only root in the
 * first user namespace may mount.
 */
#include "filters/filters.h"
#include "filters/op.h"

#include "kernel/module-abi.h"

#define PST_SUPER_MAGIC 0x50535446

static struct kmem_cache *inode_cache;

/* The options that fsconfig(2) has set so far. */
struct options {
	struct path lower, serve;
	bool serve_all;   /* the second tree serves all names */
	bool serve_stays; /* it stays until the view is unmounted */
	bool lower_locks;
	bool hide_mounts;
	struct pst_filter_list filters;
	char *gone;            /* the name of a filter that is to be removed */
	struct pst_chain *old; /* the one before a change that was made */
	bool lacks_filter;     /* one was refused, so the view must not be mounted */
};

/* ---- inodes ------------------------------------------------------------------------------ */

static struct inode *pst_alloc_inode(struct super_block *sb)
{
	struct pst_inode *pi = alloc_inode_sb(sb, inode_cache, GFP_KERNEL);

	if (!pi)
		return NULL;
	memset(pi, 0, offsetof(struct pst_inode, seq));
	pi->nodeid = atomic64_inc_return(&pst_sb(sb)->filters->last_nodeid);
	return &pi->vfs;
}

static void pst_free_inode(struct inode *inode)
{
	pst_filters_free_inode(pst_i(inode));
	kmem_cache_free(inode_cache, pst_i(inode));
}

/*
 * An inode of the view has no pages. The pointer to the lower inode stays: a task in RCU walk may
 * still read it.
 */
static void pst_evict_inode(struct inode *inode)
{
	struct inode *l = pst_lower_inode(inode);
	const struct super_block *lower = l->i_sb;

	clear_inode(inode);
	pst_serve_drop_twin(inode);
	iput(l);
	pst_count_served(inode->i_sb, lower, -1);
}

static int pst_drop_inode(struct inode *inode)
{
	return 1;
}

static void init_inode_once(void *p)
{
	struct pst_inode *pi = p;

	inode_init_once(&pi->vfs);
	seqcount_spinlock_init(&pi->seq, &pi->vfs.i_lock);
}

/* ---- super block operations -------------------------------------------------------------- */

static int pst_statfs(struct dentry *dentry, struct kstatfs *buf)
{
	struct pst_sb *s = pst_sb(dentry->d_sb);
	struct path lower = pst_lower_path(dentry);
	struct fuse_statfs_out out = {};
	struct pst_op op;
	int err;

	if (pst_name_is_served(dentry))
		lower = (struct path){ .mnt = s->mnt, .dentry = s->mnt->mnt_root };
	if (likely(!pst_asks(&op, d_inode(dentry), FUSE_STATFS)))
		return vfs_statfs(&lower, buf);
	op.out = &out;
	err = pst_before(&op);
	if (!err || err == PST_OP_DONE) {
		int r = vfs_statfs(&lower, buf);

		/* The type and the ID are not the filters'. */
		if (r || !err)
			err = r;
	}
	if (!err)
		out.st = (struct fuse_kstatfs){ buf->f_blocks,  buf->f_bfree, buf->f_bavail,
						buf->f_files,   buf->f_ffree, buf->f_bsize,
						buf->f_namelen, buf->f_frsize };
	err = pst_after(&op, err);
	if (err)
		return err;
	buf->f_blocks = out.st.blocks;
	buf->f_bfree = out.st.bfree;
	buf->f_bavail = out.st.bavail;
	buf->f_files = out.st.files;
	buf->f_ffree = out.st.ffree;
	buf->f_bsize = out.st.bsize;
	buf->f_namelen = out.st.namelen;
	buf->f_frsize = out.st.frsize;
	return 0;
}

/*
 * Writes the lower file system back for syncfs(2). sync(2) does that by itself, and when a view is
 * unmounted, where there is no root any more, nothing asks for it.
 */
static int sync_one(struct super_block *lower)
{
	int err;

	down_read(&lower->s_umount);
	err = sync_filesystem(lower);
	up_read(&lower->s_umount);
	return err;
}

static int sync_lower(struct super_block *sb)
{
	struct pst_sb *s = pst_sb(sb);
	struct super_block *lower = s->mnt->mnt_sb;
	int err = s->serve.mnt ? sync_one(s->serve.mnt->mnt_sb) : 0, wb_err;
	errseq_t seen;

	err = sync_one(lower) ?: err;
	/* syncfs(2) tells each open file of the errors that the view's super block has. */
	seen = READ_ONCE(s->wb_err);
	wb_err = errseq_check_and_advance(&lower->s_wb_err, &seen);
	if (wb_err) {
		WRITE_ONCE(s->wb_err, seen);
		errseq_set(&sb->s_wb_err, wb_err);
	}
	return err;
}

static int pst_sync_fs(struct super_block *sb, int wait)
{
	struct pst_op op;
	int err = 0;

	if (!wait || !sb->s_root)
		return 0;
	if (pst_asks(&op, d_inode(sb->s_root), FUSE_SYNCFS))
		err = pst_before(&op);
	if (!err)
		err = sync_lower(sb);
	return pst_after(&op, err);
}

static int pst_show_options(struct seq_file *m, struct dentry *root)
{
	const struct pst_sb *s = pst_sb(root->d_sb);

	seq_show_option(m, "lower", s->lower_name);
	if (s->lower_locks)
		seq_puts(m, ",locks=lower");
	if (s->hide_mounts)
		seq_puts(m, ",xdev=hide");
	return 0;
}

static const struct super_operations pst_super_ops = {
	.alloc_inode = pst_alloc_inode,
	.free_inode = pst_free_inode,
	.drop_inode = pst_drop_inode,
	.evict_inode = pst_evict_inode,
	.statfs = pst_statfs,
	.sync_fs = pst_sync_fs,
	.show_options = pst_show_options,
};

/* ---- mounting ---------------------------------------------------------------------------- */

/* File systems whose files are parts of the kernel: a view of them would show more than files. */
static bool is_pseudo(const struct super_block *sb)
{
	static const char *const types[] = { "proc",       "sysfs",   "cgroup",
					     "cgroup2",    "debugfs", "tracefs",
					     "securityfs", "bpf",     "configfs" };

	return match_string(types, ARRAY_SIZE(types), sb->s_type->name) >= 0;
}

static int check_lower(struct super_block *sb, struct fs_context *fc, const struct options *o)
{
	const struct path *lower = &o->lower;
	const struct super_block *l;

	if (o->lacks_filter)
		return invalf(fc, "penstock: a filter was refused");
	if (!lower->dentry)
		return invalf(fc, "penstock: lower=DIRECTORY is missing");
	l = lower->dentry->d_sb;
	if (!d_is_dir(lower->dentry))
		return invalf(fc, "penstock: lower= is not a directory");
	/* The locks of two views would have the same classes; nothing orders them. */
	if (l->s_type == sb->s_type)
		return invalf(fc, "penstock: lower= is in a view already");
	/* Set-id bits and devices of such a file system count for its own users only. */
	if (l->s_user_ns != &init_user_ns)
		return invalf(fc, "penstock: lower= was mounted in a user namespace");
	if (is_pseudo(l))
		return invalf(fc, "penstock: lower= is on a pseudo file system");
	if (!o->hide_mounts && path_has_submounts(lower))
		return invalf(fc, "penstock: something is mounted below lower=: use xdev=hide");
	if (l->s_stack_depth >= FILESYSTEM_MAX_STACK_DEPTH)
		return invalf(fc, "penstock: lower= is on too many stacked file systems");
	return 0;
}

/* Takes what the file system and the mount of LOWER say about all files. */
static void inherit(struct super_block *sb, const struct vfsmount *mnt)
{
	const struct super_block *l = mnt->mnt_sb;

	sb->s_stack_depth = l->s_stack_depth + 1;
	sb->s_blocksize = l->s_blocksize;
	sb->s_blocksize_bits = l->s_blocksize_bits;
	sb->s_maxbytes = l->s_maxbytes;
	sb->s_max_links = l->s_max_links;
	sb->s_time_gran = l->s_time_gran;
	sb->s_time_min = l->s_time_min;
	sb->s_time_max = l->s_time_max;
	sb->s_flags |= l->s_flags & (SB_POSIXACL | SB_SYNCHRONOUS | SB_DIRSYNC | SB_MANDLOCK);
	sb->s_flags |= SB_NOATIME | (__mnt_is_readonly((struct vfsmount *)mnt) ? SB_RDONLY : 0);
	/* Filters see the mode before the umask, which is applied below. */
	sb->s_iflags |= SB_I_SKIP_SYNC | SB_I_NOUMASK;
	sb->s_iflags |= l->s_iflags & (SB_I_NOEXEC | SB_I_NODEV | SB_I_IMA_UNVERIFIABLE_SIGNATURE |
				       SB_I_UNTRUSTED_MOUNTER | SB_I_EVM_HMAC_UNSUPPORTED);
	if (mnt->mnt_flags & MNT_NOEXEC)
		sb->s_iflags |= SB_I_NOEXEC;
	if (mnt->mnt_flags & MNT_NODEV)
		sb->s_iflags |= SB_I_NODEV;
	if (l->s_export_op && l->s_export_op->fh_to_dentry)
		sb->s_export_op = &pst_export_ops;
}

static char *path_name(const struct path *path)
{
	char *buf = kmalloc(PATH_MAX, GFP_KERNEL), *text, *name = NULL;

	if (!buf)
		return NULL;
	text = d_path(path, buf, PATH_MAX);
	name = kstrdup(IS_ERR(text) ? "?" : text, GFP_KERNEL);
	kfree(buf);
	return name;
}

/* On failure pst_kill_sb() frees what this has put into s_fs_info. */
static int fill_super(struct super_block *sb, struct fs_context *fc)
{
	struct options *o = fc->fs_private;
	int err = check_lower(sb, fc, o);
	struct vfsmount *mnt;
	struct inode *inode;
	struct pst_sb *s;

	if (err)
		return err;
	s = kzalloc(sizeof(*s), GFP_KERNEL);
	if (!s)
		return -ENOMEM;
	pst_trace_init(s);
	sb->s_fs_info = s;
	err = pst_filters_start(s, &o->filters);
	if (err)
		return err;
	s->lower_name = path_name(&o->lower);
	if (!s->lower_name)
		return -ENOMEM;
	mnt = clone_private_mount(&o->lower);
	if (IS_ERR(mnt)) {
		errorf(fc, "penstock: the mount of lower= cannot be cloned");
		return PTR_ERR(mnt);
	}
	s->mnt = mnt;
	s->root = dget(o->lower.dentry);
	s->wb_err = errseq_sample(&mnt->mnt_sb->s_wb_err);
	s->lower_locks = o->lower_locks;
	s->hide_mounts = o->hide_mounts;
	s->idmapped = is_idmapped_mnt(mnt);
	s->nosuid = mnt->mnt_flags & MNT_NOSUID || !C_HOLDS_INODE;
	s->adapts = s->idmapped || s->nosuid || s->shows;
	sb->s_op = &pst_super_ops;
	sb->s_xattr = pst_xattr_handlers;
	sb->s_magic = PST_SUPER_MAGIC;
	inherit(sb, mnt);
	s->second_stays = o->serve_stays;
	err = pst_serve_take(sb, fc, &o->serve, o->serve_all);
	if (err)
		return err;
	/* A handle would lead to a file without its name, which filters decide by. */
	if (o->filters.n || s->serve.mnt)
		sb->s_export_op = NULL;
	err = pst_attach_filters(fc, s);
	if (err)
		return err;
	c_set_d_op(sb, &pst_dentry_ops);
	inode = pst_iget(sb, d_inode(s->root));
	if (IS_ERR(inode))
		return PTR_ERR(inode);
	if (o->filters.n)
		pst_hold_root(&rcu_dereference_protected(s->chain, true)->core, inode);
	sb->s_root = d_make_root(inode);
	if (!sb->s_root)
		return -ENOMEM;
	sb->s_root->d_fsdata = dget(s->root);
	pst_count_served(sb, s->root->d_sb, 1);
	pst_control_add(sb);
	return 0;
}

/*
 * Also called where fill_super() failed, when ->put_super would not be. A private clone of a mount
 * goes by kern_unmount() only: mntput() would leave the lower file system alive for ever.
 */
static void pst_kill_sb(struct super_block *sb)
{
	struct pst_sb *s = sb->s_fs_info;

	if (s)
		pst_control_remove(s);
	pst_reclaim_flush();
	kill_anon_super(sb);
	if (!s)
		return;
	pst_filters_end(s);
	dput(s->root);
	if (s->mnt)
		kern_unmount(s->mnt);
	/* The last reference: the kernel ends the connection to the process, which ends. */
	path_put(&s->serve);
	kfree(s->lower_name);
	kfree(s);
}

/* ---- options ----------------------------------------------------------------------------- */

enum {
	OPT_VERSION,
	OPT_LOWER,
	OPT_LOWER_FD,
	OPT_SERVE_FD,
	OPT_SERVE_ALL,
	OPT_SERVE_STAYS,
	OPT_LOCKS,
	OPT_XDEV,
	OPT_FILTER,
	OPT_REMOVE
};

static const struct constant_table lock_words[] = { { "local", false }, { "lower", true }, {} };
static const struct constant_table xdev_words[] = { { "hide", 0 }, {} };

/* The value of "filter" is a struct module_filter. */
static int is_blob(struct p_log *log, const struct fs_parameter_spec *spec,
		   struct fs_parameter *param, struct fs_parse_result *result)
{
	return param->type == fs_value_is_blob ? 0 : -EINVAL;
}

static const struct fs_parameter_spec pst_parameters[] = {
	fsparam_string("version", OPT_VERSION),
	fsparam_string("lower", OPT_LOWER),
	fsparam_fd("lower_fd", OPT_LOWER_FD),
	fsparam_fd("serve_fd", OPT_SERVE_FD),
	fsparam_flag("serve_all", OPT_SERVE_ALL),
	fsparam_flag("serve_stays", OPT_SERVE_STAYS),
	fsparam_enum("locks", OPT_LOCKS, lock_words),
	fsparam_enum("xdev", OPT_XDEV, xdev_words),
	__fsparam(is_blob, "filter", OPT_FILTER, 0, NULL),
	fsparam_string("filter_remove", OPT_REMOVE),
	{}
};

static int set_lower(struct fs_context *fc, struct fs_parameter *param)
{
	struct options *o = fc->fs_private;
	struct path path;
	int err;

	if (param->type == fs_value_is_file) {
		path = param->file->f_path;
		path_get(&path);
	} else {
		err = kern_path(param->string, LOOKUP_FOLLOW | LOOKUP_DIRECTORY, &path);
		if (err) {
			errorf(fc, "penstock: lower=%s: error %d", param->string, err);
			return err;
		}
	}
	if (fc->purpose == FS_CONTEXT_FOR_RECONFIGURE) {
		bool same = path.dentry == pst_sb(fc->root->d_sb)->mnt->mnt_root;

		path_put(&path);
		return same ? 0 : invalf(fc, "penstock: a remount cannot change lower=");
	}
	path_put(&o->lower);
	o->lower = path;
	return 0;
}

static int pst_parse_param(struct fs_context *fc, struct fs_parameter *param)
{
	struct options *o = fc->fs_private;
	struct fs_parse_result result;
	int opt = fs_parse(fc, pst_parameters, param, &result), err;

	switch (opt) {
	case OPT_VERSION:
		if (strcmp(param->string, MODULE_VERSION_TEXT) == 0)
			return 0;
		return invalf(fc,
			      "penstock: the program that mounts has version %s of the interface, "
			      "the module has " MODULE_VERSION_TEXT
			      ": install both from one release",
			      param->string);
	case OPT_LOWER:
		return set_lower(fc, param);
	case OPT_LOWER_FD:
		if (param->type != fs_value_is_file)
			return invalf(fc, "penstock: lower_fd takes a descriptor by fsconfig(2)");
		return set_lower(fc, param);
	case OPT_SERVE_FD:
		if (param->type != fs_value_is_file || o->serve.mnt ||
		    (fc->root && pst_sb(fc->root->d_sb)->serve.mnt))
			return invalf(fc, "penstock: serve_fd takes a descriptor, once");
		o->serve = param->file->f_path;
		path_get(&o->serve);
		return 0;
	case OPT_SERVE_ALL:
		o->serve_all = true;
		return 0;
	case OPT_SERVE_STAYS:
		o->serve_stays = true;
		return 0;
	case OPT_LOCKS:
		o->lower_locks = result.uint_32;
		if (fc->purpose == FS_CONTEXT_FOR_RECONFIGURE &&
		    o->lower_locks != pst_sb(fc->root->d_sb)->lower_locks)
			return invalf(fc, "penstock: a remount cannot change locks=");
		return 0;
	case OPT_XDEV:
		o->hide_mounts = true;
		return 0;
	case OPT_FILTER:
		if (fc->purpose == FS_CONTEXT_FOR_RECONFIGURE && o->filters.n)
			err = invalf(fc, "penstock: filters change one at a time");
		else
			err = pst_filters_add(fc, &o->filters, param->blob, param->size);
		o->lacks_filter |= err != 0;
		return err;
	case OPT_REMOVE:
		if (fc->purpose != FS_CONTEXT_FOR_RECONFIGURE || o->gone)
			return invalf(fc, "penstock: filters change one at a time, when the view "
					  "is mounted");
		o->gone = param->string;
		param->string = NULL;
		return 0;
	default:
		return opt;
	}
}

static int pst_get_tree(struct fs_context *fc)
{
	return get_tree_nodev(fc, fill_super);
}

static void pst_free_fc(struct fs_context *fc)
{
	struct options *o = fc->fs_private;

	if (o) {
		path_put(&o->lower);
		path_put(&o->serve);
		pst_filters_drop(&o->filters);
		kfree(o->gone);
		/* Not in pst_reconfigure(), where s_umount keeps sync(2) waiting. */
		if (o->old)
			pst_filters_change_end(fc, o->old);
	}
	kfree(o);
}

/*
 * A remount changes the flags that the VFS keeps, ro among them, and a filter; the options stay as
 * they are.
 */
static int pst_reconfigure(struct fs_context *fc)
{
	struct options *o = fc->fs_private;
	struct super_block *sb = fc->root->d_sb;
	bool has_second = pst_sb(sb)->serve.mnt;
	int err = 0;

	if (o->lacks_filter)
		return invalf(fc, "penstock: a filter was refused");
	if (!o->filters.n && !o->gone)
		return 0;
	/* After mount(2), the VFS drops the view before it frees the context. */
	if (fc->oldapi)
		return invalf(fc, "penstock: use penstock filter: mount(2) changes no filters");
	if (o->serve.mnt && has_second)
		return invalf(fc, "penstock: the view has a second tree already");
	if (o->serve.mnt)
		err = pst_serve_take(sb, fc, &o->serve, false);
	if (!err)
		err = pst_filters_change(fc, o->filters.filter[0], o->gone, &o->old);
	if (err && !has_second)
		pst_serve_end_unused(sb);
	return err;
}

static const struct fs_context_operations pst_context_ops = {
	.parse_param = pst_parse_param,
	.get_tree = pst_get_tree,
	.reconfigure = pst_reconfigure,
	.free = pst_free_fc,
};

static int pst_init_fs_context(struct fs_context *fc)
{
	fc->fs_private = kzalloc(sizeof(struct options), GFP_KERNEL);
	if (!fc->fs_private)
		return -ENOMEM;
	fc->ops = &pst_context_ops;
	return 0;
}

/* ---- module ------------------------------------------------------------------------------ */

static struct file_system_type pst_type = {
	.owner = THIS_MODULE,
	.name = "penstock",
	.init_fs_context = pst_init_fs_context,
	.parameters = pst_parameters,
	.kill_sb = pst_kill_sb,
};

static int __init pst_init(void)
{
	int err;

	inode_cache = kmem_cache_create("penstock_inode", sizeof(struct pst_inode), 0,
					SLAB_RECLAIM_ACCOUNT | SLAB_ACCOUNT, init_inode_once);
	if (!inode_cache)
		return -ENOMEM;
	pst_control_init();
	err = register_filesystem(&pst_type);
	if (err) {
		pst_control_exit();
		kmem_cache_destroy(inode_cache);
	}
	return err;
}

static void __exit pst_exit(void)
{
	unregister_filesystem(&pst_type);
	pst_control_exit();
	pst_reclaim_flush();
	/* Inodes are freed by RCU. */
	rcu_barrier();
	kmem_cache_destroy(inode_cache);
}

module_init(pst_init);
module_exit(pst_exit);
MODULE_ALIAS_FS("penstock");
MODULE_LICENSE("GPL");
MODULE_VERSION(PENSTOCK_VERSION);
MODULE_DESCRIPTION("Penstock: a view of a directory tree, with filters");
