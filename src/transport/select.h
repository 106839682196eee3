/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Which transport serves a view: what was asked for, what the kernel has, and what that takes. */
#include "transport/chan.h"

#include <penstock/penstock.h>

#define TRANSPORT_MAX_CHANS 514

struct transport {
	struct chan *chans[TRANSPORT_MAX_CHANS]; /* owned; the first is /dev/fuse */
	unsigned int n_chans;
	unsigned int n_workers; /* of these, those that serve operations */
	bool uring;             /* it is asked for; see transport_connected() */
	uint32_t max_write;
	const char *why; /* why it is not io_uring, or "" */
	char why_text[200];
};

/* The switch of FUSE over io_uring, for all connections to come. */
#define TRANSPORT_URING_SWITCH "/sys/module/fuse/parameters/enable_uring"
enum transport_uring {
	TRANSPORT_URING_ABSENT, /* the kernel has no FUSE over io_uring */
	TRANSPORT_URING_OFF,
	TRANSPORT_URING_ON,
};
/* Returns what the kernel offers to a new connection. */
enum transport_uring transport_uring_state(void);

/* Opens what serving takes. Outputs are there also on failure: transport_fini(). */
int transport_open(const struct pst_view_options *options, unsigned int n_pool,
		   struct transport *ret_transport, struct pst_error *error);
/* The mount is there: its other channels become its own, before INIT is answered. */
int transport_join(struct transport *transport, struct pst_error *error);
/* INIT is answered, with these features. */
int transport_connected(struct transport *transport, const struct pst_view_options *options,
			uint64_t features, struct pst_error *error);
/* The channels did not come to work and have fallen back. */
int transport_fell_back(struct transport *transport, const struct pst_view_options *options,
			int begin_error, struct pst_error *error);
void transport_fini(struct transport *transport);
