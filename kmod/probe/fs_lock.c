// SPDX-License-Identifier: GPL-2.0-only
/* A fs_struct has a sequence count and a spinlock, not a seqlock. */
#include <linux/fs_struct.h>

typeof(((struct fs_struct *)0)->lock) probe;
