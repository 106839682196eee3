/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Channels: how requests arrive and how replies leave. A transport is a table of functions, struct
 * chan_ops, and knows nothing of files. Errors are the engine's (util/err.h).
 *
 * There are two kinds of transports. Most fill the slot that the server passes to receive(). The
 * others own slots: the server gives slots to the transport, receive() returns one of these with a
 * request in it, and the server gives that slot back after the reply; some transports send the
 * reply only then. The server does not touch a slot while the transport has it.
 */
#include "transport/slot.h"
#include "wire/msg.h"

#include <stdbool.h>
#include <sys/uio.h>

enum chan_error {
	_CHAN_E_OK,
	CHAN_E_AGAIN,   /* there is no request this time (EINTR, or it was revoked): call again */
	CHAN_E_GONE,    /* receive: the connection has ended; reply: no client waits any more */
	CHAN_E_BAD,     /* receive: the request is malformed; *ret_msg as wire_decode() leaves it */
	CHAN_E_REFUSED, /* reply: the kernel refuses this reply; it would take an error */
};

/* A reply: the error of the header or 0, the result, then data. Result and data may be empty. */
struct chan_answer {
	uint64_t unique;
	int error; /* 0 or -errno; with an error, neither result nor data are sent */
	const void *arg;
	size_t arg_len;
	const void *data;
	size_t data_len;
};

/* Services that a transport needs from the owner of the nodes. Any thread may call them. */
struct chan_host {
	void *aux;
	/*
	 * Calls fn with nodeids of regular files that the kernel most likely has in memory, until
	 * fn returns true. Returns that nodeid; 0: fn returned true for none.
	 */
	uint64_t (*find_file)(void *aux, bool (*fn)(void *fn_aux, uint64_t nodeid), void *fn_aux);
};

struct chan;
struct chan_ops {
	/* All channels of a connection read one queue; poll(2) on any of them reports it. */
	bool shared;
	/*
	 * Waits for one request. *slot is the slot to fill; a transport that owns slots sets it to
	 * the slot that has the request.
	 */
	int (*receive)(struct chan *chan, struct slot **slot, struct wire_msg *ret_msg);
	/* Replies to the request that arrived in this slot, and may overwrite that request. */
	int (*reply)(struct chan *chan, struct slot *slot, const struct chan_answer *answer);
	/* Sends a notification: a struct of the ABI, then data. Returns 0 or -errno. */
	int (*notify)(struct chan *chan, int code, const void *arg, size_t arg_len,
		      const void *data, size_t data_len);
	/* Registers a file for passthrough. Returns the backing ID, or -errno for the client. */
	int (*backing_open)(struct chan *chan, int fd);
	void (*backing_close)(struct chan *chan, int id);

	/*
	 * The functions from here to fall_back are NULL in transports that own no slots; callers
	 * tell the two kinds by give.
	 *
	 * give: gives the transport a slot: a new one, or one whose request has been served. Any
	 * thread may call it. Returns 0 or -ENOMEM; -ENOMEM for a new slot only.
	 * wants: returns true when no request can arrive by the queues until a request has been
	 * served: the transport needs a new slot, or one more channel of the same queues.
	 * surplus: returns true when requests may arrive for the thread of the channel while the
	 * thread serves another request. The thread must do nothing then that may block.
	 * fetch: makes the kernel send requests that have waited since before a slot was given or
	 * a channel was added. Returns false where the kernel cannot be made to now. Any thread
	 * may call it; mostly it reads one counter.
	 * more: makes one more channel of the same queues and connection, with its own n_slots.
	 * The caller frees it before the channel that it was made of. Returns 0 or -errno.
	 * begin: takes chan->n_slots new slots; the receiving thread calls it first. Returns 0 or
	 * -errno: the channel cannot serve. If so, or if another channel of the connection cannot,
	 * the caller calls fall_back.
	 * fall_back: makes the channel one of /dev/fuse, which takes no slots. Returns 0 or
	 * -errno: the connection cannot be served at all.
	 */
	int (*give)(struct chan *chan, struct slot *slot);
	bool (*wants)(struct chan *chan);
	bool (*surplus)(struct chan *chan);
	bool (*fetch)(struct chan *chan);
	int (*more)(struct chan *chan, struct chan **ret_chan);
	int (*begin)(struct chan *chan, struct slot **slots);
	int (*fall_back)(struct chan *chan);

	void (*fini)(struct chan *chan); /* NULL: the channel owns nothing but fd */
};

struct chan {
	const struct chan_ops *ops;
	int fd;                       /* owned */
	unsigned int n_slots;         /* slots that it takes at the start; 0: it owns none, ever */
	int cpu;                      /* the CPU whose requests arrive here; -1: of all CPUs */
	const struct chan_host *host; /* borrowed; NULL: the channel is used without nodes */
};

/*
 * Opens a channel of /dev/fuse. first: the channel whose connection it joins; NULL: it is for a
 * connection of its own. Returns 0 or -errno.
 */
int chan_dev_new(const struct chan *first, struct chan **ret_chan);

/* For transports beside /dev/fuse. Returns a descriptor of /dev/fuse, or -errno. */
int chan_dev_open(void);
/* Makes a descriptor of /dev/fuse one of the connection of chan. Returns 0 or -errno. */
int chan_dev_join(int fd, const struct chan *chan);
/* The functions of struct chan_ops for channels whose fd is a descriptor of /dev/fuse. */
extern const struct chan_ops chan_dev_ops;
int chan_dev_notify(struct chan *chan, int code, const void *arg, size_t arg_len, const void *data,
		    size_t data_len);
int chan_dev_backing_open(struct chan *chan, int fd);
void chan_dev_backing_close(struct chan *chan, int id);
/*
 * Returns true where this process may register backing files on the connection of fd, a descriptor
 * of /dev/fuse whose INIT was answered with passthrough. The kernel wants CAP_SYS_ADMIN in the
 * initial user namespace, and checks that before it looks at the file: so this registers none.
 */
bool chan_dev_may_register(int fd);

/*
 * FUSE over io_uring: a channel for some of the kernel's queues. The kernel has one queue for each
 * CPU that the machine may have. A channel is made before there is a connection, so that all that
 * can fail has failed before INIT promises the kernel all queues; chan_dev_join() then makes its fd
 * one of the connection, before begin().
 */
struct chan_uring_plan {
	const unsigned int *queues;
	unsigned int n_queues;
	unsigned int depth; /* slots for each queue at the start */
	int cpu;            /* as in struct chan */
	struct chan *first; /* another channel of the same queues, freed later; or NULL */
};
int chan_uring_new(const struct chan_uring_plan *plan, struct chan **ret_chan);

/* A socket on which a test plays the kernel. Takes fd. Backing IDs are counted from 1. */
int chan_sock_new(int fd, struct chan **ret_chan);

/* Takes NULL. Returns NULL. */
struct chan *chan_free(struct chan *chan);

/* For transports that receive a request in one piece: decodes the len bytes at slot_message(). */
int chan_decode(struct slot *slot, size_t len, struct wire_msg *ret_msg);
/*
 * Copies names, data and extensions of a request to another slot, and makes msg, which was decoded
 * from the first slot, point to them there. Header and argument are not copied.
 */
void chan_copy(const struct slot *from, const struct slot *to, struct wire_msg *msg);
/* Fills *head and iov with a reply. Returns the number of vectors. */
int chan_vector(const struct chan_answer *answer, struct fuse_out_header *head,
		struct iovec iov[3]);
/* As chan_vector(), for a notification. */
int chan_notify_vector(int code, const void *arg, size_t arg_len, const void *data, size_t data_len,
		       struct fuse_out_header *head, struct iovec iov[3]);
