// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Files in memory: inodes by number, and names by directory and text.
 *
 * A name is in the list of its directory, in the order of names, and in the chain of its hash. The
 * table of chains doubles when it has as many names as chains. No locks: see <penstock/tree.h>.
 */
#include "tree/tree.h"
#include "util/hash.h"
#include "util/name.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static struct statx_timestamp time_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (struct statx_timestamp){ .tv_sec = now.tv_sec, .tv_nsec = (uint32_t)now.tv_nsec };
}

void pst_inode_changed(struct pst_inode *inode, int content, int clears_set_ids)
{
	struct statx *stx = &inode->stx;

	stx->stx_ctime = time_now();
	if (content)
		stx->stx_mtime = stx->stx_ctime;
	if (!clears_set_ids)
		return;
	stx->stx_mode &= (uint16_t)~S_ISUID;
	if (stx->stx_mode & S_IXGRP)
		stx->stx_mode &= (uint16_t)~S_ISGID;
}

void pst_inode_set(struct pst_inode *inode, const struct statx *change, int clears_set_ids)
{
	uint32_t mask = change->stx_mask;
	struct statx *stx = &inode->stx;

	pst_inode_changed(inode, mask & STATX_SIZE, clears_set_ids);
	if (mask & STATX_MODE)
		stx->stx_mode = (uint16_t)((stx->stx_mode & S_IFMT) | (change->stx_mode & 07777));
	if (mask & STATX_UID)
		stx->stx_uid = change->stx_uid;
	if (mask & STATX_GID)
		stx->stx_gid = change->stx_gid;
	if (mask & STATX_ATIME)
		stx->stx_atime = change->stx_atime;
	if (mask & STATX_MTIME)
		stx->stx_mtime = change->stx_mtime;
}

/* -- inodes ------------------------------------------------------------------------------------ */

struct pst_inode *pst_tree_inode(const struct pst_tree *tree, uint64_t number)
{
	return number >= PST_TREE_ROOT && number < tree->n_inodes ? tree->inodes[number] : NULL;
}

struct pst_inode *pst_inode_new(struct pst_tree *tree, const struct statx *stx)
{
	struct pst_inode *inode = calloc(1, sizeof(*inode)), **grown = tree->inodes;
	struct statx_timestamp now = time_now();

	if (!(tree->n_inodes & (tree->n_inodes - 1)))
		grown = realloc(grown, 2 * tree->n_inodes * sizeof(struct pst_inode *));
	if (grown)
		tree->inodes = grown;
	if (!inode || !grown) {
		free(inode);
		return NULL;
	}
	inode->stx = *stx;
	inode->stx.stx_ino = tree->n_inodes;
	inode->stx.stx_nlink = S_ISDIR(stx->stx_mode) ? 2 : 0;
	if (!(stx->stx_mask & STATX_MTIME))
		inode->stx.stx_mtime = now;
	if (!(stx->stx_mask & STATX_ATIME))
		inode->stx.stx_atime = inode->stx.stx_mtime;
	if (!(stx->stx_mask & STATX_CTIME))
		inode->stx.stx_ctime = inode->stx.stx_mtime;
	tree->inodes[tree->n_inodes++] = inode;
	return inode;
}

static void inode_free(struct pst_tree *tree, struct pst_inode *inode)
{
	tree->inodes[inode->stx.stx_ino] = NULL;
	if (S_ISLNK(inode->stx.stx_mode))
		free(inode->data);
	else if (tree->drop)
		tree->drop(inode);
	free(inode);
}

void pst_inode_drop(struct pst_tree *tree, struct pst_inode *inode)
{
	bool is_named = S_ISDIR(inode->stx.stx_mode) ? inode->stx.stx_nlink >= 2 :
						       inode->stx.stx_nlink > 0;

	if (!is_named)
		inode_free(tree, inode);
}

/* -- names ------------------------------------------------------------------------------------- */

static struct pst_name **chain_of(const struct pst_tree *tree, const struct pst_inode *dir,
				  const char *text)
{
	return &tree->chains[hash_bytes(dir->stx.stx_ino, text, strlen(text)) &
			     (tree->n_chains - 1)];
}

/* Doubles the table of chains. Does nothing if out of memory: the chains get longer. */
static void grow(struct pst_tree *tree)
{
	size_t n = tree->n_chains;
	struct pst_name **old = tree->chains, **chains = calloc(2 * n, sizeof(struct pst_name *));

	if (!chains)
		return;
	tree->chains = chains;
	tree->n_chains = 2 * n;
	for (size_t i = 0; i < n; i++) {
		for (struct pst_name *name = old[i], *next; name; name = next) {
			struct pst_name **chain = chain_of(tree, name->dir, name->text);

			next = name->next_hashed;
			name->next_hashed = *chain;
			*chain = name;
		}
	}
	free(old);
}

struct pst_name *pst_tree_find(const struct pst_tree *tree, const struct pst_inode *dir,
			       const char *text)
{
	struct pst_name *name = *chain_of(tree, dir, text);

	while (name && (name->dir != dir || strcmp(name->text, text) != 0))
		name = name->next_hashed;
	return name;
}

struct pst_name *pst_tree_after(struct pst_inode *dir, uint64_t number)
{
	struct pst_name *name = __atomic_load_n(&dir->listed, __ATOMIC_RELAXED);

	if (!name || name->number > number)
		name = dir->first;
	while (name && name->number <= number)
		name = name->after;
	if (name)
		__atomic_store_n(&dir->listed, name, __ATOMIC_RELAXED);
	return name;
}

/* Returns false for a name that no file can have. */
static bool is_name(const char *text)
{
	size_t len = strnlen(text, NAME_MAX + 1);

	return len && len <= NAME_MAX && !name_is_dots(text) && !strchr(text, '/');
}

static struct pst_name *name_new(const char *text)
{
	size_t size = strlen(text) + 1;
	struct pst_name *name = malloc(sizeof(*name) + size);

	if (name)
		name->text = memcpy(name + 1, text, size);
	return name;
}

/* Counts a name of a file, or one less: a directory is a link of its parent. */
static void count(struct pst_inode *dir, struct pst_inode *inode, int change)
{
	uint32_t *nlink = S_ISDIR(inode->stx.stx_mode) ? &dir->stx.stx_nlink :
							 &inode->stx.stx_nlink;

	*nlink += (uint32_t)change;
}

/* A client has changed a name. */
static void touch(struct pst_inode *dir, struct pst_inode *inode)
{
	pst_inode_changed(inode, false, false);
	pst_inode_changed(dir, true, false);
}

static void name_add(struct pst_tree *tree, struct pst_inode *dir, struct pst_name *name,
		     struct pst_inode *inode)
{
	struct pst_name **chain;

	if (tree->n_names >= tree->n_chains)
		grow(tree);
	tree->n_names++;
	chain = chain_of(tree, dir, name->text);
	*name = (struct pst_name){
		.text = name->text,
		.dir = dir,
		.inode = inode,
		.number = ++tree->last_name,
		.before = dir->last,
		.next_hashed = *chain,
	};
	*chain = name;
	*(dir->last ? &dir->last->after : &dir->first) = name;
	dir->last = name;
	count(dir, inode, 1);
}

static void name_remove(struct pst_tree *tree, struct pst_name *name)
{
	struct pst_inode *dir = name->dir;
	struct pst_name **at = chain_of(tree, dir, name->text);

	while (*at != name)
		at = &(*at)->next_hashed;
	*at = name->next_hashed;
	*(name->before ? &name->before->after : &dir->first) = name->after;
	*(name->after ? &name->after->before : &dir->last) = name->before;
	if (dir->listed == name)
		dir->listed = name->before;
	tree->n_names--;
	count(dir, name->inode, -1);
	free(name);
}

static int link_name(struct pst_tree *tree, struct pst_inode *dir, const char *text,
		     struct pst_inode *inode)
{
	struct pst_name *name;

	if (!is_name(text))
		return -EINVAL;
	if (!dir->stx.stx_nlink)
		return -ENOENT;
	if (pst_tree_find(tree, dir, text))
		return -EEXIST;
	name = name_new(text);
	if (!name)
		return -ENOMEM;
	name_add(tree, dir, name, inode);
	return 0;
}

int pst_tree_link(struct pst_tree *tree, struct pst_inode *dir, const char *text,
		  struct pst_inode *inode)
{
	int r = link_name(tree, dir, text, inode);

	if (r == 0)
		touch(dir, inode);
	return r;
}

int pst_tree_add(struct pst_tree *tree, struct pst_inode *dir, const char *text,
		 const struct statx *stx, struct pst_inode **ret_inode)
{
	struct pst_inode *inode = pst_inode_new(tree, stx);
	int r = inode ? link_name(tree, dir, text, inode) : -ENOMEM;

	if (r == 0)
		*ret_inode = inode;
	else if (inode)
		inode_free(tree, inode);
	return r;
}

/* Returns why a name cannot be removed, or 0. */
static int check_remove(const struct pst_name *name, bool is_dir)
{
	if (is_dir != S_ISDIR(name->inode->stx.stx_mode))
		return is_dir ? -ENOTDIR : -EISDIR;
	return name->inode->first ? -ENOTEMPTY : 0;
}

static void name_end(struct pst_tree *tree, struct pst_name *name)
{
	struct pst_inode *inode = name->inode;

	touch(name->dir, inode);
	name_remove(tree, name);
	if (S_ISDIR(inode->stx.stx_mode))
		inode->stx.stx_nlink = 0;
}

int pst_tree_remove(struct pst_tree *tree, struct pst_inode *dir, const char *text, int is_dir)
{
	struct pst_name *name = pst_tree_find(tree, dir, text);
	int r = name ? check_remove(name, is_dir) : -ENOENT;

	if (r == 0)
		name_end(tree, name);
	return r;
}

static void exchange(struct pst_name *a, struct pst_name *b)
{
	struct pst_inode *inode = a->inode;

	count(a->dir, a->inode, -1);
	count(b->dir, b->inode, -1);
	a->inode = b->inode;
	b->inode = inode;
	count(a->dir, a->inode, 1);
	count(b->dir, b->inode, 1);
	touch(a->dir, a->inode);
	touch(b->dir, b->inode);
}

int pst_tree_rename(struct pst_tree *tree, struct pst_inode *dir, const char *text,
		    struct pst_inode *new_dir, const char *new_text, unsigned int flags)
{
	struct pst_name *name = pst_tree_find(tree, dir, text), *new;
	struct pst_name *over = pst_tree_find(tree, new_dir, new_text);
	int r = 0;

	if ((flags & ~(RENAME_NOREPLACE | RENAME_EXCHANGE)) || !is_name(new_text))
		return -EINVAL;
	if (!name || (!over && (flags & RENAME_EXCHANGE)) || !new_dir->stx.stx_nlink)
		return -ENOENT;
	if (over && (flags & RENAME_NOREPLACE))
		return -EEXIST;
	if (over && over->inode == name->inode)
		return 0;
	if (flags & RENAME_EXCHANGE) {
		exchange(name, over);
		return 0;
	}
	if (over)
		r = check_remove(over, S_ISDIR(name->inode->stx.stx_mode));
	if (r < 0)
		return r;
	new = name_new(new_text);
	if (!new)
		return -ENOMEM;
	if (over)
		name_end(tree, over);
	name_add(tree, new_dir, new, name->inode);
	touch(new_dir, name->inode);
	touch(dir, name->inode);
	name_remove(tree, name);
	return 0;
}

/* -- trees ------------------------------------------------------------------------------------- */

struct pst_tree *pst_tree_new(void (*drop)(struct pst_inode *inode))
{
	struct pst_tree *tree = calloc(1, sizeof(*tree));

	if (!tree)
		return NULL;
	tree->drop = drop;
	tree->n_inodes = PST_TREE_ROOT;
	tree->n_chains = 1024;
	tree->chains = calloc(tree->n_chains, sizeof(struct pst_name *));
	if (tree->chains && pst_inode_new(tree, &(struct statx){ .stx_mode = S_IFDIR | 0755 }))
		return tree;
	pst_tree_free(tree);
	return NULL;
}

void pst_tree_free(struct pst_tree *tree)
{
	if (!tree)
		return;
	for (uint64_t i = PST_TREE_ROOT; i < tree->n_inodes; i++) {
		struct pst_inode *inode = tree->inodes[i];

		for (struct pst_name *name = inode ? inode->first : NULL, *after; name;
		     name = after) {
			after = name->after;
			free(name);
		}
		if (inode)
			inode_free(tree, inode);
	}
	free(tree->inodes);
	free(tree->chains);
	free(tree);
}
