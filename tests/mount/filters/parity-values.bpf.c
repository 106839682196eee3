// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * Changes arguments and results, each operation in one way. The names and values are chosen so that
 * a test sees which change took effect.
 */
#include <penstock/filter.bpf.h>

#include "changes.h"

PST_FILTER(0, "changes what operations bring and answer");

/* -- what is brought -------------------------------------------------------------------------- */

PST_PRE(setattr, call)
{
	struct fuse_setattr_in *in = &call->in.setattr;

	/* Changes a value, adds an attribute and drops one. */
	if (in->valid & FATTR_MODE)
		in->mode &= ~0111;
	if ((in->valid & FATTR_MODE) && (in->mode & 0777) == 0600) {
		in->valid |= FATTR_UID;
		in->uid = 1234;
	}
	if ((in->valid & FATTR_GID) && in->gid == 5432)
		return PST_DONE;
	if ((in->valid & FATTR_GID) && in->gid == 4321)
		in->valid &= ~(FATTR_GID | FATTR_UID);
	change_size_and_time(in);
	return PST_PASS;
}

static __always_inline int other_caller(struct pst_call *call)
{
	call->caller.uid = 1234;
	call->caller.gid = 2345;
	return PST_PASS;
}

PST_PRE(create, call)
{
	call->in.create.mode = (call->in.create.mode & ~0777) | 0640;
	call->in.create.umask = 0;
	return other_caller(call);
}

PST_PRE(mkdir, call)
{
	call->in.mkdir.mode = 0701;
	call->in.mkdir.umask = 0;
	return other_caller(call);
}

PST_PRE(mknod, call)
{
	call->in.mknod.mode = (call->in.mknod.mode & ~0777) | 0604;
	call->in.mknod.umask = 0;
	if ((call->in.mknod.mode & S_IFMT) == S_IFCHR)
		call->in.mknod.rdev = 1 << 8 | 5;
	return other_caller(call);
}

PST_PRE(tmpfile, call)
{
	call->in.create.mode = (call->in.create.mode & ~0777) | 0604;
	call->in.create.umask = 0;
	return other_caller(call);
}

PST_PRE(symlink, call)
{
	char *target = pst_data(call, 0, 4);

	if (target && target[0] == 'f' && target[1] == 'r' && target[2] == 'o' &&
	    target[3] == 'm') {
		target[0] = 't';
		target[1] = 'o';
		call->data_len = 2;
	} else if (target && target[0] == 'g') {
		__builtin_memcpy(target, "a longer target", 15);
		call->data_len = 15;
	}
	return other_caller(call);
}

PST_PRE(setxattr, call)
{
	return change_xattr(call);
}

PST_PRE(rename, call)
{
	call->in.rename.flags |= 1; /* RENAME_NOREPLACE */
	return PST_PASS;
}

PST_PRE(copy, call)
{
	if (call->in.copy.len == 8)
		call->in.copy.off_in = 2;
	call->in.copy.len /= 2;
	return PST_PASS;
}

PST_PRE(setlk, call)
{
	if (call->in.lk.lk.start == 7)
		return -EDEADLK;
	if (call->in.lk.lk.start == 100)
		call->in.lk.lk.start = 200;
	return PST_PASS;
}

PST_PRE(readdir, call)
{
	if (call->in.read.size > 1024)
		call->in.read.size = 1024;
	return PST_PASS;
}

PST_PRE(flush, call)
{
	return -EDQUOT;
}
PST_PRE(release, call)
{
	return -EPERM;
}

/* -- what is answered ------------------------------------------------------------------------- */

PST_POST(lookup, call)
{
	if (!call->error && pst_name_is(call, 0, "shown"))
		call->out.entry.attr.gid = 99;
	return PST_PASS;
}

PST_POST(getattr, call)
{
	call->out.attr.attr.uid = 77;
	return PST_PASS;
}

PST_POST(statx, call)
{
	call->out.statx.stat.uid = 77;
	return PST_PASS;
}

PST_POST(setattr, call)
{
	call->out.attr.attr.gid = 78;
	return PST_PASS;
}

PST_POST(readlink, call)
{
	char *target = pst_data(call, 0, 4);

	if (target && target[0] == 'l')
		__builtin_memcpy(target, "LINK", 4);
	return PST_PASS;
}

PST_POST(copy, call)
{
	if (!call->error && call->out.copy.bytes_copied > 100)
		call->out.copy.bytes_copied = 100;
	return PST_PASS;
}

PST_POST(getlk, call)
{
	call->out.lk.lk.pid = 1;
	return PST_PASS;
}

/* FS_IOC_GETFLAGS, which lsattr(1) sends. */
PST_POST(ioctl, call)
{
	char *flags = pst_data(call, 0, 1);

	if (!call->error && call->in.ioctl.cmd == 0x80086601 && flags)
		*flags |= 0x10; /* FS_IMMUTABLE_FL */
	return PST_PASS;
}
