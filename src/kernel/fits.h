/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Which options of a view the kernel engine can do. */
#include "kernel/context.h"

#include <stdbool.h>

/*
 * Compares the options of a view with the table of the kernel engine. has_process: a process serves
 * the data of some files. Returns 0 if the engine can do all that they ask for, or -EOPNOTSUPP and
 * *error, which names the first option that it cannot do. After 0 ret_said has a sentence for each
 * option that has no effect there, or is "".
 */
int kernel_fits(const struct pst_view_options *options, bool has_process,
		char ret_said[KERNEL_SAID_SIZE], struct pst_error *error);
