/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Chooses the transport of a view, by its options and by what the kernel offers. */
#include "transport/chan.h"

#include <penstock/penstock.h>

#define TRANSPORT_MAX_CHANS 514

struct transport {
	struct chan *chans[TRANSPORT_MAX_CHANS]; /* owned; the first is one of /dev/fuse */
	unsigned int n_chans;
	unsigned int n_workers; /* workers that serve operations */
	bool uring;             /* io_uring is wanted and set up; see transport_connected() */
	uint32_t max_write;
	char why[200]; /* why the view does not use io_uring, or "" */
};

/* The parameter of the kernel that offers FUSE over io_uring to all later connections. */
#define TRANSPORT_URING_SWITCH "/sys/module/fuse/parameters/enable_uring"
enum transport_uring {
	TRANSPORT_URING_ABSENT, /* the kernel has no FUSE over io_uring */
	TRANSPORT_URING_OFF,
	TRANSPORT_URING_ON,
};
/* Returns what the kernel offers to a new connection. */
enum transport_uring transport_uring_state(void);

/*
 * All functions that follow return 0, or -errno and *error. They fail with -EOPNOTSUPP where the
 * view does not get io_uring and transport=uring was given.
 */

/*
 * Opens /dev/fuse, sets up io_uring where that is wanted and offered, and fills *ret_transport. The
 * caller calls transport_fini(), also on failure.
 */
int transport_open(const struct pst_view_options *options, unsigned int n_pool,
		   struct transport *ret_transport, struct pst_error *error);
/*
 * Makes the other channels part of the connection. To be called when the mount exists and INIT is
 * not answered.
 */
int transport_join(struct transport *transport, struct pst_error *error);
/* Opens the channels that lack. To be called when INIT was answered with these features. */
int transport_connected(struct transport *transport, const struct pst_view_options *options,
			uint64_t features, struct pst_error *error);
/* Notes that the kernel refused the queues, with this -errno, and the channels fell back. */
int transport_fell_back(struct transport *transport, const struct pst_view_options *options,
			int begin_error, struct pst_error *error);
void transport_fini(struct transport *transport);
