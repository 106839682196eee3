/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* The descriptors that processes of `penstock run` inherit. */

struct pst_error;

/*
 * Closes the inherited descriptors that could lead to the tree below the view: from 3 on all but
 * pipes and sockets. Makes standard input, output and error /dev/null if they are closed. Returns
 * 0, or -errno and *error: if one of these three is a directory, or was opened with O_PATH.
 */
int descriptors_check(struct pst_error *error);
/* Closes all descriptors from 3 on but these two, of which each may be -1. */
void descriptors_keep(int a, int b);
/* Makes standard input and output /dev/null, with error also standard error. */
void descriptors_detach(_Bool error);
