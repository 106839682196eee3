// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * For the tests of the kernel module: changes and refuses operations on files, before and after
 * they are done, but none that has names of entries. Numbers in the arguments say which.
 */
#include <penstock/filter.bpf.h>

#include "changes.h"

PST_FILTER(0, "changes operations on files");
PST_OPTION(_Bool, stat, "refuses GETATTR and STATX of pipes, and changes those of devices");

PST_PRE(setattr, call)
{
	struct fuse_setattr_in *in = &call->in.setattr;

	if (in->valid & FATTR_MODE) {
		in->mode &= ~0001;
		if ((in->mode & 0777) == 0770)
			return -EROFS;
		if ((in->mode & 0777) == 0660)
			return PST_DONE;
		/* One more member, which the caller may not change. */
		if ((in->mode & 0777) == 0600) {
			in->valid |= FATTR_UID;
			in->uid = 1234;
		}
		if ((in->mode & 0777) == 0606)
			in->valid |= 1 << 30;
		if ((in->mode & 0777) == 0707)
			call->caller.uid = 1234;
	}
	if ((in->valid & FATTR_GID) && in->gid == 4321)
		in->valid &= ~(FATTR_GID | FATTR_UID);
	if ((in->valid & FATTR_GID) && in->gid == 4322)
		in->gid = ~0u;
	change_size_and_time(in);
	call->note[0] = in->valid;
	return PST_PASS;
}

/* Sees the argument and the note of the program before, and the attributes. */
PST_POST(setattr, call)
{
	if (!call->error && call->note[0] != call->in.setattr.valid)
		return -ENOTBLK;
	if (!call->error && (call->out.attr.attr.mode & 0777) == 0640)
		return -EDQUOT;
	return call->error == -EROFS ? -ETXTBSY : PST_PASS;
}

/* The command that sets the flags of an inode, FS_IOC_SETFLAGS. */
#define SETFLAGS 0x40086602

PST_PRE(open, call)
{
	return call->in.open.flags & O_APPEND ? -EROFS : PST_PASS;
}

PST_POST(open, call)
{
	return !call->error && (call->in.open.flags & O_NOATIME) ? -EDQUOT : PST_PASS;
}

PST_PRE(opendir, call)
{
	return call->in.open.flags & O_NOATIME ? -EROFS : PST_PASS;
}

/* Closing a file cannot be refused, but close(2) can fail. */
PST_PRE(release, call)
{
	return -EPERM;
}

PST_POST(release, call)
{
	return PST_PASS;
}

PST_POST(flush, call)
{
	return call->caller.uid == 77 ? -EDQUOT : PST_PASS;
}

PST_PRE(fsync, call)
{
	return call->in.fsync.fsync_flags ? -EDQUOT : PST_PASS;
}

PST_PRE(fsyncdir, call)
{
	call->in.fsync.fsync_flags = 0;
	return PST_PASS;
}

PST_PRE(copy, call)
{
	if (call->in.copy.len == 8)
		call->in.copy.off_in = 2;
	if (call->in.copy.len == 9)
		return -EROFS;
	call->in.copy.len /= 2;
	return PST_PASS;
}

PST_PRE(ioctl, call)
{
	return call->in.ioctl.cmd == SETFLAGS ? -EROFS : PST_PASS;
}

PST_POST(readlink, call)
{
	char *target = pst_data(call, 0, 4);

	if (target && target[0] == 'p')
		__builtin_memcpy(target, "ownx", 4);
	if (target)
		call->data_len = 3;
	return PST_PASS;
}

PST_PRE(setxattr, call)
{
	if (pst_name_is(call, 0, "system.posix_acl_default"))
		return -EROFS;
	if (pst_name_is(call, 0, "user.trusted"))
		__builtin_memcpy(call->name[0].text, "trusted.user", 13);
	return change_xattr(call);
}

/* Sees the name and the value as they are now. */
PST_POST(setxattr, call)
{
	char *value = pst_data(call, 0, 7);

	if (!call->error && value && value[0] == 'C' && !pst_name_is(call, 0, "user.b"))
		return -EDQUOT;
	return PST_PASS;
}

PST_PRE(setlk, call)
{
	if ((call->in.lk.lk_flags & 1) && call->in.lk.lk.type == 0) /* flock(2), F_RDLCK */
		return -EROFS;
	if (call->in.lk.lk.start == 7)
		return -EDEADLK;
	if (call->in.lk.lk.start == 100)
		call->in.lk.lk.start = 50;
	return PST_PASS;
}

PST_POST(getlk, call)
{
	if (!call->error && call->out.lk.lk.type != 2) /* F_UNLCK */
		call->out.lk.lk.start += 1;
	return PST_PASS;
}

static __always_inline int refuse_pipes(const struct pst_call *call)
{
	return stat && S_ISFIFO(call->node.attr.mode) ? -EDQUOT : PST_PASS;
}

PST_PRE(getattr, call)
{
	return refuse_pipes(call);
}

PST_PRE(statx, call)
{
	return refuse_pipes(call);
}

PST_POST(getattr, call)
{
	if (stat && !call->error && S_ISCHR(call->out.attr.attr.mode))
		call->out.attr.attr.uid = 5;
	return PST_PASS;
}

PST_POST(statx, call)
{
	if (stat && !call->error && S_ISCHR(call->out.statx.stat.mode))
		call->out.statx.stat.uid = 5;
	return PST_PASS;
}
