// SPDX-License-Identifier: LGPL-2.1-or-later
/* The node table, used by one thread: identity, counting, memory. */
#include "../test.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fhandle-equal.h"
#include "node/node.h"
#include "util/cleanup.h"
#include "util/fd.h"

#define ROOT_INO 2

/* Returns a handle in the layout of ext4, which the root has, too. */
static struct fhandle fh_of(uint32_t ino, uint32_t gen)
{
	struct fhandle fh = { .len = 8, .type = 1 };

	memcpy(fh.bytes, &ino, 4);
	memcpy(fh.bytes + 4, &gen, 4);
	return fh;
}

static struct node_key key_of(uint32_t ino, uint32_t gen)
{
	return (struct node_key){
		.fh = fh_of(ino, gen),
		.ino = ino,
		.type = S_IFREG,
		.own_fd = -1,
	};
}

/* Nodes that the table has freed. */
struct gone {
	unsigned int n;
	uint64_t last_ino;
};

static void on_free(void *aux, struct node *node)
{
	struct gone *gone = aux;

	gone->n++;
	gone->last_ino = node->ino;
}

struct fixture {
	struct nodetab *tab;
	struct node *root;
	struct gone gone;
};

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct fhandle root = fh_of(ROOT_INO, 0);

	if (!f || nodetab_new(NULL, &f->tab) < 0)
		return -1;
	nodetab_on_free(f->tab, on_free, &f->gone);
	if (nodetab_set_root(f->tab, &root, ROOT_INO, -1, &f->root) < 0)
		return -1;
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	nodetab_free(f->tab);
	free(f);
	return 0;
}

static struct node *make(struct fixture *f, const struct node_key *key)
{
	struct node *node;
	bool new = false;

	assert_int_equal(node_lookup_or_new(f->tab, key, &node, &new), 0);
	assert_true(new);
	return node;
}

static uint64_t n_nodes(struct fixture *f)
{
	return nodetab_stat(f->tab).n_nodes;
}

TEST_F(root_has_id_1_and_is_never_freed, state)
{
	struct fixture *f = *state;
	struct fhandle fh = fh_of(ROOT_INO, 0);
	struct node_key key = key_of(ROOT_INO, 0);
	struct node *node;
	bool new = true;

	assert_int_equal(f->root->id, 1);
	assert_int_equal(node_generation(f->tab, f->root), 0);
	assert_int_equal(n_nodes(f), 1);
	node = node_lookup_id(f->tab, 1);
	assert_ptr_equal(node, f->root);
	node_put(f->tab, node);
	node = node_lookup_fh(f->tab, &fh);
	assert_ptr_equal(node, f->root);
	node_put(f->tab, node);
	assert_int_equal(node_lookup_or_new(f->tab, &key, &node, &new), 0);
	assert_ptr_equal(node, f->root);
	assert_false(new);
	/* The number that the root's handle packs to is not its nodeid. */
	assert_null(node_lookup_id(f->tab, ROOT_INO));
	/* A forget does not free the root. */
	node_remember(node);
	node_forget(f->tab, node, 1000);
	node_put(f->tab, node);
	node_forget(f->tab, node, UINT64_MAX);
	assert_int_equal(n_nodes(f), 1);
	assert_int_equal(f->gone.n, 0);
}

TEST_F(each_generation_of_an_inode_is_a_node, state)
{
	struct fixture *f = *state;
	struct node_key key = key_of(12, 34);
	struct node *node = make(f, &key), *again;
	bool new = true;

	assert_int_equal(node->id, 34ULL << 32 | 12);
	assert_int_equal(node->ino, 12);
	again = node_lookup_id(f->tab, node->id);
	assert_ptr_equal(again, node);
	node_put(f->tab, again);
	again = node_lookup_fh(f->tab, &key.fh);
	assert_ptr_equal(again, node);
	node_put(f->tab, again);
	assert_int_equal(node_lookup_or_new(f->tab, &key, &again, &new), 0);
	assert_ptr_equal(again, node);
	assert_false(new);
	node_put(f->tab, again);
	assert_int_equal(n_nodes(f), 2);
	/* Two generations of an inode number are two files, even if both have nodes. */
	key = key_of(12, 35);
	assert_null(node_lookup_fh(f->tab, &key.fh));
	again = make(f, &key);
	assert_ptr_not_equal(again, node);
	node_put(f->tab, again);
	assert_int_equal(f->gone.n, 1);
	node_put(f->tab, node);
	assert_int_equal(f->gone.n, 2);
	assert_int_equal(n_nodes(f), 1);
	assert_null(node_lookup_id(f->tab, 34ULL << 32 | 12));
}

/* Nodes of handles that do not pack have nodeids made from indexes, each used once. */
TEST_F(handle_that_does_not_pack_gets_number_used_once, state)
{
	struct fixture *f = *state;
	struct node_key keys[3] = { key_of(5, 1), key_of(0x80000005, 1), key_of(5, 1) };
	uint64_t ids[3];

	keys[0].fh.mount = 3;
	keys[2].fh.len = 7;
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < 3; i++) {
			struct node *node = make(f, &keys[i]), *again;

			assert_true(node->id & 0x80000000);
			again = node_lookup_id(f->tab, node->id);
			assert_ptr_equal(again, node);
			node_put(f->tab, again);
			again = node_lookup_fh(f->tab, &keys[i].fh);
			assert_ptr_equal(again, node);
			node_put(f->tab, again);
			if (round)
				assert_int_not_equal(node->id, ids[i]);
			assert_null(round ? node_lookup_id(f->tab, ids[i]) : NULL);
			ids[i] = node->id;
			node_put(f->tab, node);
		}
	}
	assert_int_equal(n_nodes(f), 1);
}

/* Handles of each length are told apart by their last byte. */
TEST_F(handles_of_each_length_are_told_apart, state)
{
	struct fixture *f = *state;
	struct node *nodes[FHANDLE_MAX + 1][2];

	for (unsigned int len = 13; len <= FHANDLE_MAX; len++)
		for (uint8_t last = 0; last < 2; last++) {
			struct node_key key = key_of(5, 1);

			key.fh.len = (uint8_t)len;
			key.fh.bytes[len - 1] = last + 1;
			nodes[len][last] = make(f, &key);
		}
	assert_int_equal(n_nodes(f), 1 + 2 * (FHANDLE_MAX - 12));
	for (unsigned int len = 13; len <= FHANDLE_MAX; len++)
		for (uint8_t last = 0; last < 2; last++) {
			struct fhandle fh, want = fh_of(5, 1);
			struct node *again;

			want.len = (uint8_t)len;
			want.bytes[len - 1] = last + 1;
			node_fhandle(f->tab, nodes[len][last], &fh);
			assert_true(fhandle_equal(&fh, &want));
			again = node_lookup_fh(f->tab, &want);
			assert_ptr_equal(again, nodes[len][last]);
			node_put(f->tab, again);
			node_put(f->tab, nodes[len][last]);
		}
	assert_int_equal(n_nodes(f), 1);
}

TEST_F(unknown_nodeid_finds_nothing, state)
{
	static const uint64_t ids[] = {
		0,          2,           3,          0x500000003,        0x80000000,
		0x80000001, 0x180000001, 0x83ffffff, 0x84000000,         0xffffffff,
		UINT64_MAX, 1ULL << 63,  0x7fffffff, 0xffffffff7fffffff,
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < N(ids); i++)
		assert_null(node_lookup_id(f->tab, ids[i]));
	assert_int_equal(n_nodes(f), 1);
}

TEST_F(generation_depends_on_nodeid_and_secret, state)
{
	struct fixture *f = *state;
	struct node_key key = key_of(77, 1);
	struct node *node = make(f, &key);
	uint32_t generation = node_generation(f->tab, node);
	struct nodetab *other;
	struct node *stranger;

	assert_int_not_equal(generation, 0);
	node_put(f->tab, node);
	node = make(f, &key);
	assert_int_equal(node_generation(f->tab, node), generation);
	node_put(f->tab, node);
	/* Another table has another secret, so generations differ, but for one chance in 2^31. */
	assert_int_equal(nodetab_new(NULL, &other), 0);
	assert_int_equal(
		nodetab_set_root(other, &(struct fhandle){ .len = 8, .type = 1 }, 2, -1, &stranger),
		0);
	assert_int_equal(node_lookup_or_new(other, &key, &stranger, NULL), 0);
	assert_int_not_equal(node_generation(other, stranger), generation);
	node_put(other, stranger);
	nodetab_free(other);
}

/* Generations are the same with the same key and root, and differ if one of these differs. */
TEST(generation_is_same_with_same_key_and_root, state)
{
	static const struct {
		uint64_t key[2];
		uint8_t root;
	} rows[] = {
		{ { 1, 2 }, 2 }, { { 1, 2 }, 2 }, { { 1, 3 }, 2 }, { { 2, 2 }, 2 }, { { 1, 2 }, 3 }
	};
	uint32_t generations[5];

	(void)state;
	for (int i = 0; i < 5; i++) {
		struct fhandle root_fh = { .len = 8, .type = 1, .bytes = { rows[i].root } };
		struct node_key key = key_of(77, 1);
		struct node *root, *node;
		struct nodetab *tab;

		assert_int_equal(nodetab_new(rows[i].key, &tab), 0);
		assert_int_equal(nodetab_set_root(tab, &root_fh, 2, -1, &root), 0);
		assert_int_equal(node_lookup_or_new(tab, &key, &node, NULL), 0);
		generations[i] = node_generation(tab, node);
		for (int j = 0; j < i; j++)
			assert_int_equal(generations[i] == generations[j], i == 1);
		node_put(tab, node);
		nodetab_free(tab);
	}
}

/* Each row: nlookup, the numbers that are forgotten, and the step that frees the node. */
TEST_F(forget_of_all_lookups_frees_node, state)
{
	static const struct {
		uint64_t remembered;
		uint64_t forgets[5];
		unsigned int n_forgets, goes_at;
	} rows[] = {
		{ 1, { 1 }, 1, 1 },
		{ 3, { 1, 1, 1 }, 3, 3 },
		{ 3, { 2, 1 }, 2, 2 },
		{ 3, { 0, 0, 3 }, 3, 3 },
		{ 3, { 4 }, 1, 1 },
		{ 3, { UINT64_MAX }, 1, 1 },
		{ 3, { 1, UINT64_MAX - 1 }, 2, 2 },
		{ 3, { 1ULL << 40 }, 1, 1 },
		{ 3, { 1ULL << 40, 0 }, 1, 1 },
		{ 100000, { 99999, 1 }, 2, 2 },
		{ 0, { 1 }, 0, 0 },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < N(rows); i++) {
		struct node_key key = key_of(1000 + (uint32_t)i, 1);
		struct node *node = make(f, &key);
		unsigned int gone = f->gone.n;

		for (uint64_t n = 0; n < rows[i].remembered; n++)
			node_remember(node);
		assert_null(node_put(f->tab, node));
		for (unsigned int step = 0; step < rows[i].n_forgets; step++) {
			assert_int_equal(f->gone.n, gone);
			node_forget(f->tab, node, rows[i].forgets[step]);
		}
		assert_int_equal(f->gone.n, gone + 1);
		assert_int_equal(f->gone.last_ino, 1000 + i);
		assert_null(node_lookup_fh(f->tab, &key.fh));
	}
}

/* A forgotten node lives while it has a reference, and can be remembered again. */
TEST_F(forgotten_node_lives_while_referenced, state)
{
	struct fixture *f = *state;
	struct node_key key = key_of(50, 1);
	struct node *node = make(f, &key);

	node_remember(node);
	node_get(node);
	node_put(f->tab, node);
	node_forget(f->tab, node, 5);
	assert_int_equal(f->gone.n, 0);
	node_remember(node);
	node_put(f->tab, node);
	assert_int_equal(f->gone.n, 0);
	node_forget(f->tab, node, 1);
	assert_int_equal(f->gone.n, 1);
	assert_null(node_put(f->tab, NULL));
}

/* A lookup by key finds a living node with a key of at most 8 bytes, and no other node. */
TEST_F(key_finds_living_node, state)
{
	static const struct {
		const char *key;
		size_t len;
		bool found;
	} rows[] = {
		{ "k", 1, true },
		{ "seven..", 7, true },
		{ "\1\0\0\0\0\0\0\0", 8, true },
		{ "\1\0\0\0\0\0\0\xff", 8, false },
		{ "longer than 8 bytes", 19, false },
	};
	struct fixture *f = *state;

	assert_null(node_lookup_key(f->tab, "", 0));
	for (size_t i = 0; i < N(rows); i++) {
		struct node_key key = { .ino = 9, .flags = NODE_OWN_FD | NODE_KEYED, .own_fd = -1 };
		struct node *node, *found;
		unsigned int gone = f->gone.n;

		assert_null(node_lookup_key(f->tab, rows[i].key, rows[i].len));
		key.fh = node_key_named(rows[i].key, rows[i].len);
		node = make(f, &key);
		found = node_lookup_key(f->tab, rows[i].key, rows[i].len);
		assert_ptr_equal(found, rows[i].found ? node : NULL);
		node_put(f->tab, found);
		/* The reference becomes the only lookup, which ends the node. */
		node_remember_ref(node);
		assert_int_equal(f->gone.n, gone);
		node_forget(f->tab, node, 1);
		assert_int_equal(f->gone.n, gone + 1);
		assert_null(node_lookup_key(f->tab, rows[i].key, rows[i].len));
	}
}

/* A node takes its own descriptor, which is closed with the node or with the table. */
TEST_F(own_descriptor_is_closed_with_node, state)
{
	struct fixture *f = *state;
	struct node *nodes[2];
	int fds[2];

	for (unsigned int i = 0; i < 2; i++) {
		struct node_key key = { .ino = 9, .flags = NODE_OWN_FD };

		key.fh = node_key_own(1, 8, i, 9);
		key.own_fd = fds[i] = open("/dev/null", O_PATH | O_CLOEXEC);
		nodes[i] = make(f, &key);
		assert_int_equal(nodes[i]->fd_slot, fds[i]);
	}
	assert_ptr_not_equal(nodes[0], nodes[1]);
	node_put(f->tab, nodes[0]);
	assert_int_equal(fcntl(fds[0], F_GETFD), -1);
	assert_int_not_equal(fcntl(fds[1], F_GETFD), -1);
	/* Freeing the table closes the descriptor of a node in it. */
	nodetab_free(f->tab);
	assert_int_equal(fcntl(fds[1], F_GETFD), -1);
	assert_int_equal(f->gone.n, 3);
	assert_int_equal(nodetab_new(NULL, &f->tab), 0);
}

/* Adds a mount. Returns its number; *ret_fd is its descriptor, which the table has taken. */
static int mount_add(struct fixture *f, int mnt_id, int *ret_fd)
{
	struct lower_mount mount = { .mnt_id = mnt_id, .handles = true };

	*ret_fd = mount.fd = open("/dev/null", O_PATH | O_CLOEXEC);
	return nodetab_mount_add(f->tab, &mount);
}

TEST_F(known_mount_is_not_added_again, state)
{
	struct fixture *f = *state;
	int fd;

	assert_int_equal(nodetab_mount_find(f->tab, 40), -ENOENT);
	assert_int_equal(mount_add(f, 40, &fd), 0);
	assert_int_equal(mount_add(f, 41, &fd), 1);
	assert_int_equal(nodetab_mount(f->tab, 1)->fd, fd);
	assert_int_equal(nodetab_mount_find(f->tab, 41), 1);
	/* Adding a known mount closes the descriptor. */
	assert_int_equal(mount_add(f, 40, &fd), 0);
	assert_int_equal(fcntl(fd, F_GETFD), -1);
	for (int i = 2; i < 4096; i++) {
		struct lower_mount mount = { .mnt_id = 100 + i, .fd = -1 };

		assert_int_equal(nodetab_mount_add(f->tab, &mount), i);
	}
	assert_int_equal(mount_add(f, 99, &fd), -ENFILE);
	assert_int_equal(fcntl(fd, F_GETFD), -1);
	assert_int_equal(nodetab_mount_find(f->tab, 4000), 3900);
}

TEST_MAIN(NULL, NULL)
