// SPDX-License-Identifier: LGPL-2.1-or-later
/* Names and attributes of trees in memory (<penstock/tree.h>). */
#include "../test.h"

#include <errno.h>
#include <penstock/tree.h>
#include <stdio.h>
#include <stdlib.h>

static unsigned int n_dropped;

static void drop(struct pst_inode *inode)
{
	n_dropped++;
}

static struct pst_inode *root_of(struct pst_tree *tree)
{
	return pst_tree_inode(tree, PST_TREE_ROOT);
}

static struct pst_inode *add(struct pst_tree *tree, struct pst_inode *dir, const char *name,
			     uint16_t mode)
{
	struct pst_inode *inode = pst_inode_new(tree, &(struct statx){ .stx_mode = mode });

	assert_int_equal(pst_tree_link(tree, dir, name, inode), 0);
	return inode;
}

/* Returns the inode of a name, or NULL. */
static struct pst_inode *at(struct pst_tree *tree, struct pst_inode *dir, const char *text)
{
	struct pst_name *name = pst_tree_find(tree, dir, text);

	return name ? name->inode : NULL;
}

TEST(names_are_found_in_a_large_tree, state)
{
	struct pst_tree *tree = pst_tree_new(NULL);
	struct pst_inode *dirs[3] = { root_of(tree), add(tree, root_of(tree), "d", S_IFDIR), NULL };
	unsigned int n = 0;
	char name[32];

	dirs[2] = add(tree, dirs[1], "d", S_IFDIR);
	for (int i = 0; i < 30000; i++) {
		snprintf(name, sizeof(name), "%d", i / 3);
		add(tree, dirs[i % 3], name, S_IFREG)->value = (uint64_t)i;
	}
	for (int i = 0; i < 30000; i++) {
		snprintf(name, sizeof(name), "%d", i / 3);
		assert_int_equal(at(tree, dirs[i % 3], name)->value, i);
		if (i % 2)
			assert_int_equal(pst_tree_remove(tree, dirs[i % 3], name, 0), 0);
	}
	/* In the order in which they were added. */
	for (struct pst_name *it = dirs[2]->first; it; it = it->after, n++)
		assert_true(!it->after || it->after->number > it->number);
	assert_int_equal(n, 5000);
	assert_null(at(tree, dirs[1], "10000"));
	assert_int_equal(pst_tree_remove(tree, dirs[0], "10000", 0), -ENOENT);
	pst_tree_free(tree);
}

/* Compares pst_tree_after() with the list of names, for all numbers of a directory. */
static void expect_after(struct pst_inode *dir, uint64_t number)
{
	struct pst_name *name = dir->first;

	while (name && name->number <= number)
		name = name->after;
	assert_ptr_equal(pst_tree_after(dir, number), name);
}

TEST(listing_goes_on_after_a_number, state)
{
	struct pst_tree *tree = pst_tree_new(NULL);
	struct pst_inode *root = root_of(tree);
	char name[32];

	assert_null(pst_tree_after(root, 0));
	for (int i = 0; i < 40; i++) {
		snprintf(name, sizeof(name), "%d", i);
		add(tree, root, name, S_IFREG);
	}
	/* Each name is removed after it was returned, and listings start before and after it. */
	while (root->first) {
		for (uint64_t number = 0; number < 45; number++)
			for (uint64_t before = 0; before < 45; before += 11) {
				expect_after(root, before);
				expect_after(root, number);
			}
		for (struct pst_name *it = root->first, *next; it; it = next) {
			struct pst_name *odd = pst_tree_after(root, it->number - 1);

			assert_ptr_equal(odd, it);
			next = it->after ? it->after->after : NULL;
			assert_int_equal(pst_tree_remove(tree, root, odd->text, 0), 0);
			expect_after(root, 44);
			expect_after(root, 0);
		}
	}
	pst_tree_free(tree);
}

/* The memory of the name that was returned last becomes a name of another directory. */
TEST(listing_goes_on_after_a_removed_name, state)
{
	struct pst_tree *tree = pst_tree_new(NULL);
	struct pst_inode *root = root_of(tree), *dir = add(tree, root, "dir", S_IFDIR);
	struct pst_name *name;
	uint64_t number;

	add(tree, root, "name", S_IFREG);
	name = pst_tree_after(root, root->first->number);
	assert_ptr_equal(name, root->last);
	assert_int_equal(pst_tree_remove(tree, root, "name", 0), 0);
	add(tree, dir, "name", S_IFREG);
	number = dir->first->number;
	add(tree, root, "last", S_IFREG);
	name = pst_tree_after(root, number);
	assert_non_null(name);
	assert_ptr_equal(name, root->last);
	pst_tree_free(tree);
}

TEST(links_are_counted, state)
{
	struct pst_tree *tree = pst_tree_new(drop);
	struct pst_inode *root = root_of(tree), *dir = add(tree, root, "dir", S_IFDIR);
	struct pst_inode *file = add(tree, root, "file", S_IFREG);
	uint64_t number = file->stx.stx_ino;
	const char *const bad[] = { "", ".", "..", "a/b" };

	n_dropped = 0;
	assert_int_equal(root->stx.stx_nlink, 3);
	assert_int_equal(pst_tree_link(tree, dir, "other", file), 0);
	assert_int_equal(pst_tree_link(tree, dir, "other", file), -EEXIST);
	assert_int_equal(file->stx.stx_nlink, 2);
	assert_int_equal(pst_tree_remove(tree, root, "dir", 0), -EISDIR);
	assert_int_equal(pst_tree_remove(tree, root, "dir", 1), -ENOTEMPTY);
	assert_int_equal(pst_tree_remove(tree, root, "file", 1), -ENOTDIR);
	assert_int_equal(pst_tree_remove(tree, root, "file", 0), 0);
	pst_inode_drop(tree, file);
	assert_ptr_equal(pst_tree_inode(tree, number), file);
	assert_int_equal(pst_tree_remove(tree, dir, "other", 0), 0);
	assert_ptr_equal(pst_tree_inode(tree, number), file);
	pst_inode_drop(tree, file);
	assert_null(pst_tree_inode(tree, number));
	assert_int_equal(pst_tree_remove(tree, root, "dir", 1), 0);
	assert_int_equal(root->stx.stx_nlink, 2);
	file = pst_inode_new(tree, &(struct statx){ .stx_mode = S_IFREG });
	for (size_t i = 0; i < N(bad); i++)
		assert_int_equal(pst_tree_link(tree, root, bad[i], file), -EINVAL);
	/* A process may still be in the directory. */
	assert_int_equal(pst_tree_link(tree, dir, "new", file), -ENOENT);
	assert_int_equal(n_dropped, 1);
	pst_tree_free(tree);
	assert_int_equal(n_dropped, 4);
}

TEST(renames_move_replace_and_exchange, state)
{
	struct pst_tree *tree = pst_tree_new(NULL);
	struct pst_inode *root = root_of(tree), *d = add(tree, root, "d", S_IFDIR);
	struct pst_inode *a = add(tree, root, "a", S_IFREG), *b = add(tree, d, "b", S_IFREG);
	struct pst_inode *e = add(tree, root, "e", S_IFDIR);

	assert_int_equal(pst_tree_rename(tree, root, "none", d, "x", 0), -ENOENT);
	assert_int_equal(pst_tree_rename(tree, root, "a", d, "b", RENAME_NOREPLACE), -EEXIST);
	assert_int_equal(pst_tree_rename(tree, root, "a", d, "b", RENAME_WHITEOUT), -EINVAL);
	assert_int_equal(pst_tree_rename(tree, root, "a", d, "c", RENAME_EXCHANGE), -ENOENT);
	assert_int_equal(pst_tree_rename(tree, root, "a", root, "e", 0), -EISDIR);
	assert_int_equal(pst_tree_rename(tree, root, "e", d, "b", 0), -ENOTDIR);
	assert_int_equal(pst_tree_rename(tree, root, "e", root, "d", 0), -ENOTEMPTY);
	assert_int_equal(pst_tree_rename(tree, root, "a", d, "b", RENAME_EXCHANGE), 0);
	assert_ptr_equal(at(tree, root, "a"), b);
	assert_ptr_equal(at(tree, d, "b"), a);
	/* A directory for a file: each parent has the links of its directories. */
	assert_int_equal(root->stx.stx_nlink, 4);
	assert_int_equal(pst_tree_rename(tree, root, "e", d, "b", RENAME_EXCHANGE), 0);
	assert_int_equal(root->stx.stx_nlink, 3);
	assert_int_equal(d->stx.stx_nlink, 3);
	assert_ptr_equal(at(tree, d, "b"), e);
	assert_int_equal(pst_tree_rename(tree, root, "a", root, "e", 0), 0);
	assert_ptr_equal(at(tree, root, "e"), b);
	assert_null(at(tree, root, "a"));
	assert_int_equal(a->stx.stx_nlink, 0);
	assert_int_equal(b->stx.stx_nlink, 1);
	pst_inode_drop(tree, a);
	pst_tree_free(tree);
}

TEST(attributes_are_set_as_asked, state)
{
	struct pst_tree *tree = pst_tree_new(NULL);
	struct pst_inode *file = add(tree, root_of(tree), "f", S_IFREG | S_ISUID | S_ISGID | 0755);
	struct statx change = { .stx_mask = STATX_UID | STATX_ATIME,
				.stx_uid = 7,
				.stx_gid = 8,
				.stx_atime = { 5, 6, 0 } };

	pst_inode_set(file, &change, 1);
	assert_int_equal(file->stx.stx_mode, S_IFREG | 0755);
	assert_int_equal(file->stx.stx_uid, 7);
	assert_int_equal(file->stx.stx_gid, 0);
	assert_int_equal(file->stx.stx_atime.tv_sec, 5);
	change = (struct statx){ .stx_mask = STATX_MODE, .stx_mode = S_ISGID | 0600 };
	pst_inode_set(file, &change, 0);
	assert_int_equal(file->stx.stx_mode, S_IFREG | S_ISGID | 0600);
	/* Without the right to execute, S_ISGID was a mark for locks. */
	pst_inode_changed(file, 1, 1);
	assert_int_equal(file->stx.stx_mode, S_IFREG | S_ISGID | 0600);
	pst_tree_free(tree);
}

TEST_MAIN(NULL, NULL)
