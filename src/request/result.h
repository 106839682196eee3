/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Check-out: the results that hold numbers which the kernel keeps, lookup counts and open files,
 * as the kind of result in the operation's row says. Results without such numbers are the
 * operation's to write.
 */
#include "request/req.h"

/* Writes what the operation has left in req->entry and req->open as the result of the reply. */
void result_encode(struct req *req);
/*
 * Counts what the kernel will hold. Called before the reply is sent, because the kernel may give
 * the number back before the sending thread returns from its call.
 */
void result_commit(struct req *req);
/* Takes everything back: the kernel did not get the reply. */
void result_undo(struct req *req);
/* Closes the file that the operation has opened: the reply will be an error. */
void result_undo_open(struct req *req);
