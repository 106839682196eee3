/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * The requests of a server, and the memory of their slots. There is a fixed number, so memory is
 * bounded. A server begins with one set; the first filter that comes to a running view brings another,
 * in memory that filters can reach, and the old set goes when its last request has come home.
 */
#include "request/req.h"
#include "ebpf/filter.h"

struct reqset {
	unsigned int n;			/* constant */
	struct req *reqs;
	struct kept *kept;		/* one for each, with slots for filters */
	char *memory;			/* of all slots */
	size_t size;			/* of one slot */
	struct filter_slots *slots;	/* owned; NULL: filters cannot reach the memory */
	struct req *free;		/* the server's lock, as for what follows */
	unsigned int n_out;		/* requests that are in use */
};

/* slots for filters where filtered is true; *error (may be NULL) says why there are none. */
int reqset_new(struct request_host *host, unsigned int n, size_t data_size, bool filtered,
	       struct reqset **ret_set, struct pst_error *error);
struct reqset *reqset_free(struct reqset *set);
