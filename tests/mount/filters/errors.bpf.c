// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * For the mount ring: errors become others, or success; success becomes an error. What it acts on is
 * marked by its name:
 *
 *	missing*	a lookup of what is not there comes to ENOMEM
 *	there*		a lookup finds nothing, though it is there; making such a directory comes to EPERM
 *	no-lookup*	may not be looked up: EACCES
 *	no-open*	may not be opened: EPERM, when it is open
 *	no-*		may not be made: EDQUOT, when it is made
 */
#include <penstock/filter.bpf.h>

PST_FILTER(PST_CELLS, "changes errors");

#define NO_OPEN 1

/* Whether name I begins with the words. */
#define begins(CALL, I, WORDS) pst_text_is((CALL)->name[I].text, WORDS, sizeof(WORDS) - 1)

PST_NAME(call)
{
	call->child.cell = begins(call, 0, "no-open") ? NO_OPEN : 0;
	return PST_PASS;
}

PST_PRE(lookup, call)
{
	return begins(call, 0, "no-lookup") ? -EACCES : PST_PASS;
}

PST_POST(lookup, call)
{
	if (!call->error && begins(call, 0, "there"))
		return -ENOENT;
	return call->error == -ENOENT && begins(call, 0, "missing") ? -ENOMEM : PST_PASS;
}

PST_POST(open, call)
{
	return call->cell == NO_OPEN ? -EPERM : PST_PASS;
}

PST_POST(opendir, call)
{
	return call->cell == NO_OPEN ? -EPERM : PST_PASS;
}

static __always_inline int made(const struct pst_call *call, __u32 i)
{
	return !call->error && begins(call, i, "no-") ? -EDQUOT : PST_PASS;
}

PST_POST(create, call)
{
	return made(call, 0);
}

PST_POST(mkdir, call)
{
	return call->error == -EEXIST ? -EPERM : made(call, 0);
}

PST_POST(mknod, call)
{
	return made(call, 0);
}

PST_POST(symlink, call)
{
	return made(call, 0);
}

PST_POST(link, call)
{
	return made(call, 0);
}

PST_POST(rename, call)
{
	return made(call, 1);
}

/* An attribute that nobody has set. */
PST_POST(getxattr, call)
{
	if (call->error != -ENODATA || !pst_name_is(call, 0, "user.made"))
		return PST_PASS;
	if (!call->in.getxattr.size) {
		call->out.getxattr.size = 7;
		return PST_DONE;
	}
	__builtin_memcpy(call->data, "made up", 7);
	call->data_len = 7;
	return PST_DONE;
}

/* Answered before anybody is asked. */
PST_PRE(getxattr, call)
{
	if (!pst_name_is(call, 0, "user.early"))
		return PST_PASS;
	if (!call->in.getxattr.size) {
		call->out.getxattr.size = 5;
		return PST_DONE;
	}
	__builtin_memcpy(call->data, "early", 5);
	call->data_len = 5;
	return PST_DONE;
}

/* Unlinking fails, and nobody is told. */
PST_POST(rmdir, call)
{
	return call->error == -ENOTEMPTY ? PST_DONE : PST_PASS;
}

/* Nothing is changed, and the caller believes it. */
PST_PRE(setxattr, call)
{
	return pst_name_is(call, 0, "user.early") ? PST_DONE : PST_PASS;
}
