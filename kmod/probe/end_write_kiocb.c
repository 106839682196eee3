// SPDX-License-Identifier: GPL-2.0-only
/* backing_file_ctx.end_write gets the kiocb. */
#include <linux/backing-file.h>

typeof(((struct backing_file_ctx *)0)->end_write((struct kiocb *)0, 0)) *probe;
