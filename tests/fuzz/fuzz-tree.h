/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * The tree below a fuzzer's view: a few files of each kind, with names short and long. Beside it
 * lies a file that a symlink of the tree leads to, and that nobody may touch.
 */

/*
 * Makes it, in $TMPDIR, until the program ends. Returns a descriptor of its root, which is
 * borrowed.
 */
int tree_make(void);
/* Puts it back to what it was. */
void tree_fresh(void);
/* Ends the program where something beside it is not as it was. */
void tree_check_outside(void);

/* The name of something that there is, or may be made. */
const char *tree_name(unsigned int n);
/* Likewise, or dots. */
const char *tree_name_or_dots(unsigned int n);
