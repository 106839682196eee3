// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/* Drops names that end in an odd digit or begin with 'x' from listings. */
#include <penstock/filter.bpf.h>

PST_FILTER(0, "drops entries of listings");

PST_DIRENT_FN(odd, call, dirent, entry, aux)
{
	__u32 last = call->name[0].len - 1;
	char c = last < PST_PATTERN_SIZE ? call->name[0].text[last] : 0;

	if (call->name[0].text[0] == 'x')
		return PST_DROP;
	return c >= '0' && c <= '9' && (c & 1) ? PST_DROP : PST_KEEP;
}

PST_POST(readdir, call)
{
	if (!call->error)
		pst_dirents(call, odd, NULL);
	return PST_PASS;
}
