// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The node table under several threads that look up, remember and forget the same nodes while the
 * index grows and shrinks. Each thread counts how often it has remembered each node: such a node
 * must be found by its nodeid and its handle. With TSan, this test finds races.
 */
#include "../test.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "fhandle-equal.h"
#include "node/node.h"
#include "util/hash.h"

#define N_THREADS 4
#define N_ROUNDS  12000
#define N_HOT     48
#define N_BURST   2500

struct shared {
	struct nodetab *tab;
	_Atomic uint64_t made, gone;
};

/* The inodes that all threads use. Their nodes share a chain of the index at each of its sizes. */
static uint32_t hot[N_HOT];

struct thread {
	struct shared *shared;
	pthread_t thread;
	unsigned int number;
	uint64_t random;
	uint64_t counts[N_HOT];
	uint64_t ids[N_HOT];
	uint64_t burst[N_BURST];
};

static void on_free(void *aux, struct node *node)
{
	struct shared *shared = aux;

	require(atomic_load(&node->count) == 0);
	shared->gone++;
}

static uint64_t next_random(struct thread *t)
{
	t->random ^= t->random << 13;
	t->random ^= t->random >> 7;
	t->random ^= t->random << 17;
	return t->random;
}

/* Every second key has a long handle, which does not pack. */
static struct node_key key_of(uint32_t ino)
{
	struct node_key key = { .ino = ino, .type = S_IFREG, .own_fd = -1 };

	key.fh = (struct fhandle){ .len = ino & 1 ? 72 : 8, .type = 1, .mount = ino & 1 };
	memcpy(key.fh.bytes + key.fh.len - 8, &ino, 4);
	return key;
}

static void check_is(struct nodetab *tab, const struct node *node, const struct node_key *key)
{
	struct fhandle fh;

	require(node->ino == key->ino);
	node_fhandle(tab, node, &fh);
	require(fhandle_equal(&fh, &key->fh));
}

static void choose_hot(void)
{
	uint32_t ino = 3;

	for (int i = 0; i < N_HOT; ino++) {
		struct node_key key = key_of(ino);
		uint64_t hash = ino & 1 ? hash_bytes(1 << 8 | 1, key.fh.bytes, key.fh.len) :
					  hash_mix(ino);

		if (!(hash & 0x3fff))
			hot[i++] = ino;
	}
}

static uint64_t remember(struct thread *t, const struct node_key *key)
{
	struct node *node;
	uint64_t id;
	bool new;

	require(node_lookup_or_new(t->shared->tab, key, &node, &new) == 0);
	t->shared->made += new;
	check_is(t->shared->tab, node, key);
	node_remember(node);
	id = node->id;
	node_put(t->shared->tab, node);
	return id;
}

static void forget(struct thread *t, const struct node_key *key, uint64_t id, uint64_t n)
{
	struct node *node = node_lookup_id(t->shared->tab, id);

	require(node);
	check_is(t->shared->tab, node, key);
	node_forget(t->shared->tab, node, n);
	node_put(t->shared->tab, node);
}

/* Looks up one of the shared nodes, and remembers or forgets it. */
static void step(struct thread *t)
{
	uint64_t dice = next_random(t);
	unsigned int i = (dice >> 8) % N_HOT;
	struct node_key key = key_of(hot[i]);
	struct node *node;

	switch (dice % 4) {
	case 0:
		t->ids[i] = remember(t, &key);
		t->counts[i]++;
		break;
	case 1:
		node = node_lookup_fh(t->shared->tab, &key.fh);
		require(node || !t->counts[i]);
		if (node)
			check_is(t->shared->tab, node, &key);
		node_put(t->shared->tab, node);
		break;
	default:
		if (!t->counts[i])
			break;
		forget(t, &key, t->ids[i], t->counts[i]);
		t->counts[i] = 0;
	}
}

/* Makes and forgets nodes of this thread only, enough to make the index grow and shrink. */
static void burst(struct thread *t)
{
	uint32_t first = 100000000 * (t->number + 1);

	for (uint32_t i = 0; i < N_BURST; i++) {
		struct node_key key = key_of(first + i);

		t->burst[i] = remember(t, &key);
	}
	for (uint32_t i = 0; i < N_BURST; i++) {
		struct node_key key = key_of(first + i);

		forget(t, &key, t->burst[i], 1);
	}
}

static void *thread_main(void *arg)
{
	struct thread *t = arg;

	for (unsigned int round = 0; round < N_ROUNDS; round++) {
		step(t);
		if ((round + t->number * 100) % 2000 == 0)
			burst(t);
	}
	for (uint32_t i = 0; i < N_HOT; i++) {
		struct node_key key = key_of(hot[i]);

		if (t->counts[i])
			forget(t, &key, t->ids[i], t->counts[i]);
	}
	return NULL;
}

TEST(threads_find_nodes_that_they_remember, state)
{
	static struct thread threads[N_THREADS];
	struct shared shared = { 0 };
	struct node_key root_key = key_of(2);
	struct node *root;

	choose_hot();
	assert_int_equal(nodetab_new(NULL, &shared.tab), 0);
	nodetab_on_free(shared.tab, on_free, &shared);
	assert_int_equal(nodetab_set_root(shared.tab, &root_key.fh, 2, -1, &root), 0);
	for (unsigned int i = 0; i < N_THREADS; i++) {
		threads[i] = (struct thread){ .shared = &shared, .number = i, .random = i + 1 };
		assert_int_equal(pthread_create(&threads[i].thread, NULL, thread_main, &threads[i]),
				 0);
	}
	for (unsigned int i = 0; i < N_THREADS; i++)
		pthread_join(threads[i].thread, NULL);
	assert_int_equal(nodetab_stat(shared.tab).n_nodes, 1);
	assert_int_equal(shared.made, shared.gone);
	assert_true(shared.made > N_THREADS * N_BURST);
	nodetab_on_free(shared.tab, NULL, NULL);
	nodetab_free(shared.tab);
}

TEST_MAIN(NULL, NULL)
