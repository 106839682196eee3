// SPDX-License-Identifier: GPL-2.0-only
/* struct fileattr is called struct file_kattr. */
#include <linux/fileattr.h>

struct file_kattr probe;
