// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The /dev/fuse transport. All descriptors of a connection receive requests from the same kernel
 * queue. A reply must be written to the descriptor on which its request was read, or the kernel
 * refuses the reply. Backing IDs belong to the connection, so any of its descriptors can register
 * and release them. No state besides the descriptor, no locks.
 */
#include "transport/chan.h"

#include <errno.h>
#include <fcntl.h>
#include <stdalign.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <unistd.h>

/*
 * Receives a message for a slot in a BPF map: the first page on the stack, from where it is copied
 * to the slot. Most messages end there, so the kernel pins one page of ordinary memory instead of
 * several pages of a map, which cost several times as much each (slot.h).
 */
static ssize_t receive_in_map(int fd, char *message, size_t size)
{
	alignas(SLOT_PAGE) char page[SLOT_PAGE];
	struct iovec iov[2] = {
		{ page, sizeof(page) },
		{ message + sizeof(page), size - sizeof(page) },
	};
	ssize_t n = readv(fd, iov, 2);

	if (n > 0)
		memcpy(message, page, (size_t)n < sizeof(page) ? (size_t)n : sizeof(page));
	return n;
}

static int dev_receive(struct chan *chan, struct slot **slot, struct wire_msg *ret_msg)
{
	char *message = slot_message(*slot);
	size_t size = slot_message_size(*slot);
	ssize_t n = (*slot)->in_map ? receive_in_map(chan->fd, message, size) :
				      read(chan->fd, message, size);

	if (n >= 0)
		return chan_decode(*slot, (size_t)n, ret_msg);
	switch (errno) {
	case ENOENT: /* the client was interrupted while the request was being read */
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
	ssize_t written;

	(void)slot;
	if (head.len <= sizeof(page)) {
		gather(page, iov, n);
		written = write(chan->fd, page, head.len);
	} else {
		written = writev(chan->fd, iov, n);
	}
	if (written >= 0)
		return 0;
	switch (errno) {
	case ENOENT: /* the client was interrupted, or the connection was aborted */
	case ENODEV:
	case ECONNABORTED:
	case EPERM: /* the connection of the descriptor has ended */
		return CHAN_E_GONE;
	default:
		return CHAN_E_REFUSED;
	}
}

int chan_dev_notify(struct chan *chan, int code, const void *arg, size_t arg_len, const void *data,
		    size_t data_len)
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

int chan_dev_backing_open(struct chan *chan, int fd)
{
	return register_backing(chan->fd, fd);
}

bool chan_dev_may_register(int fd)
{
	return register_backing(fd, -1) != -EPERM;
}

void chan_dev_backing_close(struct chan *chan, int id)
{
	uint32_t number = (uint32_t)id;

	/* Fails only if the kernel has released the file already. */
	ioctl(chan->fd, FUSE_DEV_IOC_BACKING_CLOSE, &number);
}

const struct chan_ops chan_dev_ops = {
	.shared = true,
	.receive = dev_receive,
	.reply = dev_reply,
	.notify = chan_dev_notify,
	.backing_open = chan_dev_backing_open,
	.backing_close = chan_dev_backing_close,
};

int chan_dev_open(void)
{
	int fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

int chan_dev_join(int fd, const struct chan *chan)
{
	uint32_t source = (uint32_t)chan->fd;

	return ioctl(fd, FUSE_DEV_IOC_CLONE, &source) < 0 ? -errno : 0;
}

int chan_dev_new(const struct chan *first, struct chan **ret_chan)
{
	struct chan *chan = calloc(1, sizeof(*chan));
	int r = 0;

	if (!chan)
		return -ENOMEM;
	*chan = (struct chan){ .ops = &chan_dev_ops, .fd = chan_dev_open(), .cpu = -1 };
	if (chan->fd < 0)
		r = chan->fd;
	else if (first)
		r = chan_dev_join(chan->fd, first);
	if (r < 0) {
		chan_free(chan);
		return r;
	}
	*ret_chan = chan;
	return 0;
}
