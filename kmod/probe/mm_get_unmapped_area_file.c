// SPDX-License-Identifier: GPL-2.0-only
/* mm_get_unmapped_area() begins with the file. */
#include <linux/sched/mm.h>

unsigned long probe(struct file *file);
unsigned long probe(struct file *file)
{
	return mm_get_unmapped_area(file, 0, 1, 0, 0);
}
