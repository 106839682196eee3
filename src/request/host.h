/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * The services that requests need from the server that runs them. The server fills this before the
 * first request arrives; requests reach it as req->host. Any thread may call the callbacks.
 */
#include "request/latency.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct chain;
struct exact;
struct fs;
struct submounts;
struct req;
struct trace;

struct request_host {
	/* Constant while there are requests; pointers are borrowed. */
	struct fs *fs;
	struct exact *exact;
	struct submounts *submounts;
	struct trace *trace;
	uint64_t disabled_ops; /* bits of opcodes: operations that the view lacks */
	bool sync, dirsync;    /* sync all changes, or those of names, before the reply */
	bool has_pool;

	struct chain *_Atomic chain; /* the chain in force, NULL: none */
	_Atomic bool stopping;       /* the view ends: requests must not wait any longer */
	/* Numbers of RENAMEs with filters that run, and that have ended. */
	_Atomic unsigned int n_renaming, n_renamed;
	struct latency latency;

	/*
	 * Hands the request to the thread pool, and sets *ret_other to the request that the calling
	 * thread continues with, as req_serve() returns it. Returns false where the pool has no
	 * room for one more request of this user; the caller still has the request then.
	 * may_block: the request would go to the pool on a fast file system, too. at_once: only
	 * where a thread is free to run it, so that it queues behind no other request.
	 */
	bool (*to_pool)(struct req *req, bool may_block, bool at_once, struct req **ret_other);
	/*
	 * Returns true where the server receives requests even while this request blocks its
	 * thread; starts another thread for that, if need be. briefly: the request most likely does
	 * not block, so one more slot for its queue is enough.
	 */
	bool (*spare)(struct req *req, bool briefly);
	/*
	 * To be called before the request waits for a lock (for_lock is true). Returns false where
	 * no request would arrive by its queue any more.
	 */
	bool (*feed)(struct req *req, bool for_lock);
	/* Interrupts the queued or running request with this number. */
	void (*interrupt)(struct request_host *host, uint64_t unique);
	/* Moves a request to memory that filters reach. Returns the request that it has become. */
	struct req *(*move)(struct req *req);
	/*
	 * Sets the bit of a filter that is being added, chain->activating, in the nodes of a
	 * request.
	 */
	void (*mark_nodes)(struct req *req);
	/* Counts the result of a request, 0 or -errno. */
	void (*count)(struct req *req, int r);
};
