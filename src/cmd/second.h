/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* The process of a second tree (kernel/second.h) that a mounted view gets. */
#include "kernel/change.h"

/*
 * Starts a process in the background that mounts a second tree with the filter change->spec, does
 * the change, and serves the tree until the view does not need it any more. Prints why not. Returns
 * an exit code.
 */
int second_start(const struct kernel_change *change);
