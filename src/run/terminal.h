/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* The terminal that the command shares with the programs outside. */
#include <sys/types.h>

/* Returns the foreground process group of the terminal; -1 if this process has no terminal. */
pid_t terminal_foreground(void);
/* Makes group the foreground process group, if the command has left one that has no process. */
void terminal_restore(pid_t group);
