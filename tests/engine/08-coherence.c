// SPDX-License-Identifier: LGPL-2.1-or-later
/* What the kernel is made to forget when a file is opened, and how long it may believe a new link. */
#include "kernel.h"

#include <errno.h>
#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#define MOMENT_NS 20000000
/* An answer that is so old has come. */
#define COME_MS 50

static struct kernel *start(void **state, const struct k_options *options)
{
	struct k_options own = *options;
	struct kernel *k;

	own.nodes = K_NODES(state);
	own.ttl_ns = 60000000000;
	k = k_start(&own);
	k_file_below(k, "file", "0123456789");
	return k;
}

static void append_below(struct kernel *k)
{
	int fd = openat(k->lower, "file", O_WRONLY | O_APPEND | O_CLOEXEC);

	k_require(write(fd, "more", 4) == 4);
	close(fd);
}

static uint64_t look_up(struct kernel *k)
{
	struct fuse_entry_out entry;

	assert_int_equal(k_lookup(&k->chans[0], K_ROOT, "file", &entry), 0);
	return entry.nodeid;
}

static void look(struct kernel *k, uint64_t nodeid)
{
	struct fuse_attr_out out;

	assert_int_equal(k_getattr(&k->chans[0], nodeid, &out), 0);
}

/* How often it was told to forget what a write changes, and all, while the file was opened. */
static void expect_forgotten(struct kernel *k, uint64_t nodeid, unsigned int written,
			     unsigned int all)
{
	struct k_chan *c = &k->chans[0];
	unsigned int had_written = c->n_notified_as[FUSE_NOTIFY_STORE];
	unsigned int had_all = c->n_notified_as[FUSE_NOTIFY_INVAL_INODE];
	struct fuse_open_out open;

	assert_int_equal(k_open(c, nodeid, O_RDONLY, &open), 0);
	assert_int_equal(c->n_notified_as[FUSE_NOTIFY_STORE] - had_written, written);
	assert_int_equal(c->n_notified_as[FUSE_NOTIFY_INVAL_INODE] - had_all, all);
	assert_int_equal(k_release(c, nodeid, open.fh), 0);
}

static void ask_for_acl(struct k_chan *c, uint64_t nodeid)
{
	struct fuse_getxattr_in in = { .size = 1000 };
	struct k_request request = { .opcode = FUSE_GETXATTR,
				     .nodeid = nodeid,
				     .arg = &in,
				     .arg_len = sizeof(in),
				     .names = { "system.posix_acl_access" } };
	struct k_answer *answer = malloc(sizeof(*answer));

	assert_non_null(answer);
	assert_int_equal(k_call(c, &request, answer), -ENODATA);
	free(answer);
}

static void test_opened(void **state)
{
	struct kernel *k = start(state, &(struct k_options){ 0 });
	uint64_t id = look_up(k);
	struct fuse_setattr_in in = { .valid = FATTR_MODE, .mode = S_IFREG | 0640 };
	struct fuse_attr_out out;

	expect_forgotten(k, id, 0, 0);
	append_below(k);
	expect_forgotten(k, id, 1, 0);
	/* It has been forgotten. */
	append_below(k);
	expect_forgotten(k, id, 0, 0);
	fchmodat(k->lower, "file", 0600, 0);
	expect_forgotten(k, id, 0, 1);
	fchmodat(k->lower, "file", 0644, 0);
	expect_forgotten(k, id, 0, 0);
	/* Told one after the other: nobody can say whether the second has come. */
	look(k, id);
	fchmodat(k->lower, "file", 0600, 0);
	look(k, id);
	expect_forgotten(k, id, 0, 1);
	/* The answer to a change is taken in any case. */
	look(k, id);
	assert_int_equal(k_setattr(&k->chans[0], id, &in, &out), 0);
	expect_forgotten(k, id, 0, 0);
	k_stop(k);
}

/* An ACL is forgotten with all of the rest only. */
static void test_acl(void **state)
{
	struct kernel *k = start(state, &(struct k_options){ 0 });
	uint64_t id = look_up(k);

	ask_for_acl(&k->chans[0], id);
	append_below(k);
	expect_forgotten(k, id, 0, 1);
	look(k, id);
	usleep(COME_MS * 1000);
	append_below(k);
	expect_forgotten(k, id, 1, 0);
	/* What it asks for afterwards counts, too. */
	ask_for_acl(&k->chans[0], id);
	append_below(k);
	expect_forgotten(k, id, 0, 1);
	k_stop(k);
}

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Two answers in a row: the kernel takes that of them for the newest which comes first. */
static void test_crossing(void **state)
{
	struct kernel *k = start(state, &(struct k_options){ 0 });
	uint64_t id = look_up(k);
	int64_t began;

	do {
		look(k, id);
		expect_forgotten(k, id, 0, 0);
		usleep(COME_MS * 1000);
		began = now_ms();
		look(k, id);
		append_below(k);
		look(k, id);
	} while (now_ms() - began > 20);
	expect_forgotten(k, id, 1, 0);
	look(k, id);
	expect_forgotten(k, id, 0, 0);
	append_below(k);
	usleep(COME_MS * 1000);
	look(k, id);
	expect_forgotten(k, id, 0, 0);
	k_stop(k);
}

/*
 * Of two who open at the same time the second one must not believe that the ACL is forgotten while the
 * first one is still about to say so.
 */
static void test_two_opens(void **state)
{
	static char text[65536];
	struct kernel *k = start(state, &(struct k_options){ .n_chans = 3 });
	uint64_t id = look_up(k), opens[2];
	struct k_answer *answer = malloc(sizeof(*answer));
	struct k_chan *first = &k->chans[0];
	struct fuse_open_in in = { .flags = O_RDONLY };
	struct k_request request = {
		.opcode = FUSE_OPEN, .nodeid = id, .arg = &in, .arg_len = sizeof(in)
	};
	struct fuse_read_in read = { .size = sizeof(text) };
	struct k_request reading = { .opcode = FUSE_READ, .arg = &read, .arg_len = sizeof(read) };
	struct fuse_entry_out big;
	struct fuse_open_out open;
	uint64_t reads[64];

	assert_non_null(answer);
	memset(text, 'x', sizeof(text) - 1);
	k_file_below(k, "big", text);
	assert_int_equal(k_lookup(first, K_ROOT, "big", &big), 0);
	assert_int_equal(k_open(first, big.nodeid, O_RDONLY, &open), 0);
	ask_for_acl(first, id);
	append_below(k);
	/* More than the channel that notifications go by takes. */
	reading.nodeid = big.nodeid;
	read.fh = open.fh;
	for (size_t i = 0; i < 64; i++)
		reads[i] = k_send(first, &reading);
	for (int i = 0; i < 2; i++) {
		usleep(50000);
		opens[i] = k_send(&k->chans[1 + i], &request);
	}
	usleep(50000);
	for (size_t i = 0; i < 64; i++)
		assert_int_equal(k_wait(first, reads[i], answer), 0);
	for (int i = 0; i < 2; i++) {
		struct fuse_open_out *out = (struct fuse_open_out *)answer->data;

		assert_int_equal(k_wait(&k->chans[1 + i], opens[i], answer), 0);
		assert_int_equal(k_release(&k->chans[1 + i], id, out->fh), 0);
	}
	assert_int_equal(k_release(first, big.nodeid, open.fh), 0);
	assert_int_equal(first->n_notified_as[FUSE_NOTIFY_STORE], 0);
	assert_int_equal(first->n_notified_as[FUSE_NOTIFY_INVAL_INODE], 2);
	free(answer);
	k_stop(k);
}

/* The kernel takes the answer to LINK for the newest whenever it comes: it is good for a moment. */
static void test_link(void **state)
{
	struct kernel *k = start(state, &(struct k_options){ .cache = PST_CACHE_EXCLUSIVE });
	struct k_chan *c = &k->chans[0];
	struct fuse_entry_out entry;
	struct fuse_attr_out out;
	uint64_t id = look_up(k);
	int r = k_link(c, id, K_ROOT, "second", &entry);

	if (r == -ENOENT && geteuid() != 0) {
		print_message("linking a descriptor takes CAP_DAC_READ_SEARCH\n");
		k_stop(k);
		skip();
	}
	assert_int_equal(r, 0);
	assert_int_equal(entry.attr.nlink, 2);
	assert_int_equal(entry.attr_valid, 0);
	assert_in_range(entry.attr_valid_nsec, 1, MOMENT_NS);
	assert_true(entry.entry_valid > 86400);
	assert_int_equal(k_getattr(c, id, &out), 0);
	assert_true(out.attr_valid > 86400);
	k_stop(k);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		K_TEST(test_opened),	K_TEST(test_acl),  K_TEST(test_crossing),
		K_TEST(test_two_opens), K_TEST(test_link),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
