/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include <penstock/filter.bpf.h>

#ifndef PENSTOCK_FILTER_ATTR_BPF_H
#define PENSTOCK_FILTER_ATTR_BPF_H
/* Helpers of filters for the attributes that a view shows: owners, permissions and ACLs. */
#include <linux/posix_acl.h>
#include <linux/posix_acl_xattr.h>

/* -- attributes in replies -------------------------------------------------------------------- */

/* The attributes of a reply; struct fuse_attr and struct fuse_statx have them in common. */
struct pst_shown {
	__u64 mtime, ctime; /* seconds */
	__u32 mtimensec, ctimensec;
	__u32 mode, nlink, uid, gid;
};

/*
 * Defines the programs after all operations whose reply has attributes: LOOKUP, GETATTR and others.
 * They run if the operation has succeeded. SHOWN points to a copy of the attributes; the programs
 * put its members into the reply.
 *
 *	PST_SHOWN(call, shown)
 *	{
 *		shown->mode &= ~0022;
 *		return PST_PASS;
 *	}
 */
#define PST_SHOWN(CALL, SHOWN)                                                                     \
	static __always_inline int pst_shown_body(struct pst_call *CALL, struct pst_shown *SHOWN); \
	PST_SHOWN_AFTER(lookup, entry.attr)                                                        \
	PST_SHOWN_AFTER(mknod, entry.attr)                                                         \
	PST_SHOWN_AFTER(mkdir, entry.attr)                                                         \
	PST_SHOWN_AFTER(symlink, entry.attr)                                                       \
	PST_SHOWN_AFTER(link, entry.attr)                                                          \
	PST_SHOWN_AFTER(create, create.entry.attr)                                                 \
	PST_SHOWN_AFTER(tmpfile, create.entry.attr)                                                \
	PST_SHOWN_AFTER(getattr, attr.attr)                                                        \
	PST_SHOWN_AFTER(setattr, attr.attr)                                                        \
	PST_POST(statx, pst_call)                                                                  \
	{                                                                                          \
		struct fuse_statx *stat = &pst_call->out.statx.stat;                               \
		struct pst_shown shown = { stat->mtime.tv_sec,  stat->ctime.tv_sec,                \
					   stat->mtime.tv_nsec, stat->ctime.tv_nsec,               \
					   stat->mode,          stat->nlink,                       \
					   stat->uid,           stat->gid };                       \
		int r;                                                                             \
                                                                                                   \
		if (pst_call->error)                                                               \
			return PST_PASS;                                                           \
		r = pst_shown_body(pst_call, &shown);                                              \
		stat->mtime.tv_sec = shown.mtime;                                                  \
		stat->mtime.tv_nsec = shown.mtimensec;                                             \
		stat->ctime.tv_sec = shown.ctime;                                                  \
		stat->ctime.tv_nsec = shown.ctimensec;                                             \
		stat->mode = shown.mode;                                                           \
		stat->nlink = shown.nlink;                                                         \
		stat->uid = shown.uid;                                                             \
		stat->gid = shown.gid;                                                             \
		return r;                                                                          \
	}                                                                                          \
	static __always_inline int pst_shown_body(struct pst_call *CALL, struct pst_shown *SHOWN)

#define PST_SHOWN_AFTER(OP, MEMBER)                                                                \
	PST_POST(OP, pst_call)                                                                     \
	{                                                                                          \
		struct fuse_attr *attr = &pst_call->out.MEMBER;                                    \
		struct pst_shown shown = { attr->mtime,     attr->ctime, attr->mtimensec,          \
					   attr->ctimensec, attr->mode,  attr->nlink,              \
					   attr->uid,       attr->gid };                           \
		int r;                                                                             \
                                                                                                   \
		if (pst_call->error)                                                               \
			return PST_PASS;                                                           \
		r = pst_shown_body(pst_call, &shown);                                              \
		attr->mtime = shown.mtime;                                                         \
		attr->mtimensec = shown.mtimensec;                                                 \
		attr->ctime = shown.ctime;                                                         \
		attr->ctimensec = shown.ctimensec;                                                 \
		attr->mode = shown.mode;                                                           \
		attr->nlink = shown.nlink;                                                         \
		attr->uid = shown.uid;                                                             \
		attr->gid = shown.gid;                                                             \
		return r;                                                                          \
	}

/*
 * Defines the programs before all operations that create a file: CREATE, MKDIR, MKNOD, SYMLINK and
 * TMPFILE.
 *
 *	PST_CREATES(call)
 *	{
 *		call->caller.uid = 1000;
 *		return PST_PASS;
 *	}
 */
#define PST_CREATES(CALL)                                                                          \
	static __always_inline int pst_creates_body(struct pst_call *CALL);                        \
	PST_CREATES_BEFORE(create)                                                                 \
	PST_CREATES_BEFORE(mkdir)                                                                  \
	PST_CREATES_BEFORE(mknod)                                                                  \
	PST_CREATES_BEFORE(symlink)                                                                \
	PST_CREATES_BEFORE(tmpfile)                                                                \
	static __always_inline int pst_creates_body(struct pst_call *CALL)

#define PST_CREATES_BEFORE(OP)                                                                     \
	PST_PRE(OP, pst_call)                                                                      \
	{                                                                                          \
		return pst_creates_body(pst_call);                                                 \
	}

/* -- permissions ------------------------------------------------------------------------------ */

/* Returns three bits of permissions for owner, group and others. */
static __always_inline __u32 pst_perm_all(__u32 bits)
{
	return (bits & 7) * 0111;
}

/* Returns the permissions of a rule for a file that has this mode before all rules. */
static __always_inline __u32 pst_perm_bits(const volatile struct pst_perm_rule *rule, __u32 mode)
{
	__u32 bits = rule->bits;

	if (rule->copy & PST_PERM_USER)
		bits |= pst_perm_all(mode >> 6);
	if (rule->copy & PST_PERM_GROUP)
		bits |= pst_perm_all(mode >> 3);
	if (rule->copy & PST_PERM_OTHER)
		bits |= pst_perm_all(mode);
	if ((rule->copy & PST_PERM_X) && (S_ISDIR(mode) || (mode & 0111)))
		bits |= 0111;
	if ((rule->copy & PST_PERM_D) && S_ISDIR(mode))
		bits |= 0111;
	return bits & rule->who;
}

/*
 * Returns the mode, which includes the type of the file, with its permissions changed by the rules
 * of an option. Set-ID and sticky bits, and links, stay as they are.
 */
static __always_inline __u32 pst_perms_apply(const volatile struct pst_perms *perms, __u32 mode)
{
	__u32 old = mode;

	if (S_ISLNK(mode))
		return mode;
	for (__u32 i = 0; i < PST_MAX_PERM_RULES; i++) {
		const volatile struct pst_perm_rule *rule = &perms->rule[i];
		__u32 bits;

		if (i >= perms->n)
			break;
		if (!(S_ISDIR(old) ? rule->dirs : rule->files))
			continue;
		bits = pst_perm_bits(rule, old);
		if (rule->op == '-')
			mode &= ~bits;
		else if (rule->op == '+')
			mode |= bits;
		else
			mode = (mode & ~(__u32)rule->who) | bits;
	}
	return mode;
}

/* -- IDs -------------------------------------------------------------------------------------- */

/* The result of pst_id_there() and pst_id_back() for an ID without a counterpart; no valid ID. */
#define PST_NO_ID 4294967295U

struct pst_id_search {
	const volatile struct pst_id_range *rows;
	struct pst_scratch *scratch;
	__u32 id;
};

/* One step of the binary search for the first row that begins after the ID. */
PST_LOOP(pst_id_halve, i, ctx)
{
	const struct pst_id_search *search = ctx;
	struct pst_scratch *s = search->scratch;
	__u32 middle = s->row + (s->row_end - s->row) / 2;

	if (s->row >= s->row_end)
		return 1;
	barrier_var(middle);
	if (search->rows[middle & (PST_MAX_ID_RANGES - 1)].from > search->id)
		s->row_end = middle;
	else
		s->row = middle + 1;
	return 0;
}

PST_HELPER __u32 pst_id_find(struct pst_call *call, const volatile struct pst_id_map *map, int back,
			     __u32 id)
{
	struct pst_id_search search = {
		.rows = back ? map->back : map->there,
		.scratch = pst_scratch(call),
		.id = id,
	};
	const volatile struct pst_id_range *row;
	__u32 at;

	search.scratch->row = 0;
	search.scratch->row_end = map->n;
	bpf_loop(11, pst_id_halve, &search, 0);
	at = search.scratch->row;
	if (at) {
		at = (at - 1) & (PST_MAX_ID_RANGES - 1);
		barrier_var(at);
		row = &search.rows[at];
		if (row->from <= id && id <= row->last)
			return row->to + (id - row->from);
	}
	return map->strict ? PST_NO_ID : id;
}

/* Returns the ID that the view shows for a lower ID. */
static __always_inline __u32 pst_id_there(struct pst_call *call,
					  const volatile struct pst_id_map *map, __u32 id)
{
	return map->n ? pst_id_find(call, map, 0, id) : id;
}

/* Returns the lower ID for an ID of the view. */
static __always_inline __u32 pst_id_back(struct pst_call *call,
					 const volatile struct pst_id_map *map, __u32 id)
{
	return map->n ? pst_id_find(call, map, 1, id) : id;
}

/* -- ACLs ------------------------------------------------------------------------------------- */

/* Returns whether the operation is on the ACL of a file, not on the default ACL of a directory. */
#define pst_acl_is_access(CALL) pst_name_is(CALL, 0, "system.posix_acl_access")

/* Returns whether the operation is on an ACL. */
#define pst_acl_is_any(CALL)                                                                       \
	(pst_acl_is_access(CALL) || pst_name_is(CALL, 0, "system.posix_acl_default"))

/* ACLs are stored with their lowest byte first. */
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define pst_acl16(number) (number)
#define pst_acl32(number) (number)
#else
#define pst_acl16(number) __builtin_bswap16(number)
#define pst_acl32(number) __builtin_bswap32(number)
#endif

/*
 * Defines a function that pst_acl_each() calls for each entry of the ACL in the data of GETXATTR or
 * SETXATTR. The function may change PERM and ID. A result that is not 0 ends the loop.
 *
 *	PST_ACL_FN(no_write, call, tag, perm, id, aux)
 *	{
 *		*perm &= ~ACL_WRITE;
 *		return 0;
 *	}
 *	...
 *	pst_acl_each(call, no_write, NULL);
 */
#define PST_ACL_FN(NAME, CALL, TAG, PERM, ID, AUX)                                                 \
	static __always_inline int NAME(struct pst_call *CALL, __u16 TAG, __u16 *PERM, __u32 *ID,  \
					void *AUX);                                                \
	static long NAME##_entry(__u64 pst_i, void *pst_ctx)                                       \
	{                                                                                          \
		struct pst_blocks *blocks = pst_ctx;                                               \
		__u64 at = sizeof(struct posix_acl_xattr_header) +                                 \
			   pst_i * sizeof(struct posix_acl_xattr_entry);                           \
		struct posix_acl_xattr_entry *entry;                                               \
		__u16 perm;                                                                        \
		__u32 id;                                                                          \
		int r;                                                                             \
                                                                                                   \
		entry = (void *)pst_data_at(blocks->call, at, sizeof(*entry));                     \
		if (!entry)                                                                        \
			return 1;                                                                  \
		perm = pst_acl16(entry->e_perm);                                                   \
		id = pst_acl32(entry->e_id);                                                       \
		r = NAME(blocks->call, pst_acl16(entry->e_tag), &perm, &id, blocks->aux);          \
		entry->e_perm = pst_acl16(perm);                                                   \
		entry->e_id = pst_acl32(id);                                                       \
		return r != 0;                                                                     \
	}                                                                                          \
	static __always_inline int NAME(struct pst_call *CALL, __u16 TAG, __u16 *PERM, __u32 *ID,  \
					void *AUX)

/*
 * The barrier makes clang compute the whole number: bpf_loop() takes 32 bits of it, so clang would
 * leave any value in the upper half of the register. But the kernel compares the whole register
 * with the greatest number of loops where it puts the loop into the program.
 */
#define pst_acl_each(CALL, FN, AUX)                                                                \
	({                                                                                         \
		struct pst_blocks pst_blocks = { .call = (CALL),                                   \
						 .aux = (AUX),                                     \
						 .len = (CALL)->data_len };                        \
		__u64 pst_n = pst_blocks.len;                                                      \
                                                                                                   \
		if (pst_n > sizeof(struct posix_acl_xattr_header)) {                               \
			pst_n -= sizeof(struct posix_acl_xattr_header);                            \
			pst_n /= sizeof(struct posix_acl_xattr_entry);                             \
			barrier_var(pst_n);                                                        \
			bpf_loop(pst_n, FN##_entry, &pst_blocks, 0);                               \
		}                                                                                  \
	})

#endif
