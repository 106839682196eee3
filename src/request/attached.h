/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "request/req.h"

/*
 * Checks that a request does not move, replace or remove a directory that a filter is attached to
 * (at=), nor an ancestor of one. Must be called in views with such filters even if none of them
 * applies to the request. Returns 0 or -EPERM.
 */
int attached_check(struct req *req);
