/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * The services that requests need from the server that runs them. The server fills this before the
 * first request arrives; requests reach it as req->host. Any thread may call the callbacks.
 */
#include "request/latency.h"
#include "util/fair-share.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct chain;
struct exact;
struct fs;
struct served;
struct submounts;
struct req;
struct source;
struct trace;

struct request_host {
	/* Constant while there are requests; pointers are borrowed. */
	struct fs *fs;
	struct exact *exact;
	struct submounts *submounts;
	struct trace *trace;
	struct source *source; /* NULL: no file is hollow */
	struct served *served; /* NULL if no program answers operations */
	uint64_t disabled_ops; /* bits of opcodes: operations that the view lacks */
	bool sync, dirsync;    /* sync all changes, or changes of names, before the reply */
	bool has_pool;

	struct chain *_Atomic chain; /* the chain in force, or NULL without filters */
	_Atomic bool stopping;       /* the view ends, so requests must not wait any longer */
	/* How many RENAMEs with filters run now, and how many have ended. */
	_Atomic unsigned int n_renaming, n_renamed;
	struct latency latency;
	struct fair_share asleep; /* requests that are asleep, see req_sleep() */

	/*
	 * Hands the request to the thread pool, which then owns it, and sets *ret_other to the
	 * request with which the calling thread continues, as req_serve() returns it. Returns false
	 * if the pool has no room for one more request of this user; the caller keeps the request.
	 * may_block is true if the operation goes to the pool even on a fast file system. If
	 * at_once is true, the request goes to the pool only if a thread is free to run it
	 * immediately.
	 */
	bool (*to_pool)(struct req *req, bool may_block, bool at_once, struct req **ret_other);
	/*
	 * Lets the request wait for a flight, req->wait, without a thread. Returns true if the
	 * request belongs to the host, as to_pool() does. Else the caller keeps the request, and
	 * *ret_r is REQ_PARK if the gate has to look again, or the -errno for its caller: -EAGAIN
	 * if too many requests of the user are asleep.
	 */
	bool (*park)(struct req *req, struct req **ret_other, int *ret_r);
	/*
	 * Lets the request wait for req->delay_us, without a thread. Returns true if the request
	 * belongs to the host, as to_pool() does; false if too many requests of the user are
	 * asleep.
	 */
	bool (*delay)(struct req *req, struct req **ret_other);
	/*
	 * Returns true if the server can receive requests while this request blocks its thread;
	 * starts another worker if necessary. briefly is true if the request most likely does not
	 * block, so that one more slot for its queue is enough.
	 */
	bool (*spare)(struct req *req, bool briefly);
	/*
	 * Ensures that requests can arrive by the queue of this request while it waits; for_lock is
	 * true if it waits for a lock. Returns false if that fails: the request must not wait then,
	 * because the unlock might never arrive.
	 */
	bool (*feed)(struct req *req, bool for_lock);
	/*
	 * Takes a request in the place of one that leaves the thread, as req_serve() returns it;
	 * waits until there is one, or the view ends, and then returns NULL. put() puts it back.
	 */
	struct req *(*replace)(struct req *req);
	void (*put)(struct request_host *host, struct req *req);
	/*
	 * Goes on with a request that belongs to no thread, with the result of serve_call(): ends
	 * it, or gives it to the pool. Any thread may call it. drop() ends it without a reply.
	 */
	void (*resume)(struct req *req, int r);
	void (*drop)(struct req *req);
	/* Interrupts the queued or running request with this number. */
	void (*interrupt)(struct request_host *host, uint64_t unique);
	/*
	 * move_out() moves a request from a slot in a BPF map to ordinary memory, because it may
	 * sleep; if that is not possible, the request keeps its slot. move_in() moves it back, and
	 * waits for a slot; see req_move_in().
	 */
	void (*move_out)(struct req *req);
	void (*move_in)(struct req *req);
	/*
	 * Moves a request to a slot in a BPF map, which filters can access. Returns the new
	 * request; the old one belongs to the host, or to the new one as req->from.
	 */
	struct req *(*move)(struct req *req);
	/*
	 * Sets the bit of a filter that is being added, chain->activating, in the nodes of a
	 * request.
	 */
	void (*mark_nodes)(struct req *req);
	/* Counts the result of a request, 0 or -errno. */
	void (*count)(struct req *req, int r);
};
