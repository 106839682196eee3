// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * mask: files that are there, but read as something else.
 *
 *	names=*.key:.env	files, and trees, of these names, in any directory
 *	paths=/etc/shadow	... at these paths below the root
 *	how=blank		every byte but newlines reads as the character fill
 *	how=values		likewise, but keys are shown (values.h says which)
 *	how=empty		there is nothing to be read, and the size is 0
 *	fill=x
 *	write=deny		masked files cannot be opened for writing, cut off, renamed, linked,
 *				replaced or removed (EPERM)
 *	write=allow		... can
 *
 * When both lists are empty it is all files.
 *
 * Programs that edit files (sed -i, editors, git) read a file, and then write to it, or put a new one
 * in its place: what they read here is not what is there, so it would be lost. EPERM is what such
 * programs get for files with the immutable flag (chattr +i), in the same operations; they say
 * "Operation not permitted" and leave the file alone. EACCES for opening would be taken for a question
 * of the file's mode, which some try to change.
 *
 * New files can be made, and written to until they are closed. Stores to a shared mapping are refused
 * when they are written back: the page would take what was shown in its place down into the file.
 */
#include <penstock/filter.bpf.h>

PST_FILTER(PST_CELLS | PST_CACHEABLE, "makes files read as empty, blank, or without their values");

PST_OPTION(struct pst_names, names, "names and globs of files to mask, in any directory");
PST_OPTION(struct pst_paths, paths, "paths of files to mask, or of trees");
PST_ONE_OF(how, "blank values empty",
	   "blank: all is fill; values: all but keys is; empty") = "blank";
PST_OPTION(char, fill[2], "the character that is shown in the place of others")
PST_TAKES("not empty") = "x";
PST_ONE_OF(write, "deny allow",
	   "deny or allow changing, renaming and removing what is masked") = "deny";

#define EACH(byte) (0x0101010101010101ULL * (__u8)(byte))
#define HIGH       EACH(0x80)

#define is(WORD) pst_text_is(how, WORD, sizeof(WORD))
#define writable pst_text_is(write, "allow", sizeof("allow"))

static __always_inline int masked(__u64 cell)
{
	return pst_chosen(&names, &paths, cell);
}

/* 0x80 in each byte of the word that is the character. */
static __always_inline __u64 bytes_that_are(__u64 word, char c)
{
	word ^= EACH(c);
	return ~(((word & ~HIGH) + ~HIGH) | word) & HIGH;
}

/* Of a mask with 0x80, one with 0xff. */
static __always_inline __u64 whole_bytes(__u64 high)
{
	return (high << 1) - (high >> 7);
}

/* All but newlines. */
static __always_inline __u64 blank_word(__u64 word)
{
	__u64 filled = EACH(fill[0]);

	return filled ^ ((filled ^ EACH('\n')) & whole_bytes(bytes_that_are(word, '\n')));
}

/* Nothing of a block is left for a byte here and there: words, and many of them at a time. */
#define BLOCK 1024

PST_DATA_FN_OF(BLOCK, blank, block, len, at, aux)
{
	__u64 *word = (__u64 *)block;

	for (int i = 0; i < BLOCK / 8; i++)
		word[i] = blank_word(word[i]);
	return 0;
}

#include "values.h"

PST_NAME(call)
{
	if (!pst_choose(&names, &paths, call) || writable)
		return PST_PASS;
	switch (call->opcode) {
	case FUSE_UNLINK:
	case FUSE_LINK:
	case FUSE_RENAME2:
		return -EPERM;
	default:
		return PST_PASS;
	}
}

PST_PRE(open, call)
{
	/* O_ACCMODE alone is for ioctl(2) on what one may read and write. */
	if (writable || !(call->in.open.flags & (O_ACCMODE | O_TRUNC)))
		return PST_PASS;
	return masked(call->cell) ? -EPERM : PST_PASS;
}

/* By a descriptor (ftruncate) only who has made the file can ask. */
PST_PRE(setattr, call)
{
	if (writable || (call->in.setattr.valid & (FATTR_SIZE | FATTR_FH)) != FATTR_SIZE)
		return PST_PASS;
	return masked(call->cell) ? -EPERM : PST_PASS;
}

/* Only now it is known what the name is for. Directories keep the filter for what is below them. */
static __always_inline int found(struct pst_call *call)
{
	__u32 mode = call->child.attr.mode;

	if (call->error)
		return PST_PASS;
	if (!S_ISDIR(mode) && (!S_ISREG(mode) || !masked(call->child.cell)))
		call->child.held = 0;
	else if (S_ISREG(mode) && is("empty"))
		call->out.entry.attr.size = call->out.entry.attr.blocks = 0;
	return PST_PASS;
}

PST_POST(lookup, call)
{
	return found(call);
}

PST_POST(mknod, call)
{
	return found(call);
}

PST_POST(symlink, call)
{
	return found(call);
}

PST_POST(link, call)
{
	return found(call);
}

PST_POST(create, call)
{
	if (call->error)
		return PST_PASS;
	if (!masked(call->child.cell))
		call->child.held = 0;
	else if (is("empty"))
		call->out.create.entry.attr.size = call->out.create.entry.attr.blocks = 0;
	return PST_PASS;
}

/* It has no name, so only what is inside a tree is masked. */
PST_POST(tmpfile, call)
{
	if (!call->error && !masked(call->cell))
		call->child.held = 0;
	return PST_PASS;
}

static __always_inline int shown_empty(const struct pst_call *call)
{
	return !call->error && S_ISREG(call->node.attr.mode) && is("empty") && masked(call->cell);
}

PST_POST(getattr, call)
{
	if (shown_empty(call))
		call->out.attr.attr.size = call->out.attr.attr.blocks = 0;
	return PST_PASS;
}

PST_POST(setattr, call)
{
	if (shown_empty(call))
		call->out.attr.attr.size = call->out.attr.attr.blocks = 0;
	return PST_PASS;
}

PST_POST(statx, call)
{
	if (shown_empty(call))
		call->out.statx.stat.size = call->out.statx.stat.blocks = 0;
	return PST_PASS;
}

/* Where data and holes are says how long the file is. */
PST_PRE(lseek, call)
{
	return shown_empty(call) ? -ENXIO : PST_PASS;
}

PST_POST(read, call)
{
	if (call->error || !masked(call->cell))
		return PST_PASS;
	if (is("empty"))
		call->data_len = 0;
	else if (is("values") && call->in.read.offset == 0)
		values_blank(call);
	else
		pst_data_each(call, blank, NULL);
	return PST_PASS;
}

PST_PRE(write, call)
{
	if ((call->in.write.write_flags & FUSE_WRITE_CACHE) && masked(call->cell))
		return -EACCES;
	return PST_PASS;
}
