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
 * rules-owner shows the owners of the lines owner of a file of rules instead (docs/rules.md):
 *
 *	rules=project.rules	the file, instead of uid= and gid=
 *
 * An owner or group that is not given, or is -1, stays that of the lower file, or of the caller who
 * creates a file. The kernel checks permissions by the owners that the filter shows.
 */
#ifdef OWNER_RULES
#include <penstock/filter-rules.bpf.h>

PST_FILTER(PST_CELLS, "shows the owners that a file of rules gives");

PST_OPTION(struct pst_rules, rules, "the file of rules: owner") PST_TAKES("verbs owner");
PST_AT_LEAST_ONE_OF("rules");
#else
#include <penstock/filter.bpf.h>

PST_FILTER(PST_SHOWS, "shows and creates files with another owner");
PST_AT_LEAST_ONE_OF("uid gid create_uid create_gid chown");
#endif

/* 4294967295 is no valid ID. */
#define OWNER(NAME, KIND, HELP) PST_RANGE(__s64, NAME, -1, 4294967294, HELP) PST_TAKES(KIND) = -1

#ifndef OWNER_RULES
OWNER(uid, "users", "the owner that files show (-1: that of the lower file)");
OWNER(gid, "groups", "the group that files show (-1: that of the lower file)");
#endif
OWNER(create_uid, "users", "the owner of files that are created; -1: the caller");
OWNER(create_gid, "groups", "the group of files that are created; -1: the caller's");
PST_ONE_OF(chown, "pass deny ignore", "pass, deny or ignore changes of owner and group") = "pass";

#define is(WORD) pst_text_is(chown, WORD, sizeof(WORD))

#ifdef OWNER_RULES
PST_NAME(call)
{
	pst_rules_choose(&rules, call, 0);
	return PST_PASS;
}

PST_SHOWN(call, shown)
{
	__u64 value = pst_rules_value_shown(&rules, call, shown->mode);

	/* The numbers of the lines are 1 higher, because 0 is none. */
	if ((__u32)value)
		shown->uid = (__u32)value - 1;
	if (value >> 32)
		shown->gid = (value >> 32) - 1;
	if (call->opcode == FUSE_TMPFILE)
		call->child.cell = value;
	return PST_PASS;
}
#else
PST_SHOWN(call, shown)
{
	if (uid >= 0)
		shown->uid = uid;
	if (gid >= 0)
		shown->gid = gid;
	return PST_PASS;
}
#endif

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
