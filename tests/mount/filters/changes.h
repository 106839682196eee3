/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#pragma once
/*
 * Changes that the filters parity-values and inodes have in common. SETATTR rounds sizes up to
 * hundreds, and sets a fixed time instead of "now". The attribute user.a is user.b below, and
 * values change with their first letter. FALLOCATE allocates twice as much, and LSEEK has other
 * offsets. user.none has a value that the lower file lacks, user.long is cut, user.secret is not
 * listed, and 42 blocks are free.
 */
#include <penstock/filter.bpf.h>

static __always_inline void change_size_and_time(struct fuse_setattr_in *in)
{
	if (in->valid & FATTR_SIZE)
		in->size = (in->size + 99) / 100 * 100;
	if (in->valid & FATTR_MTIME_NOW) {
		in->valid &= ~FATTR_MTIME_NOW;
		in->mtime = 1000000000;
		in->mtimensec = 123456789;
	}
}

static __always_inline int a_to_b(struct pst_call *call)
{
	if (pst_name_is(call, 0, "user.a"))
		call->name[0].text[5] = 'b';
	return PST_PASS;
}

/* For the program before SETXATTR. */
static __always_inline int change_xattr(struct pst_call *call)
{
	char *value = pst_data(call, 0, 7), *first = pst_data(call, 0, 1);

	if (value && value[0] == 'c')
		__builtin_memcpy(value, "CHANGED", 7);
	else if (first && first[0] == 's')
		call->data_len = 2;
	else if (first && first[0] == 'g') {
		__builtin_memcpy(call->data, "another-value", 13);
		call->data_len = 13;
	}
	if (pst_name_is(call, 0, "user.once"))
		call->in.setxattr.flags |= 1; /* XATTR_CREATE */
	return a_to_b(call);
}

PST_PRE(removexattr, call)
{
	return a_to_b(call);
}

PST_PRE(getxattr, call)
{
	if (pst_name_is(call, 0, "user.alias"))
		__builtin_memcpy(call->name[0].text, "user.b", 7);
	return PST_PASS;
}

PST_PRE(fallocate, call)
{
	if (call->in.fallocate.length == 7000)
		call->in.fallocate.mode |= 1; /* FALLOC_FL_KEEP_SIZE */
	call->in.fallocate.length *= 2;
	return PST_PASS;
}

PST_PRE(lseek, call)
{
	if (call->in.lseek.whence == 3) /* SEEK_DATA */
		call->in.lseek.offset += 4096;
	return PST_PASS;
}

PST_POST(lseek, call)
{
	if (!call->error && call->in.lseek.whence == 4) /* SEEK_HOLE */
		call->out.lseek.offset -= 1;
	return PST_PASS;
}

PST_POST(getxattr, call)
{
	char *value;

	if (pst_name_is(call, 0, "user.none") && call->error == -ENODATA) {
		call->out.getxattr.size = 4;
		call->data_len = 4;
		value = call->in.getxattr.size >= 4 ? pst_data(call, 0, 4) : NULL;
		if (value)
			__builtin_memcpy(value, "none", 4);
		return call->in.getxattr.size && !value ? -ERANGE : PST_DONE;
	}
	if (call->error || !pst_name_is(call, 0, "user.long"))
		return PST_PASS;
	if (call->in.getxattr.size)
		call->data_len = 3;
	return PST_PASS;
}

PST_XATTR_FN(secret, call, aux)
{
	return pst_name_is(call, 0, "user.secret") ? PST_DROP : PST_KEEP;
}

PST_POST(listxattr, call)
{
	if (!call->error && call->in.getxattr.size)
		pst_xattrs(call, secret, NULL);
	return PST_PASS;
}

PST_POST(statfs, call)
{
	call->out.statfs.st.bfree = 42;
	return PST_PASS;
}
