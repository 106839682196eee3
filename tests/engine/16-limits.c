// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * No descriptors, no room in a file, no handles: each request gets a reply, known files stay
 * usable, and all works again when there is room.
 */
#include "kernel.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#define N_FILES 40

static struct rlimit old_limit;
static int fillers[1024];
static unsigned int n_fillers;

/*
 * Limits the process to so many more descriptors than it has open, without gaps in their numbers.
 */
static void limit_fds(unsigned int more)
{
	struct rlimit limit;
	int highest = 0;

	for (int fd = 0; fd < 1024; fd++)
		if (fcntl(fd, F_GETFD) >= 0)
			highest = fd;
	while (n_fillers < 1024) {
		int fd = fcntl(0, F_DUPFD_CLOEXEC, 0);

		assert_true(fd >= 0);
		fillers[n_fillers++] = fd;
		if (fd > highest)
			break;
	}
	close(fillers[--n_fillers]);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old_limit), 0);
	limit = old_limit;
	limit.rlim_cur = (rlim_t)highest + 1 + more;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

static void unlimit_fds(void)
{
	setrlimit(RLIMIT_NOFILE, &old_limit);
	while (n_fillers)
		close(fillers[--n_fillers]);
}

static int restore_limit(void **state)
{
	(void)state;
	if (old_limit.rlim_cur)
		unlimit_fds();
	return 0;
}

#define LIMIT_TEST(name, state)                                                                    \
	TEST_ROWS(name, state, { #name "@handles", name, NULL, restore_limit, &k_handles },        \
		  { #name "@own_fds", name, NULL, restore_limit, &k_own_fds })

static void make_files(struct kernel *k)
{
	char name[16];

	for (int i = 0; i < N_FILES; i++) {
		snprintf(name, sizeof(name), "%d", i);
		k_file_below(k, name, "text");
		snprintf(name, sizeof(name), "d%d", i);
		assert_int_equal(mkdirat(k->lower, name, 0755), 0);
	}
}

static int look_up(struct kernel *k, const char *format, int i, struct fuse_entry_out *ret_entry)
{
	char name[16];

	snprintf(name, sizeof(name), format, i);
	return k_lookup(&k->chans[0], K_ROOT, name, ret_entry);
}

/* Each node has a descriptor of its own: when none is left, lookups fail with EMFILE. */
LIMIT_TEST(nodes_beyond_descriptors_fail_with_emfile, state)
{
	struct kernel *k = k_start(&(struct k_options){ .nodes = K_NODES(state) });
	struct k_chan *c = &k->chans[0];
	struct fuse_entry_out entries[N_FILES], entry;
	struct fuse_attr_out attr;
	int n = 0, r = 0;

	make_files(k);
	limit_fds(12);
	while (n < N_FILES && (r = look_up(k, "%d", n, &entries[n])) == 0)
		n++;
	if (K_NODES(state) == K_OWN_FDS) {
		assert_int_equal(r, -EMFILE);
		assert_true(n > 5);
	} else {
		assert_int_equal(n, N_FILES);
	}
	/* Operations on known nodes still work, again and again. */
	for (int i = 0; i < n; i++) {
		assert_int_equal(k_getattr(c, entries[i].nodeid, &attr), 0);
		assert_int_equal(attr.attr.ino, entries[i].attr.ino);
		assert_true(look_up(k, "%d", N_FILES - 1 - i, &entry) <= 0);
		if (K_NODES(state) == K_HANDLES)
			k_forget(c, entry.nodeid, 1);
	}
	for (int i = 0; i < n; i++)
		k_forget(c, entries[i].nodeid, 1);
	assert_int_equal(look_up(k, "%d", N_FILES - 1, &entry), 0);
	k_forget(c, entry.nodeid, 1);
	k_sync(c);
	k_expect_left(k, 0, 1);
	unlimit_fds();
	k_stop(k);
}

/*
 * Each open file that the server serves needs a descriptor. When none is left, opens fail with
 * EMFILE; a close makes room for one open.
 */
LIMIT_TEST(opens_beyond_descriptors_fail_with_emfile, state)
{
	struct kernel *k = k_start(&(struct k_options){ .nodes = K_NODES(state) });
	struct k_chan *c = &k->chans[0];
	struct fuse_entry_out entry;
	struct fuse_open_out open[N_FILES];
	char buf[8];
	int n = 0, r = 0;

	make_files(k);
	assert_int_equal(look_up(k, "%d", 0, &entry), 0);
	limit_fds(8);
	while (n < N_FILES && (r = k_open(c, entry.nodeid, O_RDWR, &open[n])) == 0)
		n++;
	assert_int_equal(r, -EMFILE);
	assert_true(n >= 7);
	assert_int_equal(k_stat(k).n_handles, n);
	for (int i = 0; i < n; i++) {
		assert_int_equal(k_read(c, entry.nodeid, open[i].fh, buf, 8, 0, O_RDWR), 4);
		assert_int_equal(k_release(c, entry.nodeid, open[i].fh), 0);
		assert_int_equal(k_open(c, entry.nodeid, O_RDWR, &open[i]), 0);
		assert_int_equal(k_open(c, entry.nodeid, O_RDWR, &open[n]), -EMFILE);
	}
	for (int i = 0; i < n; i++)
		assert_int_equal(k_release(c, entry.nodeid, open[i].fh), 0);
	k_forget(c, entry.nodeid, 1);
	k_sync(c);
	k_expect_left(k, 0, 1);
	unlimit_fds();
	k_stop(k);
}

/*
 * The server closes cached descriptors before it refuses a request. The descriptor that a node owns
 * is not a cached one.
 */
TEST_ROWS(cached_descriptors_are_closed_for_new_ones, state,
	  { "cached_descriptors_are_closed_for_new_ones@handles",
	    cached_descriptors_are_closed_for_new_ones, NULL, restore_limit, &k_handles })
{
	struct kernel *k = k_start(&(struct k_options){ .nodes = K_NODES(state) });
	struct k_chan *c = &k->chans[0];
	struct fuse_entry_out entries[N_FILES], entry;
	struct fuse_open_out open;
	struct fuse_attr_out attr;
	struct k_answer answer;
	struct fuse_syncfs_in in = { 0 };

	make_files(k);
	for (int i = 0; i < N_FILES; i++)
		assert_int_equal(look_up(k, "d%d", i, &entries[i]), 0);
	for (int round = 0; round < 5; round++) {
		/* Descriptors of directories stay in the cache until their room is needed. */
		for (int i = 0; i < N_FILES; i++)
			assert_int_equal(k_getattr(c, entries[i].nodeid, &attr), 0);
		assert_true(k_stat(k).n_fds >= N_FILES);
		limit_fds(0);
		switch (round) {
		case 0:
			assert_int_equal(
				k_create(c, entries[0].nodeid, "new", O_RDWR, 0600, &entry, &open),
				0);
			assert_int_equal(k_release(c, entry.nodeid, open.fh), 0);
			k_forget(c, entry.nodeid, 1);
			break;
		case 1:
			assert_int_equal(k_opendir(c, entries[0].nodeid, &open), 0);
			assert_int_equal(k_releasedir(c, entries[0].nodeid, open.fh), 0);
			break;
		case 2:
			assert_int_equal(look_up(k, "%d", 0, &entry), 0);
			assert_int_equal(k_open(c, entry.nodeid, O_RDWR, &open), 0);
			assert_int_equal(k_release(c, entry.nodeid, open.fh), 0);
			k_forget(c, entry.nodeid, 1);
			break;
		case 3:
			assert_int_equal(k_lookup(c, entries[0].nodeid, "..", &entry), 0);
			break;
		case 4:
			assert_int_equal(k_call(c, K_REQUEST(FUSE_SYNCFS, K_ROOT, &in), &answer),
					 0);
			break;
		}
		unlimit_fds();
	}
	for (int i = 0; i < N_FILES; i++)
		k_forget(c, entries[i].nodeid, 1);
	k_stop_empty(k);
}

/* A failed create leaves no open file and no node. */
LIMIT_TEST(failed_create_leaves_nothing, state)
{
	struct kernel *k = k_start(&(struct k_options){ .nodes = K_NODES(state) });
	struct k_chan *c = &k->chans[0];
	struct fuse_entry_out entry;
	struct fuse_open_out open;
	char name[16];

	for (unsigned int more = 0; more < 5; more++) {
		int r;

		limit_fds(more);
		snprintf(name, sizeof(name), "%u", more);
		r = k_create(c, K_ROOT, name, O_RDWR | O_EXCL, 0600, &entry, &open);
		unlimit_fds();
		assert_true(r == 0 || r == -EMFILE);
		if (r == 0) {
			assert_int_equal(k_release(c, entry.nodeid, open.fh), 0);
			k_forget(c, entry.nodeid, 1);
		}
		k_sync(c);
		k_expect_left(k, 0, 1);
	}
	k_stop(k);
}

/* Without descriptors for entries, listings have no entries. */
LIMIT_TEST(listing_without_descriptors_has_no_entries, state)
{
	struct kernel *k = k_start(&(struct k_options){ .nodes = K_NODES(state) });
	struct k_chan *c = &k->chans[0];
	static struct k_answer answer;
	struct fuse_open_out open;
	unsigned int n = 0;
	uint64_t off = 0;

	make_files(k);
	assert_int_equal(k_opendir(c, K_ROOT, &open), 0);
	limit_fds(10);
	for (;;) {
		assert_int_equal(k_readdir(c, K_ROOT, open.fh, off, 4096, true, &answer), 0);
		if (!answer.len)
			break;
		for (size_t at = 0; at < answer.len; n++) {
			const struct fuse_direntplus *plus =
				(const struct fuse_direntplus *)(answer.data + at);

			if (plus->entry_out.nodeid)
				k_forget(c, plus->entry_out.nodeid, 1);
			off = plus->dirent.off;
			at += FUSE_REC_ALIGN(FUSE_NAME_OFFSET_DIRENTPLUS + plus->dirent.namelen);
		}
	}
	unlimit_fds();
	assert_int_equal(n, 2 * N_FILES + 2);
	assert_int_equal(k_releasedir(c, K_ROOT, open.fh), 0);
	k_stop_empty(k);
}

/* The server's RLIMIT_FSIZE makes writes fail with EFBIG and sends no signal. */
LIMIT_TEST(file_size_limit_fails_with_efbig, state)
{
	struct kernel *k = k_start(&(struct k_options){ .nodes = K_NODES(state) });
	struct k_chan *c = &k->chans[0];
	struct fuse_entry_out entry;
	struct fuse_open_out open;
	struct fuse_write_in in = { .size = 100, .flags = O_RDWR };
	struct fuse_setattr_in set = { .valid = FATTR_SIZE, .size = 2000 };
	struct fuse_attr_out attr;
	struct rlimit limit, old;
	char data[100] = { 0 };

	assert_int_equal(k_create(c, K_ROOT, "file", O_RDWR, 0600, &entry, &open), 0);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	limit = old;
	limit.rlim_cur = 1000;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	in.fh = open.fh;
	in.offset = 950;
	assert_int_equal(k_write(c, entry.nodeid, &in, data), 50);
	in.offset = 1000;
	assert_int_equal(k_write(c, entry.nodeid, &in, data), -EFBIG);
	assert_int_equal(k_setattr(c, entry.nodeid, &set, &attr), -EFBIG);
	setrlimit(RLIMIT_FSIZE, &old);
	assert_int_equal(k_write(c, entry.nodeid, &in, data), 100);
	assert_int_equal(k_release(c, entry.nodeid, open.fh), 0);
	k_stop(k);
}

TEST_MAIN(NULL, NULL)
