// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * hide: hides names in any directory, and paths. A hidden name is absent in every operation, and
 * cannot be created.
 *
 *	names=*.key:.env:.git	names and globs, hidden in every directory
 *	paths=/etc/ssl		paths from the root of the view, with all below them
 *
 * hide-for hides from some callers only, so the kernel caches no answer, as it does with hide.
 *
 *	uid=1000-1999:65534	hides from these users
 *	gid=100			hides from these groups (the caller's group, not supplementary ones)
 *	cgroup=/sys/fs/cgroup/x	hides from processes in these cgroups
 *
 * If several of uid=, gid= and cgroup= are given, a caller must match all of them.
 *
 * Users can still notice that something is hidden: a directory with hidden names cannot be removed
 * (ENOTEMPTY, also by rm -rf), its link count includes hidden directories, and hidden entries leave
 * gaps in the offsets of its listing. The time of an operation on a hidden name reveals nothing,
 * because the view does not look the name up in the lower tree.
 */
#include <penstock/filter.bpf.h>

PST_OPTION(struct pst_names, names, "names and globs to hide, in any directory");
PST_OPTION(struct pst_paths, paths, "paths to hide, with all below them");
PST_AT_LEAST_ONE_OF("names paths");

#ifdef HIDE_FOR
PST_FILTER(PST_CELLS | PST_HIDES | PST_CHOOSES | PST_BY_CALLER | PST_WANT_CGROUP,
	   "hides names and paths from some callers");
PST_OPTION(struct pst_ids, uid, "users to hide from (default: all)") PST_TAKES("users");
PST_OPTION(struct pst_ids, gid,
	   "groups to hide from; supplementary groups do not count (default: all)")
PST_TAKES("groups");
PST_OPTION(struct pst_ids, cgroup, "cgroups to hide from (default: all)");
PST_AT_LEAST_ONE_OF("uid gid cgroup");

static __always_inline int concerns(const struct pst_caller *caller)
{
	return (!uid.n || pst_ids_match(&uid, caller->uid)) &&
	       (!gid.n || pst_ids_match(&gid, caller->gid)) &&
	       (!cgroup.n || pst_ids_match(&cgroup, caller->cgroup));
}
#else
PST_FILTER(PST_CELLS | PST_HIDES | PST_CHOOSES, "hides names and paths");
#endif

PST_NAME(call)
{
	/* Without both options nothing is hidden. */
	if (!names.n && pst_paths_empty(&paths))
		return PST_PASS;
	/* Set cells for every caller, because a cell belongs to the file, not to the caller. */
	if (!pst_choose(&names, &paths, call))
		return PST_PASS;
#ifdef HIDE_FOR
	if (!concerns(&call->caller))
		return PST_PASS;
#endif
	return -ENOENT;
}
