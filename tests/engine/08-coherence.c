// SPDX-License-Identifier: LGPL-2.1-or-later
/* Invalidation when a file is opened, and the timeout of a new hard link. */
#include "kernel.h"

#include <errno.h>
#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#define SHORT_TIMEOUT_NS 20000000
/* After this time the kernel has received a reply. */
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

/*
 * Opens the file and checks how often the server invalidated size and times (written), and
 * everything (all), during the open.
 */
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
	struct k_request request =
		*K_REQUEST(FUSE_GETXATTR, nodeid, &in, .names = { "system.posix_acl_access" });
	struct k_answer *answer = malloc(sizeof(*answer));

	assert_non_null(answer);
	assert_int_equal(k_call(c, &request, answer), -ENODATA);
	free(answer);
}

K_TEST(open_invalidates_what_changed_since_the_reply, state)
{
	struct kernel *k = start(state, &(struct k_options){ 0 });
	uint64_t id = look_up(k);
	struct fuse_setattr_in in = { .valid = FATTR_MODE, .mode = S_IFREG | 0640 };
	struct fuse_attr_out out;

	expect_forgotten(k, id, 0, 0);
	append_below(k);
	expect_forgotten(k, id, 1, 0);
	/*
	 * The server has invalidated these attributes, so the next open has nothing to invalidate.
	 */
	append_below(k);
	expect_forgotten(k, id, 0, 0);
	fchmodat(k->lower, "file", 0600, 0);
	expect_forgotten(k, id, 0, 1);
	fchmodat(k->lower, "file", 0644, 0);
	expect_forgotten(k, id, 0, 0);
	/*
	 * Two different replies, one after the other: the server cannot know which one the kernel
	 * keeps.
	 */
	look(k, id);
	fchmodat(k->lower, "file", 0600, 0);
	look(k, id);
	expect_forgotten(k, id, 0, 1);
	/* The kernel always uses the reply to SETATTR. */
	look(k, id);
	assert_int_equal(k_setattr(&k->chans[0], id, &in, &out), 0);
	expect_forgotten(k, id, 0, 0);
	k_stop(k);
}

/* Makes the server invalidate size and times; then the kernel asks for the ACL. */
static void forget_and_ask(struct kernel *k, uint64_t id)
{
	look(k, id);
	usleep(COME_MS * 1000);
	append_below(k);
	expect_forgotten(k, id, 1, 0);
	ask_for_acl(&k->chans[0], id);
}

/*
 * A notification about size and times does not invalidate an ACL; only one about everything does.
 */
K_TEST(open_invalidates_a_cached_acl_with_the_rest, state)
{
	struct kernel *k = start(state, &(struct k_options){ 0 });
	uint64_t id = look_up(k);

	ask_for_acl(&k->chans[0], id);
	append_below(k);
	expect_forgotten(k, id, 0, 1);
	forget_and_ask(k, id);
	append_below(k);
	expect_forgotten(k, id, 0, 1);
	/* The same if the kernel has cached only the ACL. */
	ask_for_acl(&k->chans[0], id);
	append_below(k);
	expect_forgotten(k, id, 0, 1);
	k_stop(k);
}

/* An entry by another name does not replace the ACL that the kernel has cached. */
K_TEST(lookup_by_other_name_leaves_acl_to_the_open, state)
{
	struct kernel *k = start(state, &(struct k_options){ 0 });
	uint64_t id = look_up(k);
	struct fuse_entry_out entry;

	assert_int_equal(linkat(k->lower, "file", k->lower, "second", 0), 0);
	look(k, id);
	expect_forgotten(k, id, 0, 1);
	look(k, id);
	ask_for_acl(&k->chans[0], id);
	/* The ctime changes, as it would with another ACL. */
	usleep(COME_MS * 1000);
	fchmodat(k->lower, "file", 0644, 0);
	assert_int_equal(k_lookup(&k->chans[0], K_ROOT, "second", &entry), 0);
	assert_int_equal(entry.nodeid, id);
	expect_forgotten(k, id, 0, 1);
	forget_and_ask(k, id);
	fchmodat(k->lower, "file", 0644, 0);
	assert_int_equal(k_lookup(&k->chans[0], K_ROOT, "second", &entry), 0);
	expect_forgotten(k, id, 0, 1);
	k_stop(k);
}

/* SETATTR changes the owner and then fails to change the size. */
K_TEST(half_failed_setattr_invalidates_at_once, state)
{
	struct kernel *k = start(state, &(struct k_options){ 0 });
	struct k_chan *c = &k->chans[0];
	struct fuse_setattr_in in = { .valid = FATTR_UID | FATTR_SIZE,
				      .uid = geteuid(),
				      .size = 1ULL << 63 };
	struct fuse_attr_out out;
	uint64_t id = look_up(k);

	/* The notification is sent before the reply. */
	assert_int_equal(k_setattr(c, id, &in, &out), -EFBIG);
	assert_int_equal(c->n_notified_as[FUSE_NOTIFY_INVAL_INODE], 1);
	/* SETATTR fails before it changes anything. */
	in.valid = FATTR_SIZE;
	assert_int_equal(k_setattr(c, id, &in, &out), -EFBIG);
	usleep(COME_MS * 1000);
	k_sync(c);
	assert_int_equal(c->n_notified, 1);
	k_stop(k);
}

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Two replies cross: the kernel takes the one that arrives first for the newer one. */
K_TEST(crossing_replies_are_invalidated_by_the_open, state)
{
	struct kernel *k = start(state, &(struct k_options){ 0 });
	uint64_t id = look_up(k);
	int64_t began;

	do {
		usleep(COME_MS * 1000);
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
 * -- while the kernel is slow to take notifications ---------------------------------------------
 */

#define N_READS 64

/*
 * More replies are on their way than the socket of the notifications can hold, so notifications
 * wait.
 */
struct jam {
	struct k_chan *c;
	uint64_t nodeid, fh, reads[N_READS];
};

static void jam(struct kernel *k, struct jam *jam)
{
	static char text[65536];
	struct fuse_read_in in = { .size = sizeof(text) };
	struct k_request request = *K_REQUEST(FUSE_READ, 0, &in);
	struct fuse_entry_out entry;
	struct fuse_open_out open;

	memset(text, 'x', sizeof(text) - 1);
	k_file_below(k, "big", text);
	jam->c = &k->chans[0];
	assert_int_equal(k_lookup(jam->c, K_ROOT, "big", &entry), 0);
	assert_int_equal(k_open(jam->c, entry.nodeid, O_RDONLY, &open), 0);
	request.nodeid = jam->nodeid = entry.nodeid;
	in.fh = jam->fh = open.fh;
	for (size_t i = 0; i < N_READS; i++)
		jam->reads[i] = k_send(jam->c, &request);
	usleep(COME_MS * 1000);
}

static void unjam(struct jam *jam)
{
	struct k_answer *answer = malloc(sizeof(*answer));

	assert_non_null(answer);
	for (size_t i = 0; i < N_READS; i++)
		assert_int_equal(k_wait(jam->c, jam->reads[i], answer), 0);
	assert_int_equal(k_release(jam->c, jam->nodeid, jam->fh), 0);
	free(answer);
}

static uint64_t begin_open(struct k_chan *c, uint64_t nodeid)
{
	struct fuse_open_in in = { .flags = O_RDONLY };
	struct k_request request = *K_REQUEST(FUSE_OPEN, nodeid, &in);
	uint64_t unique = k_send(c, &request);

	/* The open has reached the point where it waits. */
	usleep(COME_MS * 1000);
	return unique;
}

static void end_open(struct k_chan *c, uint64_t nodeid, uint64_t unique)
{
	struct k_answer *answer = malloc(sizeof(*answer));

	assert_non_null(answer);
	assert_int_equal(k_wait(c, unique, answer), 0);
	assert_int_equal(k_release(c, nodeid, ((struct fuse_open_out *)answer->data)->fh), 0);
	free(answer);
	/* The test reads the notification that the open has sent on the first channel. */
	k_sync(&c->kernel->chans[0]);
}

/*
 * Two clients open a file at the same time. The second open must invalidate the ACL as well, as
 * long as the notification of the first one has not been sent. (If the first open was fast enough
 * to have sent it, the test tries again.)
 */
K_TEST(second_open_invalidates_the_acl_too, state)
{
	struct kernel *k = start(state, &(struct k_options){ .n_chans = 3 });
	struct k_chan *c = k->chans;
	uint64_t id = look_up(k), first, second;
	unsigned int n = 0;

	for (int i = 0; i < 20 && n != 2; i++) {
		unsigned int before = c->n_notified_as[FUSE_NOTIFY_INVAL_INODE];
		struct jam held;

		look(k, id);
		ask_for_acl(c, id);
		append_below(k);
		jam(k, &held);
		first = begin_open(&c[1], id);
		second = begin_open(&c[2], id);
		unjam(&held);
		end_open(&c[1], id, first);
		end_open(&c[2], id, second);
		n = c->n_notified_as[FUSE_NOTIFY_INVAL_INODE] - before;
		assert_int_equal(c->n_notified_as[FUSE_NOTIFY_STORE], 0);
	}
	assert_int_equal(n, 2);
	k_stop(k);
}

/*
 * Sends a GETATTR while an open invalidates the attributes. Returns how often the next open
 * invalidates them.
 */
static unsigned int look_while_opened(struct kernel *k, uint64_t id)
{
	struct k_chan *c = k->chans;
	unsigned int before = c->n_notified_as[FUSE_NOTIFY_INVAL_INODE];
	struct fuse_attr_out out;
	struct fuse_open_out again;
	struct jam held;
	uint64_t open;

	/* The mode changes twice, so the server cannot know which one the kernel keeps. */
	for (int i = 0; i < 2; i++) {
		usleep(COME_MS * 1000);
		fchmodat(k->lower, "file", i ? 0600 : 0640, 0);
		look(k, id);
	}
	jam(k, &held);
	open = begin_open(&c[1], id);
	assert_int_equal(k_getattr(&c[2], id, &out), 0);
	unjam(&held);
	end_open(&c[1], id, open);
	assert_int_equal(c->n_notified_as[FUSE_NOTIFY_INVAL_INODE] - before, 1);
	append_below(k);
	assert_int_equal(k_open(c, id, O_RDONLY, &again), 0);
	assert_int_equal(k_release(c, id, again.fh), 0);
	return c->n_notified_as[FUSE_NOTIFY_INVAL_INODE] - before - 1;
}

/*
 * The next open invalidates attributes that a GETATTR replies while an open invalidates older ones.
 * (If the open sent its notification before the GETATTR came, or looked only after it, the next
 * open has nothing to invalidate: the test tries again.)
 */
K_TEST(reply_during_invalidation_is_invalidated_next, state)
{
	struct kernel *k = start(state, &(struct k_options){ .n_chans = 3 });
	uint64_t id = look_up(k);
	unsigned int n = 0;

	for (int i = 0; i < 20 && n == 0; i++)
		n = look_while_opened(k, id);
	assert_int_equal(n, 1);
	k_stop(k);
}

/* The kernel always uses the reply to LINK, even a late one, so the reply has a short timeout. */
K_TEST(link_reply_has_a_short_timeout, state)
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
	assert_in_range(entry.attr_valid_nsec, 1, SHORT_TIMEOUT_NS);
	assert_true(entry.entry_valid > 86400);
	assert_int_equal(k_getattr(c, id, &out), 0);
	assert_true(out.attr_valid > 86400);
	k_stop(k);
}

TEST_MAIN(NULL, NULL)
