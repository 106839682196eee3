// SPDX-License-Identifier: GPL-2.0-only
/* struct fileattr is called struct file_kattr. */
#include <linux/fileattr.h>

int probe(struct file_kattr *fa);
int probe(struct file_kattr *fa)
{
	return fa->flags;
}
