// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * attr: shows files with other times and numbers of links.
 *
 *	ctime_from_mtime	the time of the last change is that of the last write, so programs
 *				such as backups do not see chmod, chown and rename
 *	hide_hard_links		each file has one link, so programs see no hard links
 */
#include <penstock/filter.bpf.h>

PST_FILTER(0, "shows files with other times and numbers of links");

PST_OPTION(_Bool, ctime_from_mtime, "show the time of the last write as that of the last change");
PST_OPTION(_Bool, hide_hard_links, "show one link for each file");
PST_AT_LEAST_ONE_OF("ctime_from_mtime hide_hard_links");

PST_SHOWN(call, shown)
{
	if (ctime_from_mtime) {
		shown->ctime = shown->mtime;
		shown->ctimensec = shown->mtimensec;
	}
	if (hide_hard_links)
		shown->nlink = 1;
	return PST_PASS;
}
