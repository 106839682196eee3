// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * readonly: files that nobody changes, as on a file system that is mounted read-only (EROFS).
 *
 *	names=*.lock:.git	files and trees of these names, in any directory
 *	paths=/usr:/etc		... at these paths below the root
 *
 * Both lists mean what is below, too; when both are empty it is the whole tree. Opening for writing
 * is what is refused, so the data of files still passes by in the kernel; a file that was open for
 * writing before the filter came stays so until it is closed.
 *
 * readonly-for is the same for some callers only.
 *
 *	uid=1000-1999:65534	for these users,
 *	gid=100			... these groups (the caller's own, not its others),
 *	cgroup=/sys/fs/cgroup/x	... processes in these cgroups
 *
 * Of the last three, all that are given have to fit; without any, it is for everybody.
 */
#include <penstock/filter.bpf.h>

#include <asm/ioctl.h>

PST_OPTION(struct pst_names, names, "names and globs to protect, in any directory");
PST_OPTION(struct pst_paths, paths, "paths to protect, with all below them");

#ifdef READONLY_FOR
PST_FILTER(PST_CELLS | PST_BY_CALLER | PST_WANT_CGROUP,
	   "refuses some callers all changes of a tree, or of parts of it");
PST_OPTION(struct pst_ids, uid, "users who must not change anything; none: all") PST_TAKES("users");
PST_OPTION(struct pst_ids, gid, "groups that must not, by the caller's own; none: all")
PST_TAKES("groups");
PST_OPTION(struct pst_ids, cgroup, "cgroups that must not; none: all");
PST_AT_LEAST_ONE_OF("uid gid cgroup");

static __always_inline int concerns(const struct pst_caller *caller)
{
	return (!uid.n || pst_ids_match(&uid, caller->uid)) &&
	       (!gid.n || pst_ids_match(&gid, caller->gid)) &&
	       (!cgroup.n || pst_ids_match(&cgroup, caller->cgroup));
}
#else
PST_FILTER(PST_CELLS, "refuses all changes of a tree, or of parts of it");

static __always_inline int concerns(const struct pst_caller *caller)
{
	return 1;
}
#endif

static __always_inline int change(struct pst_call *call, __u64 cell)
{
	return pst_chosen(&names, &paths, cell) && concerns(&call->caller) ? -EROFS : PST_PASS;
}

/*
 * Every name that is made, taken away or put in another's place comes by here, both of a rename,
 * too.
 */
PST_NAME(call)
{
	if (!pst_choose(&names, &paths, call) || !pst_op_changes(call->opcode))
		return PST_PASS;
	return concerns(&call->caller) ? -EROFS : PST_PASS;
}

PST_PRE(open, call)
{
	/* O_ACCMODE alone is for ioctl(2) on what one may read and write. */
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

/* The kernel does not look at names when the file has none. */
PST_PRE(tmpfile, call)
{
	return change(call, call->cell);
}

/* A new name changes the file, wherever it is. */
PST_PRE(link, call)
{
	return change(call, call->cell2);
}

PST_PRE(copy, call)
{
	return change(call, call->cell2);
}

/* What only takes something from the caller sets it: flags, project, verity. */
PST_PRE(ioctl, call)
{
	if (_IOC_DIR(call->in.ioctl.cmd) != _IOC_WRITE)
		return PST_PASS;
	return change(call, call->cell);
}
