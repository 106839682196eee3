/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* The system calls that the command of `penstock run` cannot make. */

struct pst_error;

/*
 * Makes these fail with EPERM, for this process and its children, also in namespaces that they
 * make: calls that mount or unmount, that snapshot a btrfs subvolume, and that put characters into
 * the input of a terminal. Needs CAP_SYS_ADMIN. Returns 0, or -errno and *error.
 */
int system_calls_forbid(struct pst_error *error);
