// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The descriptor cache with a small budget: which descriptors it keeps and closes, and that each
 * descriptor is that of its node. The files are real ones in /tmp, opened by handle, which needs
 * CAP_DAC_READ_SEARCH.
 */
#include "../test.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "node/fdcache.h"
#include "node/namecache.h"
#include "node/node.h"
#include "util/cleanup.h"
#include "util/fd.h"

#define N_FILES 12
#define BUDGET  4

struct fixture {
	char path[40];
	int dir;
	struct nodetab *tab;
	struct fdcache *cache;
	struct node_key keys[N_FILES + 1]; /* the last is a directory */
	struct node *nodes[N_FILES + 1];
	_Atomic int n_wanted; /* how often a tick was asked for */
};

static void want_tick(void *aux)
{
	((struct fixture *)aux)->n_wanted++;
}

static void on_free(void *aux, struct node *node)
{
	fdcache_drop(((struct fixture *)aux)->cache, node);
}

static int make_file(struct fixture *f, int i)
{
	char name[16];
	struct stat st;
	int mnt_id, r;

	snprintf(name, sizeof(name), "%d", i);
	if (i == N_FILES)
		r = mkdirat(f->dir, name, 0700);
	else
		r = mknodat(f->dir, name, S_IFREG | 0600, 0);
	if (r < 0 || fstatat(f->dir, name, &st, 0) < 0)
		return -1;
	f->keys[i] =
		(struct node_key){ .ino = st.st_ino, .type = st.st_mode & S_IFMT, .own_fd = -1 };
	r = fhandle_at(f->dir, name, &f->keys[i].fh, &mnt_id);
	if (r < 0)
		return r;
	return node_lookup_or_new(f->tab, &f->keys[i], &f->nodes[i], NULL);
}

static int set_up_with(void **state, unsigned int budget)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct fdcache_host host = { f, want_tick };
	struct lower_mount mount = { .handles = true };
	struct fhandle fh;
	struct node *root;
	int r;

	*state = f;
	snprintf(f->path, sizeof(f->path), "/tmp/penstock-test-XXXXXX");
	if (!mkdtemp(f->path))
		return -1;
	f->dir = mount.fd = open(f->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	r = fhandle_at(f->dir, "", &fh, &mount.mnt_id);
	if (r == 0)
		r = nodetab_new(NULL, &f->tab);
	if (r == 0)
		r = nodetab_mount_add(f->tab, &mount);
	if (r == 0)
		r = nodetab_set_root(f->tab, &fh, 1, -1, &root);
	if (r == 0)
		r = fdcache_new(budget, f->tab, &host, &f->cache);
	if (r == 0)
		nodetab_on_free(f->tab, on_free, f);
	for (int i = 0; r == 0 && i <= N_FILES; i++)
		r = make_file(f, i);
	return r;
}

static int set_up(void **state)
{
	return set_up_with(state, BUDGET);
}

static int set_up_none(void **state)
{
	return set_up_with(state, 0);
}

static int tear_down(void **state)
{
	struct fixture *f = *state;
	char path[80];

	for (int i = 0; i <= N_FILES; i++) {
		snprintf(path, sizeof(path), "%s/%d", f->path, i);
		remove(path);
	}
	rmdir(f->path);
	nodetab_free(f->tab);
	fdcache_free(f->cache);
	free(f);
	return 0;
}

/* Returns the inode number of a descriptor. */
static uint64_t ino_of(int fd)
{
	struct stat st = { 0 };

	return fstat(fd, &st) < 0 ? 0 : st.st_ino;
}

static struct fdref get(struct fixture *f, int i)
{
	struct fdref ref = FDREF_NONE;

	assert_int_equal(fdref_get(f->cache, f->nodes[i], &ref), 0);
	assert_int_equal(ino_of(ref.fd), f->keys[i].ino);
	return ref;
}

static void touch(struct fixture *f, int i)
{
	struct fdref ref = get(f, i);

	fdref_putp(&ref);
}

static bool is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

TEST_F(budget_limits_open_descriptors, state)
{
	struct fixture *f = *state;

	for (int round = 0; round < 3; round++) {
		for (int i = 0; i <= N_FILES; i++) {
			touch(f, i);
			assert_true(fdcache_count(f->cache) <= BUDGET);
		}
	}
	assert_int_equal(fdcache_count(f->cache), BUDGET);
}

/* Pinned descriptors stay open. Without room, a reference has a descriptor outside the cache. */
TEST_F(pinned_descriptor_stays_open, state)
{
	struct fixture *f = *state;
	struct fdref pinned[BUDGET], again, more;
	int fd;

	for (int i = 0; i < BUDGET; i++)
		pinned[i] = get(f, i);
	more = get(f, BUDGET);
	assert_null(more.ent);
	fd = more.fd;
	fdref_putp(&more);
	assert_false(is_open(fd));
	fdcache_trim(f->cache);
	fdcache_reap(f->cache);
	assert_true(fdcache_reap(f->cache));
	assert_int_equal(fdcache_count(f->cache), BUDGET);
	for (int i = 0; i < BUDGET; i++)
		assert_int_equal(ino_of(pinned[i].fd), f->keys[i].ino);
	/* Pinned twice, unpinned once. */
	again = get(f, 0);
	assert_int_equal(again.fd, pinned[0].fd);
	fdref_putp(&pinned[0]);
	fdcache_trim(f->cache);
	assert_int_equal(ino_of(again.fd), f->keys[0].ino);
	fdref_putp(&again);
	fdref_putp(&again);
	for (int i = 1; i < BUDGET; i++)
		fdref_putp(&pinned[i]);
	fdcache_trim(f->cache);
	assert_int_equal(fdcache_count(f->cache), 0);
}

/* fdcache_reap() closes files that were not used since the last call, but not directories. */
TEST_F(reap_closes_unused_files, state)
{
	struct fixture *f = *state;

	touch(f, N_FILES);
	assert_int_equal(f->n_wanted, 0);
	assert_false(fdcache_reap(f->cache));
	assert_int_equal(fdcache_count(f->cache), 1);
	touch(f, 0);
	touch(f, 1);
	assert_true(f->n_wanted > 0);
	assert_true(fdcache_reap(f->cache));
	touch(f, 1);
	assert_true(fdcache_reap(f->cache));
	assert_int_equal(fdcache_count(f->cache), 2);
	assert_false(fdcache_reap(f->cache));
	assert_int_equal(fdcache_count(f->cache), 1);
	touch(f, N_FILES);
}

/* Freeing a node closes its descriptor. */
TEST_F(freed_node_has_no_descriptor, state)
{
	struct fixture *f = *state;
	struct fdref ref = get(f, 0);
	int fd = ref.fd;

	fdref_putp(&ref);
	assert_true(is_open(fd));
	node_put(f->tab, f->nodes[0]);
	assert_false(is_open(fd));
	assert_int_equal(fdcache_count(f->cache), 0);
	/* The next node in the same record has no descriptor. */
	assert_int_equal(node_lookup_or_new(f->tab, &f->keys[0], &f->nodes[0], NULL), 0);
	touch(f, 0);
}

static int open_path(struct fixture *f, int i)
{
	char name[16];
	int fd;

	snprintf(name, sizeof(name), "%d", i);
	fd = openat(f->dir, name, O_PATH | O_CLOEXEC);
	assert_true(fd >= 0);
	return fd;
}

TEST_F(offered_descriptor_is_used, state)
{
	struct fixture *f = *state;
	struct fdref ref[BUDGET];
	int fd = open_path(f, 0), other = open_path(f, 0);

	fdcache_offer(f->cache, f->nodes[0], fd);
	ref[0] = get(f, 0);
	assert_int_equal(ref[0].fd, fd);
	/* A second descriptor of a node is closed, and so is one for which there is no room. */
	fdcache_offer(f->cache, f->nodes[0], other);
	assert_false(is_open(other));
	for (int i = 1; i < BUDGET; i++)
		ref[i] = get(f, i);
	fd = open_path(f, BUDGET);
	fdcache_offer(f->cache, f->nodes[BUDGET], fd);
	assert_false(is_open(fd));
	for (int i = 0; i < BUDGET; i++)
		fdref_putp(&ref[i]);
}

TEST_WITH(nothing_is_cached_without_budget, state, set_up_none, tear_down)
{
	struct fixture *f = *state;
	struct fdref ref;

	for (int i = 0; i <= N_FILES; i++) {
		int fd;

		ref = get(f, i);
		fd = ref.fd;
		fdref_putp(&ref);
		assert_false(is_open(fd));
		assert_int_equal(fdcache_count(f->cache), 0);
	}
	assert_false(fdcache_reap(f->cache));
	fdcache_trim(f->cache);
}

/* A node's own descriptor is never cached, and references do not close it. */
TEST_F(own_descriptor_is_never_cached, state)
{
	struct fixture *f = *state;
	struct node_key key = { .type = S_IFREG, .flags = NODE_OWN_FD, .ino = f->keys[0].ino };
	struct node *node;
	struct fdref ref;

	key.fh = node_key_own(0, 1, 2, key.ino);
	key.own_fd = open_path(f, 0);
	assert_int_equal(node_lookup_or_new(f->tab, &key, &node, NULL), 0);
	assert_int_equal(fdref_get(f->cache, node, &ref), 0);
	assert_int_equal(ref.fd, key.own_fd);
	fdref_putp(&ref);
	fdcache_offer(f->cache, node, open_path(f, 0));
	assert_int_equal(fdcache_count(f->cache), 0);
	assert_true(is_open(key.own_fd));
	node_put(f->tab, node);
	assert_false(is_open(key.own_fd));
}

/* A deleted lower file can be opened only while the cache has its descriptor. */
TEST_F(deleted_file_opens_only_while_cached, state)
{
	struct fixture *f = *state;
	struct fdref ref;

	touch(f, 0);
	assert_int_equal(unlinkat(f->dir, "0", 0), 0);
	touch(f, 0);
	fdcache_trim(f->cache);
	assert_int_equal(fdref_get(f->cache, f->nodes[0], &ref), -ESTALE);
}

/* A file without a name keeps its descriptor; one that has a name left does not. */
TEST_F(nameless_file_keeps_its_descriptor, state)
{
	struct fixture *f = *state;

	assert_true(fdcache_keep(f->cache, f->nodes[0]));
	assert_true(fdcache_keep(f->cache, f->nodes[1]));
	assert_true(f->n_wanted > 0);
	assert_int_equal(unlinkat(f->dir, "0", 0), 0);
	fdcache_trim(f->cache);
	for (int i = 2; i < N_FILES; i++)
		touch(f, i);
	assert_true(fdcache_reap(f->cache));
	assert_true(fdcache_reap(f->cache));
	assert_true(fdcache_reap(f->cache));
	assert_false(fdcache_reap(f->cache));
	assert_int_equal(fdcache_count(f->cache), 1);
	touch(f, 0);
	f->nodes[0] = node_put(f->tab, f->nodes[0]);
	assert_int_equal(fdcache_count(f->cache), 0);
}

TEST_F(keeps_half_of_the_budget, state)
{
	struct fixture *f = *state;

	for (int i = 0; i < BUDGET / 2; i++)
		assert_true(fdcache_keep(f->cache, f->nodes[i]));
	assert_false(fdcache_keep(f->cache, f->nodes[BUDGET / 2]));
	f->nodes[0] = node_put(f->tab, f->nodes[0]);
	assert_true(fdcache_keep(f->cache, f->nodes[BUDGET / 2]));
	/* Other nodes still get descriptors. */
	for (int i = 2; i < N_FILES; i++)
		touch(f, i);
}

TEST_F(name_leads_to_node_recorded_last, state)
{
	struct fixture *f = *state;
	struct node *dir = f->nodes[N_FILES];
	static struct namecache names;
	char name[32];
	uint64_t id;
	int n_known = 0;

	assert_false(namecache_find(&names, dir, "a", &id));
	namecache_put(&names, dir, "a", 5);
	assert_true(namecache_find(&names, dir, "a", &id) && id == 5);
	assert_false(namecache_find(&names, f->nodes[0], "a", &id));
	assert_false(namecache_find(&names, dir, "b", &id));
	namecache_put(&names, dir, "a", NAMECACHE_ABSENT);
	assert_true(namecache_find(&names, dir, "a", &id) && id == NAMECACHE_ABSENT);
	namecache_put(&names, dir, "a", NAMECACHE_UNKNOWN);
	assert_false(namecache_find(&names, dir, "a", &id));
	/* More names than places: some are replaced, none leads to another name's node. */
	for (uint64_t i = 1; i < 50000; i++) {
		snprintf(name, sizeof(name), "name-%lu", (unsigned long)i);
		namecache_put(&names, dir, name, i);
	}
	for (uint64_t i = 1; i < 50000; i++) {
		snprintf(name, sizeof(name), "name-%lu", (unsigned long)i);
		if (!namecache_find(&names, dir, name, &id))
			continue;
		assert_int_equal(id, i);
		n_known++;
	}
	assert_in_range(n_known, 10000, 20000);
}

/* At EMFILE the cache closes its descriptors and tries again. */
TEST_F(emfile_trims_the_cache, state)
{
	struct fixture *f = *state;
	struct rlimit old, few;
	struct fdref ref;

	for (int i = 0; i < BUDGET; i++)
		touch(f, i);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	few = old;
	/* The limit allows no further descriptor. */
	few.rlim_cur = (rlim_t)dup(f->dir);
	close((int)few.rlim_cur);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	ref = get(f, N_FILES - 1);
	assert_true(fdcache_count(f->cache) <= 1);
	fdref_putp(&ref);
	setrlimit(RLIMIT_NOFILE, &old);
}

/* -- threads --------------------------------------------------------------------------------- */

struct race {
	struct fixture *f;
	_Atomic unsigned int n_running;
};

/* Gets descriptors of nodes while other threads make and forget them. */
static void *race_main(void *arg)
{
	struct race *race = arg;
	struct fixture *f = race->f;
	unsigned int random = (unsigned int)(uintptr_t)&random;

	for (int round = 0; round < 8000; round++) {
		struct node_key *key = &f->keys[rand_r(&random) % (N_FILES + 1)];
		struct fdref ref = FDREF_NONE;
		struct node *node;

		require(node_lookup_or_new(f->tab, key, &node, NULL) == 0);
		require(fdref_get(f->cache, node, &ref) == 0);
		require(ino_of(ref.fd) == key->ino);
		fdref_putp(&ref);
		node_put(f->tab, node);
	}
	race->n_running--;
	return NULL;
}

TEST_F(threads_get_descriptors_of_their_nodes, state)
{
	struct fixture *f = *state;
	struct race race = { .f = f, .n_running = 3 };
	pthread_t threads[3];

	for (int i = 0; i <= N_FILES; i++)
		f->nodes[i] = node_put(f->tab, f->nodes[i]);
	for (int i = 0; i < 3; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, race_main, &race), 0);
	while (race.n_running) {
		fdcache_reap(f->cache);
		fdcache_trim(f->cache);
		usleep(200);
	}
	for (int i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(fdcache_count(f->cache), 0);
	assert_int_equal(nodetab_stat(f->tab).n_nodes, 1);
}

/* Returns true if this process can open files by handle. */
static bool can_open(void)
{
	_cleanup_(fd_closep) int dir = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_cleanup_(fd_closep) int fd = -1;
	struct fhandle fh;
	int mnt_id;

	if (fhandle_at(dir, "", &fh, &mnt_id) < 0) {
		printf("/tmp has no file handles\n");
		return false;
	}
	fd = fhandle_open(dir, &fh, O_PATH);
	if (fd < 0)
		printf("opening by handle takes CAP_DAC_READ_SEARCH\n");
	return fd >= 0;
}

int main(void)
{
	return can_open() ? tests_run(NULL, NULL) : 77;
}
