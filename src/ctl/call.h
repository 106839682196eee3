/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* One request of a client: parsed, checked and run by a table of verbs. */
#include <penstock/penstock.h>

#include <stdbool.h>
#include <stddef.h>

struct json_object;
struct ctl_call;

#define CTL_N_MEMBERS 2

/*
 * Takes over the connection of a client, after the reply. Owns fd in any case. Returns 0; or
 * -errno: the server then sends one more line, an error with the text of call->error.
 */
typedef int (*ctl_take_fn)(struct ctl_call *call, int fd);

/* Fills call->reply. Returns 0; or -errno: the reply becomes an error with call->error's text. */
typedef int (*ctl_verb_fn)(struct ctl_call *call);

struct ctl_verb {
	const char *name;
	ctl_verb_fn run;
	const char *members[CTL_N_MEMBERS]; /* texts that the request must have */
	bool slow;                          /* may take seconds; only some run at a time */
};

/* A request and its reply. The functions of the verb may not keep any of it. */
struct ctl_call {
	void *aux;                   /* from ctl_server_options */
	const struct ctl_verb *verb; /* NULL: the reply is an error already */
	struct json_object *request;
	struct json_object *reply;
	char *texts[CTL_N_MEMBERS]; /* values of verb->members */
	struct pst_error error;     /* of the verb; without a text strerror() is sent */
	ctl_take_fn take;           /* set by a verb that takes the connection over */
};

/*
 * Initialises all of *call but aux: parses the line, finds the verb and its members. For a bad
 * request call->verb is NULL and the reply an error. Returns 0 or -ENOMEM; call_fini() follows in
 * any case.
 */
int call_init(struct ctl_call *call, const struct ctl_verb *verbs, size_t n_verbs, const char *line,
	      size_t len);
void call_fini(struct ctl_call *call);

/* Runs the verb. If it fails the reply becomes an error. */
void call_run(struct ctl_call *call);

/* Returns a new reply, with the version only; NULL: no memory. */
struct json_object *call_new_reply(void);

/* Makes a reply an error: adds "error", the text, and "errno". error is a negative errno. */
void call_add_error(struct json_object *reply, int error, const char *text);

/* Makes the reply an error, and call->verb NULL. */
void call_refuse(struct ctl_call *call, int error, const char *text);

/* Returns the text for people of an error that a function of the verb has returned. */
const char *call_error_text(const struct ctl_call *call, int error);
