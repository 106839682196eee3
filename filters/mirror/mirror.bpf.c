// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * mirror: shows some users themselves as the owner of all files.
 *
 *	users=alice:1001:@staff	the users; @staff are the members that the group has when the
 *				filter is loaded
 *	only			refuses all other users but root (EACCES)
 *
 * So these users have the rights of the owner: perms,show= changes which these are. Other users see
 * the real owner. Files that these users create belong to them in the lower tree, too.
 *
 * The kernel caches no attributes, because they depend on the caller. It keeps one owner for each
 * file, that of the last reply: when two of the users work on a file at the same moment, it may
 * check one of them by the owner that it has shown the other, and refuse that operation. A user who
 * is in no list gets no rights in this way, because the owner is then another user.
 */
#define PST_MAX_RANGES 256
#include <penstock/filter.bpf.h>

PST_FILTER(PST_BY_CALLER, "shows some users themselves as the owner of all files");

PST_OPTION(struct pst_ids, users, "users who see themselves as the owner; @GROUP for its members")
PST_TAKES("users");
PST_OPTION(_Bool, only, "refuse all other users but root");
PST_AT_LEAST_ONE_OF("users");

static __always_inline int mirrored(const struct pst_call *call)
{
	return pst_ids_match(&users, call->caller.uid);
}

static __always_inline int refused(const struct pst_call *call)
{
	return only && call->caller.uid && !mirrored(call);
}

PST_SHOWN(call, shown)
{
	if (mirrored(call))
		shown->uid = call->caller.uid;
	else if (refused(call))
		shown->mode &= ~0777;
	return PST_PASS;
}

/*
 * The kernel refuses by the mode that such a user sees. But while a mirrored user works on a
 * directory, it may have that user's mode: so the operations refuse, too. Each other operation on a
 * name comes after a LOOKUP, as the kernel caches no name.
 */
#define REFUSE(OP)                                                                                 \
	PST_PRE(OP, call)                                                                          \
	{                                                                                          \
		return refused(call) ? -EACCES : PST_PASS;                                         \
	}

REFUSE(lookup)
REFUSE(open)
REFUSE(opendir)
REFUSE(setattr)
REFUSE(tmpfile)
REFUSE(getxattr)
REFUSE(listxattr)
REFUSE(setxattr)
REFUSE(removexattr)
