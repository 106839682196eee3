/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* The serving end of the control socket: a thread that answers requests out of a table of verbs. */
#include <stdbool.h>
#include <stddef.h>

struct json_object;
struct ctl_server;

struct ctl_call;

/*
 * Takes over a client's connection, once the reply has been written. fd is taken in any case. 0, or
 * -errno and call->error, which the client is then told in a line of its own.
 */
typedef int (*ctl_take_fn)(struct ctl_call *call, int fd);

/* One request while it is answered. All is borrowed. */
struct ctl_call {
	void *aux;			/* from ctl_server_options */
	struct json_object *request;
	struct json_object *reply;	/* to be filled; dropped when the verb fails */
	char error[512];		/* why it failed; "": strerror() is taken */
	ctl_take_fn take;		/* set by a verb that wants the connection for itself */
};

/* Answers 0 or -errno. */
typedef int (*ctl_verb_fn)(struct ctl_call *call);

struct ctl_verb {
	const char *name;
	ctl_verb_fn run;
	bool slow;			/* runs in a thread of its own: in the server's it would hold up others */
};

struct ctl_server_options {
	const char *path;		/* of the socket; its directory is made if it is missing */
	const struct ctl_verb *verbs;
	size_t n_verbs;
	void *aux;			/* for the verbs; outlives the server, as does the table */
};

/*
 * Binds the socket (mode 0600; a file left over from a process that died is replaced) and starts
 * the thread. 0 or -errno.
 */
int ctl_server_start(const struct ctl_server_options *options, struct ctl_server **ret_server);

/* Ends the thread, hangs up on all clients, removes the socket. NULL is fine. */
void ctl_server_stop(struct ctl_server *server);
