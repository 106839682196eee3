// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * For LD_PRELOAD: appends a line to the file $RETRIEVES for each FUSE_NOTIFY_RETRIEVE that the
 * process sends: the number that the kernel will give to its request, the node, and 0 or the error.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/uio.h>
#include <unistd.h>

static void record(const struct fuse_notify_retrieve_out *out, int error)
{
	int fd = open(getenv("RETRIEVES"), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

	if (fd < 0 || dprintf(fd, "%llx %llx %d\n", (unsigned long long)out->notify_unique,
			      (unsigned long long)out->nodeid, error) < 0)
		abort();
	close(fd);
}

ssize_t writev(int fd, const struct iovec *iov, int n)
{
	static ssize_t (*next)(int, const struct iovec *, int);
	const struct fuse_out_header *head = n > 1 ? iov[0].iov_base : NULL;
	ssize_t r;
	int error;

	if (!next)
		next = (ssize_t(*)(int, const struct iovec *, int))dlsym(RTLD_NEXT, "writev");
	r = next(fd, iov, n);
	error = errno;
	if (head && iov[0].iov_len == sizeof(*head) && !head->unique &&
	    head->error == FUSE_NOTIFY_RETRIEVE)
		record(iov[1].iov_base, r < 0 ? error : 0);
	errno = error;
	return r;
}
