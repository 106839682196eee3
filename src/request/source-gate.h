/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * The gate of views with a source: a request passes when the hollow files that its operation needs
 * are filled.
 */
#include "request/req.h"

/*
 * Finds out which hollow files the operation needs. Returns 0 if it can run, REQ_PARK if the
 * request has to wait for req->wait.node, REQ_TO_POOL, or -errno. After 0, an operation that
 * changes size or times of a hollow file holds this file, so that it is not filled meanwhile.
 */
int source_gate(struct req *req);
/*
 * Returns how many of the len bytes of a COPY_FILE_RANGE it may copy: it goes from piece to piece.
 */
uint64_t source_gate_copies(struct req *req, uint64_t len);
/*
 * Updates the marks of the held file after the operation has succeeded. Returns 0; -errno, or
 * REQ_PARK if the file has become hollow meanwhile: the caller then undoes the operation.
 */
int source_gate_after(struct req *req);
/* Ends the hold, and drops the references of the gate. */
void source_gate_end(struct req *req);
