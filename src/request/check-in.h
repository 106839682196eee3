/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Finds the nodes and open files of a request. */
#include "request/req.h"

/*
 * Checks the names of a request and takes a reference to each node and handle that the row of the
 * operation asks for. Returns 0, or -errno for the reply; the caller calls check_in_undo() in both
 * cases.
 */
int check_in(struct req *req);
/* Drops the references. */
void check_in_undo(struct req *req);

/* Returns true where the view replies ENOSYS to an operation, which the kernel sends once only. */
bool req_is_disabled(const struct req *req, uint32_t opcode);
