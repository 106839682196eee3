// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/* Breaks one rule for filters; the option "what" names it. */
#include <penstock/filter.bpf.h>

PST_FILTER(0, "does what it may not");

PST_OPTION(char, what[24], "what it does");

#define is(WORD) pst_text_is(what, WORD, sizeof(WORD))

static __always_inline int verdict(void)
{
	if (is("five"))
		return 5;
	if (is("minus-600"))
		return -600;
	if (is("minus-512"))
		return -512;
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
	if (is("undeclared-cell"))
		call->cell = 1;
	if (is("undeclared-child"))
		call->child.cell = 1;
	if (is("undeclared-delay"))
		call->delay_us = 1;
	if (is("target-nul"))
		call->data[1] = 0;
	if (is("target-empty"))
		call->data_len = 0;
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
	if (is("late-name"))
		call->name[0].text[0] = 'x';
	if (is("post-serve"))
		return PST_SERVE;
	if (is("post-five"))
		return 5;
	if (is("post-600"))
		return -600;
	if (is("entry-node"))
		call->out.entry.nodeid++;
	if (is("entry-zero"))
		call->out.entry.nodeid = 0;
	if (is("entry-generation"))
		call->out.entry.generation++;
	if (is("entry-type"))
		call->out.entry.attr.mode = S_IFREG | 0644;
	return PST_PASS;
}

PST_PRE(mkdir, call)
{
	if (is("name-slash"))
		__builtin_memcpy(call->name[0].text, "a/b", 4);
	if (is("name-dots"))
		__builtin_memcpy(call->name[0].text, "..", 3);
	if (is("name-dot"))
		__builtin_memcpy(call->name[0].text, ".", 2);
	if (is("name-empty"))
		call->name[0].text[0] = 0;
	if (is("name-endless"))
		__builtin_memset(call->name[0].text, 'x', PST_NAME_SIZE);
	return PST_PASS;
}

PST_PRE(rename, call)
{
	if (is("rename-dir"))
		call->in.rename.newdir++;
	if (is("rename-slash"))
		__builtin_memcpy(call->name[1].text, "a/b", 4);
	if (is("rename-dots"))
		__builtin_memcpy(call->name[0].text, "..", 3);
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
	if (is("create-flags"))
		call->out.create.open.open_flags ^= 1;
	if (is("create-node"))
		call->out.create.entry.nodeid++;
	if (is("create-backing"))
		call->out.create.open.backing_id++;
	if (is("create-type"))
		call->out.create.entry.attr.mode = S_IFDIR | 0755;
	return PST_PASS;
}

PST_PRE(open, call)
{
	return is("done-open") ? PST_DONE : PST_PASS;
}

PST_POST(open, call)
{
	if (is("open-fh"))
		call->out.open.fh++;
	if (is("open-flags"))
		call->out.open.open_flags ^= 1;
	if (is("open-backing"))
		call->out.open.backing_id++;
	return PST_PASS;
}

PST_PRE(fsync, call)
{
	if (is("fsync-fh"))
		call->in.fsync.fh++;
	return PST_PASS;
}

PST_PRE(fallocate, call)
{
	if (is("fallocate-fh"))
		call->in.fallocate.fh++;
	return PST_PASS;
}

PST_PRE(lseek, call)
{
	if (is("lseek-fh"))
		call->in.lseek.fh++;
	return PST_PASS;
}

PST_PRE(setxattr, call)
{
	if (is("xattr-long"))
		call->data_len = call->data_size + 1;
	if (is("xattr-name"))
		call->name[0].text[0] = 0;
	return PST_PASS;
}

PST_PRE(getxattr, call)
{
	if (is("getxattr-size"))
		call->in.getxattr.size += 1000;
	if (is("getxattr-none"))
		call->in.getxattr.size = 0;
	return PST_PASS;
}

PST_POST(getxattr, call)
{
	if (is("value-long"))
		call->data_len = call->data_size + 1;
	return PST_PASS;
}

PST_POST(readlink, call)
{
	if (is("readlink-nul"))
		call->data[0] = 0;
	if (is("readlink-long"))
		call->data_len = call->data_size + 1;
	return PST_PASS;
}

PST_PRE(readdir, call)
{
	if (is("readdir-fh"))
		call->in.read.fh++;
	if (is("readdir-size"))
		call->in.read.size += 4096;
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
	if (is("listing-slash"))
		dirent->name[0] = '/';
	if (is("listing-none"))
		dirent->namelen = 0;
	if (is("listing-more"))
		call->data_len = call->data_size + 1;
	if (is("listing-cut"))
		call->data_len -= 8;
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

PST_POST(setattr, call)
{
	if (is("setattr-type"))
		call->out.attr.attr.mode = S_IFDIR | 0755;
	return PST_PASS;
}
