/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Views of the kernel engine: the module penstock (kmod/) does all operations. */
#include "kernel/second.h"

/*
 * Mounts a view that needs no second tree. Returns 0, and sets *ret_connection to its device
 * number (mountinfo_connection()); 1 if it needs a second tree, which *ret_second describes; or
 * -errno with *error: -EOPNOTSUPP if the engine cannot do what an option asks for, -ENODEV without
 * the module. With PST_ENGINE_AUTO, returns an error also if the module is not loaded yet, or if a
 * second tree is needed. In all cases *ret_second is for kernel_second_fini().
 */
int kernel_view_try(const struct pst_view_options *options, struct kernel_second *ret_second,
		    unsigned int *ret_connection, struct pst_error *error);

/*
 * Mounts a view. second: its second tree, whose mount is serve_fd, and which the module then holds,
 * too; or NULL. Returns 0 and logs which options have no effect in the kernel engine; or -errno
 * with *error.
 */
int kernel_view_mount(const struct pst_view_options *options, const struct kernel_second *second,
		      int serve_fd, unsigned int *ret_connection, struct pst_error *error);
