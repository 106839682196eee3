// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Shows all files as root's without clearing set-id bits. The option "in" names the operation that
 * does so: lookup, getattr, listing or done.
 */
#include <penstock/filter.bpf.h>

PST_FILTER(0, "shows all files as root's");

PST_OPTION(char, in[16], "the operation that does it") = "lookup";

#define in_is(WORD) pst_text_is(in, WORD, sizeof(WORD))

PST_POST(lookup, call)
{
	if (!call->error && in_is("lookup"))
		call->out.entry.attr.uid = call->out.entry.attr.gid = 0;
	return PST_PASS;
}

static __always_inline int show(struct pst_call *call)
{
	if (call->opcode == FUSE_STATX)
		call->out.statx.stat.uid = call->out.statx.stat.gid = 0;
	else
		call->out.attr.attr.uid = call->out.attr.attr.gid = 0;
	return PST_PASS;
}

PST_POST(getattr, call)
{
	return !call->error && in_is("getattr") ? show(call) : PST_PASS;
}

PST_POST(statx, call)
{
	return !call->error && in_is("getattr") ? show(call) : PST_PASS;
}

/* A reply that no lower file gave. */
PST_PRE(getattr, call)
{
	struct fuse_attr *attr = &call->out.attr.attr;

	if (!in_is("done") || !S_ISREG(call->node.attr.mode))
		return PST_PASS;
	__builtin_memset(&call->out.attr, 0, sizeof(call->out.attr));
	attr->mode = S_IFREG | 06755;
	attr->ino = call->node.attr.ino;
	attr->nlink = 1;
	attr->size = 1 << 20;
	return PST_DONE;
}

PST_POST(readdir, call)
{
	__u32 at = 0;

	if (call->error || !in_is("listing") || !(call->in.read.read_flags & PST_READ_PLUS))
		return PST_PASS;
	for (int i = 0; i < 16; i++) {
		struct fuse_direntplus *entry = pst_data(call, at, sizeof(*entry));

		if (!entry)
			break;
		entry->entry_out.attr.uid = entry->entry_out.attr.gid = 0;
		at += (sizeof(*entry) + entry->dirent.namelen + 7) & ~7;
		if (at > 65536)
			break;
	}
	return PST_PASS;
}
