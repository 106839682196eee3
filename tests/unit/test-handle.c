// SPDX-License-Identifier: LGPL-2.1-or-later
/* The handle table: a file handle number leads to its handle only, and references are counted. */
#include "../test.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "node/handle.h"
#include "node/node.h"
#include "util/cleanup.h"

#define MAX_HANDLES (1u << 20)

/* Fewer rounds under a sanitizer, which is slow. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define N_FULL 5000u
#else
#define N_FULL MAX_HANDLES
#endif

struct fixture {
	struct nodetab *nodes;
	struct handletab *tab;
	struct node *dir, *file;
	unsigned int n_gone, n_nodes_gone;
	uint64_t node_at_gone; /* the node's number when a handle went: it is there still */
};

static void handle_gone(void *aux, struct handle *handle)
{
	struct fixture *f = aux;

	f->n_gone++;
	f->node_at_gone = handle->node->id;
}

static void node_gone(void *aux, struct node *node)
{
	((struct fixture *)aux)->n_nodes_gone++;
}

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct node_key key = { .type = S_IFREG, .own_fd = -1 };
	struct fhandle root = { .len = 8, .type = 1, .bytes = { 2 } };

	key.fh = (struct fhandle){ .len = 8, .type = 1, .bytes = { 9 } };
	if (!f || nodetab_new(NULL, &f->nodes) < 0 || handletab_new(&f->tab) < 0)
		return -1;
	nodetab_on_free(f->nodes, node_gone, f);
	handletab_on_free(f->tab, f->nodes, handle_gone, f);
	if (nodetab_set_root(f->nodes, &root, 2, -1, &f->dir) < 0 ||
	    node_lookup_or_new(f->nodes, &key, &f->file, NULL) < 0)
		return -1;
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	handletab_free(f->tab);
	nodetab_free(f->nodes);
	free(f);
	return 0;
}

TEST_F(handle_holds_its_node, state)
{
	struct fixture *f = *state;
	struct handle *handle, *again;
	uint64_t fh;

	assert_int_equal(handle_new(f->tab, f->file, 0x8002, 0, &handle), 0);
	fh = handle_fh(handle);
	assert_int_not_equal(fh >> 32, 0);
	assert_int_equal(handle->flags, 0x8002);
	assert_ptr_equal(handle->node, f->file);
	assert_false(handle->dir);
	assert_int_equal(handletab_count(f->tab), 1);
	again = handle_lookup(f->tab, fh);
	assert_ptr_equal(again, handle);
	assert_null(handle_put(f->tab, handle));
	assert_int_equal(f->n_gone, 0);
	/* The node lives as long as the handle. */
	node_put(f->nodes, f->file);
	assert_int_equal(f->n_nodes_gone, 0);
	assert_null(handle_put(f->tab, again));
	assert_int_equal(f->n_gone, 1);
	assert_int_equal(f->node_at_gone, 9);
	assert_int_equal(f->n_nodes_gone, 1);
	assert_null(handle_lookup(f->tab, fh));
	assert_null(handle_put(f->tab, NULL));
	assert_int_equal(handletab_count(f->tab), 0);
}

TEST_F(handle_of_directory_is_marked, state)
{
	struct fixture *f = *state;
	struct handle *handle;

	assert_int_equal(handle_new(f->tab, f->dir, 0, 0, &handle), 0);
	assert_true(handle->dir);
	handle_put(f->tab, handle);
}

/* A number is used once: the next handle with the same index has another one. */
TEST_F(number_is_used_once, state)
{
	struct fixture *f = *state;
	uint64_t before = 0;

	for (int i = 0; i < 1000; i++) {
		struct handle *handle, *again;
		uint64_t fh;

		assert_int_equal(handle_new(f->tab, f->file, 0, 0, &handle), 0);
		fh = handle_fh(handle);
		assert_int_not_equal(fh, before);
		assert_null(i ? handle_lookup(f->tab, before) : NULL);
		again = handle_lookup(f->tab, fh);
		assert_ptr_equal(again, handle);
		handle_put(f->tab, again);
		handle_put(f->tab, handle);
		before = fh;
	}
}

TEST_F(unknown_number_finds_nothing, state)
{
	static const uint64_t numbers[] = { 0,          1,          255,
					    256,        4095,       1u << 20,
					    UINT32_MAX, 1ULL << 32, (1ULL << 32) + 256,
					    UINT64_MAX };
	struct fixture *f = *state;
	struct handle *handle;

	for (size_t i = 0; i < N(numbers); i++)
		assert_null(handle_lookup(f->tab, numbers[i]));
	assert_int_equal(handle_new(f->tab, f->file, 0, 0, &handle), 0);
	for (size_t i = 0; i < N(numbers); i++)
		if (numbers[i] != handle_fh(handle))
			assert_null(handle_lookup(f->tab, numbers[i]));
	assert_null(handle_lookup(f->tab, handle_fh(handle) + (1ULL << 32)));
	assert_int_equal(handle->refs, 1);
	handle_put(f->tab, handle);
}

/* A full table fails with ENFILE, until a handle is freed. */
TEST_F(full_table_fails_with_enfile, state)
{
	struct fixture *f = *state;
	_cleanup_(freep) struct handle **handles = calloc(N_FULL, sizeof(*handles));
	struct handle *one_more;

	for (unsigned int i = 0; i < N_FULL; i++)
		assert_int_equal(handle_new(f->tab, f->file, 0, 0, &handles[i]), 0);
	assert_int_equal(handletab_count(f->tab), N_FULL);
	if (N_FULL == MAX_HANDLES)
		assert_int_equal(handle_new(f->tab, f->file, 0, 0, &one_more), -ENFILE);
	handle_put(f->tab, handles[1234]);
	assert_int_equal(handle_new(f->tab, f->file, 0, 0, &handles[1234]), 0);
	for (unsigned int i = 0; i < N_FULL; i++)
		assert_ptr_equal(handle_lookup(f->tab, handle_fh(handles[i])), handles[i]);
	/* Freeing the table frees all handles, each of which has two references. */
	f->tab = handletab_free(f->tab);
	assert_int_equal(f->n_gone, N_FULL + 1);
}

/* -- threads --------------------------------------------------------------------------------- */

#define N_THREADS 4
#define N_SLOTS   8

struct race {
	struct fixture *f;
	_Atomic uint64_t numbers[N_SLOTS]; /* handles that are open; 0: none */
};

/* Opens and closes handles of this thread, and looks up those of all threads. */
static void *race_main(void *arg)
{
	struct race *race = arg;
	struct fixture *f = race->f;

	for (unsigned int i = 0; i < 20000; i++) {
		struct handle *handle;
		uint64_t old, fh;

		require(handle_new(f->tab, f->file, (int)i, 0, &handle) == 0);
		old = atomic_exchange(&race->numbers[i % N_SLOTS], handle_fh(handle));
		/*
		 * A thread that removes a number drops the reference of the thread that added it.
		 */
		handle = old ? handle_lookup(f->tab, old) : NULL;
		require(!old || (handle && handle_fh(handle) == old && handle->node == f->file));
		if (handle) {
			handle_put(f->tab, handle);
			handle_put(f->tab, handle);
		}
		fh = race->numbers[(i + 3) % N_SLOTS];
		handle = handle_lookup(f->tab, fh);
		require(!handle || handle_fh(handle) == fh);
		handle_put(f->tab, handle);
	}
	return NULL;
}

static void count_gone(void *aux, struct handle *handle)
{
	atomic_fetch_add((_Atomic unsigned int *)aux, 1);
}

TEST_F(threads_find_open_handles, state)
{
	struct fixture *f = *state;
	struct race race = { .f = f };
	_Atomic unsigned int n_gone = 0;
	pthread_t threads[N_THREADS];

	handletab_on_free(f->tab, f->nodes, count_gone, &n_gone);
	for (int i = 0; i < N_THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, race_main, &race), 0);
	for (int i = 0; i < N_THREADS; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(handletab_count(f->tab), N_SLOTS);
	assert_int_equal(n_gone, N_THREADS * 20000 - N_SLOTS);
	for (int i = 0; i < N_SLOTS; i++) {
		struct handle *handle = handle_lookup(f->tab, race.numbers[i]);

		handle_put(f->tab, handle);
		handle_put(f->tab, handle);
	}
	assert_int_equal(handletab_count(f->tab), 0);
}

TEST_MAIN(NULL, NULL)
