// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * For the tests of the kernel module: decides about operations on names, and changes them. The
 * beginning of a name says which program does it:
 *
 *	ro-		the program for names refuses changes with EROFS
 *	gone-		... answers ENOENT, without PST_HIDES
 *	cell-		... leaves the filter to that tree alone; below it fixed- is EROFS
 *	pre-		programs before operations refuse with EDQUOT
 *	set-		... change mode, umask, owner, device, target and flags
 *	free-		... ignore the umask
 *	done-		... answer unlink, rmdir and rename, which do not take place
 *	name-		... change the name
 *	post-		programs after operations refuse with EBUSY
 *	full-		... turn ENOTEMPTY into success
 *	refused-	lookups fail with EACCES
 *	unseen-		... are answered with ENOENT after the file was found
 *	nomem-		... that find nothing fail with ENOMEM
 */
#include <penstock/filter.bpf.h>

PST_FILTER(PST_CELLS, "decides about names");

#define begins(CALL, I, WORD) pst_text_is((CALL)->name[I].text, WORD, sizeof(WORD) - 1)

PST_NAME(call)
{
	if (begins(call, 0, "gone-"))
		return -ENOENT;
	if (begins(call, 0, "cell-"))
		call->child.cell = 1;
	if (!pst_op_changes(call->opcode))
		return PST_PASS;
	return begins(call, 0, "ro-") || (call->cell && begins(call, 0, "fixed-")) ? -EROFS :
										     PST_PASS;
}

static __always_inline int before(struct pst_call *call)
{
	__u32 last = call->opcode == FUSE_RENAME2;

	if (begins(call, 0, "name-"))
		call->name[0].text[0] = 'N';
	if (begins(call, 0, "set-")) {
		call->caller.uid = 1234;
		call->caller.gid = 2345;
	}
	if (begins(call, 0, "done-"))
		return PST_DONE;
	return begins(call, last, "pre-") ? -EDQUOT : PST_PASS;
}

PST_PRE(mknod, call)
{
	if (begins(call, 0, "set-")) {
		call->in.mknod.mode = (call->in.mknod.mode & S_IFMT) | 0604;
		call->in.mknod.umask = 0;
		if ((call->in.mknod.mode & S_IFMT) == S_IFCHR)
			call->in.mknod.rdev = 1 << 8 | 5;
	}
	if (begins(call, 0, "free-"))
		call->in.mknod.umask = 0;
	return before(call);
}

PST_PRE(mkdir, call)
{
	if (begins(call, 0, "set-"))
		call->in.mkdir.mode = 01701;
	if (begins(call, 0, "free-"))
		call->in.mkdir.umask = 0;
	return before(call);
}

PST_PRE(create, call)
{
	if (begins(call, 0, "set-"))
		call->in.create.mode = (call->in.create.mode & S_IFMT) | 06640;
	if (begins(call, 0, "set-umask"))
		call->in.create.umask = 0377;
	if (begins(call, 0, "free-"))
		call->in.create.umask = 0;
	return before(call);
}

PST_PRE(tmpfile, call)
{
	call->in.create.mode = (call->in.create.mode & S_IFMT) | 0604;
	call->in.create.umask = 0;
	call->caller.uid = 1234;
	return PST_PASS;
}

PST_PRE(symlink, call)
{
	char *target = pst_data(call, 0, 4);

	if (begins(call, 0, "set-") && target) {
		__builtin_memcpy(target, "to/d", 4);
		call->data_len = 4;
	}
	return before(call);
}

PST_PRE(link, call)
{
	return before(call);
}

PST_PRE(unlink, call)
{
	return before(call);
}

PST_PRE(rmdir, call)
{
	return before(call);
}

PST_PRE(rename, call)
{
	if (begins(call, 1, "set-"))
		call->in.rename.flags |= 1; /* RENAME_NOREPLACE */
	return before(call);
}

PST_PRE(lookup, call)
{
	return begins(call, 0, "refused-") ? -EACCES : PST_PASS;
}

PST_POST(lookup, call)
{
	if (call->error)
		return begins(call, 0, "nomem-") && call->error == -ENOENT ? -ENOMEM : PST_PASS;
	return begins(call, 0, "unseen-") ? -ENOENT : PST_PASS;
}

#define AFTER(OP)                                                                                  \
	PST_POST(OP, call)                                                                         \
	{                                                                                          \
		if (begins(call, 0, "full-") && call->error == -ENOTEMPTY)                         \
			return PST_DONE;                                                           \
		return begins(call, 0, "post-") && !call->error ? -EBUSY : PST_PASS;               \
	}
AFTER(mknod)
AFTER(mkdir)
AFTER(create)
AFTER(symlink)
AFTER(link)
AFTER(unlink)
AFTER(rmdir)
AFTER(rename)
