/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* A tree in memory. The functions are those of <penstock/tree.h>. */
#include <penstock/tree.h>

struct pst_tree {
	void (*drop)(struct pst_inode *inode); /* or NULL */
	struct pst_inode **inodes;             /* owned; by number; NULL if freed */
	uint64_t n_inodes;                     /* numbers that were given, and number 0 */
	struct pst_name **chains;              /* owned */
	size_t n_chains;                       /* a power of 2 */
	size_t n_names;
	uint64_t last_name; /* the number of the latest name */
};
