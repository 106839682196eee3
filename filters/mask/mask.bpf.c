// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * mask: files that are there, but read as something else.
 *
 *	names=*.key:.env	files, and trees, of these names, in any directory
 *	paths=/etc/shadow	... at these paths below the root
 *	how=blank		every byte but newlines reads as the character fill
 *	how=values		likewise, but only what follows the first '=' of each line
 *	how=empty		there is nothing to be read, and the size is 0
 *	fill=x
 *
 * When both lists are empty it is all files. With how=values a read that does not begin at the
 * start of the file cannot know where in a line it is: it shows nothing of its first line. A value
 * ends with its line, so blank is the choice for files where values have several.
 *
 * Writing is as it was. Only stores to a shared mapping are refused when they are written back: the
 * page would take what was shown in its place down into the file.
 */
#include <penstock/filter.bpf.h>

PST_FILTER(PST_CELLS | PST_CACHEABLE, "makes files read as empty, blank, or without their values");

PST_OPTION(struct pst_names, names, "names and globs of files to mask, in any directory");
PST_OPTION(struct pst_paths, paths, "paths of files to mask, or of trees");
PST_ONE_OF(how, "blank values empty",
	   "blank: all is fill; values: in key=value the values are; empty") = "blank";
PST_OPTION(char, fill[2], "the character that is shown in the place of others") = "x";

#define EACH(byte) (0x0101010101010101ULL * (__u8)(byte))
#define HIGH EACH(0x80)

#define is(WORD) pst_text_is(how, WORD, sizeof(WORD))

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

/* Nothing of a block is left for a byte here and there: words, and many of them at a time. */
#define BLOCK 1024

PST_DATA_FN_OF(BLOCK, blank, block, len, at, aux)
{
	__u64 *word = (__u64 *)block, filled = EACH(fill[0]);

	for (int i = 0; i < BLOCK / 8; i++) {
		__u64 newlines = whole_bytes(bytes_that_are(word[i], '\n'));

		word[i] = filled ^ ((filled ^ EACH('\n')) & newlines);
	}
	return 0;
}

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define first_byte_low(word) (word)
#else
#define first_byte_low(word) __builtin_bswap64(word)
#endif

/*
 * The bytes of a value are those that follow a '=', up to the newline. To find eight at a time:
 * with 0x7f in the place of newlines and 0xff in that of all others, adding 1 to the byte after a
 * '=' carries on to the next newline. A byte that it went through has lost its highest bit, and a
 * newline never has one that counts. The first byte has to be the lowest for that.
 *
 * Words wait for each other only by *outside, 1 where the byte before is of no value: so what has
 * to do with it is kept short.
 */
static __always_inline __u64 value_bytes(__u64 word, __u64 *outside)
{
	__u64 newlines = bytes_that_are(word, '\n'), equals = bytes_that_are(word, '=');
	__u64 others = (~newlines + (equals << 1) + 1 - *outside) | newlines;

	*outside = (others & ~equals) >> 63;
	return whole_bytes(~others & HIGH);
}

PST_DATA_FN_OF(BLOCK, blank_values, block, len, at, aux)
{
	__u64 *word = (__u64 *)block, filled = EACH(fill[0]), outside = *(__u64 *)aux;

	for (int i = 0; i < BLOCK / 8; i++) {
		__u64 values = first_byte_low(value_bytes(first_byte_low(word[i]), &outside));

		word[i] ^= (word[i] ^ filled) & values;
	}
	*(__u64 *)aux = outside;
	return 0;
}

PST_NAME(call)
{
	pst_choose(&names, &paths, call);
	return PST_PASS;
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
	__u64 *outside = pst_room(call);

	if (call->error || !masked(call->cell))
		return PST_PASS;
	/* In the midst of a file nobody knows. */
	*outside = call->in.read.offset == 0;
	if (is("blank"))
		pst_data_each(call, blank, NULL);
	else if (is("values"))
		pst_data_each(call, blank_values, outside);
	else if (is("empty"))
		call->data_len = 0;
	else
		return -EINVAL;
	return PST_PASS;
}

PST_PRE(write, call)
{
	if ((call->in.write.write_flags & FUSE_WRITE_CACHE) && masked(call->cell))
		return -EACCES;
	return PST_PASS;
}
