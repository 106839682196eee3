/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Signals to the process of a view. */
#include <signal.h>

struct pst_view;
struct signals;

/* SIGTERM and SIGINT: the signals that end a view. */
void signals_ending(sigset_t *ret_set);

/*
 * Blocks the signals that signals_start() handles, in this thread and those it starts; ignores
 * PIPE, XFSZ.
 */
void signals_block(void);

/*
 * Starts a thread that waits for signals: TERM and INT unmount the view, a second one lazily; HUP
 * opens the log anew; USR1 prints statistics to the log. The view must outlive it.
 */
int signals_start(struct pst_view *view, struct signals **ret_signals);

/* Ends the thread. NULL is fine. */
void signals_stop(struct signals *signals);
