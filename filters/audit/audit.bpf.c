// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * audit: reports each operation as an event for `penstock trace`, which adds the caller, the
 * operation and the path.
 *
 *	ops=unlink:rename:set*	names and globs of operations (default: all)
 *	changes_only		only operations that change something or open for writing
 *	uid=1000-1999		only operations of these users (default: all)
 *
 * An event is "ok" or "refused". Its first number is the errno, its second the flags of an open or
 * rename, the members that a SETATTR sets, or the command of an ioctl.
 *
 * The filter sees the requests that reach the view, but not answers from the kernel's cache, nor
 * reads and writes of files that pass through: these show only as an open and a release.
 */
#include <penstock/filter.bpf.h>

PST_FILTER(0, "reports operations and their results as events");

PST_LIST_OF(ops, PST_OP_WORDS, "names and globs of operations to report (default: all)");
PST_OPTION(_Bool, changes_only, "only operations that change something or open for writing");
PST_OPTION(struct pst_ids, uid, "users to report (default: all)") PST_TAKES("users");

static __always_inline int changes(const struct pst_call *call)
{
	if (call->opcode == FUSE_OPEN)
		return call->in.open.flags & (O_ACCMODE | O_TRUNC);
	return pst_op_changes(call->opcode);
}

static __always_inline __u64 asked_for(const struct pst_call *call)
{
	switch (call->opcode) {
	case FUSE_OPEN:
	case FUSE_OPENDIR:
		return call->in.open.flags;
	case FUSE_CREATE:
	case FUSE_TMPFILE:
		return call->in.create.flags;
	case FUSE_RENAME2:
		return call->in.rename.flags;
	case FUSE_SETATTR:
		return call->in.setattr.valid;
	case FUSE_IOCTL:
		return call->in.ioctl.cmd;
	default:
		return 0;
	}
}

PST_POST(any, call)
{
	if (changes_only && !changes(call))
		return PST_PASS;
	if (uid.n && !pst_ids_match(&uid, call->caller.uid))
		return PST_PASS;
	if (ops.n && !pst_op_match(&ops, call))
		return PST_PASS;
	if (call->error)
		pst_event(call, "refused", -call->error, asked_for(call));
	else
		pst_event(call, "ok", 0, asked_for(call));
	return PST_PASS;
}
