// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * owner: shows all files with one owner, and creates files as one user.
 *
 *	uid=1000, gid=1000	the owner and group that all files show
 *	create_uid=, create_gid= the lower owner and group of files that are created
 *	chown=pass		changes the lower owner; the shown owner stays
 *	chown=deny		refuses changes of the owner (EPERM)
 *	chown=ignore		reports success but changes nothing
 *
 * An owner or group that is not given, or is -1, stays that of the lower file, or of the caller who
 * creates a file. The kernel checks permissions by the owners that the filter shows.
 */
#include <penstock/filter.bpf.h>

PST_FILTER(0, "shows and creates files with another owner");

/* 4294967295 is no valid ID. */
#define OWNER(NAME, KIND, HELP) PST_RANGE(__s64, NAME, -1, 4294967294, HELP) PST_TAKES(KIND) = -1

OWNER(uid, "users", "the owner that files show (-1: that of the lower file)");
OWNER(gid, "groups", "the group that files show (-1: that of the lower file)");
OWNER(create_uid, "users", "the owner of files that are created; -1: the caller");
OWNER(create_gid, "groups", "the group of files that are created; -1: the caller's");
PST_ONE_OF(chown, "pass deny ignore", "pass, deny or ignore changes of owner and group") = "pass";
PST_AT_LEAST_ONE_OF("uid gid create_uid create_gid chown");

#define is(WORD) pst_text_is(chown, WORD, sizeof(WORD))

PST_SHOWN(call, shown)
{
	if (uid >= 0)
		shown->uid = uid;
	if (gid >= 0)
		shown->gid = gid;
	return PST_PASS;
}

PST_CREATES(call)
{
	if (create_uid >= 0)
		call->caller.uid = create_uid;
	if (create_gid >= 0)
		call->caller.gid = create_gid;
	return PST_PASS;
}

PST_PRE(setattr, call)
{
	if (!(call->in.setattr.valid & (FATTR_UID | FATTR_GID)) || is("pass"))
		return PST_PASS;
	if (is("deny"))
		return -EPERM;
	if (!is("ignore"))
		return -EINVAL;
	call->in.setattr.valid &= ~(FATTR_UID | FATTR_GID);
	return PST_PASS;
}
