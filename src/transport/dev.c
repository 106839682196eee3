// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The /dev/fuse transport. Every descriptor of a connection takes requests from the kernel's one
 * queue; an answer must go to the descriptor its request came from. Numbers of backing files belong
 * to the connection, so any descriptor will do for them.
 */
#include "transport/chan.h"
#include "util/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdalign.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <unistd.h>

/* What is short goes by way of a page on the stack: one page, and of ordinary memory (slot.h). */
static int dev_receive(struct chan *chan, struct slot **slot, struct wire_msg *ret_msg,
		       int *ret_wire)
{
	alignas(SLOT_PAGE) char page[SLOT_PAGE];
	char *message = slot_message(*slot);
	struct iovec iov[2] = {
		{ page, sizeof(page) },
		{ message + sizeof(page), slot_message_size(*slot) - sizeof(page) },
	};
	ssize_t n = readv(chan->fd, iov, 2);

	if (n >= 0) {
		memcpy(message, page, (size_t)n < sizeof(page) ? (size_t)n : sizeof(page));
		return chan_decode(*slot, (size_t)n, ret_msg, ret_wire);
	}
	switch (errno) {
	case ENOENT: /* the request was taken back while we read it */
	case EINTR:
	case EAGAIN:
		return CHAN_E_AGAIN;
	case ENODEV: /* unmounted */
	case ECONNABORTED:
		return CHAN_E_GONE;
	default:
		return -errno;
	}
}

static void gather(char *to, const struct iovec *iov, int n)
{
	for (int i = 0; i < n; i++) {
		memcpy(to, iov[i].iov_base, iov[i].iov_len);
		to += iov[i].iov_len;
	}
}

static int dev_reply(struct chan *chan, struct slot *slot, const struct chan_answer *answer)
{
	alignas(SLOT_PAGE) char page[SLOT_PAGE];
	struct fuse_out_header head;
	struct iovec iov[3];
	int n = chan_vector(answer, &head, iov);

	(void)slot;
	if (head.len <= sizeof(page)) {
		gather(page, iov, n);
		iov[0] = (struct iovec){ page, head.len };
		n = 1;
	}
	if (writev(chan->fd, iov, n) >= 0)
		return 0;
	switch (errno) {
	case ENOENT: /* interrupted, or the connection was aborted */
	case ENODEV:
	case ECONNABORTED:
	case EPERM: /* a descriptor whose connection is no more */
		return CHAN_E_GONE;
	default:
		return CHAN_E_REFUSED;
	}
}

static int dev_notify(struct chan *chan, int code, const void *arg, size_t arg_len,
		      const void *data, size_t data_len)
{
	struct fuse_out_header head;
	struct iovec iov[3];
	int n = chan_notify_vector(code, arg, arg_len, data, data_len, &head, iov);

	return writev(chan->fd, iov, n) < 0 ? -errno : 0;
}

static int register_backing(int dev_fd, int fd)
{
	struct fuse_backing_map map = { .fd = fd };
	int id = ioctl(dev_fd, FUSE_DEV_IOC_BACKING_OPEN, &map);

	return id < 0 ? -errno : id;
}

static int dev_backing_open(struct chan *chan, int fd)
{
	return register_backing(chan->fd, fd);
}

bool chan_dev_may_register(int fd)
{
	return register_backing(fd, -1) != -EPERM;
}

static void dev_backing_close(struct chan *chan, int id)
{
	uint32_t number = (uint32_t)id;

	/* It can only fail where there is nothing left to close. */
	ioctl(chan->fd, FUSE_DEV_IOC_BACKING_CLOSE, &number);
}

const struct chan_ops chan_dev_ops = {
	.name = "dev",
	.shared = true,
	.receive = dev_receive,
	.reply = dev_reply,
	.notify = dev_notify,
	.backing_open = dev_backing_open,
	.backing_close = dev_backing_close,
};

int chan_dev_fd(int *ret_fd)
{
	int fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	*ret_fd = fd;
	return 0;
}

static int dev_new(struct chan **ret_chan)
{
	struct chan *chan = calloc(1, sizeof(*chan));
	int r;

	if (!chan)
		return -ENOMEM;
	chan->ops = &chan_dev_ops;
	chan->cpu = -1;
	r = chan_dev_fd(&chan->fd);
	if (r < 0) {
		free(chan);
		return r;
	}
	*ret_chan = chan;
	return 0;
}

int chan_dev_open(struct chan **ret_chan)
{
	return dev_new(ret_chan);
}

int chan_dev_join(int fd, const struct chan *chan)
{
	uint32_t source = (uint32_t)chan->fd;

	return ioctl(fd, FUSE_DEV_IOC_CLONE, &source) < 0 ? -errno : 0;
}

int chan_dev_clone(const struct chan *chan, struct chan **ret_chan)
{
	struct chan *clone;
	int r;

	r = dev_new(&clone);
	if (r < 0)
		return r;
	r = chan_dev_join(clone->fd, chan);
	if (r < 0) {
		chan_free(clone);
		return r;
	}
	*ret_chan = clone;
	return 0;
}
