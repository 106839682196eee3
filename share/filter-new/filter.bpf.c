// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * @NAME@: a filter for Penstock. As it stands, nobody can make a file whose name matches the option
 * `names`, or give a file such a name; files that have one already are left alone.
 *
 *	penstock mount --filter ./@NAME@.bpf.o,names=*.tmp:core LOWER MOUNTPOINT
 *
 * docs/filters.md teaches how to go on from here, penstock-filters(7) is the reference.
 */
#include <penstock/filter.bpf.h>

/*
 * One line for those who choose a filter. The 0 stands for flags: PST_BY_CALLER, for instance, where
 * the answer depends on call->caller.
 */
PST_FILTER(0, "refuses to make files whose names match");

/* Options: a type, a name, and help for `penstock filter check`. Without '=' a list is empty. */
PST_OPTION(struct pst_names, names, "names and globs of what nobody can make");

/* Whether name I of the call is one of them: then the answer to the caller is "not permitted". */
static __always_inline int refuse_name(struct pst_call *call, int i)
{
	if (!pst_names_match(&names, call, i))
		return PST_PASS;
	/* A word and two numbers of your choice, for `penstock trace MOUNTPOINT`. */
	pst_event(call, "refused", call->caller.uid, 0);
	return -EPERM;
}

/* A program before each operation that makes something. What is made is called call->name[0]. */
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
