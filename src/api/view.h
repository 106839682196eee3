/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* A mounted view, for the files of api/. */
#include "mount/lower-readonly.h"
#include "server/server.h"
#include "wire/init.h"

#include <penstock/penstock.h>
#include <pthread.h>

struct pst_view {
	char *lower, *mountpoint;
	unsigned int connection;
	unsigned int n_workers;
	struct init_negotiated negotiated;
	const char *passthrough_why; /* why passthrough is off, or "" */
	bool backings_refused;       /* this process may not register backing files */
	bool uring;
	char transport_why[200];
	struct server *server;
	int lower_fd;             /* LOWER on the private mount */
	unsigned int mount_flags; /* PST_MOUNT_*, as the mount below; under flags_lock */
	bool was_readonly;        /* LOWER's mount or file system was so when the view was made */
	bool readonly_below;      /* some mounts below LOWER are read-only by themselves */
	pthread_mutex_t flags_lock;
	struct lower_readonly *lower_readonly; /* NULL: the view does not follow LOWER */
	_Atomic bool mounted;
};

/*
 * Makes and attaches the mount of a view, whose LOWER and MOUNTPOINT are set, and its server.
 * Returns 0, or -errno and *error.
 */
int view_build(struct pst_view *view, const struct pst_view_options *options,
	       struct pst_error *error);

/*
 * Duplicates lower, a descriptor of LOWER's private mount, to change the flags of that later.
 * Clears its read-only flag where the view follows LOWER. Returns 0 or -errno.
 */
int view_keep_lower(struct pst_view *view, const struct pst_view_options *options, int lower);
/*
 * Starts a thread that keeps the view read-only while the file system of LOWER is. Returns 0, or
 * -errno and *error.
 */
int view_follow_lower(struct pst_view *view, struct pst_error *error);
