/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * A channel is one connection to the kernel's request queue, on which the daemon receives requests
 * and sends replies. A transport is a table of functions, struct chan_ops, and knows nothing of
 * files. Errors are those of the engine (util/err.h).
 *
 * There are two kinds of transports. /dev/fuse and the socket of tests fill the slot that the
 * server passes to receive(). io_uring owns slots: the server gives slots to the channel by give(),
 * receive() returns one of them with a request in it, and the server gives the slot back after
 * reply(); the channel sends the reply only then. The server must not touch a slot while the
 * channel owns it, because the kernel may write to it.
 */
#include "transport/slot.h"
#include "wire/msg.h"

#include <stdbool.h>
#include <sys/uio.h>

enum chan_error {
	_CHAN_E_OK,
	CHAN_E_AGAIN,   /* receive: no request (EINTR, or the client was interrupted); call again */
	CHAN_E_GONE,    /* receive: the connection has ended; reply: no client waits any more */
	CHAN_E_BAD,     /* receive: the request is malformed; *ret_msg as wire_decode() leaves it */
	CHAN_E_REFUSED, /* reply: the kernel refuses this reply; the caller replies with an error */
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
	 * fn returns true. Returns the nodeid for which fn returned true, or 0.
	 */
	uint64_t (*find_file)(void *aux, bool (*fn)(void *fn_aux, uint64_t nodeid), void *fn_aux);
};

struct chan;
struct chan_ops {
	/* All channels of a connection read the same queue; poll(2) on each reports it. */
	bool shared;
	/*
	 * Waits for one request. Fills *slot; a transport that owns slots sets *slot to the slot
	 * that has the request instead. Returns 0, enum chan_error, or -errno.
	 */
	int (*receive)(struct chan *chan, struct slot **slot, struct wire_msg *ret_msg);
	/*
	 * Replies to the request that arrived in this slot; may overwrite the request. Returns 0 or
	 * enum chan_error.
	 */
	int (*reply)(struct chan *chan, struct slot *slot, const struct chan_answer *answer);
	/* Sends a notification: a struct of the ABI, then data. Returns 0 or -errno. */
	int (*notify)(struct chan *chan, int code, const void *arg, size_t arg_len,
		      const void *data, size_t data_len);
	/*
	 * Registers a file for passthrough. The caller keeps fd. Returns the backing ID, or -errno
	 * for the client.
	 */
	int (*backing_open)(struct chan *chan, int fd);
	void (*backing_close)(struct chan *chan, int id);

	/*
	 * The functions from here to fall_back are NULL in transports that own no slots; callers
	 * test give to tell the two kinds.
	 *
	 * give: gives the channel a slot: a new one, or one whose request has been served. Any
	 * thread may call it. Returns 0, or -ENOMEM for a new slot; the caller keeps that slot.
	 * wants: returns true if a queue of the channel has no slot for the next request, so the
	 * request waits until another one has been served. The caller must give a new slot or add
	 * a channel before its thread blocks, or the view may deadlock.
	 * surplus: returns true if a request may arrive for the thread of this channel while the
	 * thread serves another one. The thread must then not block, or that request waits.
	 * fetch: makes the kernel send requests that have waited in a queue since before a slot
	 * was given or a channel was added. Returns false if this is not possible now; the caller
	 * tries again later. Any thread may call it; mostly it only reads one counter.
	 * more: creates another channel for the same queues and connection, with its own n_slots.
	 * The caller frees it before it frees chan. Returns 0 or -errno.
	 * begin: gives the channel chan->n_slots new slots; the receiving thread calls it first.
	 * Returns 0, or -errno if the channel cannot serve. After a failure of any channel of the
	 * connection the caller calls fall_back for all of them.
	 * fall_back: turns the channel into a channel of /dev/fuse, which owns no slots. Returns
	 * 0, or -errno if the connection cannot be served at all.
	 * end: ends receive() of a channel that has no slot in the kernel, because another channel
	 * has ended: the kernel reports the end of the connection in slots only.
	 */
	int (*give)(struct chan *chan, struct slot *slot);
	bool (*wants)(struct chan *chan);
	bool (*surplus)(struct chan *chan);
	bool (*fetch)(struct chan *chan);
	int (*more)(struct chan *chan, struct chan **ret_chan);
	int (*begin)(struct chan *chan, struct slot **slots);
	int (*fall_back)(struct chan *chan);
	void (*end)(struct chan *chan);

	void (*fini)(struct chan *chan); /* NULL if the channel owns nothing but fd */
};

struct chan {
	const struct chan_ops *ops;
	int fd;                       /* owned */
	unsigned int n_slots;         /* slots for begin(); 0 if the transport owns no slots */
	bool ended;                   /* give != NULL: the kernel has reported the end */
	int cpu;                      /* the CPU whose requests arrive here; -1 for several CPUs */
	const struct chan_host *host; /* borrowed; NULL in tests without nodes */
};

/*
 * Opens a channel of /dev/fuse, which joins the connection of first, or is for a new connection if
 * first is NULL. Returns 0 or -errno.
 */
int chan_dev_new(const struct chan *first, struct chan **ret_chan);

/* Opens /dev/fuse, for other transports. Returns a descriptor, which the caller owns, or -errno. */
int chan_dev_open(void);
/* Attaches fd, a descriptor of /dev/fuse, to the connection of chan. Returns 0 or -errno. */
int chan_dev_join(int fd, const struct chan *chan);
/* The functions of struct chan_ops for channels whose fd is a descriptor of /dev/fuse. */
extern const struct chan_ops chan_dev_ops;
int chan_dev_notify(struct chan *chan, int code, const void *arg, size_t arg_len, const void *data,
		    size_t data_len);
int chan_dev_backing_open(struct chan *chan, int fd);
void chan_dev_backing_close(struct chan *chan, int id);
/*
 * Returns true if this process may register backing files on the connection of fd, a descriptor of
 * /dev/fuse whose INIT was answered with passthrough. The kernel requires CAP_SYS_ADMIN in the
 * initial user namespace. It checks that before it looks at the file, so this function tries to
 * register descriptor -1, and never registers a file.
 */
bool chan_dev_may_register(int fd);

/*
 * Creates a channel of FUSE over io_uring, for some of the kernel's queues. The kernel has one
 * queue for each CPU that the machine may have. The caller creates all channels before it answers
 * INIT, which promises the kernel to serve all queues: a channel that could not be created after
 * that would leave requests without a server. Before begin(), the caller attaches chan->fd to the
 * connection by chan_dev_join(). Returns 0 or -errno.
 */
struct chan_uring_plan {
	const unsigned int *queues;
	unsigned int n_queues;
	unsigned int depth; /* slots for each queue at the start */
	int cpu;            /* as in struct chan */
	struct chan *first; /* another channel of the same queues, freed later; or NULL */
};
int chan_uring_new(const struct chan_uring_plan *plan, struct chan **ret_chan);

/*
 * Creates a channel on fd, a SOCK_SEQPACKET socket on whose peer a test acts as the kernel. Takes
 * ownership of fd, except on failure. Backing IDs are counted from 1. Returns 0 or -ENOMEM.
 */
int chan_sock_new(int fd, struct chan **ret_chan);

/* Closes and frees a channel. Accepts NULL. Returns NULL. */
struct chan *chan_free(struct chan *chan);

/*
 * Decodes the len bytes at slot_message(), for transports that receive a request in one piece.
 * Returns 0 or CHAN_E_BAD.
 */
int chan_decode(struct slot *slot, size_t len, struct wire_msg *ret_msg);
/*
 * Copies names, data and extensions of a request from one slot to another, and changes the pointers
 * of msg, which was decoded from the slot from, to the copies. Does not copy header and argument.
 */
void chan_copy(const struct slot *from, const struct slot *to, struct wire_msg *msg);
/* Fills *head and iov with a reply; iov points to head and to the answer. Returns their number. */
int chan_vector(const struct chan_answer *answer, struct fuse_out_header *head,
		struct iovec iov[3]);
/* As chan_vector(), for a notification. */
int chan_notify_vector(int code, const void *arg, size_t arg_len, const void *data, size_t data_len,
		       struct fuse_out_header *head, struct iovec iov[3]);
