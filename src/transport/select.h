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
	bool uring;             /* the view uses io_uring; final after transport_connected() */
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
 * All functions that follow return 0, or -errno and *error. They fail with -EOPNOTSUPP if the user
 * has given transport=uring and the view cannot use io_uring.
 */

/*
 * Opens /dev/fuse, sets up io_uring if the options ask for it and the kernel offers it, and fills
 * *ret_transport. The caller must call transport_fini(), even after a failure.
 */
int transport_open(const struct pst_view_options *options, unsigned int n_pool,
		   struct transport *ret_transport, struct pst_error *error);
/*
 * Attaches the other channels to the connection of the first one. The caller calls this after it
 * has created the mount and before it answers INIT.
 */
int transport_join(struct transport *transport, struct pst_error *error);
/*
 * Opens a channel of /dev/fuse for each worker that has none. The caller calls this after it has
 * answered INIT with these features. If they lack io_uring, frees the channels of io_uring first.
 */
int transport_connected(struct transport *transport, const struct pst_view_options *options,
			uint64_t features, struct pst_error *error);
/*
 * Records that the kernel refused the queues with begin_error (-errno), and that the server has
 * turned its channels into channels of /dev/fuse.
 */
int transport_fell_back(struct transport *transport, const struct pst_view_options *options,
			int begin_error, struct pst_error *error);
/* Frees all channels that the transport still owns. */
void transport_fini(struct transport *transport);
