// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * readonly: refuses all changes of files with EROFS, like a file system that is mounted read-only.
 *
 *	names=*.lock:.git	files and trees with these names, in any directory
 *	paths=/usr:/etc		files and trees at these paths from the root of the view
 *
 * Both lists include all files below; without both, the whole tree is protected. The filter refuses
 * opening for writing, so the data of files still passes through. A file that was open for writing
 * when the filter was added can be written to until it is closed.
 *
 * readonly-for refuses changes by some callers only.
 *
 *	uid=1000-1999:65534	changes by these users
 *	gid=100			changes by these groups (the caller's group, not supplementary ones)
 *	cgroup=/sys/fs/cgroup/x	changes by processes in these cgroups
 *
 * If several of uid=, gid= and cgroup= are given, a caller must match all of them.
 */
#include <penstock/filter.bpf.h>

#include <asm/ioctl.h>

PST_OPTION(struct pst_names, names, "names and globs to protect, in any directory");
PST_OPTION(struct pst_paths, paths, "paths to protect, with all below them");

#ifdef READONLY_FOR
PST_FILTER(PST_CELLS | PST_CHOOSES | PST_BY_CALLER | PST_WANT_CGROUP,
	   "refuses some callers all changes of a tree, or of parts of it");
PST_OPTION(struct pst_ids, uid, "users who must not change anything (default: all)")
PST_TAKES("users");
PST_OPTION(struct pst_ids, gid,
	   "groups that must not; supplementary groups do not count (default: all)")
PST_TAKES("groups");
PST_OPTION(struct pst_ids, cgroup, "cgroups that must not (default: all)");
PST_AT_LEAST_ONE_OF("uid gid cgroup");

static __always_inline int concerns(const struct pst_caller *caller)
{
	return (!uid.n || pst_ids_match(&uid, caller->uid)) &&
	       (!gid.n || pst_ids_match(&gid, caller->gid)) &&
	       (!cgroup.n || pst_ids_match(&cgroup, caller->cgroup));
}
#else
PST_FILTER(PST_CELLS | PST_CHOOSES, "refuses all changes of a tree, or of parts of it");

static __always_inline int concerns(const struct pst_caller *caller)
{
	return 1;
}
#endif

static __always_inline int change(struct pst_call *call, __u64 cell)
{
	return pst_chosen(&names, &paths, cell) && concerns(&call->caller) ? -EROFS : PST_PASS;
}

/* This program sees each name that is created, removed or replaced, and both names of a rename. */
PST_NAME(call)
{
	if (!pst_choose(&names, &paths, call) || !pst_op_changes(call->opcode))
		return PST_PASS;
	return concerns(&call->caller) ? -EROFS : PST_PASS;
}

PST_PRE(open, call)
{
	/* O_ACCMODE (3) opens a file for ioctl(2) only, with the rights to read and write. */
	if (!(call->in.open.flags & (O_ACCMODE | O_TRUNC)))
		return PST_PASS;
	return change(call, call->cell);
}

PST_PRE(setattr, call)
{
	return change(call, call->cell);
}

PST_PRE(setxattr, call)
{
	return change(call, call->cell);
}

PST_PRE(removexattr, call)
{
	return change(call, call->cell);
}

PST_PRE(fallocate, call)
{
	return change(call, call->cell);
}

/* A file without a name does not reach the program for names. */
PST_PRE(tmpfile, call)
{
	return change(call, call->cell);
}

/* A new name changes the link count and ctime of the file, even in another directory. */
PST_PRE(link, call)
{
	return change(call, call->cell2);
}

PST_PRE(copy, call)
{
	return change(call, call->cell2);
}

/* An ioctl that passes data to the kernel and gets none back sets something: flags, verity. */
PST_PRE(ioctl, call)
{
	if (_IOC_DIR(call->in.ioctl.cmd) != _IOC_WRITE)
		return PST_PASS;
	return change(call, call->cell);
}
