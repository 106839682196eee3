/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * A server: threads that receive requests from channels, run them on a file system and reply. A
 * mount and a test that plays the kernel on a socket use the same server.
 */
#include "transport/chan.h"
#include "fs/fs.h"
#include "wire/init.h"

#include <pthread.h>
#include <stdatomic.h>

struct server;
struct fs_callbacks;
struct filters;
struct trace;

/*
 * Receives INIT on a new connection, for which it waits ten seconds, and answers it. Returns 0, or
 * -errno and *error.
 */
int server_answer_init(struct chan *chan, const struct init_request *request,
		       struct init_negotiated *ret_negotiated, struct pst_error *error);

struct server_config {
	struct fs *fs;                     /* taken */
	struct fs_callbacks *fs_callbacks; /* taken: the callbacks that fs was made with */
	/* n_chans channels, each taken, and served by a worker. The first owns no slots. */
	struct chan **chans;
	unsigned int n_chans;
	unsigned int n_pool;
	uint32_t max_write;
	uint64_t features;          /* FUSE_* as agreed with the kernel */
	bool sync, dirsync;         /* sync all changes, or those of names, before the reply */
	uint64_t disabled_ops;      /* bits of opcodes: operations that the view lacks */
	const char *const *filters; /* specs up to NULL, or NULL; borrowed during the call */
};
/*
 * Makes a server and starts its threads. Takes the objects that config marks as taken, also on
 * failure. Returns 0, or -errno and *error.
 */
int server_new(const struct server_config *config, struct server **ret_server,
	       struct pst_error *error);
/*
 * Returns 0, or -errno where the channels that own slots do not work and have fallen back on
 * /dev/fuse.
 */
int server_begin_error(struct server *server);
/* Waits until the connection ends. Returns 0, or the -errno of the worker that failed. */
int server_wait(struct server *server);
/* Makes any thread call fn after an operation that fails with EROFS; NULL ends that. */
void server_on_readonly(struct server *server, void (*fn)(void *aux), void *aux);
/* Ends the threads, even while the connection lasts, and frees the server. Takes NULL. */
struct server *server_free(struct server *server);

/* Parts of the server, borrowed. */
struct fs *server_fs(struct server *server);
struct filters *server_filters(struct server *server);
struct trace *server_trace(struct server *server);

/* Returns the number of requests and of error replies of one opcode so far. */
void server_op_stat(struct server *server, uint32_t opcode, uint64_t *ret_n, uint64_t *ret_errors);
