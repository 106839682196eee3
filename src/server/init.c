// SPDX-License-Identifier: LGPL-2.1-or-later
/* Answers INIT, the first request of a connection, which arrives before there is a server. */
#include "server/server.h"
#include "util/log.h"

#include <errno.h>
#include <poll.h>
#include <sys/mman.h>

#define INIT_TIMEOUT_MS 10000

static int answer_once(struct chan *chan, struct slot *slot, const struct init_request *request,
		       struct init_negotiated *ret_negotiated, struct pst_error *error)
{
	struct pollfd fd = { .fd = chan->fd, .events = POLLIN };
	struct chan_answer answer = { 0 };
	struct fuse_init_out out;
	struct wire_msg msg;
	int r, init;

	if (poll(&fd, 1, INIT_TIMEOUT_MS) == 0)
		return error_set(error, -ETIMEDOUT,
				 "the kernel has not sent the INIT request within %d seconds",
				 INIT_TIMEOUT_MS / 1000);
	r = chan->ops->receive(chan, &slot, &msg);
	if (r == CHAN_E_AGAIN)
		return CHAN_E_AGAIN;
	if (r || msg.head->opcode != FUSE_INIT)
		return error_set(error, -EPROTO,
				 "the first request of the kernel is not a valid INIT request");
	init = init_negotiate(&msg, request, &out, ret_negotiated);
	answer.unique = msg.head->unique;
	answer.arg = &out;
	answer.arg_len = sizeof(out);
	if (init == INIT_E_OLDER)
		answer.error = -EPROTO;
	r = chan->ops->reply(chan, slot, &answer);
	if (init == INIT_E_OLDER)
		return error_set(error, -EPROTO,
				 "the kernel's FUSE protocol is older than " INIT_OLDEST_TEXT
				 " or offers less than that version must: use Linux 6.1 or newer");
	if (r)
		return error_set(error, -EPROTO, "the kernel refused the reply to INIT");
	return init == INIT_E_AGAIN ? CHAN_E_AGAIN : 0;
}

int server_answer_init(struct chan *chan, const struct init_request *request,
		       struct init_negotiated *ret_negotiated, struct pst_error *error)
{
	/*
	 * INIT is small, but the kernel sends requests only to readers that have room for a request
	 * of any size.
	 */
	size_t size = SLOT_DATA + request->max_write + SLOT_MIN_DATA;
	struct slot slot = { .data_size = size - SLOT_DATA };
	int r;

	slot.base = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (slot.base == MAP_FAILED)
		return error_set(error, -ENOMEM, "out of memory");
	do {
		r = answer_once(chan, &slot, request, ret_negotiated, error);
	} while (r == CHAN_E_AGAIN);
	munmap(slot.base, size);
	return r;
}
