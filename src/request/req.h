/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * A request: it arrives in its slot, is checked in, runs, is checked out and answered once.
 *
 * A request belongs to one thread at a time: the worker that received it, or the thread of the pool
 * that runs it.
 */
#include "filter/call.h"
#include "filter/op-rows.h"
#include "fs/fs.h"
#include "request/host.h"
#include "transport/chan.h"
#include "wire/encode.h"

#include <assert.h>
#include <string.h>

struct request_set;
struct chain;
struct deferred;

/*
 * Header, argument and names of a request, in memory that programs cannot write to. They can write
 * to each slot in a map at any time, so the argument is copied here on arrival, to call.cur, and
 * the names to call.name. The text of a symbolic link is data, and stays in the slot.
 */
struct req_saved {
	struct fuse_in_header head;
	struct filter_saved call;
};

/* How far a request has come: no step is repeated when the request goes to another thread. */
enum stage {
	STAGE_ARRIVED,
	STAGE_CHECKED_IN, /* checked in, and let pass by the filters */
};

struct req {
	struct slot slot;          /* constant */
	struct request_set *set;   /* constant: the server's */
	struct request_host *host; /* constant, as fs, which is host->fs */
	struct fs *fs;
	struct req *next; /* in the free list or in a queue of the pool; their lock */

	/*
	 * The chain that the request runs under; NULL: none. The thread that has the request writes
	 * it. A thread that wants to free a chain reads it in all requests.
	 */
	struct chain *_Atomic chain;
	/* The request runs, under chain or under none. Written and read likewise. */
	atomic_bool begun;
	struct req_saved *saved; /* constant; NULL where filters cannot reach the slot */
	/* The operation as filters see it. Constant members only, where call.chain is NULL. */
	struct filter_call call;

	/*
	 * The request from which this one was moved. Its slot carries the reply, because the
	 * transport owns that slot. NULL: this request was not moved.
	 */
	struct req *from;

	/* set on arrival */
	struct chan *chan;
	unsigned int queue; /* number of the channel */
	struct wire_msg msg;
	bool in_pool;   /* the request runs where it may block its thread */
	bool may_block; /* it may block on a fast lower file system, too */
	bool at_once;   /* the pool took it because a thread was free for it */
	bool measured;  /* its duration is recorded */
	bool long_name; /* it has a name that is too long for saved */

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
	struct fs_entry entry; /* check-out counts it for the kernel, or drops it; node counted */
	struct fs_open open;   /* likewise; handle counted */

	/* filters */
	enum stage stage;
	struct node *changed;   /* counted: only this request changes it, request/exact.c */
	struct fdref pin;       /* of changed; valid while that is set */
	bool renaming;          /* RENAME: adapter_rename_end() has to be called */
	unsigned int n_renamed; /* LOOKUP: see adapter_lookup_begin() */

	struct deferred *deferred; /* sends the reply when the request has ended; NULL: none */
	uint64_t trace_ns;         /* clock_ns() on arrival; 0: the view is not traced */
};

/* A result beside FS_LATER: the operation would block, and has to run again in the pool. */
#define REQ_TO_POOL 2

/* Returns the place of the result: out of the reach of programs, where filters hold. */
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

/* Copies header, argument and names to req->saved, where filters can reach the slot. */
void req_save(struct req *req);
/*
 * Puts the request under the chain in force, which stays in memory until req_leave_chain(). Returns
 * that chain; NULL: none.
 */
struct chain *req_enter_chain(struct req *req);
void req_leave_chain(struct req *req);
/* Clears the members that are of one request; the caller has put references. */
void req_clear(struct req *req);
/*
 * Gives the slot of a request that was answered back to a transport that owns slots. Returns what
 * req_serve() returns.
 */
struct req *req_release(struct req *req);

/*
 * Runs a request to its end, or hands it to the pool. Returns a free request for the calling
 * thread: this one or another in its place. Returns NULL where the transport owns the request,
 * which went back there or to the pool.
 */
struct req *req_serve(struct req *req);
/*
 * Ends a request with the result r: runs post programs, replies and checks out. Also ends a request
 * that was handed to the pool and has not begun to run there. Returns what req_serve() returns.
 */
struct req *req_finish(struct req *req, int r);

/* Returns the slot that carries the reply. */
static inline struct slot *req_home(struct req *req)
{
	return req->from ? &req->from->slot : &req->slot;
}

/* Returns true where the transport owns the slot of the request. */
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

/*
 * Changes the end of a listing so that the kernel does not take its cached listing for complete,
 * where that would be wrong.
 */
void op_readdir_commit(struct req *req);
/* Forgets the files of a listing that the kernel did not get. */
void op_readdir_undo(struct req *req);
/*
 * Runs the post programs of a READ. If they shorten the data of a READ that fills the page cache,
 * reads the rest in further pieces, because the kernel takes a short reply for the end of the file,
 * and truncates the file there. answered: a pre program has made the reply. Returns 0 or -errno.
 */
int op_read_post(struct req *req, int r, bool answered);
/*
 * Runs the post programs of a listing, and forgets the files that they drop. If they drop all
 * names, lists the next ones, because the kernel takes an empty reply for the end; but not if a pre
 * program has made the reply (answered). Returns 0 or -errno.
 */
int op_readdir_post(struct req *req, int r, bool answered);
