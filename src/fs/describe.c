// SPDX-License-Identifier: LGPL-2.1-or-later
/* Describes nodes to the program that uses the library. No state, no locks. */
#include "fs/fs-private.h"
#include "fs/keyed.h"

void fs_describe(struct fs *fs, struct node *node, struct fhandle *fh, struct pst_file *ret_file)
{
	size_t len;

	*ret_file = (struct pst_file){ .nodeid = node->id, .type = node->type };
	if (node_is_keyed(node)) {
		node_fhandle(fs->nodes, node, fh);
		ret_file->key = node_key_name(fh, &len);
		ret_file->key_len = (uint32_t)len;
		return;
	}
	ret_file->ino = node->ino;
	fs_node_device(fs, node, &ret_file->dev_major, &ret_file->dev_minor);
	if (!(node->flags & NODE_OWN_FD)) {
		node_fhandle(fs->nodes, node, fh);
		ret_file->handle = fh->bytes;
		ret_file->handle_len = fh->len;
	}
}
