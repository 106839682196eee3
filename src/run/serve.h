/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* The process that serves the view of `penstock run`. */
#include "run/run.h"

/*
 * Mounts the view, records what happens in it to audit_fd unless that is -1, sends NOTE_READY or
 * NOTE_FAILED over fd, serves the view until the other end of fd is closed, and unmounts it. Runs
 * in a child of its own. Returns its exit status.
 */
int serve_view(const struct run_options *options, int audit_fd, int fd);
