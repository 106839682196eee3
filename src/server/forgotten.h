/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Tells filters of files that the kernel has forgotten, PST_POST(forget). A node dies wherever its
 * last reference goes, mostly outside of a request, so there is a request for this alone.
 */
#include "request/req.h"

struct request_pool;

struct forgotten {
	struct request_pool *requests;	/* constant */
	pthread_mutex_t lock;		/* guards req, and is held while programs run on it */
	struct req *req;		/* NULL: no filter has wanted it yet */
};

void forgotten_init(struct forgotten *forgotten, struct request_pool *requests);
/* No node dies any more, or nobody is to be told. */
void forgotten_fini(struct forgotten *forgotten);
/* A filter with such a program is about to come. Waits for a request that can be had. */
void forgotten_prepare(struct forgotten *forgotten);
/* Runs the programs of a node's filters. The node has no references left, and gets none. */
void forgotten_run(struct forgotten *forgotten, struct node *node);
