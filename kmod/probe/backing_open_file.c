// SPDX-License-Identifier: GPL-2.0-only
/* backing_file_open() takes the file of the user, not its path. */
#include <linux/backing-file.h>

typeof(backing_file_open((const struct file *)0, 0, (struct path *)0, NULL)) probe;
