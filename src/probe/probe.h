/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* The parts of pst_probe(). Each adds its rows. */
#include "probe/row.h"

/* Features of FUSE; and whether files of lower_fd (-1: none) can be passed through. */
void probe_fuse(struct probe *probe, int lower_fd);

/* System calls and kernel facilities that a view uses. */
void probe_kernel(struct probe *probe);

/* The file system of a directory. */
void probe_lower(struct probe *probe, int lower_fd);
