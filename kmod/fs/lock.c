// SPDX-License-Identifier: GPL-2.0-only
/*
 * File locks: within the view (locks=local), or on the lower file, so that programs which use the
 * lower tree see them, too (locks=lower).
 *
 * A lock on the lower file has flc_file of the lower file, so that it ends when that file is
 * closed. The kernel compares flc_file of a request with the file of the call. So the request has
 * the lower file during the call only. A request that waits is itself in the list of the lower
 * inode.
 */
#include "filters/filters.h"
#include "filters/op.h"

#include <linux/pid_namespace.h>

static bool is_flock(const struct file_lock *fl)
{
	return fl->c.flc_flags & FL_FLOCK;
}

/* Runs the operation on the lower file. */
static int lock_lower(struct file *file, int cmd, struct file_lock *fl)
{
	struct file *l = file->private_data;
	int ret;

	fl->c.flc_file = l;
	if (is_flock(fl))
		ret = l->f_op->flock ? l->f_op->flock(l, cmd, fl) : locks_lock_file_wait(l, fl);
	else if (cmd == F_CANCELLK)
		ret = vfs_cancel_lock(l, fl);
	else if (IS_GETLK(cmd))
		ret = vfs_test_lock(l, fl);
	else
		ret = vfs_lock_file(l, cmd, fl, NULL);
	fl->c.flc_file = file;
	return ret;
}

/*
 * The same, but waits for the lock, as fcntl(2) does. So the programs of filters run once, and not
 * again when the lock is granted.
 */
static int lock_and_wait(struct file *file, int cmd, struct file_lock *fl)
{
	int ret;

	do {
		ret = lock_lower(file, cmd, fl);
		if (ret != FILE_LOCK_DEFERRED)
			return ret;
		ret = wait_event_interruptible(fl->c.flc_wait,
					       list_empty(&fl->c.flc_blocked_member));
	} while (!ret);
	locks_delete_block(fl);
	return ret;
}

static struct fuse_file_lock lk_of(const struct file_lock *fl, pid_t pid)
{
	return (struct fuse_file_lock){
		.start = fl->fl_start, .end = fl->fl_end, .type = fl->c.flc_type, .pid = pid
	};
}

static int take_lk(const struct fuse_file_lock *lk, struct file_lock *fl)
{
	if (lk->start > lk->end || lk->end > OFFSET_MAX || lk->type > F_UNLCK)
		return -EINVAL;
	fl->fl_start = lk->start;
	fl->fl_end = lk->end;
	fl->c.flc_type = lk->type;
	return 0;
}

/* Returns the ID of a process in another PID namespace; 0 if it has none there. */
static pid_t pid_between(pid_t nr, struct pid_namespace *from, struct pid_namespace *to)
{
	if (nr <= 0 || from == to)
		return nr;
	rcu_read_lock();
	nr = pid_nr_ns(find_pid_ns(nr, from), to);
	rcu_read_unlock();
	return nr;
}

/*
 * Runs the operation on the lower file with its programs. It has no slot while it waits. Programs
 * see process IDs of the PID namespace of the task that mounted the view; those in struct file_lock
 * are of the initial namespace.
 */
static int filter_lock(struct pst_op *op, struct file *file, int cmd, struct file_lock *fl)
{
	bool get = IS_GETLK(cmd), unlock = fl->c.flc_type == F_UNLCK;
	struct pid_namespace *ns = pst_filters_of(op->inode)->pid_ns;
	struct fuse_lk_in *in = &op->in.lk;
	struct fuse_lk_out out = {};
	pid_t shown = 0;
	int err;

	*in = (struct fuse_lk_in){
		.fh = pst_fh(file),
		.owner = (unsigned long)fl->c.flc_owner,
		.lk = lk_of(fl, get || unlock ? 0 : task_tgid_nr_ns(current, ns)),
		.lk_flags = is_flock(fl) ? FUSE_LK_FLOCK : 0,
	};
	op->out = get ? &out : NULL;
	err = pst_before(op);
	if (!err)
		err = take_lk(&in->lk, fl);
	if (!err) {
		err = lock_and_wait(file, cmd, fl);
		shown = pid_between(fl->c.flc_pid, &init_pid_ns, ns);
		out.lk = lk_of(fl, shown);
	}
	err = pst_after(op, err);
	if (!err && get) {
		err = take_lk(&out.lk, fl);
		if ((pid_t)out.lk.pid != shown)
			fl->c.flc_pid = pid_between(out.lk.pid, ns, &init_pid_ns);
	}
	return err;
}

/* Also for flock(2), whose commands are F_SETLK and F_SETLKW. */
int pst_lock(struct file *file, int cmd, struct file_lock *fl)
{
	struct inode *inode = file_inode(file);
	struct pst_op op __uninitialized;

	if (!pst_sb(inode->i_sb)->lower_locks) {
		if (is_flock(fl))
			return locks_lock_file_wait(file, fl);
		if (cmd == F_CANCELLK)
			return 0;
		if (!IS_GETLK(cmd))
			return posix_lock_file(file, fl, NULL);
		posix_test_lock(file, fl);
		return 0;
	}
	if (cmd != F_CANCELLK && pst_asks(&op, inode, IS_GETLK(cmd) ? FUSE_GETLK : FUSE_SETLK))
		return filter_lock(&op, file, cmd, fl);
	return lock_lower(file, cmd, fl);
}

/*
 * Removes all POSIX locks of the lower file when the file of the view is released. None may stay,
 * because each lock points to the lower file. Locks of open file descriptions end here. A lock of a
 * process is left if one thread locks the file while another closes it: fcntl(2) notices that, but
 * looks for the lock in the inode of the view.
 */
void pst_unlock_all(struct file *file)
{
	struct file *l = file->private_data;
	struct file_lock_context *ctx = locks_inode_context(file_inode(l));
	struct file_lock *fl;
	fl_owner_t owner = NULL, last;

	if (!ctx)
		return;
	do {
		last = owner;
		owner = NULL;
		spin_lock(&ctx->flc_lock);
		list_for_each_entry(fl, &ctx->flc_posix, c.flc_list)
			if (fl->c.flc_file == l)
				owner = fl->c.flc_owner;
		spin_unlock(&ctx->flc_lock);
		/* The lower file system may fail to remove a lock. */
		if (owner && owner != last)
			locks_remove_posix(l, owner);
	} while (owner != last);
}
