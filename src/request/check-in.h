/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* The nodes and open files that the numbers of a request stand for. */
#include "request/req.h"

/*
 * Checks the names of a request and takes a reference to each node and handle that the operation's
 * row asks for. Returns 0 or -errno, which is the answer; the caller calls check_in_undo() in both
 * cases.
 */
int check_in(struct req *req);
/* Drops the references. */
void check_in_undo(struct req *req);

/* Returns true if the view answers ENOSYS to an operation: the kernel then never asks again. */
bool req_is_disabled(const struct req *req, uint32_t opcode);
