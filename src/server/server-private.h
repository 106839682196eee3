/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* What the life of a request (dispatch.c) needs of the server (server.c). */
#include "request/exact.h"
#include "request/req.h"
#include "server/server.h"

/*
 * Hands a request to the pool; *ret_other is what the caller may go on with, as req_serve() has it.
 * False where there is no pool, or no room in it for one more request of the user: then the request is
 * still the caller's. by_nature: see server/pool.h.
 */
bool server_to_pool(struct req *req, bool by_nature, struct req **ret_other);
bool server_has_pool(const struct server *server);
/* Whether a request would run there at once. */
bool server_pool_is_free(struct req *req);
/* Whether a worker was held up by what it did below, or was until a moment ago. */
bool server_is_slow(const struct server *server);
/* Whether requests still come in when the worker that has this one is held up; starts another for that. */
bool server_spare(struct req *req);
/* Likewise, where the request most likely is not held up. */
bool server_spare_for_look(struct req *req);
void server_interrupt(struct server *server, uint64_t unique);
/* Whether operations that ask below should go there for now; how long one took that need not. */
bool server_pool_wants(const struct server *server);
void server_took(struct server *server, uint32_t ms);
/* A request is about to wait for a lock, see supply_feed(). */
bool server_feed(struct req *req);
void server_count(struct req *req, int r);

/* The chain for a request from now on; it is let go of with req->chain = NULL. */
struct chain *server_chain(struct req *req);
/* A request that lies where filters cannot reach it moves: returns the one it has become. */
struct req *server_move(struct req *req);
bool server_stopping(struct server *server);
/* Bits of opcodes: operations that it does not have, for any node. */
uint64_t server_lacks(const struct server *server);
/* Whether what an operation changes is to be on the disk before the answer (sync, dirsync). */
bool server_syncs(const struct server *server, uint32_t opcode);

/*
 * A RENAME gives its file the filters that it gains and then moves it. server_moves() begins that, and
 * server_moved() ends it. A LOOKUP that began before may have found the file where it was:
 * server_lookup_begins(), and then whether a RENAME has been under way since.
 */
void server_moves(struct req *req);
void server_moved(struct req *req);
void server_lookup_begins(struct req *req);
bool server_moved_since(const struct req *req);

/* For server/chain-update.c: memory that filters reach, and the chain in force. */
int server_slots(struct server *server, const struct filter_slots **ret_slots,
		 struct pst_error *error);
/* Puts a chain (NULL: none) in force for all requests that come from now on. Returns the old one. */
struct chain *server_set_chain(struct server *server, struct chain *chain);
/* Waits until no request runs under this chain; false when some still do after so long. */
bool server_drained(struct server *server, const struct chain *chain, unsigned int ms);
/*
 * A request of our own, under the chain in force, for programs that run outside of any. When all are
 * in use it waits for one, or is NULL.
 */
struct req *server_borrow(struct server *server, bool wait);
void server_return(struct req *req);
struct exact *server_exact(struct server *server);
struct fs *server_fs(struct server *server);
struct inside *server_inside(struct server *server);
struct notifier *server_notifier(struct server *server);
