// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * Adds an entry "fake" for an absent file to each directory, and renames the entry "old" to "new".
 */
#include <penstock/filter.bpf.h>

/* The offset of the added entry: a listing that continues from here is at its end. */
#define END 0x7fffffff7fffffff

PST_FILTER(0, "adds and renames entries of listings");

PST_DIRENT_FN(rename, call, dirent, entry, aux)
{
	__u64 at = pst_scratch(call)->from + sizeof(*dirent) + (entry ? sizeof(*entry) : 0);
	char *name = pst_data_at(call, at, 3);

	if (name && pst_name_is(call, 0, "old")) {
		__builtin_memcpy(name, "new", 3);
		/* Without a node ID the kernel sends LOOKUP for the new name. */
		if (entry)
			entry->nodeid = 0;
	}
	return PST_KEEP;
}

PST_POST(readdir, call)
{
	__u32 head = sizeof(struct fuse_dirent), len = call->data_len;
	struct fuse_dirent *fake;

	if (call->error)
		return PST_PASS;
	pst_dirents(call, rename, NULL);
	if (call->in.read.read_flags & PST_READ_PLUS)
		head += sizeof(struct fuse_entry_out);
	/*
	 * The entry goes after the first part of the listing, so that the next READDIR continues
	 * where it would have continued without the filter.
	 */
	if (call->in.read.offset || len + head + 8 > call->data_size)
		return PST_PASS;
	for (__u32 i = 0; i < sizeof(struct fuse_entry_out) + sizeof(*fake); i += 8) {
		__u64 *word = (__u64 *)pst_data_at(call, len + i, 8);

		if (word && i < head)
			*word = 0;
	}
	fake = (struct fuse_dirent *)pst_data_at(call, len + head - sizeof(*fake),
						 sizeof(*fake) + 8);
	if (!fake)
		return PST_PASS;
	fake->ino = 4711;
	fake->off = END;
	fake->namelen = 4;
	fake->type = 8;
	__builtin_memcpy(fake->name, "fake\0\0\0", 8);
	call->data_len = len + head + 8;
	return PST_PASS;
}
