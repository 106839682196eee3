/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Channels: how requests come and answers go. A transport is these few functions; it knows nothing
 * of files. Errors are the engine's (util/err.h).
 */
#include "chan/slot.h"
#include "wire/msg.h"

#include <sys/uio.h>

enum chan_error {
	_CHAN_E_OK,
	CHAN_E_AGAIN,		/* nothing this time: call again (interrupted, or the request went) */
	CHAN_E_GONE,		/* receive: the connection has ended. reply: nobody waits any more */
	CHAN_E_BAD,		/* receive: *ret_msg is set as wire_decode() leaves it, see ret_wire */
	CHAN_E_REFUSED,		/* reply: the kernel does not take this answer; an error would do */
};

/* An answer: the header's error or 0, the result, then data. Both may be empty. */
struct chan_answer {
	uint64_t unique;
	int error;			/* 0 or -errno; with an error nothing else is sent */
	const void *arg;
	size_t arg_len;
	const void *data;
	size_t data_len;
};

struct chan;
struct chan_ops {
	const char *name;
	/* Waits for one request and puts it into the slot. *ret_wire: why CHAN_E_BAD. */
	int (*receive)(struct chan *chan, struct slot *slot, struct wire_msg *ret_msg,
		       int *ret_wire);
	int (*reply)(struct chan *chan, const struct chan_answer *answer);
	/* Tells the kernel something unasked: a struct of the ABI, then data. 0 or an error of its. */
	int (*notify)(struct chan *chan, int code, const void *arg, size_t arg_len,
		      const void *data, size_t data_len);
	/* Registers a file for passthrough: its number, or -errno (an answer). */
	int (*backing_open)(struct chan *chan, int fd);
	void (*backing_close)(struct chan *chan, int id);
};

struct chan {
	const struct chan_ops *ops;
	int fd;				/* owned */
};

/* /dev/fuse: the first descriptor of a connection, and further ones of the same connection. */
int chan_dev_open(struct chan **ret_chan);
int chan_dev_clone(const struct chan *chan, struct chan **ret_chan);

/* A socket that a test plays the kernel on; fd is taken. Files "registered" get counting numbers. */
int chan_sock_new(int fd, struct chan **ret_chan);

struct chan *chan_free(struct chan *chan);

/* What transports over descriptors share: one request from a buffer, one answer as a vector. */
int chan_decode(struct slot *slot, size_t len, struct wire_msg *ret_msg, int *ret_wire);
/* Likewise for what is told unasked. */
int chan_notify_vector(int code, const void *arg, size_t arg_len, const void *data, size_t data_len,
		       struct fuse_out_header *head, struct iovec iov[3]);
int chan_vector(const struct chan_answer *answer, struct fuse_out_header *head, struct iovec iov[3]);
