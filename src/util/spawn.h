/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Child processes of the library, which the program does not notice: their end sends no SIGCHLD,
 * and wait(2) of the program does not find them. The program may ignore SIGCHLD.
 */
#include <stdbool.h>
#include <sys/types.h>

struct spawn {
	const char *file; /* a path, or a name to search for in PATH */
	char *const *argv, *const *envp;
	int third;       /* becomes descriptor 3 of the child, unless it is -1 */
	int errors;      /* becomes descriptor 2, unless it is -1 */
	bool close_rest; /* closes all descriptors above 3; else those without FD_CLOEXEC stay */
};

/*
 * Starts a program with default actions of all signals, none of them blocked. errors must not be
 * 3. Returns the process ID, or -errno. The caller must call spawn_wait().
 */
pid_t spawn(const struct spawn *spawn);
/*
 * Waits for the end of a child, at most ms milliseconds, -1: without a limit. Returns true if it
 * has ended; *ret_status (may be NULL) is as that of waitpid(2).
 */
bool spawn_wait(pid_t pid, int ms, int *ret_status);
