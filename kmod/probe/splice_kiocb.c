// SPDX-License-Identifier: GPL-2.0-only
/* backing_file_splice_read() takes a kiocb. */
#include <linux/backing-file.h>

ssize_t probe(struct file *file, struct kiocb *iocb);
ssize_t probe(struct file *file, struct kiocb *iocb)
{
	return backing_file_splice_read(file, iocb, NULL, 1, 0, NULL);
}
