/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* The parts of pst_probe(). Each function adds rows to probe. */
#include "probe/row.h"

/* Features of FUSE, and passthrough of files in the directory lower_fd, which may be -1. */
void probe_fuse(struct probe *probe, int lower_fd);

/* System calls and kernel facilities that a view uses. */
void probe_kernel(struct probe *probe);

/* The module of the kernel engine. */
void probe_engine(struct probe *probe);

/* The file system of a directory. */
void probe_lower(struct probe *probe, int lower_fd);
