/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Deferred replies: the reply to a request that waits for a lock outlives the request. Two threads
 * end it: the thread that served the request, and the thread that gets the lock. Whichever ends its
 * part last sends the reply, so the reply is sent exactly once, and not before the references of
 * the request are put.
 */
#include "request/req.h"

/*
 * Allocates the deferred reply of a request, req->deferred. Returns the callback that the file
 * system calls with the result, or NULL if no more requests may wait. The caller must then call
 * deferred_cancel() if the file system does not take the callback.
 */
struct fs_waiter *deferred_new(struct req *req);
/* Frees the deferred reply of a request that did not have to wait. */
void deferred_cancel(struct req *req);
/*
 * Ends the part of the thread that served the request. The request has been cleared; its slot
 * belongs to the deferred reply. Returns a free request, as req_serve() does.
 */
struct req *deferred_release(struct req *req, struct deferred *deferred);
