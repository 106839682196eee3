// SPDX-License-Identifier: LGPL-2.1-or-later
#include "transport/chan.h"
#include "util/fd.h"

#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

struct chan *chan_free(struct chan *chan)
{
	if (!chan)
		return NULL;
	if (chan->ops->fini)
		chan->ops->fini(chan);
	fd_close(chan->fd);
	free(chan);
	return NULL;
}

int chan_decode(struct slot *slot, size_t len, struct wire_msg *ret_msg)
{
	return wire_decode(slot_message(slot), len, ret_msg) ? CHAN_E_BAD : 0;
}

size_t chan_copy(const struct slot *from, const struct wire_msg *msg, struct slot *to)
{
	char *at = slot_message(to);
	size_t len = msg->head->len;
	uint32_t payload;

	if (!from->entry) {
		memcpy(at, slot_message(from), len);
		return len;
	}
	payload = slot_headers(from)->ring_ent_in_out.payload_sz;
	len = sizeof(*msg->head) + msg->op->arg_size + payload;
	memcpy(at, msg->head, sizeof(*msg->head));
	((struct fuse_in_header *)at)->len = (uint32_t)len;
	at += sizeof(*msg->head);
	memcpy(at, msg->arg, msg->op->arg_size);
	memcpy(at + msg->op->arg_size, slot_data(from), payload);
	return len;
}

int chan_vector(const struct chan_answer *answer, struct fuse_out_header *head, struct iovec iov[3])
{
	int n = 1;

	*head = (struct fuse_out_header){ .unique = answer->unique, .error = answer->error };
	iov[0] = (struct iovec){ head, sizeof(*head) };
	if (!answer->error && answer->arg_len)
		iov[n++] = (struct iovec){ (void *)answer->arg, answer->arg_len };
	if (!answer->error && answer->data_len)
		iov[n++] = (struct iovec){ (void *)answer->data, answer->data_len };
	for (int i = 0; i < n; i++)
		head->len += (uint32_t)iov[i].iov_len;
	return n;
}

int chan_notify_vector(int code, const void *arg, size_t arg_len, const void *data, size_t data_len,
		       struct fuse_out_header *head, struct iovec iov[3])
{
	const struct chan_answer answer = {
		.arg = arg,
		.arg_len = arg_len,
		.data = data,
		.data_len = data_len,
	};
	int n = chan_vector(&answer, head, iov);

	/* A notification is a reply to no request, with the code as its error. */
	head->error = code;
	return n;
}
