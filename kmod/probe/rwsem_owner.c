// SPDX-License-Identifier: GPL-2.0-only
/* A rw_semaphore has the task that holds it for writing (not with PREEMPT_RT). */
#include <linux/rwsem.h>

typeof(atomic_long_read(&((struct inode *)0)->i_rwsem.owner)) probe;
