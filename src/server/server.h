/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * A server: threads that take requests from channels, run them on a file system and answer. It is
 * the same for a mount and for a test that plays the kernel on a socket.
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

/* Reads and answers INIT on a new connection; waits ten seconds for it. 0, or -errno and *error. */
int server_answer_init(struct chan *chan, const struct init_request *request,
		       struct init_negotiated *ret_negotiated, struct pst_error *error);

struct server_config {
	struct fs *fs;			/* taken */
	struct fs_callbacks *fs_callbacks; /* taken: those that fs was made with */
	/* n_chans channels, each taken: one worker for each. The first owns no slots. */
	struct chan **chans;
	unsigned int n_chans;
	unsigned int n_pool;
	uint32_t max_write;
	uint64_t features;		/* FUSE_* as agreed with the kernel */
	bool sync, dirsync;		/* changes, those of names alone, are flushed before the answer */
	uint64_t disabled_ops;			/* bits of opcodes: operations that the view does not have */
	const char *const *filters;	/* specs, ended by NULL; NULL: none. Borrowed for the call */
};
/* Makes a server and starts its threads. What was to be taken is gone also on failure. */
int server_new(const struct server_config *config, struct server **ret_server,
	       struct pst_error *error);
/* 0, or -errno: the channels that own slots were found not to work, and have fallen back. */
int server_begin_error(struct server *server);
/* Waits until all workers have seen the connection end; 0 or the negative errno of what broke. */
int server_wait(struct server *server);
/* Calls fn, from any thread, after an operation that came to EROFS; NULL: no more. */
void server_on_readonly(struct server *server, void (*fn)(void *aux), void *aux);
/* Ends the threads, whatever the connection does, and frees all. */
struct server *server_free(struct server *server);

/* Parts of it, which last as long. */
struct fs *server_fs(struct server *server);
struct filters *server_filters(struct server *server);
struct trace *server_trace(struct server *server);

/* Requests and error answers of one opcode so far. */
void server_op_stat(struct server *server, uint32_t opcode, uint64_t *ret_n, uint64_t *ret_errors);
