// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Several channels use the same files at the same time: lookups race with forgets of other threads,
 * opens with releases, listings with all of them. Each thread counts the lookups that the kernel
 * would count; a node that it has not forgotten must be known.
 */
#include "kernel.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

#define N_THREADS 3
#define N_FILES   6
#define N_ROUNDS  1500

struct thread {
	struct kernel *k;
	struct k_chan *c;
	pthread_t thread;
	unsigned int number;
	unsigned int random;
	uint64_t ids[N_FILES];    /* under which the file is known */
	uint64_t counts[N_FILES]; /* how often this thread was told of it */
	const uint64_t *inos;     /* the files' own numbers */
};

static void file_name(char *name, unsigned int i)
{
	sprintf(name, "file%u", i);
}

static void told(struct thread *t, unsigned int i, const struct fuse_entry_out *entry)
{
	k_require(entry->attr.ino == t->inos[i]);
	k_require(!t->counts[i] || t->ids[i] == entry->nodeid);
	t->ids[i] = entry->nodeid;
	t->counts[i]++;
}

static void forget(struct thread *t, unsigned int i)
{
	struct fuse_attr_out attr;

	if (!t->counts[i])
		return;
	/* This thread has not forgotten the node, so it is known. */
	k_require(k_getattr(t->c, t->ids[i], &attr) == 0);
	k_require(attr.attr.ino == t->inos[i]);
	k_forget(t->c, t->ids[i], t->counts[i]);
	t->counts[i] = 0;
}

static void look_up(struct thread *t, unsigned int i)
{
	struct fuse_entry_out entry;
	char name[16];

	file_name(name, i);
	k_require(k_lookup(t->c, K_ROOT, name, &entry) == 0);
	told(t, i, &entry);
}

static void open_and_read(struct thread *t, unsigned int i)
{
	struct fuse_open_out open;
	char want[16], have[16];

	look_up(t, i);
	file_name(want, i);
	k_require(k_open(t->c, t->ids[i], O_RDWR, &open) == 0);
	/* Forgets the node while its file is open, as a kernel does that drops caches. */
	forget(t, i);
	k_require(k_read(t->c, t->ids[i], open.fh, have, sizeof(have), 0, O_RDWR) ==
		  (ssize_t)strlen(want));
	k_require(memcmp(have, want, strlen(want)) == 0);
	k_require(k_release(t->c, t->ids[i], open.fh) == 0);
}

/*
 * Lists with entries for every file. Entries that this thread does not use are forgotten at once.
 */
static void list(struct thread *t)
{
	struct k_answer *answer = malloc(sizeof(*answer));
	struct fuse_open_out open;

	k_require(answer);
	k_require(k_opendir(t->c, K_ROOT, &open) == 0);
	k_require(k_readdir(t->c, K_ROOT, open.fh, 0, 32768, true, answer) == 0);
	for (size_t at = 0; at < answer->len;) {
		const struct fuse_direntplus *plus =
			(const struct fuse_direntplus *)(answer->data + at);
		unsigned int i;

		if (sscanf(plus->dirent.name, "file%u", &i) == 1 && plus->entry_out.nodeid)
			told(t, i, &plus->entry_out);
		else if (plus->entry_out.nodeid)
			k_forget(t->c, plus->entry_out.nodeid, 1);
		at += FUSE_REC_ALIGN(FUSE_NAME_OFFSET_DIRENTPLUS + plus->dirent.namelen);
	}
	k_require(k_releasedir(t->c, K_ROOT, open.fh) == 0);
	free(answer);
}

/* Makes and removes a file of this thread alone, which listings of others may show. */
static void make_and_remove(struct thread *t)
{
	struct fuse_entry_out entry;
	struct fuse_open_out open;
	char name[16];

	sprintf(name, "own%u", t->number);
	k_require(k_create(t->c, K_ROOT, name, O_RDWR, 0644, &entry, &open) == 0);
	k_require(k_unlink(t->c, K_ROOT, name) == 0);
	k_require(k_release(t->c, entry.nodeid, open.fh) == 0);
	k_forget(t->c, entry.nodeid, 1);
}

static void *thread_main(void *arg)
{
	struct thread *t = arg;

	for (int round = 0; round < N_ROUNDS; round++) {
		unsigned int dice = (unsigned int)rand_r(&t->random), i = dice / 16 % N_FILES;

		switch (dice % 16) {
		case 0:
			open_and_read(t, i);
			break;
		case 1:
			list(t);
			break;
		case 2:
			make_and_remove(t);
			break;
		case 3 ... 8:
			forget(t, i);
			break;
		default:
			look_up(t, i);
		}
	}
	for (unsigned int i = 0; i < N_FILES; i++)
		forget(t, i);
	k_sync(t->c);
	return NULL;
}

static void race(void **state, const struct k_options *given)
{
	static struct thread threads[N_THREADS];
	struct k_options options = *given;
	uint64_t inos[N_FILES];
	struct kernel *k;

	options.nodes = K_NODES(state);
	options.n_chans = N_THREADS;
	k = k_start(&options);
	for (unsigned int i = 0; i < N_FILES; i++) {
		struct stat st;
		char name[16];

		file_name(name, i);
		k_file_below(k, name, name);
		assert_int_equal(fstatat(k->lower, name, &st, 0), 0);
		inos[i] = st.st_ino;
	}
	for (unsigned int i = 0; i < N_THREADS; i++) {
		threads[i] = (struct thread){
			.k = k, .c = &k->chans[i], .number = i, .random = i + 1, .inos = inos
		};
		assert_int_equal(pthread_create(&threads[i].thread, NULL, thread_main, &threads[i]),
				 0);
	}
	for (unsigned int i = 0; i < N_THREADS; i++)
		pthread_join(threads[i].thread, NULL);
	k_expect_left(k, 0, 1);
	assert_int_equal(k_stat(k).n_backings, 0);
	k_stop(k);
}

K_TEST(channels_race_for_the_same_files, state)
{
	race(state, &(struct k_options){ .ttl_ns = 1000000000 });
}

/* With passthrough, and a descriptor cache that is always full. */
K_TEST(channels_race_with_a_full_descriptor_cache, state)
{
	race(state, &(struct k_options){ .passthrough = true, .fd_budget = 2 });
}

/* With lower leases that prove timeouts, and locks that end with their handles. */
K_TEST(channels_race_with_leases_and_locks, state)
{
	race(state, &(struct k_options){ .passthrough = true,
					 .cache = PST_CACHE_EXCLUSIVE,
					 .locks = PST_LOCKS_LOWER,
					 .no_pool = true });
}

TEST_MAIN(NULL, NULL)
