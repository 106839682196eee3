/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* The first process of the command's PID namespace. */
#include <signal.h>

struct tree;

struct init_options {
	char **command;          /* ended by NULL */
	const struct tree *tree; /* below the view */
	const char *cwd;         /* the working directory of the command */
	const char *audit;       /* a file that the command must not change, or NULL */
	sigset_t mask;           /* its signal mask */
};

/*
 * Enters the namespaces of the command, starts it, and sends notes about it over fd until it ends.
 * The kernel then kills what the command has left behind. Does not return.
 */
_Noreturn void init_main(const struct init_options *options, int fd);
