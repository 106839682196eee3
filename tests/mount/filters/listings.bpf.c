// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * For the tests of the kernel module: decides about the listing of a directory by its name.
 *
 *	no-list		a program before READDIR refuses it with EACCES
 *	made		... answers it, with one name
 *	small		... makes it short
 *	none		a program after READDIR drops all names
 *	third		... drops two of three names
 *	late		... refuses it with EDQUOT
 *	empty-late	... refuses it with EDQUOT when no name is left
 */
#include <penstock/filter.bpf.h>

PST_FILTER(PST_CELLS, "decides about listings");

enum { NO_LIST = 1, MADE, SMALL, NONE, THIRD, LATE, EMPTY_LATE };

#define is(CALL, WORD) pst_name_is(CALL, 0, WORD)

PST_NAME(call)
{
	__u64 cell = 0;

	if (is(call, "no-list"))
		cell = NO_LIST;
	if (is(call, "made"))
		cell = MADE;
	if (is(call, "small"))
		cell = SMALL;
	if (is(call, "none"))
		cell = NONE;
	if (is(call, "third"))
		cell = THIRD;
	if (is(call, "late"))
		cell = LATE;
	if (is(call, "empty-late"))
		cell = EMPTY_LATE;
	call->child.cell = cell;
	return PST_PASS;
}

static __always_inline int make(struct pst_call *call)
{
	__u32 head = call->in.read.read_flags & PST_READ_PLUS ? sizeof(struct fuse_entry_out) : 0;
	struct fuse_dirent *dirent = (void *)pst_data_at(call, head, sizeof(*dirent) + 8);

	call->data_len = 0;
	if (!dirent || call->in.read.offset)
		return PST_DONE;
	__builtin_memset(call->data, 0, sizeof(struct fuse_entry_out));
	dirent->ino = 4711;
	dirent->off = 1;
	dirent->namelen = 5;
	dirent->type = 8;
	__builtin_memcpy(dirent->name, "alone\0\0", 8);
	call->data_len = head + sizeof(*dirent) + 8;
	return PST_DONE;
}

PST_PRE(readdir, call)
{
	switch (call->cell) {
	case NO_LIST:
		return -EACCES;
	case MADE:
		return make(call);
	case SMALL:
		if (call->in.read.size > 700)
			call->in.read.size = 700;
		return PST_PASS;
	default:
		return PST_PASS;
	}
}

PST_DIRENT_FN(drop, call, dirent, entry, aux)
{
	__u32 last = call->name[0].len - 1;
	unsigned char c = last < PST_PATTERN_SIZE ? call->name[0].text[last] : 0;

	return *(int *)aux || (unsigned int)c % 3 ? PST_DROP : PST_KEEP;
}

PST_POST(readdir, call)
{
	int all = call->cell == NONE;

	if (call->error)
		return PST_PASS;
	if (call->cell == LATE || (call->cell == EMPTY_LATE && !call->data_len))
		return -EDQUOT;
	if (all || call->cell == THIRD)
		pst_dirents(call, drop, &all);
	return PST_PASS;
}
