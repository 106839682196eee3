/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Deferred replies: a lock that waits is answered when its request is long gone. The reply outlives
 * the request, and whichever ends last sends it: the thread that had the request, or the one that
 * got the lock.
 */
#include "request/req.h"

/*
 * Allocates the deferred reply of a request, req->deferred. Returns what the file system calls with
 * the result; NULL: there is no room for one more request that waits.
 */
struct fs_waiter *deferred_new(struct req *req);
/* Frees the deferred reply of a request that was answered at once. */
void deferred_cancel(struct req *req);
/*
 * Ends the thread's part in a deferred reply, whose request has been cleared. The slot stays with
 * the reply. Returns what req_serve() does.
 */
struct req *deferred_release(struct req *req, struct deferred *deferred);
