// SPDX-License-Identifier: GPL-2.0-only
/* ->d_revalidate gets the directory and the name. */
#include <linux/dcache.h>

typeof(((struct dentry_operations *)0)->d_revalidate((struct inode *)0, NULL, NULL, 0)) probe;
