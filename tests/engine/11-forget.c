// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Lookup counts: each reply with a node ID counts once, unless the kernel did not receive it. After
 * FORGET of all counts the table has only the root. RELEASE and FORGET may come in any order.
 */
#include "kernel.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

static struct kernel *start(void **state)
{
	return k_start(&(struct k_options){
		.nodes = K_NODES(state), .ttl_ns = 1000000000, .passthrough = true });
}

/* Every operation that returns an entry, once each; one FORGET takes all counts back. */
K_TEST(each_entry_counts_one_lookup, state)
{
	struct kernel *k = start(state);
	struct k_chan *c = &k->chans[0];
	struct fuse_entry_out entry[8];
	struct fuse_forget_one ones[8];
	struct fuse_open_out open;
	uint32_t n = 0;

	k_file_below(k, "below", "");
	assert_int_equal(k_lookup(c, K_ROOT, "below", &entry[n++]), 0);
	assert_int_equal(k_mkdir(c, K_ROOT, "dir", 0755, &entry[n++]), 0);
	assert_int_equal(k_mknod(c, K_ROOT, "node", S_IFREG | 0600, &entry[n++]), 0);
	assert_int_equal(k_symlink(c, K_ROOT, "symlink", "x", &entry[n++]), 0);
	assert_int_equal(k_create(c, K_ROOT, "file", O_RDWR, 0644, &entry[n++], &open), 0);
	assert_int_equal(k_release(c, entry[n - 1].nodeid, open.fh), 0);
	if (k_link(c, entry[0].nodeid, K_ROOT, "link", &entry[n]) == 0)
		n++;
	assert_int_equal(k_lookup(c, entry[1].nodeid, "..", &entry[n++]), 0);
	k_expect_left(k, 0, 6);
	for (uint32_t i = 0; i < n; i++) {
		/*
		 * The kernel looks up ".." only for file handles, so the reply has no entry
		 * timeout.
		 */
		assert_int_equal(entry[i].entry_valid, i < n - 1);
		ones[i] = (struct fuse_forget_one){ entry[i].nodeid, 1 };
	}
	k_batch_forget(c, ones, n);
	k_stop_empty(k);
}

/* Counts add up over many replies, and FORGETs of any size subtract. */
K_TEST(lookup_counts_add_up, state)
{
	struct kernel *k = start(state);
	struct k_chan *c = &k->chans[0];
	struct fuse_entry_out entry;
	struct fuse_attr_out attr;

	k_file_below(k, "file", "");
	for (int i = 0; i < 100; i++)
		assert_int_equal(k_lookup(c, K_ROOT, "file", &entry), 0);
	k_forget(c, entry.nodeid, 60);
	assert_int_equal(k_getattr(c, entry.nodeid, &attr), 0);
	k_forget(c, entry.nodeid, 0);
	k_forget(c, entry.nodeid, 39);
	assert_int_equal(k_getattr(c, entry.nodeid, &attr), 0);
	k_forget(c, entry.nodeid, 1);
	assert_int_equal(k_getattr(c, entry.nodeid, &attr), -ESTALE);
	/* FORGETs of more than the count, and of a node that was forgotten before. */
	assert_int_equal(k_lookup(c, K_ROOT, "file", &entry), 0);
	k_forget(c, entry.nodeid, UINT64_MAX);
	k_forget(c, entry.nodeid, 1);
	k_sync(c);
	k_expect_left(k, 0, 1);
	/* A FORGET does not free the root. */
	k_forget(c, K_ROOT, UINT64_MAX);
	k_stop_empty(k);
}

/* Batches of all sizes, with the same node in several places. */
K_TEST(batch_forget_takes_any_size, state)
{
	struct kernel *k = start(state);
	struct k_chan *c = &k->chans[0];
	static struct fuse_forget_one ones[1000];
	struct fuse_entry_out entry;
	char name[16];

	k_batch_forget(c, ones, 0);
	for (uint32_t i = 0; i < 1000; i++) {
		snprintf(name, sizeof(name), "%u", i % 200);
		if (i < 200)
			k_file_below(k, name, "");
		assert_int_equal(k_lookup(c, K_ROOT, name, &entry), 0);
		ones[i] = (struct fuse_forget_one){ entry.nodeid, 1 };
	}
	k_expect_left(k, 0, 201);
	k_batch_forget(c, ones, 1000);
	k_stop_empty(k);
}

/* An open file stays usable when it is forgotten and deleted. */
K_TEST(open_file_outlives_forget_and_unlink, state)
{
	enum { FORGET, RELEASE, UNLINK, N };
	static const int orders[6][N] = { { 0, 1, 2 }, { 0, 2, 1 }, { 1, 0, 2 },
					  { 1, 2, 0 }, { 2, 0, 1 }, { 2, 1, 0 } };

	for (int i = 0; i < 6; i++) {
		for (int passthrough = 0; passthrough < 2; passthrough++) {
			struct kernel *k = k_start(&(struct k_options){
				.nodes = K_NODES(state), .passthrough = passthrough });
			struct k_chan *c = &k->chans[0];
			struct fuse_entry_out entry;
			struct fuse_open_out open;
			struct fuse_attr_out attr;

			assert_int_equal(k_create(c, K_ROOT, "file", O_RDWR, 0644, &entry, &open),
					 0);
			for (int step = 0; step < N; step++) {
				if (step)
					assert_int_equal(
						k_getattr(c, entry.nodeid, &attr),
						step == 2 && orders[i][2] == UNLINK ? -ESTALE : 0);
				if (orders[i][step] == FORGET)
					k_forget(c, entry.nodeid, 1);
				if (orders[i][step] == RELEASE)
					assert_int_equal(k_release(c, entry.nodeid, open.fh), 0);
				if (orders[i][step] == UNLINK)
					assert_int_equal(k_unlink(c, K_ROOT, "file"), 0);
			}
			k_sync(c);
			k_expect_left(k, 0, 1);
			assert_int_equal(k_stat(k).n_backings, 0);
			k_stop(k);
		}
	}
}

/* Many opens of one file are released in another order than they were made. */
K_TEST(many_opens_share_one_backing_id, state)
{
	struct kernel *k = start(state);
	struct k_chan *c = &k->chans[0];
	struct fuse_entry_out entry;
	struct fuse_open_out open[50];
	struct fs_stat stat;

	k_file_below(k, "file", "");
	assert_int_equal(k_lookup(c, K_ROOT, "file", &entry), 0);
	for (int i = 0; i < 50; i++) {
		assert_int_equal(k_open(c, entry.nodeid, i % 3, &open[i]), 0);
		assert_int_equal(open[i].backing_id, open[0].backing_id);
	}
	k_forget(c, entry.nodeid, 1);
	for (int i = 0; i < 50; i++)
		assert_int_equal(k_release(c, entry.nodeid, open[i * 7 % 50].fh), 0);
	k_sync(c);
	k_expect_left(k, 0, 1);
	stat = k_stat(k);
	assert_int_equal(stat.n_backings, 0);
	assert_int_equal(stat.n_registered, 1);
	k_stop(k);
}

/* The view may end at any time, and frees open files and nodes itself. */
K_TEST(view_ends_with_open_files_and_nodes, state)
{
	struct kernel *k = start(state);
	struct k_chan *c = &k->chans[0];
	struct fuse_entry_out entry;
	struct fuse_open_out open;
	char name[16];

	for (int i = 0; i < 30; i++) {
		snprintf(name, sizeof(name), "%d", i);
		assert_int_equal(k_create(c, K_ROOT, name, O_RDWR, 0644, &entry, &open), 0);
		assert_int_equal(k_opendir(c, K_ROOT, &open), 0);
	}
	assert_int_equal(k_stat(k).n_handles, 60);
	assert_int_equal(k_stat(k).nodes.n_nodes, 31);
	k_stop(k);
}

/* -- replies that are not delivered ---------------------------------------------------------- */

/*
 * Sends a request whose reply cannot be delivered. Afterwards the server has no more nodes and
 * handles than before.
 */
static void not_taken(void **state, struct k_request *request, const void *arg, size_t arg_len)
{
	struct kernel *k = k_start(&(struct k_options){
		.nodes = K_NODES(state), .ttl_ns = 1000000000, .passthrough = true, .n_chans = 2 });
	struct fuse_entry_out dir, entry;
	struct fuse_open_out open;
	uint64_t ids[2], n, errors;

	/* The kernel receives replies on one of two channels only. */
	k_file_below(k, "file", "text");
	assert_int_equal(k_mkdir(&k->chans[0], K_ROOT, "dir", 0755, &dir), 0);
	assert_int_equal(k_lookup(&k->chans[0], K_ROOT, "file", &entry), 0);
	assert_int_equal(k_opendir(&k->chans[0], K_ROOT, &open), 0);
	ids[0] = dir.nodeid;
	ids[1] = entry.nodeid;
	k_deafen(&k->chans[1]);
	request->arg = arg;
	request->arg_len = arg_len;
	if (request->opcode == FUSE_OPEN)
		request->nodeid = ids[1];
	else if (request->opcode == FUSE_OPENDIR)
		request->nodeid = ids[0];
	else
		request->nodeid = K_ROOT;
	if (request->opcode == FUSE_LINK)
		*(uint64_t *)arg = ids[1];
	if (request->opcode == FUSE_READDIRPLUS)
		*(uint64_t *)arg = open.fh;
	k_send(&k->chans[1], request);
	/*
	 * The server handles the next request on this channel only after it has dropped the
	 * references of this one.
	 */
	k_send(&k->chans[1], K_PLAIN(FUSE_STATFS, K_ROOT));
	do {
		server_op_stat(k->server, FUSE_STATFS, &n, &errors);
	} while (n == 0);
	k_expect_left(k, 1, 3);
	assert_int_equal(k_stat(k).n_backings, request->opcode == FUSE_OPEN);
	/* The earlier lookups still count once each. */
	k_forget(&k->chans[0], ids[0], 1);
	k_forget(&k->chans[0], ids[1], 1);
	k_sync(&k->chans[0]);
	k_expect_left(k, 1, 1);
	k_stop(k);
}

K_TEST(undelivered_reply_leaves_no_reference, state)
{
	struct fuse_mknod_in mknod_in = { .mode = S_IFREG | 0600 };
	struct fuse_mkdir_in mkdir_in = { .mode = 0700 };
	struct fuse_create_in create_in = { .flags = O_RDWR, .mode = 0600 };
	struct fuse_open_in open_in = { .flags = O_RDWR };
	struct fuse_link_in link_in;
	struct fuse_read_in read_in = { .size = 4096 };
	struct {
		struct k_request request;
		void *arg;
		size_t len;
	} rows[] = {
		{ { .opcode = FUSE_LOOKUP, .names = { "dir" } }, NULL, 0 },
		{ { .opcode = FUSE_MKNOD, .names = { "new" } }, &mknod_in, sizeof(mknod_in) },
		{ { .opcode = FUSE_MKDIR, .names = { "new" } }, &mkdir_in, sizeof(mkdir_in) },
		{ { .opcode = FUSE_SYMLINK, .names = { "new", "x" } }, NULL, 0 },
		{ { .opcode = FUSE_CREATE, .names = { "new" } }, &create_in, sizeof(create_in) },
		{ { .opcode = FUSE_LINK, .names = { "new" } }, &link_in, sizeof(link_in) },
		{ { .opcode = FUSE_OPEN }, &open_in, sizeof(open_in) },
		{ { .opcode = FUSE_OPENDIR }, &open_in, sizeof(open_in) },
		{ { .opcode = FUSE_READDIRPLUS }, &read_in, sizeof(read_in) },
	};

	for (size_t i = 0; i < N(rows); i++)
		not_taken(state, &rows[i].request, rows[i].arg, rows[i].len);
}

TEST_MAIN(NULL, NULL)
