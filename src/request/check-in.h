/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Finds the nodes and open files of a request. */
#include "request/req.h"

/*
 * Checks the names of a request and takes a reference to each node and handle that the row of the
 * operation asks for. Returns 0, or -errno for the reply; the caller must call check_in_undo() even
 * after a failure.
 */
int check_in(struct req *req);
/* Puts the references of check_in(). */
void check_in_undo(struct req *req);

/*
 * Returns true if the view replies ENOSYS to an operation. The kernel does not send this operation
 * again.
 */
bool req_is_disabled(const struct req *req, uint32_t opcode);
