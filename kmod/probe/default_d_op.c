// SPDX-License-Identifier: GPL-2.0-only
/* set_default_d_op() sets the dentry operations of a super block. */
#include <linux/dcache.h>

typeof(set_default_d_op((struct super_block *)0, NULL)) *probe;
