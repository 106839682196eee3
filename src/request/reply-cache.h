/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Results that the kernel must not cache, or that clients do not get. */
#include "request/req.h"

/*
 * Closes the file that the operation has opened, and invalidates what the kernel has cached of the
 * files that it has changed. Must be called if the reply is an error although the operation has
 * run.
 */
void reply_discard(struct req *req);
/*
 * Returns true if the filters have changed while the request was asleep. The kernel must not cache
 * its reply then, because the change has dropped what was cached before.
 */
bool reply_is_outdated(const struct req *req);
/* Makes the kernel drop all that it may have cached out of the reply. */
void reply_uncache(struct req *req);
