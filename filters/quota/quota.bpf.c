// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * quota: how much the tree may grow through the view, in bytes, in files, or both (EDQUOT).
 *
 *	bytes=10G		the lengths of files
 *	files=100000		files, directories and all else that is created
 *	per=uid			for each owner for himself
 *	per=tree		for all together
 *
 * Counting begins with nothing when the filter is loaded: what is there already is not counted, and
 * taking it away gives room. Writes that are under way at the same time may each still find room,
 * so the limit can be exceeded by as much as these. The counts are in the map quota_usage, by uid
 * (or 0), where others can set them, and which pin= keeps from one mount to the next.
 *
 * Reads and writes of the files that it holds for are served, since writes are what it has to see.
 */
#include <penstock/filter.bpf.h>

#include <linux/falloc.h>

PST_FILTER(PST_WANT_ATTR | PST_WANT_CHILD, "limits how many bytes and files a tree may grow by");

/* Sums of what several requests add stay within 64 bits. */
PST_RANGE(__u64, bytes, 1, 1152921504606846976, "bytes that files may grow by; none: no limit");
PST_RANGE(__u64, files, 1, 1152921504606846976, "files that may be created; none: no limit");
PST_AT_LEAST_ONE_OF("bytes files");
PST_ONE_OF(per, "uid tree", "uid: a limit for each owner; tree: one for all") = "tree";

#define MAX_OWNERS 65536

struct usage {
	__s64 bytes, files;
};
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, MAX_OWNERS);
	__type(key, __u64);
	__type(value, struct usage);
} quota_usage SEC(".maps");

#define is(WORD) pst_text_is(per, WORD, sizeof(WORD))

static __always_inline struct usage *usage_of(__u32 uid)
{
	__u64 key = is("uid") ? uid : 0;
	struct usage *usage = bpf_map_lookup_elem(&quota_usage, &key);
	struct usage none = { 0 };

	if (usage)
		return usage;
	bpf_map_update_elem(&quota_usage, &key, &none, BPF_NOEXIST);
	return bpf_map_lookup_elem(&quota_usage, &key);
}

/* Whether an owner may have so much more. */
static __attribute__((noinline)) int allow(__u32 uid, __s64 more_bytes, __s64 more_files)
{
	struct usage *usage;

	if (!is("uid") && !is("tree"))
		return -EINVAL;
	if (more_bytes <= 0 && more_files <= 0)
		return PST_PASS;
	usage = usage_of(uid);
	if (!usage)
		return -EDQUOT;
	if (bytes && more_bytes > 0 && usage->bytes + more_bytes > (__s64)bytes)
		return -EDQUOT;
	if (files && more_files > 0 && usage->files + more_files > (__s64)files)
		return -EDQUOT;
	return PST_PASS;
}

static __attribute__((noinline)) int charge(__u32 uid, __s64 more_bytes, __s64 more_files)
{
	struct usage *usage;

	if (!more_bytes && !more_files)
		return 0;
	usage = usage_of(uid);
	if (!usage)
		return 0;
	__sync_fetch_and_add(&usage->bytes, more_bytes);
	__sync_fetch_and_add(&usage->files, more_files);
	return 0;
}

/* -- files ----------------------------------------------------------------------------------- */

#define CREATES(OP)                                                                                \
	PST_PRE(OP, call)                                                                          \
	{                                                                                          \
		return allow(call->caller.uid, 0, 1);                                              \
	}                                                                                          \
	PST_POST(OP, call)                                                                         \
	{                                                                                          \
		if (!call->error)                                                                  \
			charge(call->child.attr.uid, 0, 1);                                        \
		return PST_PASS;                                                                   \
	}

CREATES(create)
CREATES(mkdir)
CREATES(mknod)
CREATES(symlink)
CREATES(tmpfile)

/* A file is gone with its last name. */
static __always_inline int gone(const struct pst_attr *attr)
{
	if (!attr->mode || (!S_ISDIR(attr->mode) && attr->nlink > 1))
		return PST_PASS;
	charge(attr->uid, S_ISREG(attr->mode) ? -(__s64)attr->size : 0, -1);
	return PST_PASS;
}

PST_POST(unlink, call)
{
	return call->error ? PST_PASS : gone(&call->child.attr);
}

PST_POST(rmdir, call)
{
	return call->error ? PST_PASS : gone(&call->child.attr);
}

#define RENAME_EXCHANGE 2

PST_POST(rename, call)
{
	if (call->error || (call->in.rename.flags & RENAME_EXCHANGE))
		return PST_PASS;
	/* Two names of one file: such a rename does nothing. */
	if (call->replaced.ino == call->child.attr.ino &&
	    call->replaced.dev_major == call->child.attr.dev_major &&
	    call->replaced.dev_minor == call->child.attr.dev_minor)
		return PST_PASS;
	return gone(&call->replaced);
}

/* -- bytes ----------------------------------------------------------------------------------- */

/* What is done to a file without a name is soon over, and was given back with its name. */
static __always_inline int counts(const struct pst_node *node)
{
	return S_ISREG(node->attr.mode) && node->attr.nlink;
}

/* By how much a file grows that is to reach to end. */
static __always_inline __s64 growth(const struct pst_node *node, __u64 end)
{
	return end > node->attr.size ? end - node->attr.size : 0;
}

PST_PRE(write, call)
{
	if (!counts(&call->node))
		return PST_PASS;
	return allow(call->node.attr.uid,
		     growth(&call->node, call->in.write.offset + call->data_len), 0);
}

PST_POST(write, call)
{
	if (!call->error && counts(&call->node))
		charge(call->node.attr.uid,
		       growth(&call->node, call->in.write.offset + call->out.write.size), 0);
	return PST_PASS;
}

PST_POST(open, call)
{
	if (!call->error && (call->in.open.flags & O_TRUNC) && counts(&call->node))
		charge(call->node.attr.uid, -(__s64)call->node.attr.size, 0);
	return PST_PASS;
}

/* By how much a SETATTR makes a file longer, or shorter. */
static __always_inline __s64 resized(const struct pst_call *call)
{
	if (!(call->in.setattr.valid & FATTR_SIZE) || !S_ISREG(call->node.attr.mode))
		return 0;
	return (__s64)call->in.setattr.size - (__s64)call->node.attr.size;
}

/* What comes with a file to another owner. */
static __always_inline __s64 carried(const struct pst_call *call)
{
	return S_ISREG(call->node.attr.mode) ? call->node.attr.size : 0;
}

static __always_inline int changes_hands(const struct pst_call *call)
{
	return (call->in.setattr.valid & FATTR_UID) &&
	       call->in.setattr.uid != call->node.attr.uid && is("uid");
}

PST_PRE(setattr, call)
{
	if (!call->node.attr.nlink)
		return PST_PASS;
	if (changes_hands(call))
		return allow(call->in.setattr.uid, carried(call) + resized(call), 1);
	return allow(call->node.attr.uid, resized(call), 0);
}

PST_POST(setattr, call)
{
	if (call->error || !call->node.attr.nlink)
		return PST_PASS;
	if (changes_hands(call)) {
		charge(call->node.attr.uid, -carried(call), -1);
		charge(call->in.setattr.uid, carried(call) + resized(call), 1);
	} else {
		charge(call->node.attr.uid, resized(call), 0);
	}
	return PST_PASS;
}

static __always_inline __s64 allocated(const struct pst_call *call)
{
	const struct fuse_fallocate_in *in = &call->in.fallocate;

	if (in->mode & FALLOC_FL_INSERT_RANGE)
		return in->length;
	if (in->mode & FALLOC_FL_COLLAPSE_RANGE)
		return -(__s64)in->length;
	return in->mode & FALLOC_FL_KEEP_SIZE ? 0 : growth(&call->node, in->offset + in->length);
}

PST_PRE(fallocate, call)
{
	return counts(&call->node) ? allow(call->node.attr.uid, allocated(call), 0) : PST_PASS;
}

PST_POST(fallocate, call)
{
	if (!call->error && counts(&call->node))
		charge(call->node.attr.uid, allocated(call), 0);
	return PST_PASS;
}
