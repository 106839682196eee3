/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * The lower tree of a fuzzer's view: a few files of each type, with short and long names. A symlink
 * in the tree leads to a file outside it, which must not change.
 */

/* Makes the tree in $TMPDIR, until the program ends. Returns a borrowed descriptor of its root. */
int tree_make(void);
/* Restores the tree. */
void tree_fresh(void);
/* Aborts if a file outside the tree has changed. */
void tree_check_outside(void);

/* Returns the name of a file that exists or can be created. */
const char *tree_name(unsigned int n);
/* Returns such a name, or "." or "..". */
const char *tree_name_or_dots(unsigned int n);
