// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * Breaks one rule for filters; the option "what" names it. tests/engine/22-filter-results.c has all
 * rules; this filter breaks one of each kind, by a program that the kernel runs.
 */
#include <penstock/filter.bpf.h>

PST_FILTER(0, "does what it may not");

PST_OPTION(char, what[24], "what it does");

#define is(WORD) pst_text_is(what, WORD, sizeof(WORD))

static __always_inline int verdict(void)
{
	if (is("five"))
		return 5;
	if (is("serve"))
		return PST_SERVE;
	return PST_PASS;
}

PST_NAME(call)
{
	if (is("name-done"))
		return PST_DONE;
	if (is("name-five"))
		return 5;
	if (is("name-held"))
		call->child.held = 2;
	return PST_PASS;
}

/* SYMLINK also tests the verdicts, because no other case of this filter uses it. */
PST_PRE(symlink, call)
{
	if (is("target-long"))
		call->data_len = call->data_size + 1;
	if (is("symlink-slash"))
		__builtin_memcpy(call->name[0].text, "a/b", 4);
	if (is("done-entry"))
		return PST_DONE;
	return verdict();
}

PST_POST(symlink, call)
{
	if (is("late-in"))
		call->in.bytes[0]++;
	if (is("post-five"))
		return 5;
	if (is("entry-node"))
		call->out.entry.nodeid++;
	return PST_PASS;
}

PST_PRE(mkdir, call)
{
	if (is("name-slash"))
		__builtin_memcpy(call->name[0].text, "a/b", 4);
	if (is("name-endless"))
		__builtin_memset(call->name[0].text, 'x', PST_NAME_SIZE);
	return PST_PASS;
}

PST_PRE(rename, call)
{
	if (is("rename-dir"))
		call->in.rename.newdir++;
	return PST_PASS;
}

PST_PRE(link, call)
{
	if (is("link-node"))
		call->in.link.oldnodeid++;
	return PST_PASS;
}

PST_POST(link, call)
{
	if (is("link-entry"))
		call->out.entry.nodeid++;
	return PST_PASS;
}

PST_POST(create, call)
{
	if (is("create-fh"))
		call->out.create.open.fh++;
	if (is("create-node"))
		call->out.create.entry.nodeid++;
	return PST_PASS;
}

PST_POST(open, call)
{
	if (is("open-fh"))
		call->out.open.fh++;
	return PST_PASS;
}

PST_PRE(getxattr, call)
{
	if (is("getxattr-size"))
		call->in.getxattr.size += 1000;
	return PST_PASS;
}

PST_POST(readlink, call)
{
	if (is("readlink-long"))
		call->data_len = call->data_size + 1;
	return PST_PASS;
}

PST_PRE(readdir, call)
{
	if (is("readdir-fh"))
		call->in.read.fh++;
	return PST_PASS;
}

PST_POST(readdir, call)
{
	__u32 head = call->in.read.read_flags & PST_READ_PLUS ? sizeof(struct fuse_entry_out) : 0;
	struct fuse_dirent *dirent = (struct fuse_dirent *)(call->data + head);

	if (call->error || !call->data_len)
		return PST_PASS;
	if (is("listing-long"))
		dirent->namelen = 3000;
	if (is("listing-node") && head) {
		/* The third entry, because "." and ".." have no node ID. */
		struct fuse_entry_out *entry = (void *)(call->data + 2 * (128 + 24 + 8));

		entry->nodeid++;
	}
	return PST_PASS;
}

PST_POST(getattr, call)
{
	if (is("attr-type") && !S_ISDIR(call->out.attr.attr.mode))
		call->out.attr.attr.mode = 0020000 | 0644;
	return PST_PASS;
}
