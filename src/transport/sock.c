// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A transport for tests and fuzzers: a SOCK_SEQPACKET socket takes the place of /dev/fuse, and the
 * test acts as the kernel on the peer socket. It needs neither a mount nor privileges. Each packet
 * is one message. When the test closes the peer, the connection ends as by umount(2).
 */
#include "transport/chan.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/uio.h>

struct sock {
	struct chan chan;
	_Atomic int next_id;
};

static int sock_receive(struct chan *chan, struct slot **slot, struct wire_msg *ret_msg)
{
	ssize_t n = recv(chan->fd, slot_message(*slot), slot_message_size(*slot), 0);

	if (n > 0)
		return chan_decode(*slot, (size_t)n, ret_msg);
	if (n == 0 || errno == ECONNRESET)
		return CHAN_E_GONE;
	return errno == EINTR || errno == EAGAIN ? CHAN_E_AGAIN : -errno;
}

/* Sends n vectors as one packet. Returns 0 or -errno. */
static int send_vector(struct chan *chan, struct iovec *iov, int n)
{
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = (size_t)n };

	return sendmsg(chan->fd, &msg, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

static int sock_reply(struct chan *chan, struct slot *slot, const struct chan_answer *answer)
{
	struct fuse_out_header head;
	struct iovec iov[3];

	(void)slot;
	return send_vector(chan, iov, chan_vector(answer, &head, iov)) < 0 ? CHAN_E_GONE : 0;
}

static int sock_notify(struct chan *chan, int code, const void *arg, size_t arg_len,
		       const void *data, size_t data_len)
{
	struct fuse_out_header head;
	struct iovec iov[3];
	int n = chan_notify_vector(code, arg, arg_len, data, data_len, &head, iov);

	return send_vector(chan, iov, n);
}

static int sock_backing_open(struct chan *chan, int fd)
{
	struct sock *sock = (struct sock *)chan;

	return fd < 0 ? -EBADF : atomic_fetch_add(&sock->next_id, 1) + 1;
}

static void sock_backing_close(struct chan *chan, int id)
{
	(void)chan;
	(void)id;
}

static const struct chan_ops sock_ops = {
	.receive = sock_receive,
	.reply = sock_reply,
	.notify = sock_notify,
	.backing_open = sock_backing_open,
	.backing_close = sock_backing_close,
};

int chan_sock_new(int fd, struct chan **ret_chan)
{
	struct sock *sock = calloc(1, sizeof(*sock));

	if (!sock)
		return -ENOMEM;
	sock->chan = (struct chan){ .ops = &sock_ops, .fd = fd, .cpu = -1 };
	*ret_chan = &sock->chan;
	return 0;
}
