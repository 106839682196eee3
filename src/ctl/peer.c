// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * One client of the control socket.
 *
 * The descriptor never blocks. What a client can make us keep is bounded on both sides: a line by
 * CTL_LINE_MAX, what waits to be written by CTL_REPLY_MAX. The server does not read from a client
 * that does not read from us, so the second bound is one of single replies.
 */
#include "ctl/peer.h"
#include "ctl/proto.h"
#include "util/fd.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

int peer_init(struct peer *peer, int fd)
{
	*peer = (struct peer){ .fd = fd };
	peer->in = malloc(CTL_LINE_MAX);
	if (!peer->in) {
		peer_fini(peer);
		return -ENOMEM;
	}
	return 0;
}

void peer_fini(struct peer *peer)
{
	fd_close(peer->fd);
	free(peer->in);
	free(peer->out);
	*peer = (struct peer){ .fd = -1 };
}

int peer_read(struct peer *peer)
{
	ssize_t n;

	if (peer->n_in == CTL_LINE_MAX)
		return 0;
	n = recv(peer->fd, peer->in + peer->n_in, CTL_LINE_MAX - peer->n_in, MSG_DONTWAIT);
	if (n == 0)
		return -ECONNRESET;
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	peer->n_in += n;
	return 0;
}

int peer_next_line(struct peer *peer, const char **ret_line, size_t *ret_len)
{
	char *newline;

	/* The line given out last lies at the start until now. */
	if (peer->n_taken) {
		peer->n_in -= peer->n_taken;
		memmove(peer->in, peer->in + peer->n_taken, peer->n_in);
		peer->n_taken = 0;
	}
	newline = memchr(peer->in, '\n', peer->n_in);
	if (!newline)
		return peer->n_in == CTL_LINE_MAX ? -EMSGSIZE : 0;
	peer->n_taken = newline + 1 - peer->in;
	*ret_line = peer->in;
	*ret_len = newline - peer->in;
	return 1;
}

int peer_flush(struct peer *peer)
{
	ssize_t n;

	while (peer->n_out) {
		n = send(peer->fd, peer->out, peer->n_out, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN ? 0 : -errno;
		peer->n_out -= n;
		memmove(peer->out, peer->out + n, peer->n_out);
	}
	free(peer->out);
	peer->out = NULL;
	return 0;
}

int peer_send(struct peer *peer, struct json_object *object)
{
	const char *text = json_object_to_json_string_ext(object, JSON_C_TO_STRING_PLAIN);
	size_t len = text ? strlen(text) : 0;
	char *out;

	if (!text)
		return -ENOMEM;
	if (peer->n_out + len + 1 > CTL_REPLY_MAX)
		return -EMSGSIZE;
	out = realloc(peer->out, peer->n_out + len + 1);
	if (!out)
		return -ENOMEM;
	memcpy(out + peer->n_out, text, len);
	out[peer->n_out + len] = '\n';
	peer->out = out;
	peer->n_out += len + 1;
	return peer_flush(peer);
}
