/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Other paths of the directory below the view: other mounts of its file system. */

struct pst_error;

/* A directory, by its place in its file system. */
struct tree {
	unsigned int device; /* as struct mountinfo has it */
	char *root;          /* its path from the root of the file system; owned */
	char *path;          /* its path in this mount namespace; owned */
};

/*
 * Finds the place of a directory. Call it before the view is mounted. Returns 0, or -errno and
 * *error. The caller must call tree_fini().
 */
int tree_find(const char *directory, struct tree *ret_tree, struct pst_error *error);
void tree_fini(struct tree *tree);

/*
 * Mounts the view, which lies at tree->path, at each other path of the directory in this mount
 * namespace, and its files at the paths of mounts that show a part of the directory. Covers those
 * that the view hides. Makes the directories above immovable for the command: after this call /proc
 * shows one of them, and the caller must mount a /proc over it. Returns 0, or -errno and *error.
 */
int other_paths_cover(const struct tree *tree, struct pst_error *error);
