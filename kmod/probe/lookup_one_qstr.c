// SPDX-License-Identifier: GPL-2.0-only
/* lookup_one() and lookup_one_unlocked() take a struct qstr. */
#include <linux/namei.h>

typeof(lookup_one_unlocked((struct mnt_idmap *)0, (struct qstr *)0, NULL)) probe;
