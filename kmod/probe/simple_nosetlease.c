// SPDX-License-Identifier: GPL-2.0-only
/* simple_nosetlease() refuses leases. */

const struct file_operations probe = { .setlease = simple_nosetlease };
