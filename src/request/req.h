/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * One request: arrives in its slot, is checked in, run, checked out and answered once.
 *
 * A request belongs to one thread at a time: the worker that received it, or the pool thread it was
 * handed to.
 */
#include "filter/call.h"
#include "transport/chan.h"
#include "filter/op-rows.h"
#include "fs/fs.h"
#include "request/host.h"
#include "wire/encode.h"

#include <assert.h>
#include <string.h>

struct request_set;
struct chain;
struct deferred;

/*
 * Header and argument of a request, copied to memory that filters cannot write to, as they can to
 * its slot. The message points here while filters hold.
 */
struct req_saved {
	struct fuse_in_header head;
	struct filter_saved call;
};

/* How far a request has come: what was done is not done again when it changes threads. */
enum stage {
	STAGE_ARRIVED,
	STAGE_CHECKED_IN, /* checked in, and let pass by the filters */
};

struct req {
	struct slot slot;          /* constant */
	struct request_set *set;   /* constant: the server's */
	struct request_host *host; /* constant, as fs, which is host->fs */
	struct fs *fs;
	struct req *next; /* free list, pool queue: their lock */

	/*
	 * The chain that it runs under, NULL for none. Written by the thread that has the request,
	 * read by one that wants to free a chain and looks who still has it.
	 */
	struct chain *_Atomic chain;
	/* It runs, under chain or under none. Written and read likewise. */
	atomic_bool begun;
	struct req_saved *saved; /* constant; NULL where filters cannot reach the slot */
	/*
	 * The operation as filters see it. Clear, but for what is constant, where call.chain is
	 * NULL.
	 */
	struct filter_call call;

	/*
	 * The request in whose slot this one arrived, and whose slot carries the reply, because the
	 * transport owns it. NULL: this request did not move.
	 */
	struct req *from;

	/* set on arrival */
	struct chan *chan;
	unsigned int queue; /* number of the channel */
	struct wire_msg msg;
	bool in_pool;   /* it runs where it may block */
	bool may_block; /* ... on a fast lower file system, too */
	bool at_once;   /* ... where a thread was free for it */
	bool measured;  /* how long it takes is recorded */

	/* from here on cleared for each request; check-in: counted */
	struct fs_caller caller;
	struct node *node;
	struct node *node2; /* LINK: what is linked; RENAME: the new directory */
	struct handle *handle;
	struct handle *handle2; /* COPY_FILE_RANGE: where to */

	/* the answer */
	size_t out_len; /* of the result at req_out() */
	char *data;     /* data of the answer; in the slot */
	size_t data_len;
	struct fs_entry entry; /* what check-out commits or takes back; node counted */
	struct fs_open open;   /* handle counted */

	/* filters */
	enum stage stage;
	struct node *changed;   /* counted: only this request changes it, request/exact.c */
	struct fdref pin;       /* of that; valid while it is set */
	bool newer_form;        /* RENAME: the argument is that of RENAME2 */
	bool renaming;          /* RENAME: between req_rename_begin() and its end */
	unsigned int n_renamed; /* LOOKUP: see req_lookup_begin() */

	struct deferred *deferred; /* its reply is sent when the request is gone; NULL */

	/* tracing */
	uint64_t trace_ns; /* when it came; 0: nobody listens */
};

/* An op's positive answers. FS_LATER is the third. */
#define REQ_TO_POOL 2 /* it would block: run it again, in the pool */

/* Returns where the result of the answer is: out of the reach of filters, where any hold. */
static inline union pst_out *req_result(const struct req *req)
{
	return req->call.filters ? &req->saved->call.out :
				   (union pst_out *)(req->slot.base + SLOT_OUT);
}

/*
 * Returns the result of the answer, a struct of the ABI, with zeros behind what was written up to
 * len.
 */
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

/*
 * Puts the request under the chain in force, which stays in memory until req_leave_chain(). Returns
 * that chain; NULL: none.
 */
struct chain *req_enter_chain(struct req *req);
void req_leave_chain(struct req *req);
/* Clears what is of one request; references have been put. */
void req_clear(struct req *req);
/*
 * Gives the slot of a request that was answered back to a transport that owns slots. Returns what
 * req_serve() does.
 */
struct req *req_release(struct req *req);

/*
 * A RENAME gives its file the filters that it gains, and then moves it, between req_rename_begin()
 * and req_rename_end(). A LOOKUP that began before may have found the file at its old place: after
 * req_lookup_begin(), req_renamed_since() returns true where a RENAME has been under way since.
 */
void req_rename_begin(struct req *req);
void req_rename_end(struct req *req);
void req_lookup_begin(struct req *req);
bool req_renamed_since(const struct req *req);

/*
 * Runs a request to its end, or hands it to the pool. Returns a request that is free and the
 * thread's: this one or another in its place; NULL where it is the transport's again, or where the
 * transport owns it and it went to the pool.
 */
struct req *req_serve(struct req *req);
/* Ends a request that was handed to the pool and has not begun to run there; as req_serve(). */
struct req *req_cancel(struct req *req, int error);

/* The slot that a request is answered by. */
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
 * filter/op-rows.h names. Called between check-in and check-out. Returns 0, -errno, REQ_TO_POOL or
 * FS_LATER.
 */
#define OP_FUNCTION(NAME, FUNCTION, ...) int op_##FUNCTION(struct req *req);
OP_ROWS(OP_FUNCTION)
#undef OP_FUNCTION

/* Makes the end of a listing one that completes no cached listing, where it must not. */
void op_readdir_commit(struct req *req);
/*
 * Forgets the files of a listing that the kernel did not get; a listing without entries has none.
 */
void op_readdir_undo(struct req *req);
/*
 * The filters after a READ that fills the page cache of the view: what they leave away is read
 * again in further pieces, because the kernel takes a short answer for the end of the file, and
 * cuts the file there.
 */
int op_read_post(struct req *req, int r, bool answered);
/*
 * The filters after a listing: what they drop is forgotten, and a part they empty is not the end,
 * unless it was one of them that answered.
 */
int op_readdir_post(struct req *req, int r, bool answered);
