// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * perms: changes the permissions that files show, that new files get, and that chmod sets.
 *
 *	show=og-w:o-rX		of all files, as the view shows them; the lower files stay
 *	create=g+rwX		of new files, in the lower tree, after the creator's umask
 *	chmod=o-rwx		of a chmod, before it is made in the lower tree
 *
 * The kernel checks permissions by those that the filter shows. Set-ID and sticky bits stay.
 *
 * The entries of an ACL for owner, group, mask and others change like the mode: they are the mode.
 * Entries for named users and groups stay, but the mask limits them.
 */
#include <penstock/filter.bpf.h>

PST_FILTER(PST_SHOWS, "changes permissions that files show, new files get, and chmod sets");

PST_OPTION(struct pst_perms, show, "rules for the permissions that files show");
PST_OPTION(struct pst_perms, create, "rules for the permissions of new files");
PST_OPTION(struct pst_perms, chmod, "rules for the permissions that chmod sets");
PST_AT_LEAST_ONE_OF("show create chmod");

/* -- modes ------------------------------------------------------------------------------------ */

PST_SHOWN(call, shown)
{
	shown->mode = pst_perms_apply(&show, shown->mode);
	return PST_PASS;
}

/* The umask is applied here, because the rules may add what it takes away. */
#define CREATE(OP, IN, TYPE)                                                                       \
	PST_PRE(OP, call)                                                                          \
	{                                                                                          \
		__u32 mode = call->in.IN.mode & ~call->in.IN.umask;                                \
		__u32 type = TYPE ? TYPE : mode & S_IFMT;                                          \
                                                                                                   \
		if (!create.n)                                                                     \
			return PST_PASS;                                                           \
		mode = pst_perms_apply(&create, (mode & 07777) | type);                            \
		call->in.IN.mode = (call->in.IN.mode & ~07777) | (mode & 07777);                   \
		call->in.IN.umask = 0;                                                             \
		return PST_PASS;                                                                   \
	}

CREATE(create, create, S_IFREG)
CREATE(tmpfile, create, S_IFREG)
CREATE(mknod, mknod, 0)
CREATE(mkdir, mkdir, S_IFDIR)

PST_PRE(setattr, call)
{
	__u32 type = call->node.attr.mode & S_IFMT;

	if (call->in.setattr.valid & FATTR_MODE)
		call->in.setattr.mode =
			(call->in.setattr.mode & ~07777) |
			(pst_perms_apply(&chmod, (call->in.setattr.mode & 07777) | type) & 07777);
	return PST_PASS;
}

/* -- ACLs ------------------------------------------------------------------------------------- */

/* The permissions of an ACL; mask is 8 if it has none. */
struct acl {
	__u32 user, group, mask, other;
};

PST_ACL_FN(read_entry, call, tag, perm, id, aux)
{
	struct acl *acl = aux;

	switch (tag) {
	case ACL_USER_OBJ:
		acl->user = *perm & 7;
		break;
	case ACL_GROUP_OBJ:
		acl->group = *perm & 7;
		break;
	case ACL_MASK:
		acl->mask = *perm & 7;
		break;
	case ACL_OTHER:
		acl->other = *perm & 7;
		break;
	}
	return 0;
}

PST_ACL_FN(write_entry, call, tag, perm, id, aux)
{
	struct acl *acl = aux;

	switch (tag) {
	case ACL_USER_OBJ:
		*perm = acl->user;
		break;
	case ACL_GROUP_OBJ:
		*perm = acl->group;
		break;
	case ACL_MASK:
		*perm = acl->mask;
		break;
	case ACL_OTHER:
		*perm = acl->other;
		break;
	}
	return 0;
}

static __always_inline __u32 acl_mode(const struct acl *acl, __u32 group)
{
	return acl->user << 6 | (group & 7) << 3 | acl->other;
}

/* Applies the rules to the ACL of a file: to the mode that the ACL contains, and to its group. */
static __always_inline void change_acl(const volatile struct pst_perms *perms,
				       struct pst_call *call)
{
	__u32 type = call->node.attr.mode & S_IFMT, mode, group;
	struct acl *acl = pst_room(call);

	*acl = (struct acl){ .mask = 8 };
	pst_acl_each(call, read_entry, acl);
	mode = pst_perms_apply(perms, type | acl_mode(acl, acl->mask < 8 ? acl->mask : acl->group));
	group = pst_perms_apply(perms, type | acl_mode(acl, acl->group));
	acl->user = mode >> 6 & 7;
	acl->group = group >> 3 & 7;
	acl->mask = mode >> 3 & 7;
	acl->other = mode & 7;
	pst_acl_each(call, write_entry, acl);
}

PST_POST(getxattr, call)
{
	if (show.n && !call->error && call->in.getxattr.size && pst_acl_is_access(call))
		change_acl(&show, call);
	return PST_PASS;
}

PST_PRE(setxattr, call)
{
	if (chmod.n && pst_acl_is_access(call))
		change_acl(&chmod, call);
	return PST_PASS;
}
