// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * quota: limits by how many bytes or files the tree may grow through the view (EDQUOT).
 *
 *	bytes=10G		the sum of the lengths of files
 *	files=100000		files, directories and all other files that are created
 *	per=uid			a limit for each owner
 *	per=tree		one limit for all
 *
 * A file counts until it has no name and nobody has it open or mapped; files that never had a name
 * (O_TMPFILE) count, too. Files that exist when counting begins do not count. Removing them makes
 * room, but the usage does not fall below zero.
 *
 * The program before an operation that makes a file longer reserves the bytes, and the program
 * after it releases those that the operation did not need. So concurrent operations never exceed
 * the limit. An operation counts with the difference of the attributes before and after it, which
 * the engine reads (PST_EXACT), never with the sizes that the caller gave.
 *
 * The usage is in the map quota_usage, by user ID (or 0), where other programs can set it. Files
 * without a name are in quota_nameless, by nodeid. With pin= both outlive the view.
 *
 * Data of files is not passed through, because the filter must see writes.
 */
#include <penstock/filter.bpf.h>

#include <linux/falloc.h>

PST_FILTER(PST_WANT_ATTR | PST_WANT_CHILD | PST_EXACT,
	   "limits by how many bytes and files a tree may grow");

PST_RANGE(__u64, bytes, 1, 1152921504606846976, "bytes that files may grow by (default: no limit)");
PST_RANGE(__u64, files, 1, 1152921504606846976, "files that may be created (default: no limit)");
PST_AT_LEAST_ONE_OF("bytes files");
PST_ONE_OF(per, "uid tree", "uid: a limit for each owner; tree: one for all") PST_OF_MAPS = "tree";

#define MAX_OWNERS   65536
#define MAX_NAMELESS (1 << 20)
/* The limit if none is given, so that no sum overflows. */
#define MOST (1ULL << 63)

struct usage {
	__u64 bytes, files;
};
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, MAX_OWNERS);
	__type(key, __u64);
	__type(value, struct usage);
} quota_usage SEC(".maps");

/* A file without a name, and its part of the usage. */
struct nameless {
	__u64 view; /* pst_view of the view that has it open; the file is gone with that view */
	__u64 bytes;
	__u32 files;
	__u32 uid;
};
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, MAX_NAMELESS);
	__type(key, __u64);
	__type(value, struct nameless);
} quota_nameless SEC(".maps");

#define is(WORD) pst_text_is(per, WORD, sizeof(WORD))

/* -- usage ------------------------------------------------------------------------------------ */

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

#define TRIES 64
/* The attribute lets the compiler use the newer instruction that compares and exchanges. */
#define ATOMIC static __attribute__((noinline, target("alu32")))

/* Adds unless the sum exceeds the limit. Returns 0 or -EDQUOT. */
ATOMIC int reserve(__u64 *counter, __u64 more, __u64 limit)
{
	if (!limit || limit > MOST)
		limit = MOST;
	for (int i = 0; i < TRIES; i++) {
		__u64 now = *(volatile __u64 *)counter;

		if (more > limit || now > limit - more)
			return more ? -EDQUOT : 0;
		if (__sync_val_compare_and_swap(counter, now, now + more) == now)
			return 0;
	}
	return -EAGAIN;
}

/* Subtracts, but not below zero, because files that were never counted may be removed. */
ATOMIC int release(__u64 *counter, __u64 less)
{
	for (int i = 0; i < TRIES && less; i++) {
		__u64 now = *(volatile __u64 *)counter;
		__u64 then = now > less ? now - less : 0;

		if (__sync_val_compare_and_swap(counter, now, then) == now)
			return 0;
	}
	if (less)
		__sync_fetch_and_add(counter, -less);
	return 0;
}

/* Reserves bytes and files for an owner. Returns 0 or -errno. */
static __attribute__((noinline)) int reserve_both(__u32 uid, __u64 more_bytes, __u64 more_files)
{
	struct usage *usage;
	int r;

	if (!more_bytes && !more_files)
		return 0;
	usage = usage_of(uid);
	if (!usage)
		return -EDQUOT;
	r = more_bytes ? reserve(&usage->bytes, more_bytes, bytes) : 0;
	if (r || !more_files)
		return r;
	r = reserve(&usage->files, more_files, files);
	if (r)
		release(&usage->bytes, more_bytes);
	return r;
}

/* Adds to the usage of an owner, or subtracts, without a check of the limit. */
static __attribute__((noinline)) int add_usage(__u32 uid, __s64 more_bytes, __s64 more_files)
{
	struct usage *usage;

	if (!more_bytes && !more_files)
		return 0;
	usage = usage_of(uid);
	if (!usage)
		return 0;
	if (more_bytes > 0)
		__sync_fetch_and_add(&usage->bytes, more_bytes);
	else
		release(&usage->bytes, -more_bytes);
	if (more_files > 0)
		__sync_fetch_and_add(&usage->files, more_files);
	else
		release(&usage->files, -more_files);
	return 0;
}

/* call->note: the reservation of the pre program, for the post program. */
#define RESERVED_FILE (1ULL << 32)

static __always_inline int reserve_noted(struct pst_call *call, __u32 uid, __u64 more_bytes,
					 int more_files)
{
	int r = reserve_both(uid, more_bytes, more_files);

	if (r)
		return r;
	call->note[0] = more_bytes;
	call->note[1] = uid | (more_files ? RESERVED_FILE : 0);
	return PST_PASS;
}

static __always_inline void release_noted(const struct pst_call *call)
{
	add_usage((__u32)call->note[1], -(__s64)call->note[0],
		  call->note[1] & RESERVED_FILE ? -1 : 0);
}

/* -- files without a name --------------------------------------------------------------------- */

static __always_inline void forget(__u64 nodeid, const struct nameless *file)
{
	add_usage(file->uid, -(__s64)file->bytes, -(__s64)file->files);
	bpf_map_delete_elem(&quota_nameless, &nodeid);
}

static long forget_if_earlier(void *map, __u64 *nodeid, struct nameless *file, void *aux)
{
	if (file->view != pst_view)
		forget(*nodeid, file);
	return 0;
}

static __u64 begun;

ATOMIC int is_first(void)
{
	return !begun && !__sync_fetch_and_add(&begun, 1);
}

/* Removes files without a name that an earlier view had open: they are gone with that view. */
static __always_inline void begin(void)
{
	if (!begun && is_first())
		bpf_for_each_map_elem(&quota_nameless, forget_if_earlier, NULL, 0);
}

/* Returns the file of a nodeid. Removes one of an earlier view, which had the number before. */
static __always_inline struct nameless *nameless_of(__u64 nodeid)
{
	struct nameless *file = bpf_map_lookup_elem(&quota_nameless, &nodeid);

	if (!file || file->view == pst_view)
		return file;
	forget(nodeid, file);
	return NULL;
}

static __attribute__((noinline)) int add_nameless(__u64 nodeid, __u32 uid, __u64 has_bytes,
						  __u32 has_files)
{
	struct nameless file = {
		.view = pst_view,
		.bytes = has_bytes,
		.files = has_files,
		.uid = uid,
	};

	return bpf_map_update_elem(&quota_nameless, &nodeid, &file, BPF_ANY);
}

/* -- files ------------------------------------------------------------------------------------ */

static __always_inline __u64 length(const struct pst_attr *attr)
{
	return S_ISREG(attr->mode) ? attr->size : 0;
}

static __always_inline int after_creation(struct pst_call *call)
{
	const struct pst_attr *attr = &call->after.attr;

	if (call->error || !attr->mode) {
		release_noted(call);
		return PST_PASS;
	}
	if (is("uid") && attr->uid != (__u32)call->note[1]) {
		add_usage(attr->uid, 0, 1);
		release_noted(call);
	}
	if (!attr->nlink)
		add_nameless(call->after.nodeid, attr->uid, 0, 1);
	return PST_PASS;
}

#define CREATES(OP)                                                                                \
	PST_PRE(OP, call)                                                                          \
	{                                                                                          \
		begin();                                                                           \
		return reserve_noted(call, call->caller.uid, 0, 1);                                \
	}                                                                                          \
	PST_POST(OP, call)                                                                         \
	{                                                                                          \
		return after_creation(call);                                                       \
	}

CREATES(create)
CREATES(mkdir)
CREATES(mknod)
CREATES(symlink)
CREATES(tmpfile)

/* After the removal of a name. A file without a name counts until the kernel forgets it. */
static __always_inline int after_removal(const struct pst_call *call, const struct pst_attr *before)
{
	if (call->error || !before->mode || call->after.attr.nlink)
		return PST_PASS;
	if (!call->after.attr.mode)
		add_usage(before->uid, -(__s64)length(before), -1);
	else
		add_nameless(call->after.nodeid, call->after.attr.uid, length(&call->after.attr),
			     1);
	return PST_PASS;
}

PST_POST(unlink, call)
{
	begin();
	return after_removal(call, &call->child.attr);
}

PST_POST(rmdir, call)
{
	begin();
	return after_removal(call, &call->child.attr);
}

#define RENAME_EXCHANGE 2

PST_POST(rename, call)
{
	begin();
	return call->in.rename.flags & RENAME_EXCHANGE ? PST_PASS :
							 after_removal(call, &call->replaced);
}

PST_POST(link, call)
{
	if (!call->error && call->after.attr.nlink)
		bpf_map_delete_elem(&quota_nameless, &call->after.nodeid);
	return PST_PASS;
}

PST_POST(forget, call)
{
	struct nameless *file = nameless_of(call->node.nodeid);

	if (file)
		forget(call->node.nodeid, file);
	return PST_PASS;
}

/* -- bytes ------------------------------------------------------------------------------------ */

/* Returns by how much the file grows if its new length is end. */
static __always_inline __u64 growth(const struct pst_call *call, __u64 end)
{
	return end > length(&call->node.attr) ? end - length(&call->node.attr) : 0;
}

/* After an operation on a file: counts the change of its length and owner. */
static __attribute__((noinline)) int after_change(struct pst_call *call)
{
	const struct pst_attr *before = &call->node.attr, *after = &call->after.attr;
	__s64 more = length(after) - length(before);
	struct nameless *file;

	if (!after->mode) {
		release_noted(call);
		return PST_PASS;
	}
	if (is("uid") && after->uid != before->uid) {
		add_usage(after->uid, length(after), 1);
		release_noted(call);
		add_usage(before->uid, -(__s64)length(before), -1);
	} else {
		if (call->note[1] & RESERVED_FILE || (__u32)call->note[1] != before->uid) {
			release_noted(call);
			add_usage(before->uid, more, 0);
		} else {
			add_usage(before->uid, more - (__s64)call->note[0], 0);
		}
	}
	if (after->nlink)
		return PST_PASS;
	file = nameless_of(call->node.nodeid);
	if (!file)
		return add_nameless(call->node.nodeid, after->uid, more > 0 ? more : 0, 0),
		       PST_PASS;
	file->uid = after->uid;
	file->bytes = more < 0 && file->bytes < (__u64)-more ? 0 : file->bytes + more;
	return PST_PASS;
}

PST_PRE(write, call)
{
	const struct fuse_write_in *in = &call->in.write;
	/* An append ends at another offset than the request has. */
	_Bool appends = (in->flags & O_APPEND) && !(in->write_flags & FUSE_WRITE_CACHE);

	begin();
	return reserve_noted(call, call->node.attr.uid,
			     appends ? call->data_len : growth(call, in->offset + call->data_len),
			     0);
}

PST_POST(write, call)
{
	return after_change(call);
}

PST_POST(open, call)
{
	if (!(call->in.open.flags & O_TRUNC))
		return PST_PASS;
	begin();
	return after_change(call);
}

PST_PRE(setattr, call)
{
	const struct fuse_setattr_in *in = &call->in.setattr;
	__u64 end = length(&call->node.attr);

	begin();
	if ((in->valid & FATTR_SIZE) && S_ISREG(call->node.attr.mode))
		end = in->size;
	if ((in->valid & FATTR_UID) && in->uid != call->node.attr.uid && is("uid"))
		return reserve_noted(call, in->uid, end, 1);
	return reserve_noted(call, call->node.attr.uid, growth(call, end), 0);
}

PST_POST(setattr, call)
{
	return after_change(call);
}

PST_PRE(fallocate, call)
{
	const struct fuse_fallocate_in *in = &call->in.fallocate;
	__u32 uid = call->node.attr.uid;
	__u64 more = growth(call, in->offset + in->length);
	int r;

	begin();
	if (in->mode & FALLOC_FL_INSERT_RANGE)
		more = in->length;
	if (in->mode & (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_COLLAPSE_RANGE))
		more = 0;
	if (!(in->mode & FALLOC_FL_KEEP_SIZE) || !more)
		return reserve_noted(call, uid, more, 0);
	/* Blocks after the end of a file are not part of its length, so they are not counted. */
	r = reserve_both(uid, more, 0);
	if (!r)
		add_usage(uid, -(__s64)more, 0);
	return r ? r : -EOPNOTSUPP;
}

PST_POST(fallocate, call)
{
	return after_change(call);
}
