/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Signals to the process of a view. */
#include <signal.h>

struct pst_view;
struct signals;

/* Gets the signals that end a view: SIGTERM and SIGINT. */
void signals_ending(sigset_t *ret_set);

/*
 * Blocks the signals that signals_start() handles, in this thread and those it starts. Ignores
 * SIGPIPE and SIGXFSZ, so that writes fail instead.
 */
void signals_block(void);

/*
 * Starts a thread that waits for signals: SIGTERM and SIGINT unmount the view, a second one lazily;
 * SIGHUP reopens the log; SIGUSR1 logs statistics. Returns 0 or -errno. The view must outlive the
 * thread. kernel_view: NULL, or the mount point of a view of the kernel engine that is unmounted
 * instead.
 */
int signals_start(struct pst_view *view, const char *kernel_view, struct signals **ret_signals);

/* Ends the thread. Takes NULL. */
void signals_stop(struct signals *signals);
