// SPDX-License-Identifier: GPL-2.0-only
/* Pairs of functions lock a directory for a change of a name; struct renamedata has dentries. */
#include <linux/namei.h>

typeof(end_creating(start_creating_dentry(NULL, NULL))) *probe;
typeof(start_renaming_two_dentries((struct renamedata *)0, NULL, NULL)) probe_two;
typeof(((struct renamedata *)0)->mnt_idmap) probe_idmap;
