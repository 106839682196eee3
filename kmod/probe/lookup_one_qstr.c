// SPDX-License-Identifier: GPL-2.0-only
/* lookup_one() and lookup_one_unlocked() take a struct qstr. */
#include <linux/namei.h>

struct dentry *probe(struct mnt_idmap *idmap, struct qstr *name, struct dentry *dir);
struct dentry *probe(struct mnt_idmap *idmap, struct qstr *name, struct dentry *dir)
{
	return lookup_one_unlocked(idmap, name, dir);
}
