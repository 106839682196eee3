/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Parses one request of a client, checks it against the table of verbs, and runs its verb. */
#include <penstock/penstock.h>

#include <stdbool.h>
#include <stddef.h>

struct json_object;
struct ctl_call;

#define CTL_N_MEMBERS 2

/*
 * Takes over the connection of a client after the reply. Takes ownership of fd, even on failure.
 * Returns 0 or -errno. After -errno the server sends one more line, an error with the text of
 * call->error.
 */
typedef int (*ctl_take_fn)(struct ctl_call *call, int fd);

/* Fills call->reply. Returns 0 or -errno, which makes the reply an error with call->error. */
typedef int (*ctl_verb_fn)(struct ctl_call *call);

struct ctl_verb {
	const char *name;
	ctl_verb_fn run;
	const char *members[CTL_N_MEMBERS]; /* strings that the request must have */
	bool slow; /* may take seconds; the server limits how many run at once */
};

/* A request and its reply. The functions of the verb must not keep pointers into it. */
struct ctl_call {
	void *aux;                   /* from ctl_server_options */
	const struct ctl_verb *verb; /* NULL if the reply is an error already */
	struct json_object *request;
	struct json_object *reply;
	char *texts[CTL_N_MEMBERS]; /* values of verb->members */
	struct pst_error error;     /* of the verb; if its text is empty, strerror() is sent */
	ctl_take_fn take;           /* set by a verb that takes the connection over */
};

/*
 * Initialises all of *call but aux: parses the line, finds the verb and its members. A bad request
 * sets call->verb to NULL and makes the reply an error. Returns 0 or -ENOMEM. The caller must call
 * call_fini() even after a failure.
 */
int call_init(struct ctl_call *call, const struct ctl_verb *verbs, size_t n_verbs, const char *line,
	      size_t len);
void call_fini(struct ctl_call *call);

/* Runs the verb, which must not be NULL. If it fails, the reply becomes an error. */
void call_run(struct ctl_call *call);

/* Returns a new reply that has only the version; NULL if out of memory. */
struct json_object *call_new_reply(void);

/* Makes a reply an error: adds "error", the text, and "errno". error is a negative errno. */
void call_add_error(struct json_object *reply, int error, const char *text);

/* Makes the reply an error, and call->verb NULL. */
void call_refuse(struct ctl_call *call, int error, const char *text);

/* Returns the human-readable message of an error that a function of the verb has returned. */
const char *call_error_text(const struct ctl_call *call, int error);
