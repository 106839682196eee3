/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Check-out: writes the results by which the kernel gets nodes and open files, and counts them. The
 * row of the operation has the kind of result. The operation writes all other results itself.
 */
#include "request/req.h"

/* Writes req->entry and req->open, which the operation has filled, as the result of the reply. */
void result_encode(struct req *req);
/*
 * Adds the lookups of the reply to the lookup counts. Must be called before the reply is sent,
 * because the kernel may send FORGET before the system call that sends the reply returns.
 */
void result_commit(struct req *req);
/* Undoes result_commit() and closes the opened file, because the kernel did not get the reply. */
void result_undo(struct req *req);
/* Closes the file that the operation has opened, because the reply will be an error. */
void result_undo_open(struct req *req);
