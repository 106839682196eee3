// SPDX-License-Identifier: GPL-2.0-only
/* Pairs of functions lock a directory for a change of a name; struct renamedata has dentries. */
#include <linux/namei.h>

int probe(struct renamedata *rd, struct dentry *a, struct dentry *b);
int probe(struct renamedata *rd, struct dentry *a, struct dentry *b)
{
	rd->mnt_idmap = NULL;
	end_creating(start_creating_dentry(a, b));
	return start_renaming_two_dentries(rd, a, b);
}
