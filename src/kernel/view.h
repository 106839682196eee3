/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Views of the kernel engine: the module penstock (kmod/) does all operations. */
#include <penstock/penstock.h>

#include <stdbool.h>

/*
 * Mounts a view. serve_fd: the mount of its second tree (kernel/second.h), which the module then
 * holds, too; or -1, if no filter sees data. Returns 0 and logs which options have no effect in the
 * kernel engine; or -errno with *error: -EOPNOTSUPP if the engine cannot do what an option asks
 * for, -ENODEV without the module.
 */
int kernel_view_mount(const struct pst_view_options *options, int serve_fd,
		      struct pst_error *error);

/* Returns whether the kernel has the module now. */
bool kernel_module_is_loaded(void);
