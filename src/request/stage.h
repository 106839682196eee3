/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Runs a request, from the stage to which it has come (enum stage). */
#include "request/req.h"

/*
 * Runs check-in, pre programs and the function, as far as they have not run. Returns 0, -errno,
 * APPLY_DONE, FS_LATER, or a number of a request that runs elsewhere or later: REQ_TO_POOL,
 * REQ_PARK, REQ_KEPT or REQ_DELAY. The caller calls req_cleanup() in all cases.
 */
int stage_run(struct req *req);
/* Runs the function only, or calls the program that answers the operation. Returns the same. */
int stage_call(struct req *req);
