// SPDX-License-Identifier: GPL-2.0-only
/*
 * The owner, group and mode that filters show.
 *
 * If a filter with a program after GETATTR holds for a file, the copies in the inode of the view
 * are those that the programs have left, not those of the lower inode. So permission, sticky
 * directories, set-ID programs and the rights of an owner depend on what is shown. The copies stay
 * until change time, mode, owner or size of the lower inode, or the filters of the file or the
 * view, are others than the programs saw (struct pst_seen); then pst_renew() runs the programs for
 * GETATTR. Filters by caller are asked each time. If all programs that would run for a stat(2)
 * declare PST_SHOWS, the copies are its result while mode and owner are those that they saw.
 *
 * Below, a lower file system would decide by its own owner and mode. If the shown ones differ, or a
 * filter may show another ACL (pst_inode.other), what was permitted is done there with the
 * credentials of pst_shown_cred().
 *
 * A set-ID bit is shown only with the owner or group that the lower file has (pst_inode.hidden), or
 * a program would run as an owner whom only the view shows. src/fs/set-id.c has the other rules for
 * hidden bits.
 *
 * i_lock guards the copies, seen, other and hidden. Decisions by the copies, which are made without
 * it, are made again if pst_inode.seq has changed.
 */
#include "filters/filters.h"
#include "filters/op.h"

#include <linux/cred.h>

/* Returns the filters whose programs may change the shown attributes of a file. */
static u64 filters_of(const struct inode *inode)
{
	u64 shows = pst_sb(inode->i_sb)->shows;

	/* The inode of the second tree has the attributes that these filters show. */
	if (pst_is_served(inode))
		shows &= ~pst_sb(inode->i_sb)->serves;
	return shows & filter_node_filters(&pst_i(inode)->filter);
}

bool pst_shows_now(const struct inode *inode)
{
	return filters_of(inode);
}

static bool shows_by_caller(const struct inode *inode)
{
	return filters_of(inode) & pst_sb(inode->i_sb)->shows_by_caller;
}

/*
 * Returns the number of the change by which a chain has come into force, or a number that is past.
 * NULL: a chain that the caller takes afterwards.
 */
static u32 change_of(const struct pst_sb *s, const struct chain *chain)
{
	u32 change = smp_load_acquire(&s->change);

	return chain && rcu_access_pointer(s->chain) != pst_chain_of(chain) ? change - 1 : change;
}

/* Fills what the programs of a chain are about to see of the lower inode. */
void pst_seen_fill(const struct inode *inode, const struct chain *chain, struct pst_seen *ret_seen)
{
	const struct inode *l = pst_lower_inode(inode);

	*ret_seen = (struct pst_seen){
		.filters = filters_of(inode),
		.change = change_of(pst_sb(inode->i_sb), chain),
		.ctime = inode_get_ctime(l),
		.size = i_size_read(l),
		.uid = pst_lower_uid(inode),
		.gid = pst_lower_gid(inode),
		.mode = READ_ONCE(l->i_mode),
	};
}

static bool is_same_owner(const struct pst_seen *a, const struct pst_seen *b)
{
	return uid_eq(a->uid, b->uid) && gid_eq(a->gid, b->gid) && a->mode == b->mode;
}

/* Checks if the programs would see another lower inode than the one whose attributes are shown. */
bool pst_shown_differs(const struct inode *inode)
{
	const struct pst_seen *seen = &pst_i(inode)->seen;
	const struct inode *l = pst_lower_inode(inode);
	u64 filters = filters_of(inode);
	struct timespec64 ctime;
	unsigned int begin;
	bool same;

	if (filters & pst_sb(inode->i_sb)->shows_by_caller)
		return true;
	do {
		begin = read_seqcount_begin(&pst_i(inode)->seq);
		same = seen->change == change_of(pst_sb(inode->i_sb), NULL);
		ctime = inode_get_ctime(l);
		same = same && seen->filters == filters && seen->size == i_size_read(l) &&
		       seen->ctime.tv_nsec == ctime.tv_nsec && seen->ctime.tv_sec == ctime.tv_sec &&
		       uid_eq(seen->uid, pst_lower_uid(inode)) &&
		       gid_eq(seen->gid, pst_lower_gid(inode)) &&
		       seen->mode == READ_ONCE(l->i_mode);
	} while (read_seqcount_retry(&pst_i(inode)->seq, begin));
	return !same;
}

/*
 * Checks if a filter may show another ACL than the lower file has. Not for lower file systems that
 * look ACLs up by names.
 */
static bool has_filtered_acl(const struct inode *inode)
{
	struct inode *l = pst_lower_inode(inode);
	struct posix_acl *acl;

	if (!(pst_sb(inode->i_sb)->shows_acls & filter_node_filters(&pst_i(inode)->filter)) ||
	    !l->i_op->get_inode_acl)
		return false;
	acl = get_inode_acl(l, ACL_TYPE_ACCESS);
	if (IS_ERR_OR_NULL(acl))
		return acl;
	posix_acl_release(acl);
	return true;
}

/* Checks if the copies have these values already, and the lower inode has not changed. */
static bool is_shown(const struct inode *inode, kuid_t uid, kgid_t gid, umode_t mode)
{
	return inode->i_mode == mode && uid_eq(inode->i_uid, uid) && gid_eq(inode->i_gid, gid) &&
	       !pst_shown_differs(inode);
}

#define AGAIN     1 /* the programs have to be asked again */
#define NOT_ASKED 2 /* no program shows anything */

/*
 * Shows the owner, the group and the mode that programs have left, which saw @seen. Returns 0 or
 * AGAIN, and the mode without the bits that are hidden.
 */
static int show(struct inode *inode, const struct pst_seen *seen, kuid_t uid, kgid_t gid,
		umode_t *mode)
{
	bool other_uid = !uid_eq(uid, seen->uid), other_gid = !gid_eq(gid, seen->gid);
	bool other = has_filtered_acl(inode) || other_uid || other_gid ||
		     (*mode ^ seen->mode) & S_IALLUGO;
	struct pst_inode *pi = pst_i(inode);
	struct pst_seen now __uninitialized;
	bool locked, done;
	umode_t hidden = 0;

	/* In a directory, S_ISGID means that new files inherit the group. */
	if (!S_ISDIR(inode->i_mode))
		hidden = (other_uid ? S_ISUID : 0) | (other_gid ? S_ISGID : 0);
	*mode &= ~hidden;
	if (is_shown(inode, uid, gid, *mode) && pi->hidden == hidden && pi->other == other)
		return 0;
	locked = pst_lock_program(inode, *mode);
	if (locked)
		pst_seen_fill(inode, NULL, &now);
	done = !locked || is_same_owner(seen, &now);
	if (done) {
		spin_lock(&inode->i_lock);
		write_seqcount_begin(&pi->seq);
		done = pst_set_owner(inode, uid, gid, *mode);
		if (done) {
			pi->hidden = hidden;
			pi->shown = *mode;
			pi->other = other;
			pi->seen = *seen;
		}
		write_seqcount_end(&pi->seq);
		spin_unlock(&inode->i_lock);
	}
	pst_unlock_program(inode, locked);
	return done ? 0 : AGAIN;
}

/* The same for a result that is shown once. Returns the mode. */
umode_t pst_show(struct inode *inode, const struct pst_seen *seen, kuid_t uid, kgid_t gid,
		 umode_t mode)
{
	show(inode, seen, uid, gid, &mode);
	return mode;
}

/*
 * Shows the attributes in the result of an operation, whose programs saw @seen but for the filters
 * that hold for the file. asked: the filters with a program after the operation. Returns 0; -EIO
 * if it shows nothing, because another filter has a program after GETATTR, or programs have left an
 * owner that is none; or AGAIN.
 */
int pst_show_result(struct inode *inode, struct pst_seen *seen, u64 asked,
		    const struct fuse_attr *attr)
{
	kuid_t uid = KUIDT_INIT(attr->uid);
	kgid_t gid = KGIDT_INIT(attr->gid);
	umode_t mode = attr->mode;

	seen->filters = filters_of(inode);
	if (!seen->filters || seen->filters & ~asked || !uid_valid(uid) || !gid_valid(gid))
		return -EIO;
	return show(inode, seen, uid, gid, &mode);
}

/*
 * Replaces the owner, the group and the mode of the lower file by those that are shown, if programs
 * have decided them for the same lower attributes, and would decide so again (PST_SHOWS).
 */
bool pst_kept_shown(const struct pst_op *op, struct kstat *stat)
{
	const struct inode *inode = op->inode;
	const struct pst_inode *pi = pst_i(inode);
	u64 filters = filters_of(inode);
	unsigned int begin;
	umode_t mode;
	kuid_t uid;
	kgid_t gid;

	if (!filters || filters & ~(op->chain->post[op->opcode] & op->chain->shows))
		return false;
	do {
		begin = read_seqcount_begin(&pi->seq);
		/* Size and ctime do not count: the programs show nothing by them. */
		if (pi->seen.filters != filters ||
		    pi->seen.change != change_of(pst_sb(inode->i_sb), op->chain) ||
		    pi->seen.mode != stat->mode || !uid_eq(pi->seen.uid, stat->uid) ||
		    !gid_eq(pi->seen.gid, stat->gid))
			return false;
		uid = inode->i_uid;
		gid = inode->i_gid;
		mode = pi->shown;
	} while (read_seqcount_retry(&pi->seq, begin));
	stat->uid = uid;
	stat->gid = gid;
	stat->mode = mode;
	return true;
}

/* Fills attributes as a GETATTR does. */
noinline_for_stack void pst_fill_lower_attr(const struct inode *inode, struct fuse_attr *ret_attr)
{
	struct kstat stat;

	generic_fillattr(pst_idmap(inode->i_sb), STATX_BASIC_STATS, pst_lower_inode(inode), &stat);
	pst_fill_fuse_attr(&stat, ret_attr);
}

/*
 * Runs the programs for GETATTR for a decision. *ret_seen has what they saw, *ret_attr what they
 * show to this task. Returns 0; NOT_ASKED; or an error.
 */
static noinline int ask(struct inode *inode, struct pst_seen *ret_seen, struct fuse_attr *ret_attr)
{
	struct fuse_attr_out out = {};
	struct pst_op op __uninitialized;
	int err;

	pst_seen_fill(inode, NULL, ret_seen);
	if (!pst_asks(&op, inode, FUSE_GETATTR))
		return NOT_ASKED;
	op.in.getattr = (struct fuse_getattr_in){};
	op.out = &out;
	err = pst_before(&op);
	if (!err)
		pst_fill_lower_attr(inode, &out.attr);
	err = pst_after(&op, err);
	*ret_attr = out.attr;
	return err;
}

/* Shows anew what the VFS is about to decide by. Returns 0, AGAIN, or an error. */
static int ask_and_show(struct inode *inode)
{
	struct fuse_attr attr;
	struct pst_seen seen;
	int err = ask(inode, &seen, &attr);

	if (err == NOT_ASKED)
		return 0;
	if (!err)
		err = pst_show_result(inode, &seen, ~0ULL, &attr);
	return err == -EIO && !pst_shows(inode) ? 0 : err;
}

/* The part of pst_renew() that is seldom needed. It waits for an execve(2), see pst_set_owner(). */
int pst_renew_differing(struct inode *inode)
{
	int err;

	do {
		err = pst_copy_attr(inode) ? 0 : AGAIN;
		if (!err && pst_shows(inode) && pst_shown_differs(inode))
			err = ask_and_show(inode);
		if (err == AGAIN && !c_holds_inode(inode)) {
			if (inode_lock_killable(inode))
				return -EINTR;
			inode_unlock(inode);
		}
	} while (err == AGAIN);
	return err;
}

/*
 * Begins to decide by the copies, which it renews. Returns 0 or an error, and a value for
 * pst_decided_torn(). MAY_NOT_BLOCK: -ECHILD if they have to be renewed.
 */
int pst_decide_begin(struct inode *inode, int mask, unsigned int *ret_begin)
{
	*ret_begin = read_seqcount_begin(&pst_i(inode)->seq);
	if (!pst_attr_differs(inode))
		return 0;
	if (mask & MAY_NOT_BLOCK)
		return -ECHILD;
	*ret_begin += 2;
	return pst_renew_differing(inode);
}

/* Checks if the copies have changed meanwhile, but for the renewal by this task. */
bool pst_decided_torn(const struct inode *inode, unsigned int begin)
{
	unsigned int changes;

	smp_rmb();
	changes = raw_read_seqcount(&pst_i(inode)->seq) - begin;
	return changes != 0 && changes != -2U;
}

static int decide(struct inode *inode, int mask)
{
	if (pst_i(inode)->other)
		return generic_permission(&nop_mnt_idmap, inode, mask);
	return inode_permission(pst_idmap(inode->i_sb), pst_lower_inode(inode), mask);
}

/*
 * Checks if the task may set the times of a file to now. The VFS has done so, perhaps by what
 * another task is shown. The caller has renewed the copies.
 */
int pst_may_touch(struct inode *inode, const struct iattr *attr)
{
	if (!(attr->ia_valid & ATTR_TOUCH) || inode_owner_or_capable(&nop_mnt_idmap, inode))
		return 0;
	return decide(inode, MAY_WRITE);
}

/* pst_permission() in views that adapt attributes. */
int pst_permission_shown(struct inode *inode, int mask)
{
	unsigned int begin;
	int err;

	do {
		err = pst_decide_begin(inode, mask, &begin) ?: decide(inode, mask);
	} while (err != -ECHILD && pst_decided_torn(inode, begin));
	return err;
}

/* Gets the owner and the mode that this task is shown. */
static int get_shown(struct inode *inode, struct fuse_attr *ret_attr)
{
	struct pst_seen seen;
	int err = shows_by_caller(inode) ? ask(inode, &seen, ret_attr) : NOT_ASKED;

	if (err != NOT_ASKED)
		return err;
	ret_attr->uid = __kuid_val(inode->i_uid);
	ret_attr->mode = inode->i_mode;
	return 0;
}

/*
 * Checks if the task may remove the file from the directory @dir, or, if @dir is NULL, if the task
 * owns the file. The VFS has done so by the owner in the inode, which a filter by caller may have
 * shown to another task. Returns 0, -EPERM or another error.
 */
int pst_owns(struct inode *inode, struct inode *dir)
{
	u32 uid = __kuid_val(current_fsuid());
	struct fuse_attr attr;
	bool owns;
	int err;

	if (!shows_by_caller(inode) && !(dir && shows_by_caller(dir)))
		return 0;
	err = get_shown(inode, &attr);
	owns = !err && attr.uid == uid;
	if (!err && !owns && dir) {
		err = get_shown(dir, &attr);
		owns = !err && (attr.uid == uid || !(attr.mode & S_ISVTX));
	}
	if (!err && !owns && !capable_wrt_inode_uidgid(&nop_mnt_idmap, inode, CAP_FOWNER))
		err = -EPERM;
	return err;
}

/*
 * Checks if the task may give the file another name, as the VFS does with fs.protected_hardlinks:
 * it has done so, perhaps by what another task is shown. Returns 0, -EPERM or another error.
 */
int pst_may_link(struct inode *inode)
{
	const umode_t group_program = S_ISGID | S_IXGRP;
	int err = pst_owns(inode, NULL);
	struct fuse_attr attr;

	if (err != -EPERM)
		return err;
	err = get_shown(inode, &attr);
	if (err)
		return err;
	return !S_ISREG(inode->i_mode) || attr.mode & S_ISUID ||
			       (attr.mode & group_program) == group_program ||
			       pst_permission_shown(inode, MAY_READ | MAY_WRITE) ?
		       -EPERM :
		       0;
}

/* ---- acting below ------------------------------------------------------------------------ */

/*
 * Returns the credentials with which something is done below that was permitted by the shown
 * attributes of an inode; for put_cred(). They have what the caller has not been asked for only
 * where the caller has it: S_ISGID stays for those who are in the shown group. NULL: no memory.
 */
struct cred *pst_shown_cred(const struct inode *inode)
{
	struct cred *cred = pst_mounter_cred(inode->i_sb, current_fsuid(), current_fsgid());

	if (!cred)
		return NULL;
	set_groups(cred, current_cred()->group_info);
	if (!in_group_p(inode->i_gid) &&
	    !capable_wrt_inode_uidgid(&nop_mnt_idmap, inode, CAP_FSETID))
		cap_lower(cred->cap_effective, CAP_FSETID);
	if (!capable(CAP_LINUX_IMMUTABLE))
		cap_lower(cred->cap_effective, CAP_LINUX_IMMUTABLE);
	return cred;
}

/*
 * Begins to do something below that was permitted by the shown attributes of an inode. Returns the
 * caller's credentials for pst_act_end(), or an error.
 */
const struct cred *pst_act_as_shown(const struct inode *inode)
{
	const struct cred *cred = pst_shown_cred(inode);

	return cred ? override_creds(cred) : ERR_PTR(-ENOMEM);
}

void pst_act_end_as_shown(const struct cred *caller)
{
	const struct cred *cred = current_cred();

	revert_creds(caller);
	put_cred(cred);
}

/*
 * Clears the hidden set-ID bits of a lower file that is being opened for writing. The kernel clears
 * those that it sees when somebody writes, but none when somebody writes to a mapping.
 */
int pst_clear_hidden(const struct inode *inode, struct file *lower)
{
	struct dentry *l = lower->f_path.dentry;
	umode_t hidden = READ_ONCE(d_inode(l)->i_mode) & pst_i(inode)->hidden;
	struct iattr attr = { .ia_valid = ATTR_FORCE };
	int err;

	if (!hidden)
		return 0;
	if (hidden & S_ISUID)
		attr.ia_valid |= ATTR_KILL_SUID;
	if (hidden & S_ISGID)
		attr.ia_valid |= ATTR_KILL_SGID;
	inode_lock(d_inode(l));
	err = notify_change(pst_idmap(inode->i_sb), l, &attr, NULL);
	inode_unlock(d_inode(l));
	return err;
}
