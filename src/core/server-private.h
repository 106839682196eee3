/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* What the life of a request (serve.c) needs of the server (server.c). */
#include "core/req.h"

/*
 * Hands a request to the pool; returns another, free one for the caller to go on with, or NULL where
 * the pool has more than it can hold: then the request is still the caller's.
 */
struct req *server_to_pool(struct req *req);
void server_count(struct req *req, int r);
