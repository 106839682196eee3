/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* The process that the user started, while the command runs. */
#include "run/run.h"

#include <sys/types.h>

struct supervised {
	pid_t init;
	int init_fd, view_fd; /* to the first process of the command, and to that of the view */
};

/*
 * Waits for the end of the command, forwards signals to it, and stops when it stops. All signals
 * have to be blocked. Sets *ret_end.
 */
void supervise(const struct supervised *supervised, struct run_end *ret_end);
