// SPDX-License-Identifier: GPL-2.0-only
/* mm_get_unmapped_area() begins with the file. */
#include <linux/sched/mm.h>

typeof(mm_get_unmapped_area((struct file *)0, 0, 1, 0, 0)) probe;
