/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* A mounted view, for the files of api/. */
#include "kernel/second.h"
#include "mount/lower-readonly.h"
#include "server/server.h"
#include "util/cleanup.h"
#include "util/log.h"
#include "wire/init.h"

#include <penstock/penstock.h>
#include <pthread.h>
#include <signal.h>

struct pst_view {
	char *lower, *mountpoint;
	unsigned int connection;
	unsigned int n_workers;
	struct init_negotiated negotiated;
	const char *passthrough_why; /* why passthrough is off, or "" */
	bool backings_refused;       /* this process may not register backing files */
	bool fills;                  /* the view has a source, which writes to the clone */
	bool by_helper;              /* fusermount3 mounts the view of an ordinary user */
	bool uring;
	char transport_why[200];
	struct server *server; /* NULL: a view of the kernel engine without a second tree */
	/* These belong to a view of the kernel engine; server then serves its second tree: */
	unsigned int kernel; /* its device number, see mountinfo_connection(); 0 for a FUSE view */
	int kernel_fd;       /* its file "view", which cannot be read when it has ended; owned */
	int mount_fd;        /* of a detached view; owned; else -1 */
	int lower_fd;        /* LOWER on the clone of its mount; owned */
	unsigned int mount_flags; /* PST_MOUNT_* of the clone; under flags_lock */
	bool was_readonly;        /* LOWER was read-only when the view was mounted */
	bool readonly_below;      /* some submounts of LOWER were read-only at that time */
	pthread_mutex_t flags_lock;
	/* Makes the view read-only while LOWER is. NULL on a remote file system. */
	struct lower_readonly *lower_readonly;
	_Atomic bool mounted;
	const sigset_t
		*ending; /* the signals that pst_main() has blocked to wait for them, or NULL */
	struct ctl_server *control; /* NULL without a control socket */
	struct log own_log;
	const struct log *log; /* own_log, or NULL for that of the process */
};

/* Messages of this thread go to the log of the view until the end of the block. */
#define VIEW_USE_LOG(view) _cleanup_(log_usep) const struct log *log_before_ = log_use((view)->log)

/*
 * Creates the mount of a view, starts its server, and attaches the mount. view->lower and
 * view->mountpoint must be set. Returns 0, or -errno and *error; the caller then frees the view.
 */
int view_build(struct pst_view *view, const struct pst_view_options *options,
	       struct pst_error *error);

/*
 * Checks the paths in filters of pst_view_options_parse(): those of the machine would match
 * nothing. Returns 0, or -EINVAL and *error.
 */
int view_parsed_check(const struct pst_view_options *options, struct pst_error *error);

/*
 * view-kernel.c: mounts a view of the kernel engine. second: its second tree, which is the FUSE
 * view that this view is so far; NULL: it needs none. Returns 0, or -errno and *error.
 */
int view_kernel_mount(struct pst_view *view, const struct pst_view_options *options,
		      const struct kernel_second *second, struct pst_error *error);
/* Takes over a view that was mounted already, with its device number. */
void view_kernel_mounted(struct pst_view *view, unsigned int connection);
/* Waits until the view has ended. */
void view_kernel_wait(struct pst_view *view);
/* As the functions of the library of similar names, but counters are those of the module. */
int view_kernel_change(struct pst_view *view, const char *name, const char *spec,
		       struct pst_error *error);
int view_kernel_filters(struct pst_view *view, struct pst_filter *rows, size_t n, size_t *ret_n);
int view_kernel_stats(struct pst_view *view, struct pst_filter_stat *rows, size_t n, size_t *ret_n);

/*
 * view-filters.c, view-info.c: the same for the FUSE view, which view->server serves, also if it is
 * the second tree of a view of the kernel engine.
 */
int view_server_change(struct pst_view *view, const char *name, const char *spec,
		       struct pst_error *error);
int view_server_filters(struct pst_view *view, struct pst_filter *rows, size_t n, size_t *ret_n);
int view_server_stats(struct pst_view *view, struct pst_filter_stat *rows, size_t n, size_t *ret_n);
int view_server_trace(struct pst_view *view, int fd, bool all, struct pst_error *error);
int view_server_trace_past(struct pst_view *view, int fd, struct pst_error *error);

/* Returns the device number of the mounted view. */
static inline unsigned int view_device(const struct pst_view *view)
{
	return view->kernel ? view->kernel : view->connection;
}

/*
 * Returns a node of the FUSE view with a reference, for fs_node_put(); NULL if the kernel does not
 * know it, or if there is no FUSE view.
 */
static inline struct node *view_node(struct pst_view *view, uint64_t nodeid)
{
	return view->server ? fs_node(server_fs(view->server), nodeid) : NULL;
}

/*
 * Starts the control socket of a view. If that fails, returns 0 and logs a warning with
 * PST_CONTROL_AUTO, or -errno and *error with PST_CONTROL_ON.
 */
int view_control_start(struct pst_view *view, enum pst_control control, struct pst_error *error);

/*
 * Sets view->lower_fd to a duplicate of lower, a descriptor of the clone of LOWER's mount, to
 * change the flags of the clone later. The caller keeps lower. Clears the read-only flag of the
 * clone if LOWER is read-only but the view's options are not. Returns 0 or -errno.
 */
int view_keep_lower(struct pst_view *view, const struct pst_view_options *options, int lower);
/*
 * Starts a thread that keeps the view read-only while the file system of LOWER is read-only. Does
 * nothing on a remote file system. Returns 0, or -errno and *error.
 */
int view_follow_lower(struct pst_view *view, struct pst_error *error);
