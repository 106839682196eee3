/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * A server has the threads that receive requests from channels, run them on a file system, and
 * reply. Mounts use it, and so do tests that act as the kernel on a socket.
 */
#include "transport/chan.h"
#include "fs/fs.h"
#include "source/source.h"
#include "wire/init.h"

#include <pthread.h>
#include <stdatomic.h>

struct server;
struct fs_callbacks;
struct filters;
struct trace;
struct served;
struct filter_slots;

/*
 * Receives the INIT request of a new connection and replies to it. Waits for INIT ten seconds at
 * most. Returns 0, or -errno and *error.
 */
int server_answer_init(struct chan *chan, const struct init_request *request,
		       struct init_negotiated *ret_negotiated, struct pst_error *error);

struct server_config {
	struct fs *fs;                     /* the server takes ownership */
	struct source *source;             /* the server takes ownership; or NULL */
	struct fs_callbacks *fs_callbacks; /* the server takes ownership; fs uses these */
	/*
	 * n_chans channels; the server takes ownership of each, and starts a worker for each. The
	 * first is a channel of /dev/fuse or a socket. The array stays the caller's.
	 */
	struct chan **chans;
	unsigned int n_chans;
	unsigned int n_pool;
	uint32_t max_write;
	uint64_t features;          /* FUSE_* that were negotiated with the kernel */
	bool sync, dirsync;         /* sync all changes, or changes of names, before the reply */
	uint64_t disabled_ops;      /* bits of opcodes: operations that the view lacks */
	const char *const *filters; /* specs, ended by NULL; or NULL. Used during the call only */
	enum pst_run_filters run_filters;
	const struct pst_node_ops *node_ops; /* NULL if no program answers operations; copied */
};
/*
 * Creates a server and starts its threads. Takes ownership of the objects that config marks, even
 * on failure. Returns 0, or -errno and *error. The caller frees *ret_server with server_free().
 */
int server_new(const struct server_config *config, struct server **ret_server,
	       struct pst_error *error);
/*
 * Returns 0, or -errno if io_uring did not work and its channels have fallen back on /dev/fuse.
 */
int server_begin_error(struct server *server);
/* Waits until the connection ends. Returns 0, or the -errno of the worker that failed. */
int server_wait(struct server *server);
/*
 * Makes threads call fn after an operation that fails with EROFS; fn may be NULL. Several threads
 * may call fn at the same time, also for a short while after another call of this function.
 */
void server_on_readonly(struct server *server, void (*fn)(void *aux), void *aux);
/*
 * Ends the threads, even while the connection lasts, and frees the server with the objects that it
 * owns. Accepts NULL. Returns NULL.
 */
struct server *server_free(struct server *server);

/* Parts of the server, borrowed. */
struct fs *server_fs(struct server *server);
struct filters *server_filters(struct server *server);
struct source *server_source(struct server *server); /* or NULL */
struct trace *server_trace(struct server *server);
struct served *server_served(struct server *server);
/* Queues an invalidation of a file's attributes and data, see invalidator_queue_range(). */
void server_data_changed(struct server *server, uint64_t nodeid, int64_t off, int64_t len);
/* Returns the slots that filters access, or NULL if the server has had no filters. */
const struct filter_slots *server_filter_slots(struct server *server);

/* Returns the number of requests and of error replies of one opcode so far. */
void server_op_stat(struct server *server, uint32_t opcode, uint64_t *ret_n, uint64_t *ret_errors);
