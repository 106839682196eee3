/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Deferred replies: the reply to a lock that waits outlives the request. Two threads end it, the
 * one that served the request and the one that gets the lock; the second one sends the reply.
 */
#include "request/req.h"

/*
 * Allocates the deferred reply of a request, req->deferred. Returns the callback for the file
 * system, which calls it with the result; NULL: there is no room for one more request that waits.
 */
struct fs_waiter *deferred_new(struct req *req);
/* Frees the deferred reply of a request that did not have to wait. */
void deferred_cancel(struct req *req);
/*
 * Ends the part of the thread that served the request, which has been cleared. The slot stays with
 * the reply. Returns what req_serve() returns.
 */
struct req *deferred_release(struct req *req, struct deferred *deferred);
