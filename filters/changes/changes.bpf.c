// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * changes: refuses or ignores kinds of changes that the permissions of a file would allow.
 *
 *	chmod=pass|deny|ignore	changes of permissions, also by an ACL
 *	chmod_x			with chmod=deny or ignore: execute bits of files can still change
 *	chown=pass|deny|ignore	changes of the owner
 *	chgrp=pass|deny|ignore	changes of the group
 *	delete=pass|deny	removing files and directories; a rename can still replace a file
 *	rename=pass|deny	renaming, replacing and exchanging
 *	xattr=pass|deny		setting and removing extended attributes
 *
 * deny: EPERM, like a file system that does not know the operation. ignore: the caller is told that
 * the change was made.
 */
#include <penstock/filter.bpf.h>

PST_FILTER(PST_WANT_ATTR, "refuses or ignores chmod, chown, removal, renaming");

#define POLICY(NAME, HELP) PST_ONE_OF(NAME, "pass deny ignore", HELP) = "pass"
#define SWITCH(NAME, HELP) PST_ONE_OF(NAME, "pass deny", HELP) = "pass"

POLICY(chmod, "changes of permissions");
PST_OPTION(_Bool, chmod_x, "execute bits of files can change whatever chmod= says");
POLICY(chown, "changes of the owner");
POLICY(chgrp, "changes of the group");
SWITCH(delete, "removing files and directories");
SWITCH(rename, "renaming files and directories");
SWITCH(xattr, "setting and removing extended attributes");
PST_AT_LEAST_ONE_OF("chmod chown chgrp delete rename xattr");

#define is(OPTION, WORD) pst_text_is(OPTION, WORD, sizeof(WORD))

/* -- attributes ------------------------------------------------------------------------------- */

/* The changes of a SETATTR that a caller can ask for. */
#define REQUESTS                                                                                   \
	(FATTR_MODE | FATTR_UID | FATTR_GID | FATTR_SIZE | FATTR_ATIME | FATTR_MTIME |             \
	 FATTR_ATIME_NOW | FATTR_MTIME_NOW)

/* Checks one member of a SETATTR. Returns 0 or -EPERM. */
static __always_inline int check(struct pst_call *call, const volatile char *policy, __u32 member)
{
	if (!(call->in.setattr.valid & member) || is(policy, "pass"))
		return 0;
	if (is(policy, "deny"))
		return -EPERM;
	call->in.setattr.valid &= ~member;
	return 0;
}

/* Leaves of a chmod only the change of execute bits. Returns 0 or -EPERM. */
static __always_inline int check_chmod_x(struct pst_call *call, __u32 lower)
{
	__u32 mode = call->in.setattr.mode, differs = (mode ^ lower) & 07777;

	if (is(chmod, "deny") && (differs & ~0111))
		return -EPERM;
	call->in.setattr.mode = (mode & ~07777) | ((lower ^ (differs & 0111)) & 07777);
	return 0;
}

static __always_inline int check_chmod(struct pst_call *call)
{
	__u32 lower = call->node.attr.mode;

	if (chmod_x && (call->in.setattr.valid & FATTR_MODE) && S_ISREG(lower) &&
	    !is(chmod, "pass"))
		return check_chmod_x(call, lower);
	return check(call, chmod, FATTR_MODE);
}

/*
 * A SETATTR of nothing is what the kernel sends to clear set-ID bits. An ignored change must not
 * do that, so it sets the mode that the file has.
 */
static __always_inline void keep_set_ids(struct pst_call *call)
{
	__u32 lower = call->node.attr.mode;

	if ((call->in.setattr.valid & REQUESTS) || !(lower & (S_ISUID | S_ISGID)) || S_ISDIR(lower))
		return;
	call->in.setattr.valid |= FATTR_MODE;
	call->in.setattr.mode = lower;
}

PST_PRE(setattr, call)
{
	__u32 asked = call->in.setattr.valid & REQUESTS;
	int r = check(call, chown, FATTR_UID);

	if (!r)
		r = check(call, chgrp, FATTR_GID);
	if (!r)
		r = check_chmod(call);
	if (!r && asked)
		keep_set_ids(call);
	return r;
}

/* -- extended attributes ---------------------------------------------------------------------- */

/* An ACL contains the permissions of its file. */
static __always_inline int check_xattr(struct pst_call *call)
{
	if (is(xattr, "deny"))
		return -EPERM;
	if (is(chmod, "pass") || !pst_acl_is_access(call))
		return PST_PASS;
	return is(chmod, "deny") ? -EPERM : PST_DONE;
}

PST_PRE(setxattr, call)
{
	return check_xattr(call);
}

PST_PRE(removexattr, call)
{
	/* The kernel removes file capabilities before each write. */
	if (pst_name_is(call, 0, "security.capability"))
		return PST_PASS;
	return check_xattr(call);
}

/* -- names ------------------------------------------------------------------------------------ */

PST_PRE(unlink, call)
{
	return is(delete, "deny") ? -EPERM : PST_PASS;
}

PST_PRE(rmdir, call)
{
	return is(delete, "deny") ? -EPERM : PST_PASS;
}

PST_PRE(rename, call)
{
	return is(rename, "deny") ? -EPERM : PST_PASS;
}
