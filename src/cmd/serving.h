/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* A process that serves a view. */
#include <penstock/penstock.h>

#include <stdbool.h>

struct serving {
	/* Mounts the view. Returns 0, or -errno and *error. */
	int (*mount)(void *aux, struct pst_view **ret_view, struct pst_error *error);
	void *aux;
	const char *mountpoint; /* for messages */
	/* NULL, or the view of the kernel engine that signals unmount in place of *ret_view. */
	const char *kernel_view;
	enum pst_log_level log_level;
	bool foreground;
	bool syslog; /* log to syslog, also in the foreground */
};

/*
 * Mounts a view and serves it until it ends. Returns an exit code. In the background, the calling
 * process exits instead as soon as the view is mounted. Call it before there are threads.
 */
int serving_run(const struct serving *serving);
