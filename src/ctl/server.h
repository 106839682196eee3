/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* The server of the control socket: threads that reply to requests by a table of verbs. */
#include "ctl/call.h"

struct ctl_server;

struct ctl_server_options {
	const char *path; /* of the socket; the server makes its directory if it is missing */
	const struct ctl_verb *verbs;
	size_t n_verbs;
	void *aux; /* for the verbs; it and the table outlive the server */
};

/*
 * Binds the socket as listen_at() does, and starts the accepting thread. Copies *options, but
 * borrows path, aux and the table until ctl_server_stop(). Returns 0 or -errno.
 */
int ctl_server_start(const struct ctl_server_options *options, struct ctl_server **ret_server);

/*
 * Waits for running verbs, and lets no more begin: after this nothing uses the aux. Idle clients
 * stay connected until ctl_server_stop(). Accepts NULL.
 */
void ctl_server_end_verbs(struct ctl_server *server);

/*
 * Waits for running verbs, closes all connections, ends the threads, removes the socket, and frees
 * *server. Accepts NULL.
 */
void ctl_server_stop(struct ctl_server *server);
