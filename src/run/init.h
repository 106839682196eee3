/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* The first process of the command's PID namespace. */
#include <signal.h>

/*
 * Enters the namespaces of the command, starts it in the directory cwd with the signal mask of the
 * caller of `penstock run`, and sends notes about it over fd until it ends. The kernel then kills
 * what the command has left behind. Does not return.
 */
_Noreturn void init_main(char **command, const char *cwd, const sigset_t *mask, int fd);
