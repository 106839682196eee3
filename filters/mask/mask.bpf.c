// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * mask: shows files with other content.
 *
 *	names=*.key:.env	files and trees with these names, in any directory
 *	paths=/etc/shadow	files and trees at these paths from the root of the view
 *	how=blank		each byte but newlines reads as the character fill
 *	how=values		the same, but keys are shown (see values.h)
 *	how=empty		files read as empty, and have size 0
 *	fill=x
 *	write=deny		masked files cannot be opened for writing, truncated, renamed,
 *				linked, replaced or removed (EPERM)
 *	write=allow		all of this is permitted
 *
 * Without both lists all files are masked.
 *
 * Programs that edit files (sed -i, editors, git) read a file, and then write to it or replace it.
 * Here they would write the masked content, and the real content would be lost. So the filter
 * returns EPERM, as the kernel does in the same operations for files with the immutable flag
 * (chattr +i): the programs report "Operation not permitted" and leave the file alone. After EACCES
 * some programs would try to change the mode of the file.
 *
 * rules-mask masks by the lines mask and unmask of a file of rules instead (docs/rules.md):
 *
 *	rules=project.rules	the file, instead of names=, paths= and how=
 *
 * New files can be created, and written to until they are closed. The filter refuses the writeback
 * of a shared mapping, because the page also has masked bytes, which would go into the file.
 */
#ifdef MASK_RULES
#include <penstock/filter-rules.bpf.h>

PST_FILTER(PST_CELLS | PST_CACHEABLE, "masks files by the lines of a file of rules");

PST_OPTION(struct pst_rules, rules, "the file of rules: mask, unmask") PST_TAKES("verbs mask");
PST_AT_LEAST_ONE_OF("rules");
#else
#include <penstock/filter.bpf.h>

PST_FILTER(PST_CELLS | PST_CHOOSES | PST_CACHEABLE,
	   "makes files read as empty, blank, or without their values");

PST_OPTION(struct pst_names, names, "names and globs of files to mask, in any directory");
PST_OPTION(struct pst_paths, paths, "paths of files to mask, or of trees");
PST_ONE_OF(how, "blank values empty",
	   "blank: all bytes read as fill; values: all but keys; empty: no content") = "blank";
#endif
PST_OPTION(char, fill[2], "the character that masked bytes read as")
PST_TAKES("not empty") = "x";
PST_ONE_OF(write, "deny allow",
	   "deny or allow changing, renaming and removing masked files") = "deny";

#define EACH(byte) (0x0101010101010101ULL * (__u8)(byte))
#define HIGH       EACH(0x80)

#define writable pst_text_is(write, "allow", sizeof("allow"))

#ifdef MASK_RULES
/* Returns how a file with this cell is masked (enum pst_rule_mask); 0: not at all. */
static __always_inline int mask_of(__u64 cell, __u32 mode)
{
	return pst_rules_value(&rules, cell, mode) & 3;
}

/* Sets child.cell, and returns whether the file under name[0] is masked. */
static __always_inline int choose(struct pst_call *call)
{
	int masked = !!pst_rules_choose(&rules, call, 1);

	if (!masked && !pst_child_may_be_dir(call))
		call->child.held = 0;
	return masked;
}
#else
#define is(WORD) pst_text_is(how, WORD, sizeof(WORD))

static __always_inline int mask_of(__u64 cell, __u32 mode)
{
	if (!pst_chosen(&names, &paths, cell))
		return 0;
	if (is("empty"))
		return PST_RULE_MASK_EMPTY;
	return is("values") ? PST_RULE_MASK_VALUES : PST_RULE_MASK_BLANK;
}

static __always_inline int choose(struct pst_call *call)
{
	return pst_choose(&names, &paths, call);
}
#endif

/* Returns how the file of the operation is masked. */
static __always_inline int masked(const struct pst_call *call)
{
	return mask_of(call->cell, call->node.attr.mode);
}

/* Returns 0x80 in each byte of the word that is the character, 0 in the others. */
static __always_inline __u64 bytes_that_are(__u64 word, char c)
{
	word ^= EACH(c);
	return ~(((word & ~HIGH) + ~HIGH) | word) & HIGH;
}

/* Replaces each byte 0x80 by 0xff. */
static __always_inline __u64 whole_bytes(__u64 high)
{
	return (high << 1) - (high >> 7);
}

/* Returns the word with all bytes but newlines replaced by fill. */
static __always_inline __u64 blank_word(__u64 word)
{
	__u64 filled = EACH(fill[0]);

	return filled ^ ((filled ^ EACH('\n')) & whole_bytes(bytes_that_are(word, '\n')));
}

/* The function handles whole words, so large blocks are faster. */
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
	if (!choose(call) || writable)
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
	/* O_ACCMODE (3) opens a file for ioctl(2) only, with the rights to read and write. */
	if (writable || !(call->in.open.flags & (O_ACCMODE | O_TRUNC)))
		return PST_PASS;
	return masked(call) ? -EPERM : PST_PASS;
}

/* FATTR_FH: ftruncate() by a descriptor that can write, so of the creator of the file. */
PST_PRE(setattr, call)
{
	if (writable || (call->in.setattr.valid & (FATTR_SIZE | FATTR_FH)) != FATTR_SIZE)
		return PST_PASS;
	return masked(call) ? -EPERM : PST_PASS;
}

/* The type of the file is known now. Directories keep the filter for the files below them. */
static __always_inline int found(struct pst_call *call)
{
	__u32 mode = call->child.attr.mode;

	if (call->error)
		return PST_PASS;
	if (!S_ISDIR(mode) && (!S_ISREG(mode) || !mask_of(call->child.cell, mode)))
		call->child.held = 0;
	else if (S_ISREG(mode) && mask_of(call->child.cell, mode) == PST_RULE_MASK_EMPTY)
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
	if (!mask_of(call->child.cell, S_IFREG))
		call->child.held = 0;
	else if (mask_of(call->child.cell, S_IFREG) == PST_RULE_MASK_EMPTY)
		call->out.create.entry.attr.size = call->out.create.entry.attr.blocks = 0;
	return PST_PASS;
}

/* The file has no name, so it is masked only inside a masked tree. */
PST_POST(tmpfile, call)
{
	if (call->error)
		return PST_PASS;
	if (!mask_of(call->cell, S_IFDIR))
		call->child.held = 0;
#ifdef MASK_RULES
	call->child.cell = mask_of(call->cell, S_IFDIR);
#endif
	return PST_PASS;
}

static __always_inline int shown_empty(const struct pst_call *call)
{
	return !call->error && S_ISREG(call->node.attr.mode) && masked(call) == PST_RULE_MASK_EMPTY;
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

/* The positions of data and holes would reveal the length of the file. */
PST_PRE(lseek, call)
{
	return shown_empty(call) ? -ENXIO : PST_PASS;
}

PST_POST(read, call)
{
	int how_masked = masked(call);

	if (call->error || !how_masked)
		return PST_PASS;
	if (how_masked == PST_RULE_MASK_EMPTY)
		call->data_len = 0;
	else if (how_masked == PST_RULE_MASK_VALUES && call->in.read.offset == 0)
		values_blank(call);
	else
		pst_data_each(call, blank, NULL);
	return PST_PASS;
}

PST_PRE(write, call)
{
	if ((call->in.write.write_flags & FUSE_WRITE_CACHE) && masked(call))
		return -EACCES;
	return PST_PASS;
}
