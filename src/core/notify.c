/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Making the kernel forget.
 *
 * Names: one message ends all that were looked up so far (Linux 6.16 and newer). Before that names go
 * one by one: those that the directories below have now. Attributes, pages and listings: by node.
 */
#include "core/notify.h"

#include <string.h>

/* A name of a directory that the kernel may have looked up, or have remembered as absent. */
static void forget_name(void *aux, const struct node *dir, const char *name, uint64_t ino)
{
	struct fuse_notify_inval_entry_out out = {
		.parent = dir->id,
		.namelen = (uint32_t)strlen(name),
	};
	struct chan *chan = aux;

	(void)ino;
	chan->ops->notify(chan, FUSE_NOTIFY_INVAL_ENTRY, &out, sizeof(out), name, out.namelen + 1);
}

struct walk {
	struct chan *chan;
	struct fs *fs;
	bool names;			/* one by one */
};

static void forget_node(void *aux, struct node *node)
{
	/* Length 0: to the end of the file, and attributes with it. */
	struct fuse_notify_inval_inode_out out = { .ino = node->id };
	struct walk *walk = aux;

	walk->chan->ops->notify(walk->chan, FUSE_NOTIFY_INVAL_INODE, &out, sizeof(out), NULL, 0);
	if (walk->names)
		fs_each_name(walk->fs, node, forget_name, walk->chan);
}

void notify_all(struct chan *chan, struct fs *fs)
{
	struct walk walk = { .chan = chan, .fs = fs };

	walk.names = chan->ops->notify(chan, FUSE_NOTIFY_INC_EPOCH, NULL, 0, NULL, 0) != 0;
	fs_walk(fs, forget_node, &walk);
}
