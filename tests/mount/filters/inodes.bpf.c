// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * For the tests of the kernel module: changes and refuses operations on files, before and after
 * they are done, but none that has names of entries. Numbers in the arguments say which.
 */
#include <penstock/filter.bpf.h>

PST_FILTER(0, "changes operations on files");

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
	if (in->valid & FATTR_SIZE)
		in->size = (in->size + 99) / 100 * 100;
	if (in->valid & FATTR_MTIME_NOW) {
		in->valid &= ~FATTR_MTIME_NOW;
		in->mtime = 1000000000;
		in->mtimensec = 123456789;
	}
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
