/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Channels: how requests come and answers go. A transport is these few functions; it knows nothing
 * of files. Errors are the engine's (util/err.h).
 *
 * There are two kinds. Most put a request into a slot that receive() gets. Others own slots: the
 * server gives them slots, receive() returns one with a request in it, and the server gives it back
 * after the reply; some transports send the reply only then. The server must not touch a slot while
 * the transport has it.
 */
#include "transport/slot.h"
#include "wire/msg.h"

#include <stdbool.h>
#include <sys/uio.h>

enum chan_error {
	_CHAN_E_OK,
	CHAN_E_AGAIN,   /* nothing this time: call again (interrupted, or the request went) */
	CHAN_E_GONE,    /* receive: the connection has ended. reply: nobody waits any more */
	CHAN_E_BAD,     /* receive: *ret_msg is set as wire_decode() leaves it, see ret_wire */
	CHAN_E_REFUSED, /* reply: the kernel does not take this answer; an error would do */
};

/* An answer: the header's error or 0, the result, then data. Both may be empty. */
struct chan_answer {
	uint64_t unique;
	int error; /* 0 or -errno; with an error nothing else is sent */
	const void *arg;
	size_t arg_len;
	const void *data;
	size_t data_len;
};

/* Services that a transport needs from the owner of the nodes. Called from any thread. */
struct chan_host {
	void *aux;
	/*
	 * Calls fn with the nodeid of regular files that the kernel most likely knows, until fn
	 * returns true. Returns that nodeid, 0: fn returned true for none.
	 */
	uint64_t (*find_file)(void *aux, bool (*fn)(void *fn_aux, uint64_t nodeid), void *fn_aux);
};

struct chan;
struct chan_ops {
	const char *name;
	/* All descriptors of a connection read one queue: poll(2) on any of them tells of it. */
	bool shared;
	/*
	 * Waits for one request. *slot is where to put it, or, of a transport that owns slots, is
	 * set to the one it lies in. *ret_wire: why CHAN_E_BAD.
	 */
	int (*receive)(struct chan *chan, struct slot **slot, struct wire_msg *ret_msg,
		       int *ret_wire);
	/* Answers the request that came in this slot; of what came nothing may be left. */
	int (*reply)(struct chan *chan, struct slot *slot, const struct chan_answer *answer);
	/* Sends a notification: a struct of the ABI, then data. 0 or the kernel's -errno. */
	int (*notify)(struct chan *chan, int code, const void *arg, size_t arg_len,
		      const void *data, size_t data_len);
	/* Registers a file for passthrough: its number, or -errno (an answer). */
	int (*backing_open)(struct chan *chan, int fd);
	void (*backing_close)(struct chan *chan, int id);

	/*
	 * For transports that own slots. Other transports have NULL here; give tells which is
	 * which.
	 *
	 * give: gives the transport a slot, a new one or one whose request is done. Any thread. 0
	 * or -ENOMEM, the latter for a new slot only.
	 * wants: true when no request can arrive by the queues until one is done: the transport
	 * should be given a new slot, or get another channel of the same queues.
	 * surplus: true when requests may arrive for the channel's thread while the thread works
	 * on another one, so the thread should do nothing that may block.
	 * fetch: after a new slot was given, or another channel made, makes sure that requests
	 * arrive that have waited since before. False: not possible now. Any thread; mostly cheap.
	 * more: makes another channel of the same queues and connection, with n_slots to give.
	 * Free it before the channel it was made of. 0 or -errno.
	 * begin: called first by the receiving thread, with chan->n_slots new slots. 0 or -errno:
	 * the channel cannot serve. Then, or when another channel of the connection could not:
	 * fall_back: makes it a channel of /dev/fuse, which is given no slot any more. 0 or
	 * -errno: the connection cannot be served at all.
	 */
	int (*give)(struct chan *chan, struct slot *slot);
	bool (*wants)(struct chan *chan);
	bool (*surplus)(struct chan *chan);
	bool (*fetch)(struct chan *chan);
	int (*more)(struct chan *chan, struct chan **ret_chan);
	int (*begin)(struct chan *chan, struct slot **slots);
	int (*fall_back)(struct chan *chan);

	void (*fini)(struct chan *chan); /* NULL: nothing but fd is owned */
};

struct chan {
	const struct chan_ops *ops;
	int fd;                       /* owned */
	unsigned int n_slots;         /* to give at the start; 0: none, ever */
	int cpu;                      /* whose requests it brings; -1: anybody's */
	const struct chan_host *host; /* borrowed; NULL: nobody knows the nodes */
};

/* /dev/fuse: the first descriptor of a connection, and further ones of the same connection. */
int chan_dev_open(struct chan **ret_chan);
int chan_dev_clone(const struct chan *chan, struct chan **ret_chan);

/* For transports beside /dev/fuse: one descriptor; and makes it one of the connection of chan. */
int chan_dev_fd(int *ret_fd);
int chan_dev_join(int fd, const struct chan *chan);

/*
 * FUSE over io_uring: one channel for some of the kernel's queues, of which there is one for each
 * CPU that the machine may have. It is made before there is a connection, so that what may fail has
 * failed before INIT promises the kernel that all queues will be there, and joined to one before it
 * begins. depth slots for each queue are kept at first.
 */
struct chan_uring_plan {
	const unsigned int *queues;
	unsigned int n_queues;
	unsigned int depth;
	int cpu;            /* as in struct chan */
	struct chan *first; /* another of the same queues, freed after this; or NULL */
};
int chan_uring_new(const struct chan_uring_plan *plan, struct chan **ret_chan);
int chan_uring_join(struct chan *chan, const struct chan *dev);

/* A socket on which a test plays the kernel. Takes fd. Backing IDs are counted from 1. */
int chan_sock_new(int fd, struct chan **ret_chan);

struct chan *chan_free(struct chan *chan);

/*
 * Returns whether this process may register backing files on the connection of a descriptor of
 * /dev/fuse, whose INIT was answered with passthrough. The kernel asks for CAP_SYS_ADMIN in the
 * initial user namespace. It does so before it looks at the file, so finding out registers none.
 */
bool chan_dev_may_register(int fd);

/* What transports over descriptors share: one request from a buffer, one answer as a vector. */
int chan_decode(struct slot *slot, size_t len, struct wire_msg *ret_msg, int *ret_wire);
/* A request from one slot to another, in one piece, of the length that is returned. */
size_t chan_copy(const struct slot *from, const struct wire_msg *msg, struct slot *to);
/* Likewise for what is told unasked. */
int chan_notify_vector(int code, const void *arg, size_t arg_len, const void *data, size_t data_len,
		       struct fuse_out_header *head, struct iovec iov[3]);
int chan_vector(const struct chan_answer *answer, struct fuse_out_header *head,
		struct iovec iov[3]);

/* For a transport that falls back on /dev/fuse. */
extern const struct chan_ops chan_dev_ops;
