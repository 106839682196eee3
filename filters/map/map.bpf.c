// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * map: shows files of some users and groups as files of others, and makes changes for the former.
 *
 *	users=1000/alice:3000-3999/5000		a file of 1000 shows alice as its owner
 *	groups=100/staff
 *	users=+100000				adds a number to every ID; - subtracts
 *	users=/mnt/old/etc/passwd		the IDs of that file show those that the names
 *						have on this system
 *	reverse					swaps the two sides of both lists
 *
 * Files that alice creates belong to 1000 in the lower tree, and a chown to alice is one to 1000.
 * An ID in no pair is its own counterpart. With an offset, an ID whose sum is no ID has no
 * counterpart: operations on such a file, or to such an owner, fail with EOVERFLOW, so nobody gets
 * its rights.
 *
 * The kernel checks permissions by the owners that the filter shows. Users and groups in ACLs are
 * mapped alike. The data of quotas and of network file systems has the lower IDs.
 */
#include <penstock/filter.bpf.h>

PST_FILTER(PST_SHOWS, "shows the files of some users and groups as those of others");

PST_OPTION(struct pst_id_map, users, "users: LOWER/SHOWN, ranges, +N, -N, or a passwd file")
PST_TAKES("users");
PST_OPTION(struct pst_id_map, groups, "groups: LOWER/SHOWN, ranges, +N, -N, or a group file")
PST_TAKES("groups");
PST_OPTION(_Bool, reverse, "swap lower and shown IDs");
PST_AT_LEAST_ONE_OF("users groups");

static __always_inline __u32 shown_id(struct pst_call *call, const volatile struct pst_id_map *map,
				      __u32 id)
{
	return reverse ? pst_id_back(call, map, id) : pst_id_there(call, map, id);
}

static __always_inline __u32 lower_id(struct pst_call *call, const volatile struct pst_id_map *map,
				      __u32 id)
{
	return reverse ? pst_id_there(call, map, id) : pst_id_back(call, map, id);
}

PST_SHOWN(call, shown)
{
	__u32 uid = shown_id(call, &users, shown->uid), gid = shown_id(call, &groups, shown->gid);

	if (uid == PST_NO_ID || gid == PST_NO_ID)
		return -EOVERFLOW;
	shown->uid = uid;
	shown->gid = gid;
	return PST_PASS;
}

/* -- creations and changes -------------------------------------------------------------------- */

PST_CREATES(call)
{
	__u32 uid = lower_id(call, &users, call->caller.uid);
	__u32 gid = lower_id(call, &groups, call->caller.gid);

	if (uid == PST_NO_ID || gid == PST_NO_ID)
		return -EOVERFLOW;
	call->caller.uid = uid;
	call->caller.gid = gid;
	return PST_PASS;
}

PST_PRE(setattr, call)
{
	__u32 uid = call->in.setattr.uid, gid = call->in.setattr.gid;

	if (call->in.setattr.valid & FATTR_UID)
		uid = lower_id(call, &users, uid);
	if (call->in.setattr.valid & FATTR_GID)
		gid = lower_id(call, &groups, gid);
	if (((call->in.setattr.valid & FATTR_UID) && uid == PST_NO_ID) ||
	    ((call->in.setattr.valid & FATTR_GID) && gid == PST_NO_ID))
		return -EOVERFLOW;
	call->in.setattr.uid = uid;
	call->in.setattr.gid = gid;
	return PST_PASS;
}

/* -- ACLs ------------------------------------------------------------------------------------- */

/* Maps the users and groups that an ACL names. Sets *bad if an ID has no counterpart. */
#define MAP_ACL(NAME, MAP)                                                                         \
	PST_ACL_FN(NAME, call, tag, perm, id, aux)                                                 \
	{                                                                                          \
		__u32 *bad = aux;                                                                  \
                                                                                                   \
		if (tag == ACL_USER)                                                               \
			*id = MAP(call, &users, *id);                                              \
		else if (tag == ACL_GROUP)                                                         \
			*id = MAP(call, &groups, *id);                                             \
		else                                                                               \
			return 0;                                                                  \
		*bad |= *id == PST_NO_ID;                                                          \
		return 0;                                                                          \
	}

MAP_ACL(entry_there, shown_id)
MAP_ACL(entry_back, lower_id)

PST_POST(getxattr, call)
{
	__u32 *bad = pst_room(call);

	if (call->error || !call->in.getxattr.size || !pst_acl_is_any(call))
		return PST_PASS;
	*bad = 0;
	pst_acl_each(call, entry_there, bad);
	return *bad ? -EOVERFLOW : PST_PASS;
}

PST_PRE(setxattr, call)
{
	__u32 *bad = pst_room(call);

	if (!pst_acl_is_any(call))
		return PST_PASS;
	*bad = 0;
	pst_acl_each(call, entry_back, bad);
	return *bad ? -EOVERFLOW : PST_PASS;
}
