// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * hide: names that are not there, in any directory, and paths. What is hidden is absent in every
 * operation, and cannot be created either.
 *
 *	names=*.key:.env:.git	names and globs, hidden wherever they are
 *	paths=/etc/ssl		paths below the root, with all that is below them
 *
 * hide-for is the same for some callers only; this one allows the kernel to cache what it was told.
 *
 *	uid=1000-1999:65534	hides from these users,
 *	gid=100			... from these groups (the caller's own, not its others),
 *	cgroup=/sys/fs/cgroup/x	... from processes in these cgroups
 *
 * Of the last three, all that are given have to fit; without any, things are hidden from everybody.
 *
 * Users can still notice that something is hidden: a directory with hidden names in it cannot be
 * removed (ENOTEMPTY, also by rm -rf), its link count has the hidden directories, and where they are in
 * it leaves gaps in the offsets of its listing. How long an operation on a hidden name takes says
 * nothing: the lower tree is not asked.
 */
#include <penstock/filter.bpf.h>

PST_OPTION(struct pst_names, names, "names and globs to hide, in any directory");
PST_OPTION(struct pst_paths, paths, "paths to hide, with all below them");
PST_AT_LEAST_ONE_OF("names paths");

#ifdef HIDE_FOR
PST_FILTER(PST_CELLS | PST_HIDES | PST_BY_CALLER | PST_WANT_CGROUP,
	   "hides names and paths from some callers");
PST_OPTION(struct pst_ids, uid, "users to hide from; none: all") PST_TAKES("users");
PST_OPTION(struct pst_ids, gid, "groups to hide from, by the caller's own; none: all")
PST_TAKES("groups");
PST_OPTION(struct pst_ids, cgroup, "cgroups to hide from; none: all");
PST_AT_LEAST_ONE_OF("uid gid cgroup");

static __always_inline int concerns(const struct pst_caller *caller)
{
	return (!uid.n || pst_ids_match(&uid, caller->uid)) &&
	       (!gid.n || pst_ids_match(&gid, caller->gid)) &&
	       (!cgroup.n || pst_ids_match(&cgroup, caller->cgroup));
}
#else
PST_FILTER(PST_CELLS | PST_HIDES, "hides names and paths");
#endif

PST_NAME(call)
{
	/* Nobody named anything: here that means nothing, not everything. */
	if (!names.n && pst_paths_empty(&paths))
		return PST_PASS;
	/* For everybody: who is not concerned may go where others must not. */
	if (!pst_choose(&names, &paths, call))
		return PST_PASS;
#ifdef HIDE_FOR
	if (!concerns(&call->caller))
		return PST_PASS;
#endif
	return -ENOENT;
}
