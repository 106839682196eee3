/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PENSTOCK_TREE_H
#define PENSTOCK_TREE_H
/*
 * Trees of files in memory, for programs that answer operations themselves (<penstock/node.h>).
 *
 * A tree has the names and attributes of its files, finds files by number and by name, and answers
 * the operations on both. The content is the program's:
 *
 *	static ssize_t read_file(struct pst_request *req, void *buf, size_t size, uint64_t off)
 *	{
 *		const struct pst_inode *inode = pst_tree_file(req->aux, req->file);
 *
 *		return pst_copy(buf, size, off, inode->data, inode->stx.stx_size);
 *	}
 *
 *	struct pst_tree *tree = pst_tree_new(NULL);
 *	struct pst_node_ops ops = { .size = sizeof(ops), .read = read_file };
 *
 *	pst_tree_add(tree, pst_tree_inode(tree, PST_TREE_ROOT), "name", &stx, &inode);
 *	inode->data = text;
 *	pst_tree_serve(tree, &ops, 0);
 *
 * A tree that changes has no locks: the program sets `serial`, or has a lock of its own around the
 * callbacks. These functions do not block, and need no view.
 */
#include <penstock/node.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

struct pst_tree;
struct pst_inode;

/* A name in a directory. The library makes it; all members are constant. */
struct pst_name {
	const char *text;
	struct pst_inode *dir, *inode;
	uint64_t number; /* in the directory: names that were added later have greater ones */
	struct pst_name *after; /* the next name of the directory, or NULL */
	/* The library's: */
	struct pst_name *before, *next_hashed;
};

/*
 * A file of a tree. The library makes it, and later versions may add members at the end. The
 * program may change all attributes but stx_ino, the type and stx_nlink.
 */
struct pst_inode {
	struct statx stx; /* stx_ino is the number of the file, and its key; not used again */
	/*
	 * The program's. A symbolic link has its text here, stx_size bytes from malloc(3), which
	 * the library frees.
	 */
	void *data;
	uint64_t value; /* the program's */
	/* The names of a directory, in the order in which they were added; NULL if it has none. */
	struct pst_name *first, *last;
	struct pst_name *listed; /* the library's: what pst_tree_after() has returned last */
};

#define PST_TREE_ROOT 1 /* the number of the root */

/*
 * Makes a tree with an empty root, of mode 0755 and owner 0. Before a file is freed, the library
 * calls drop(), if that is not NULL, so that the program frees what it has in data and value.
 * Returns NULL if out of memory. pst_tree_free() frees all files; it accepts NULL.
 */
struct pst_tree *pst_tree_new(void (*drop)(struct pst_inode *inode));
void pst_tree_free(struct pst_tree *tree);

/* Returns the file with a number, or NULL if it is gone. */
struct pst_inode *pst_tree_inode(const struct pst_tree *tree, uint64_t number);
/* Returns the file of a request; the root for every lower file. */
static inline struct pst_inode *pst_tree_file(const struct pst_tree *tree,
					      const struct pst_file *file)
{
	return pst_tree_inode(tree, pst_file_number(file, PST_TREE_ROOT));
}

/*
 * Makes a file without a name. It takes mode, owner, size, blocks and device number from stx, and
 * the times in stx_mask; without STATX_MTIME the mtime is now, the others are the mtime then.
 * Returns NULL if out of memory.
 */
struct pst_inode *pst_inode_new(struct pst_tree *tree, const struct statx *stx);
/* Frees a file that has no name; else does nothing. The view must not know the file any more. */
void pst_inode_drop(struct pst_tree *tree, struct pst_inode *inode);
/*
 * Sets ctime to now; if content is not 0, also mtime. If clears_set_ids is not 0, clears the set-ID
 * bits, as a write by another user than root does (struct pst_request).
 */
void pst_inode_changed(struct pst_inode *inode, int content, int clears_set_ids);
/* Sets the attributes in change->stx_mask but the size, and ctime; after a new size also mtime. */
void pst_inode_set(struct pst_inode *inode, const struct statx *change, int clears_set_ids);

/* Returns a name in a directory, or NULL. */
struct pst_name *pst_tree_find(const struct pst_tree *tree, const struct pst_inode *dir,
			       const char *text);
/*
 * Returns the first name of a directory with a number above this, or NULL. A listing in pieces
 * takes time in proportion to the names: a call begins where the call for the previous piece ended.
 * Threads may call this at the same time, as the functions above, if none changes the tree.
 */
struct pst_name *pst_tree_after(struct pst_inode *dir, uint64_t number);
/*
 * Makes a file with a name, for a program that builds a tree: the directory keeps its times.
 * pst_tree_link() gives a file a name for a client, and changes the times. Both copy the text, and
 * return 0, -EEXIST, -ENOENT if the directory has been removed, -EINVAL for a text that no name can
 * have (empty, ".", "..", with a slash, longer than 255 bytes), or -ENOMEM.
 */
int pst_tree_add(struct pst_tree *tree, struct pst_inode *dir, const char *text,
		 const struct statx *stx, struct pst_inode **ret_inode);
int pst_tree_link(struct pst_tree *tree, struct pst_inode *dir, const char *text,
		  struct pst_inode *inode);
/*
 * Removes a name, and with it an empty directory. The file stays until pst_inode_drop(), because
 * it may be open. Returns 0, -ENOENT, -ENOTDIR, -EISDIR or -ENOTEMPTY.
 */
int pst_tree_remove(struct pst_tree *tree, struct pst_inode *dir, const char *text, int is_dir);
/*
 * Returns as renameat2(2); -EINVAL for other flags than RENAME_NOREPLACE and RENAME_EXCHANGE, and
 * for a text that no name can have.
 */
int pst_tree_rename(struct pst_tree *tree, struct pst_inode *dir, const char *text,
		    struct pst_inode *new_dir, const char *new_text, unsigned int flags);

/*
 * Lets the tree answer operations: sets ops->aux to the tree, and the callbacks that are NULL:
 * forget, find, lookup, getattr, readlink and readdir; if changes is 1, clients may change the
 * tree, and it also sets setattr, make, link, remove, rename and tmpfile. The program sets read,
 * and what else it answers. The new files of a client have size 0, and data and value 0. If changes
 * is 0, the program sets PST_MOUNT_RDONLY, or changes of the root are those of LOWER.
 */
void pst_tree_serve(struct pst_tree *tree, struct pst_node_ops *ops, int changes);
/* The tree's setattr(), for a program with one of its own that changes the size. */
int pst_tree_setattr(struct pst_request *req, const struct statx *change, struct statx *ret_stx);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
