/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* One client of the control socket, as the server sees it: a descriptor and two buffers. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct json_object;
struct job;

/* All of it belongs to the server's thread. */
struct peer {
	int fd;				/* -1: gone */
	bool closing;			/* hang up when all is written */
	struct job *job;		/* a request that runs in a thread of its own; NULL: none */
	uint64_t used;			/* when it last said something, in turns of the server */
	char *in;			/* what was read and not yet answered: CTL_LINE_MAX bytes */
	size_t n_in;
	size_t n_taken;			/* bytes of it that are the line given out last */
	char *out;			/* what is to be written */
	size_t n_out;
};

/* Takes fd over in either case. */
int peer_init(struct peer *peer, int fd);
void peer_fini(struct peer *peer);

/* Reads what there is: 0, or -errno when there is nothing more to expect of this peer. */
int peer_read(struct peer *peer);

/*
 * Takes the next line out of what was read, without its newline: *ret_line is valid until the next
 * call that takes the peer. Returns 1 when there is one, 0 when not, -EMSGSIZE when it is too long.
 */
int peer_next_line(struct peer *peer, const char **ret_line, size_t *ret_len);

/* Queues an object as a line and writes as much as goes. */
int peer_send(struct peer *peer, struct json_object *object);

/* Writes as much of the queue as goes without waiting. */
int peer_flush(struct peer *peer);
