/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* One request of a client, from its line to its reply, by a table of verbs. */
#include <stdbool.h>
#include <stddef.h>

struct json_object;
struct ctl_call;

#define CTL_N_MEMBERS 2

/*
 * Takes over a client's connection, once the reply has been sent. fd is taken in any case. 0, or
 * -errno and call->error, which the client is then told in a line of its own.
 */
typedef int (*ctl_take_fn)(struct ctl_call *call, int fd);

/* Answers a call: fills call->reply. 0; or -errno, and the reply is call->error or strerror(). */
typedef int (*ctl_verb_fn)(struct ctl_call *call);

struct ctl_verb {
	const char *name;
	ctl_verb_fn run;
	const char *members[CTL_N_MEMBERS];	/* texts that the request must have */
	bool slow;				/* may run long: beside others, a few at a time */
};

/* One request while it is answered. All is borrowed by the verb. */
struct ctl_call {
	void *aux;			/* from ctl_server_options */
	const struct ctl_verb *verb;	/* NULL: there is none, and the reply says why */
	struct json_object *request;
	struct json_object *reply;
	char *texts[CTL_N_MEMBERS];	/* the members of the verb, as bytes */
	char error[512];		/* why it failed; "": strerror() is taken */
	ctl_take_fn take;		/* set by a verb that wants the connection for itself */
};

/*
 * Reads a request, finds its verb and its members. On failure call->verb is NULL and the reply is
 * an error. Returns 0 or -ENOMEM. call->aux is the caller's; the rest is initialised here, for
 * call_fini().
 */
int call_init(struct ctl_call *call, const struct ctl_verb *verbs, size_t n_verbs, const char *line,
	      size_t len);
void call_fini(struct ctl_call *call);

/* Runs the verb, and makes the reply an error where it fails. */
void call_run(struct ctl_call *call);

/* A reply that is an error; NULL: no memory. */
struct json_object *call_error_reply(int error, const char *text);

/* Makes the reply of the call an error. */
void call_refuse(struct ctl_call *call, int error, const char *text);
