/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * A request arrives in its slot, is checked in, runs, is checked out, and gets exactly one reply.
 *
 * A request belongs to one thread at a time: the worker that received it, or the thread of the pool
 * that runs it.
 */
#include "filter/call.h"
#include "filter/op-rows.h"
#include "fs/fs.h"
#include "request/host.h"
#include "source/source.h"
#include "transport/chan.h"
#include "wire/encode.h"

#include <assert.h>
#include <string.h>

struct request_set;
struct chain;
struct deferred;
struct serving;

/*
 * Header, argument and names of a request, in memory that programs cannot write to. A program can
 * write to each slot of the BPF map at any time, also after the engine has checked a value there.
 * So req_save() copies the argument to call.cur, and the names to call.name. The text of a symbolic
 * link is data, and stays in the slot.
 */
struct req_saved {
	struct fuse_in_header head;
	struct filter_saved call;
};

/* The steps that are done. They are not repeated when the request goes to another thread. */
enum stage {
	STAGE_ARRIVED,
	STAGE_DECIDED,    /* check-in and pre programs have set result */
	STAGE_CHECKED_IN, /* nothing has refused or answered the operation */
	STAGE_ENDED,      /* the operation has set result, and waits for its delay */
};

struct req {
	struct slot slot;          /* exchange_memory() changes it */
	struct request_set *set;   /* the server's, to which slot belongs */
	struct request_host *host; /* constant, as fs, which is host->fs */
	struct fs *fs;
	struct req *next; /* in the free list or in a queue of the pool; their lock */

	/*
	 * A hazard pointer: the chain under which the request runs, or NULL. The thread that has
	 * the request writes it. A thread that wants to free a chain reads it in all requests.
	 */
	struct chain *_Atomic chain;
	/* The request runs, with or without a chain. Written and read like chain. */
	atomic_bool begun;
	/*
	 * No thread has the request: the program keeps it, or it waits for a fetch. A change of
	 * filters does not wait for it; its chain stays in memory until it has ended.
	 */
	atomic_bool asleep;
	struct serving *serving; /* what a program needs to answer it (served.h); owned, or NULL */
	struct req_saved *saved; /* constant; NULL if the slot has never been in a BPF map */
	/* The operation as filters see it; without call.chain only constant members are valid. */
	struct filter_call call;

	/*
	 * The request from which this one was moved, or NULL. The reply is sent from the slot of
	 * that request, because the channel owns that slot.
	 */
	struct req *from;

	/* set on arrival */
	struct chan *chan;
	unsigned int queue; /* number of the channel */
	struct wire_msg msg;
	bool in_pool;   /* the request runs in a thread that it may block */
	bool may_block; /* it may block even on a fast lower file system */
	bool at_once;   /* the pool took it because a thread was free for it */
	bool measured;  /* its duration is recorded */
	bool long_name; /* it has a name that is too long for saved */
	bool large;     /* it was asleep with so much data that its memory has to be freed */

	/* All members from here on are cleared for each request. Check-in; counted: */
	struct fs_caller caller;
	struct node *node;
	struct node *node2; /* LINK: the file; RENAME: the new directory; COPY_FILE_RANGE: to */
	struct handle *handle;
	struct handle *handle2; /* COPY_FILE_RANGE: to */

	/* the reply */
	size_t out_len; /* of the result at req_out() */
	char *data;     /* in the slot */
	size_t data_len;
	struct fs_entry entry; /* node counted; check-out adds a lookup of the kernel */
	struct fs_open open;   /* handle counted; check-out leaves this reference to the kernel */

	/* filters */
	enum stage stage;
	int result;             /* of the stage */
	uint32_t delay_us;      /* filters delay it so long; not yet waited for */
	uint64_t until_ns;      /* the end of the delay, clock_ns() */
	struct node *changed;   /* counted; locked by request/exact.c, or NULL */
	struct fdref pin;       /* of changed; valid if changed is not NULL */
	bool unlocked;          /* it has slept, and unlocked changed for that time */
	bool slept;             /* it has been asleep */
	bool renaming;          /* RENAME: adapter_rename_end() has to be called */
	unsigned int n_renamed; /* LOOKUP: see adapter_lookup_begin() */

	/* source-gate.c */
	struct source_waiter wait; /* node counted, if the request waits or has waited */
	void *wait_in;             /* the pool in which the request waits */
	struct node *held;         /* counted; a hollow file that no flight may fill, or NULL */
	int waited;                /* the error with which the wait has ended, or 0 */

	bool below;                /* no program answers it, see REQ_BELOW */
	struct deferred *deferred; /* sends the reply when the request has ended; or NULL */
	uint64_t trace_ns;         /* clock_ns() on arrival; 0 if the view is not traced */
};

/*
 * An operation returns this, or FS_LATER, besides 0 and -errno: it would block, and has to run
 * again in the pool.
 */
#define REQ_TO_POOL 2
/* source-gate.c returns this if the request has to wait for a hollow file, req->wait.node. */
#define REQ_PARK 4
/* The request has to wait for req->delay_us, and runs again then. */
#define REQ_DELAY 7

/*
 * Returns the memory of the result. If filters apply to the request, programs cannot change this
 * memory.
 */
static inline union pst_out *req_result(const struct req *req)
{
	return req->call.filters ? &req->saved->call.out :
				   (union pst_out *)(req->slot.base + SLOT_OUT);
}

/* Returns the result, a struct of the ABI of len bytes; zeroes bytes that are new in it. */
static inline void *req_out(struct req *req, size_t len)
{
	char *out = req_result(req)->bytes;

	assert(len <= SLOT_OUT_SIZE);
	if (len > req->out_len) {
		memset(out + req->out_len, 0, len - req->out_len);
		req->out_len = len;
	}
	return out;
}

/* Copies header, argument and names to req->saved if the slot is in a BPF map. */
void req_save(struct req *req);
/*
 * Puts the request under the chain in force, which then stays in memory until req_leave_chain().
 * Returns this chain, or NULL without filters.
 */
struct chain *req_enter_chain(struct req *req);
void req_leave_chain(struct req *req);
/*
 * Returns true if the request must not fail because its user has too many: it closes a file, or the
 * kernel writes pages back, which it would lose.
 */
bool req_must_run(const struct req *req);
/*
 * Returns true if the request may be asleep: belong to no thread, for an unlimited time; false if
 * its user has too many such requests.
 */
bool req_may_sleep(const struct req *req);
/* Unlocks what other requests and changes of filters wait for, because the request will sleep. */
void req_sleep(struct req *req);
/* The request belongs to a thread again. */
void req_wake(struct req *req);
/* Returns true if the request has one of the slots in a BPF map that no channel owns. */
static inline bool req_has_pool_slot(const struct req *req)
{
	return req->slot.in_map && !req->slot.entry;
}
/* Moves a request to the BPF map, if filters apply to it, because programs may run from here on. */
static inline void req_move_in(struct req *req)
{
	if (req->call.filters && !req->slot.in_map)
		req->host->move_in(req);
}
/* Clears the members from caller on. The caller has put all references before. */
void req_clear(struct req *req);
/*
 * After the reply, gives the slot of the request back to its channel if the channel owns slots.
 * Returns a free request, as req_serve() does.
 */
struct req *req_release(struct req *req);

/*
 * Runs a request to its end, or hands it to the pool. Returns a free request that the calling
 * thread owns afterwards: this one, or another instead. Returns NULL if the slot belongs to the
 * channel; the request then belongs to the channel again, or to the pool.
 */
struct req *req_serve(struct req *req);
/*
 * Ends a request with the result r: runs post programs, replies and checks out. Also ends a request
 * that the pool has not begun to run. Returns a free request, as req_serve() does.
 */
struct req *req_finish(struct req *req, int r);

/* Ends a request without a reply, because the view ends. */
void req_drop(struct req *req);

/* Returns the slot from which the reply is sent. */
static inline struct slot *req_home(struct req *req)
{
	return req->from ? &req->from->slot : &req->slot;
}

/* Returns true if the channel owns the slot of the request. */
static inline bool req_slot_is_owned(const struct req *req)
{
	return req->chan->ops->give;
}

/*
 * The functions of operations: op_lookup(), op_getattr() and so on, one for each that
 * filter/op-rows.h names. They run between check-in and check-out, and return 0, -errno,
 * REQ_TO_POOL or FS_LATER.
 */
#define OP_FUNCTION(NAME, FUNCTION, ...) int op_##FUNCTION(struct req *req);
OP_ROWS(OP_FUNCTION)
#undef OP_FUNCTION

/* COPY_FILE_RANGE: the reply to the form without _64 has room for 32 bits of the length only. */
#define OP_COPY_MAX 0x7ffff000
/* Writes the reply of either form: n bytes were copied. */
static inline void op_copy_encode(struct req *req, uint64_t n)
{
	if (req->msg.head->opcode == FUSE_COPY_FILE_RANGE_64)
		((struct fuse_copy_file_range_out *)req_out(req, 8))->bytes_copied = n;
	else
		((struct fuse_write_out *)req_out(req, 8))->size = (uint32_t)n;
}
/*
 * Changes the end of a listing if the kernel must not mark its cached listing as complete, because
 * names have changed meanwhile.
 */
void op_readdir_commit(struct req *req);
/* Subtracts the lookups of a listing that the kernel did not get. */
void op_readdir_undo(struct req *req);
/*
 * Runs the post programs of a READ with the result r. If they shorten the data of a READ that fills
 * the page cache, reads the rest in further pieces: the kernel would treat a short reply as the end
 * of the file, and truncate the file there. answered is true if a pre program has made the reply.
 * Returns 0 or -errno.
 */
int op_read_post(struct req *req, int r, bool answered);
/*
 * Runs the post programs of a listing with the result r, and subtracts the lookups of files that
 * they drop. If they drop all names, lists the next names, because the kernel would treat an empty
 * reply as the end; but not if a pre program has made the reply (answered). Returns 0 or -errno.
 */
int op_readdir_post(struct req *req, int r, bool answered);
