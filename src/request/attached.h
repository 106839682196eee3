/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "request/req.h"

/*
 * Checks that a request moves, replaces or removes no node that a filter is attached to (at=), and
 * no directory above one. To be called in views with such filters, even where none holds for the
 * request. Returns 0 or -EPERM.
 */
int attached_check(struct req *req);
