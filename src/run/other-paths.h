/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Other paths of the files below the view: other mounts of their file systems. */
#include <stddef.h>

struct pst_error;

/* A file system below the view, or the part of it that is mounted there. */
struct tree_part {
	unsigned int device; /* as struct mountinfo has it */
	char *root;          /* its path from the root of the file system; owned */
	char *path;          /* its path in this mount namespace; owned */
};

/* A directory, and what is mounted inside it. */
struct tree {
	struct tree_part *parts; /* the first one is the directory */
	size_t n;
};

/*
 * Finds the places of a directory and of the mounts inside it. Call it before the view is mounted.
 * Returns 0, or -errno and *error. The caller must call tree_fini().
 */
int tree_find(const char *directory, struct tree *ret_tree, struct pst_error *error);
void tree_fini(struct tree *tree);

/*
 * Mounts the view, which lies at the directory, at each other path of it in this mount namespace,
 * and its files at the paths of mounts that show a part of the directory, or of a file system that
 * is mounted inside it. Covers those that the view hides. Makes the directories above immovable for
 * the command: after this call /proc shows one of them, and the caller must mount a /proc over it.
 * Returns 0, or -errno and *error.
 */
int other_paths_cover(const struct tree *tree, struct pst_error *error);
