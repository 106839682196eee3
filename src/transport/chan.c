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

/*
 * Returns the address in the copy at to of a pointer into the len bytes at from. Returns pointers
 * that lead elsewhere unchanged.
 */
static const char *moved(const char *at, const char *from, const char *to, size_t len)
{
	return at >= from && at <= from + len ? to + (at - from) : at;
}

void chan_copy(const struct slot *from, const struct slot *to, struct wire_msg *msg)
{
	size_t before = sizeof(*msg->head) + msg->op->arg_size;
	char *payload = slot_message(to) + before;
	char *was = from->entry ? slot_data(from) : slot_message(from) + before;
	size_t len = from->entry ? slot_headers(from)->ring_ent_in_out.payload_sz :
				   msg->head->len - before;

	memcpy(payload, was, len);
	msg->name[0] = moved(msg->name[0], was, payload, len);
	msg->name[1] = moved(msg->name[1], was, payload, len);
	msg->data = (char *)moved(msg->data, was, payload, len);
	msg->ext = moved(msg->ext, was, payload, len);
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

	/* A notification has unique 0, and its code in the error member. */
	head->error = code;
	return n;
}
