// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * @NAME@: a filter for Penstock. It refuses to create files whose names match the option `names`,
 * and to rename files to such names. Files that have such a name already are not affected.
 *
 *	penstock mount --filter ./@NAME@.bpf.o,names=*.tmp:core LOWER MOUNTPOINT
 *
 * docs/filters.md teaches how to write a filter; penstock-filters(7) is the reference.
 */
#include <penstock/filter.bpf.h>

/*
 * The flags and the summary of the filter. 0: no flags. A filter whose answers depend on
 * call->caller needs PST_BY_CALLER.
 */
PST_FILTER(0, "refuses to create files whose names match");

/* An option: its type, its name, and help for `penstock filter check`. The default is no names. */
PST_OPTION(struct pst_names, names, "names and globs of files that cannot be created");

/* Returns -EPERM, "not permitted", if name i of the call matches, else PST_PASS. */
static __always_inline int refuse_name(struct pst_call *call, int i)
{
	if (!pst_names_match(&names, call, i))
		return PST_PASS;
	/* `penstock trace MOUNTPOINT` prints this word and these two numbers. */
	pst_event(call, "refused", call->caller.uid, 0);
	return -EPERM;
}

/* A program before each operation that creates a file, whose name is call->name[0]. */
PST_PRE(create, call)
{
	return refuse_name(call, 0);
}

PST_PRE(mknod, call)
{
	return refuse_name(call, 0);
}

PST_PRE(mkdir, call)
{
	return refuse_name(call, 0);
}

PST_PRE(symlink, call)
{
	return refuse_name(call, 0);
}

PST_PRE(link, call)
{
	return refuse_name(call, 0);
}

/* A rename has two names: the new one is call->name[1]. */
PST_PRE(rename, call)
{
	return refuse_name(call, 1);
}
