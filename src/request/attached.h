/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "request/req.h"

/*
 * Whether a request leaves alone what filters are attached to (at=), and the directories above. 0
 * or -EPERM. For views that have such filters, whether or not any holds for the request.
 */
int attached_check(struct req *req);
