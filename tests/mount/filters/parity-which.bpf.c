// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * Returns an error that says whether the operation ran its own program with the nodes of its own
 * files.
 */
#include <penstock/filter.bpf.h>

PST_FILTER(PST_WANT_ATTR, "tells operations and nodes apart");

PST_PRE(fsync, call)
{
	return S_ISREG(call->node.attr.mode) ? -EDQUOT : -EXDEV;
}

PST_PRE(fsyncdir, call)
{
	return S_ISDIR(call->node.attr.mode) ? -ENOLCK : -EXDEV;
}

/* node is the directory of the new name, node2 the file. */
PST_PRE(link, call)
{
	if (!call->node.nodeid || !S_ISDIR(call->node.attr.mode))
		return -EXDEV;
	if (!call->node2.nodeid || !S_ISREG(call->node2.attr.mode) || call->node2.attr.nlink != 1)
		return -ELOOP;
	return call->in.link.oldnodeid == call->node2.nodeid ? PST_PASS : -ENXIO;
}

/*
 * node and node2 are the directories of the old and the new name. Both opcodes of rename have
 * flags.
 */
PST_PRE(rename, call)
{
	if (call->node.nodeid == call->node2.nodeid || call->node.attr.ino == call->node2.attr.ino)
		return -ELOOP;
	return call->in.rename.newdir != call->node2.nodeid ? -ENXIO :
	       call->in.rename.flags                        ? -EDOM :
							      PST_PASS;
}
