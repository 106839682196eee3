/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* The families of questions of pst_probe(). Each adds its rows. */
#include "probe/row.h"

/* What FUSE itself offers; lower_fd (-1: none) is asked whether it can be passed through. */
void probe_fuse(struct probe *probe, int lower_fd);

/* System calls and kernel facilities that a view makes use of. */
void probe_kernel(struct probe *probe);

/* The file system of a directory. */
void probe_lower(struct probe *probe, int lower_fd);
