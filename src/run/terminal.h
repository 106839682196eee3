/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* The terminal that the command shares with the programs outside. */
#include <sys/types.h>

struct pst_error;

/*
 * Forbids this process and its children to put characters into the input of a terminal (TIOCSTI,
 * TIOCLINUX), which a shell outside would read as commands. Returns 0, or -errno and *error.
 */
int terminal_protect(struct pst_error *error);

/* Returns the foreground process group of the terminal; -1 if this process has no terminal. */
pid_t terminal_foreground(void);
/* Makes group the foreground process group, if the command has left one that has no process. */
void terminal_restore(pid_t group);
