/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "request/req.h"

/*
 * Checks that a request moves, replaces or removes no node that a filter is attached to (at=), and
 * no directory above one. Returns 0 or -EPERM. For views that have such filters, whether or not any
 * holds for the request.
 */
int attached_check(struct req *req);
