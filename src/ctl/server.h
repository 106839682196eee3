/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* The serving end of the control socket: threads that answer requests by a table of verbs. */
#include "ctl/call.h"

struct ctl_server;

struct ctl_server_options {
	const char *path;		/* of the socket; its directory is made if it is missing */
	const struct ctl_verb *verbs;
	size_t n_verbs;
	void *aux;			/* for the verbs; outlives the server, as does the table */
};

/*
 * Binds the socket (mode 0600; a file left over from a process that died is replaced) and starts
 * the threads. 0 or -errno.
 */
int ctl_server_start(const struct ctl_server_options *options, struct ctl_server **ret_server);

/*
 * Waits for verbs that run, ends the threads, hangs up on all clients, removes the socket. NULL is
 * fine.
 */
void ctl_server_stop(struct ctl_server *server);
