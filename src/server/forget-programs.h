/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Runs the programs of filters after FORGET, PST_POST(forget). The thread that puts the last
 * reference to a node frees it, mostly outside of a request. So these programs have a request of
 * their own.
 */
#include "request/req.h"

struct request_pool;

struct forget_programs {
	struct request_pool *requests; /* constant */
	pthread_mutex_t lock;          /* guards req, and is held while programs run on it */
	struct req *req;               /* NULL until a filter with such a program is added */
};

void forget_programs_init(struct forget_programs *forget, struct request_pool *requests);
/* Puts the request back. The caller must ensure that no thread frees a node any more. */
void forget_programs_fini(struct forget_programs *forget);
/* Takes a request before the first filter with such a program is added. Waits for a free one. */
void forget_programs_prepare(struct forget_programs *forget);
/* Runs the programs of a node's filters. The node has no references left; takes none. */
void forget_programs_run(struct forget_programs *forget, struct node *node);
