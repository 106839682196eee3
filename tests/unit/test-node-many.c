// SPDX-License-Identifier: LGPL-2.1-or-later
/* The node table with many nodes: growth, shrinking, memory, long chains. */
#include "../test.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "node/node.h"
#include "util/cleanup.h"
#include "util/hash.h"

#define MANY  200000u
#define BLOCK (2048 * sizeof(struct node))

static struct fhandle fh_of(uint32_t ino, uint32_t gen)
{
	struct fhandle fh = { .len = 8, .type = 1 };

	memcpy(fh.bytes, &ino, 4);
	memcpy(fh.bytes + 4, &gen, 4);
	return fh;
}

static int set_up(void **state)
{
	struct fhandle root = fh_of(2, 0);
	struct nodetab *tab;
	struct node *node;

	if (nodetab_new(NULL, &tab) < 0 || nodetab_set_root(tab, &root, 2, -1, &node) < 0)
		return -1;
	*state = tab;
	return 0;
}

static int tear_down(void **state)
{
	nodetab_free(*state);
	return 0;
}

/* Returns the key of the n-th node. The handle of every third one does not pack. */
static struct fhandle nth(uint32_t n)
{
	struct fhandle fh = fh_of(n + 10, n ^ 5);

	fh.mount = n % 3 == 0;
	return fh;
}

/* Makes the n-th node with nlookup 1 and no references. */
static uint64_t make(struct nodetab *tab, uint32_t n)
{
	struct node_key key = { .fh = nth(n), .ino = n, .type = S_IFREG, .own_fd = -1 };
	struct node *node;
	uint64_t id;

	assert_int_equal(node_lookup_or_new(tab, &key, &node, NULL), 0);
	node_remember(node);
	id = node->id;
	node_put(tab, node);
	return id;
}

static void forget(struct nodetab *tab, uint64_t id)
{
	struct node *node = node_lookup_id(tab, id);

	assert_non_null(node);
	node_forget(tab, node, 1);
	node_put(tab, node);
}

/* Checks that each step-th node is found by nodeid and by handle, or by neither. */
static void check_all(struct nodetab *tab, const uint64_t *ids, uint32_t step, bool there)
{
	for (uint32_t n = 0; n < MANY; n += step) {
		struct fhandle fh = nth(n);
		struct node *by_id = node_lookup_id(tab, ids[n]);
		struct node *by_fh = node_lookup_fh(tab, &fh);

		assert_ptr_equal(by_id, by_fh);
		assert_int_equal(by_id != NULL, there);
		if (by_id)
			assert_int_equal(by_id->ino, n);
		node_put(tab, by_id);
		node_put(tab, by_fh);
	}
}

/* Returns the bytes of memory of the table's memfd. */
static uint64_t record_bytes(void)
{
	DIR *dir = opendir("/proc/self/fd");
	uint64_t bytes = 0;
	struct dirent *entry;
	char text[64];
	struct stat st;

	assert_non_null(dir);
	while ((entry = readdir(dir))) {
		ssize_t n = readlinkat(dirfd(dir), entry->d_name, text, sizeof(text) - 1);

		if (n < 0)
			continue;
		text[n] = 0;
		if (strstr(text, "penstock-nodes") && fstat(atoi(entry->d_name), &st) == 0)
			bytes += (uint64_t)st.st_blocks * 512;
	}
	closedir(dir);
	return bytes;
}

TEST_F(memory_grows_and_shrinks_with_nodes, state)
{
	struct nodetab *tab = *state;
	_cleanup_(freep) uint64_t *ids = calloc(MANY, sizeof(*ids));
	uint64_t empty = nodetab_stat(tab).bytes, full;

	for (int round = 0; round < 2; round++) {
		for (uint32_t n = 0; n < MANY; n++)
			ids[n] = make(tab, n);
		full = nodetab_stat(tab).bytes;
		assert_int_equal(nodetab_stat(tab).n_nodes, MANY + 1);
		/* A node and its index take about a hundred bytes, and nodetab_stat() says so. */
		assert_true(full < MANY * 120ULL);
		assert_true(record_bytes() <= (MANY / 2048 + 2) * BLOCK);
		assert_true(full >= record_bytes());
		check_all(tab, ids, 1, true);

		/* Freeing scattered nodes frees no block, and the others stay. */
		for (uint32_t n = 0; n < MANY; n += 2)
			forget(tab, ids[n]);
		assert_int_equal(nodetab_stat(tab).n_nodes, MANY / 2 + 1);
		check_all(tab, ids, 2, false);
		for (uint32_t n = 1; n < MANY; n += 2)
			forget(tab, ids[n]);
		assert_int_equal(nodetab_stat(tab).n_nodes, 1);
		check_all(tab, ids, 97, false);
		assert_true(record_bytes() <= BLOCK);
		/* Bitmaps stay, a hundredth of the memory; records and index are freed. */
		assert_true(nodetab_stat(tab).bytes < empty + full / 50);
	}
}

/* Free records are used before the table grows. */
TEST_F(free_records_are_used_first, state)
{
	struct nodetab *tab = *state;
	_cleanup_(freep) uint64_t *ids = calloc(MANY, sizeof(*ids));
	uint64_t bytes;

	for (uint32_t n = 0; n < 20000; n++)
		ids[n] = make(tab, n);
	bytes = nodetab_stat(tab).bytes;
	for (uint32_t n = 0; n < 20000; n += 3)
		forget(tab, ids[n]);
	for (uint32_t n = 0; n < 6000; n++)
		make(tab, 100000 + n);
	assert_int_equal(nodetab_stat(tab).bytes, bytes);
}

/* Looking up numbers beyond the last node allocates no memory. */
TEST_F(guessed_numbers_allocate_no_memory, state)
{
	struct nodetab *tab = *state;
	uint64_t before = record_bytes();

	for (uint64_t index = 0; index < 1 << 20; index += 40)
		assert_null(node_lookup_id(tab, 7ULL << 32 | 0x80000000 | index));
	assert_true(record_bytes() <= before + BLOCK);
}

/* Many nodes on one chain of the index are all found, and none is made twice. */
TEST_F(long_chain_loses_no_node, state)
{
	enum { N = 600 };
	struct nodetab *tab = *state;
	struct node *nodes[N];
	uint32_t ino = 3;

	for (int i = 0; i < N; i++) {
		struct node_key key = { .type = S_IFREG, .own_fd = -1 };
		bool new = false;

		while (hash_mix(ino) & 0xfff)
			ino++;
		key.fh = fh_of(ino++, 0);
		assert_int_equal(node_lookup_or_new(tab, &key, &nodes[i], &new), 0);
		assert_true(new);
	}
	for (int i = 0; i < N; i++) {
		struct node *node = node_lookup_id(tab, nodes[i]->id);
		struct fhandle fh;

		assert_ptr_equal(node, nodes[i]);
		node_put(tab, node);
		node_fhandle(tab, nodes[i], &fh);
		node = node_lookup_fh(tab, &fh);
		assert_ptr_equal(node, nodes[i]);
		node_put(tab, node);
	}
	for (int i = 0; i < N; i++)
		node_put(tab, nodes[i]);
	assert_int_equal(nodetab_stat(tab).n_nodes, 1);
}

static unsigned int n_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned int n = 0;

	assert_non_null(dir);
	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

/* Nodes with long handles, as on NFS, need no descriptor, and their memory is freed with them. */
TEST_F(memory_of_long_handles_is_freed, state)
{
	struct nodetab *tab = *state;
	_cleanup_(freep) struct node **nodes = calloc(MANY, sizeof(*nodes));
	uint64_t empty = record_bytes();
	unsigned int fds = n_fds();

	for (uint32_t n = 0; n < MANY; n++) {
		struct node_key key = { .ino = n, .type = S_IFREG, .own_fd = -1 };

		key.fh = fh_of(n % 7, 0);
		key.fh.len = 32;
		memcpy(key.fh.bytes + 28, &n, 4);
		assert_int_equal(node_lookup_or_new(tab, &key, &nodes[n], NULL), 0);
	}
	assert_int_equal(n_fds(), fds);
	assert_int_equal(nodetab_stat(tab).n_nodes, MANY + 1);
	assert_in_range(record_bytes() - empty, MANY * sizeof(struct node), MANY * 160);
	assert_in_range(nodetab_stat(tab).bytes, record_bytes(), record_bytes() + MANY * 8);
	for (uint32_t n = 0; n < MANY; n += 3) {
		struct fhandle fh;
		struct node *node;

		node_fhandle(tab, nodes[n], &fh);
		assert_memory_equal(fh.bytes + 28, &n, 4);
		node = node_lookup_fh(tab, &fh);
		assert_ptr_equal(node, nodes[n]);
		node_put(tab, node);
	}
	for (uint32_t n = 0; n < MANY; n++)
		node_put(tab, nodes[n]);
	/* The block of the root stays. */
	assert_in_range(record_bytes(), 0, empty + BLOCK + 2048 * 40);
}

TEST_MAIN(NULL, NULL)
