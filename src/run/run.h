/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Runs a command in a view: `penstock run`. */
#include <penstock/penstock.h>
#include <stdbool.h>

/* Exit codes for a command that did not run, as those of env(1), nohup(1) and timeout(1). */
#define RUN_FAILED      125 /* the view or the namespaces could not be made */
#define RUN_NOT_STARTED 126 /* the program of the command was found, but not started */
#define RUN_NOT_FOUND   127

struct run_options {
	/* lower and mountpoint are the same directory. */
	const struct pst_view_options *view;
	char **command;    /* ended by NULL */
	const char *audit; /* the file of --audit, or NULL */
	bool changes;      /* print the files that the command has changed */
	enum pst_log_level log_level;
	/* Prints a message, before the command starts. */
	void (*print)(enum pst_log_level level, const char *text);
};

struct run_end {
	int code;        /* the exit code */
	int signal;      /* that killed the command; 0: none */
	char text[1000]; /* why the command did not run, or did not end by itself; or "" */
};

/*
 * Mounts the view in a mount namespace of this process, runs the command in namespaces of its own,
 * and waits until both have ended. Changes the namespaces, descriptors and signal mask of this
 * process, so it has to end afterwards. Call it before there are threads.
 */
void run_command(const struct run_options *options, struct run_end *ret_end);
