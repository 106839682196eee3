// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The requests that a program answers (struct pst_node_ops): those that reach it, and replies that
 * come later, from other threads, twice or never.
 */
#include "scripted-program.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <unistd.h>

static void within_a_while(bool (*is)(void))
{
	for (int i = 0; i < 10000 && !is(); i++)
		usleep(1000);
	assert_true(is());
}

static bool is_kept(void)
{
	return program.kept;
}

K_TEST(file_with_a_key_lives_as_long_as_the_kernel_knows_it, state)
{
	struct kernel *k = program_start(state, PST_ANSWERS_ALL, 0, false);
	struct k_chan *c = &k->chans[0];
	struct fuse_entry_out entry, again, other;
	struct fuse_open_out open;
	struct fuse_attr_out attr;
	char buf[20];

	assert_int_equal(k_lookup(c, K_ROOT, "keyed", &entry), 0);
	assert_int_equal(entry.attr.mode, S_IFREG | 0640);
	assert_int_equal(entry.attr.size, 10);
	assert_int_equal(entry.entry_valid, 1);
	assert_int_equal(entry.attr_valid, 1);
	/* One key is one file, under all names. */
	assert_int_equal(k_lookup(c, K_ROOT, "other", &again), 0);
	assert_int_equal(again.nodeid, entry.nodeid);
	assert_int_equal(k_getattr(c, entry.nodeid, &attr), 0);
	assert_int_equal(attr.attr.ino, entry.attr.ino);
	assert_int_equal(k_open(c, entry.nodeid, O_RDONLY, &open), 0);
	program.result = 10;
	assert_int_equal(k_read(c, entry.nodeid, open.fh, buf, 20, 0, O_RDONLY), 10);
	assert_memory_equal(buf, "0123456789", 10);
	assert_int_equal(k_release(c, entry.nodeid, open.fh), 0);
	assert_int_equal(program.n_released, 1);
	k_forget(c, entry.nodeid, 1);
	k_sync(c);
	assert_int_equal(program.n_forgotten, 0);
	k_forget(c, entry.nodeid, 1);
	k_sync(c);
	assert_int_equal(program.n_forgotten, 1);
	/* A short key is the number of the node. */
	program.result = 0;
	assert_int_equal(k_lookup(c, K_ROOT, "keyed", &other), 0);
	assert_int_equal(other.nodeid, entry.nodeid);
	k_forget(c, other.nodeid, 1);
	assert_int_equal(k_lookup(c, K_ROOT, "file", &other), 0);
	k_expect_same(k, &other.attr, "file");
	k_forget(c, other.nodeid, 1);
	k_stop_empty(k);
	assert_int_equal(program.n_forgotten, 2);
}

K_TEST(program_is_asked_once_for_its_answers, state)
{
	struct kernel *k = program_start(state, PST_ANSWERS_ALL, 0, false);
	struct fuse_entry_out entry;
	struct fuse_attr_out attr;

	for (int i = 0; i < 3; i++) {
		assert_int_equal(k_lookup(&k->chans[0], K_ROOT, "file", &entry), 0);
		assert_int_equal(k_getattr(&k->chans[0], entry.nodeid, &attr), 0);
	}
	/* The root and the file. */
	assert_int_equal(program.n_ops, 2);
	assert_int_equal(program.n_calls, 0);
	k_stop(k);
}

K_TEST(lower_file_whose_answers_are_not_wanted_never_asks, state)
{
	struct kernel *k = program_start(state, PST_ANSWERS_ALL, 0, false);
	struct fuse_open_out open;
	struct fuse_entry_out entry;
	char buf[10];

	program.answers = 0;
	assert_int_equal(k_lookup(&k->chans[0], K_ROOT, "keyed", &entry), -ENOENT);
	assert_int_equal(k_lookup(&k->chans[0], K_ROOT, "file", &entry), 0);
	assert_int_equal(k_open(&k->chans[0], entry.nodeid, O_RDONLY, &open), 0);
	assert_int_equal(k_read(&k->chans[0], entry.nodeid, open.fh, buf, 10, 0, O_RDONLY), 5);
	assert_int_equal(program.n_calls, 0);
	k_stop(k);
}

static void *reply(void *aux)
{
	within_a_while(is_kept);
	usleep(2000);
	pst_reply(program.kept, program.reply);
	return NULL;
}

static void expect_reply_later(struct kernel *k, bool first)
{
	struct fuse_entry_out entry;
	struct fuse_open_out open;
	pthread_t thread;
	char buf[20];

	open_keyed(k, &open);
	assert_int_equal(k_lookup(&k->chans[0], K_ROOT, "keyed", &entry), 0);
	program.reply_first = first;
	program.result = PST_LATER;
	program.reply = 7;
	if (!first)
		assert_int_equal(pthread_create(&thread, NULL, reply, NULL), 0);
	assert_int_equal(k_read(&k->chans[0], entry.nodeid, open.fh, buf, 20, 0, O_RDONLY), 7);
	assert_memory_equal(buf, "0123456", 7);
	if (!first)
		pthread_join(thread, NULL);
	program.kept = NULL;
	program.reply = -ENOTRECOVERABLE;
	if (!first)
		assert_int_equal(pthread_create(&thread, NULL, reply, NULL), 0);
	assert_int_equal(k_lookup(&k->chans[0], K_ROOT, "keyed", &entry), -ENOTRECOVERABLE);
	if (!first)
		pthread_join(thread, NULL);
}

K_TEST(reply_comes_later_from_another_thread, state)
{
	for (int i = 0; i < 4; i++) {
		struct kernel *k = program_start(state, i & 1 ? PST_ANSWERS_ALL : 0, 0, false);

		expect_reply_later(k, i & 2);
		k_stop(k);
	}
}

/* PST_BACKING as a reply: a thread of the pool carries the operation out below. */
K_TEST(reply_may_leave_the_operation_to_the_lower_file, state)
{
	struct kernel *k = program_start(state, PST_ANSWERS_ALL, 0, false);
	struct fuse_entry_out entry;
	pthread_t thread;

	k_file_below(k, "too", "text");
	program.result = PST_LATER;
	program.reply = PST_BACKING;
	assert_int_equal(pthread_create(&thread, NULL, reply, NULL), 0);
	assert_int_equal(k_lookup(&k->chans[0], K_ROOT, "too", &entry), 0);
	pthread_join(thread, NULL);
	k_expect_same(k, &entry.attr, "too");
	k_stop(k);
}

K_TEST(worker_receives_other_requests_while_the_program_has_one, state)
{
	struct kernel *k = program_start(state, PST_ANSWERS_ALL, 0, false);
	struct k_chan *c = &k->chans[0];
	struct fuse_entry_out entry;
	static struct k_answer answer;
	uint64_t unique;

	program.result = PST_LATER;
	unique = k_send(c, K_PLAIN(FUSE_LOOKUP, K_ROOT, .names = { "keyed" }));
	within_a_while(is_kept);
	program.result = 0;
	for (int i = 0; i < 100; i++)
		assert_int_equal(k_lookup(c, K_ROOT, i & 1 ? "keyed" : "file", &entry), 0);
	pst_reply(program.kept, 0);
	assert_int_equal(k_wait(c, unique, &answer), 0);
	k_stop(k);
}

#define N_KEPT 1000
static struct pst_request *_Atomic all_kept[N_KEPT];
static _Atomic unsigned int n_all_kept;

static int keep(struct pst_request *req, const char *name, struct pst_entry *entry)
{
	pst_entry_key(entry, "key", 3);
	entry->stx = program.stx;
	/* The pool fills meanwhile, so the worker calls the program, too. */
	usleep(100);
	all_kept[n_all_kept++] = req;
	return PST_LATER;
}

static void *reply_to_all(void *aux)
{
	for (unsigned int n = 0; n < N_KEPT; n++) {
		while (!all_kept[n])
			usleep(1000);
		pst_reply(all_kept[n], 0);
	}
	return NULL;
}

/* More than the pool has room for, so a worker runs some of them itself, and keeps none. */
K_TEST(program_keeps_many_requests, state)
{
	struct pst_node_ops ops = { .size = sizeof(ops),
				    .ops = program_answers,
				    .lookup = keep,
				    .getattr = program_getattr };
	static struct k_answer answer;
	struct kernel *k;
	pthread_t thread;
	uint64_t unique[N_KEPT];

	memset(&program, 0, sizeof(program));
	memset(all_kept, 0, sizeof(all_kept));
	n_all_kept = 0;
	program.answers = PST_ANSWERS_LOOKUP;
	program.stx = (struct statx){ .stx_mode = S_IFREG | 0640, .stx_nlink = 1 };
	k = k_start(&(struct k_options){ .nodes = K_NODES(state), .node_ops = &ops });
	assert_int_equal(pthread_create(&thread, NULL, reply_to_all, NULL), 0);
	for (int i = 0; i < N_KEPT; i++)
		unique[i] = k_send(&k->chans[0], K_PLAIN(FUSE_LOOKUP, K_ROOT, .names = { "a" }));
	for (int i = 0; i < N_KEPT; i++)
		assert_int_equal(k_wait(&k->chans[0], unique[i], &answer), 0);
	pthread_join(thread, NULL);
	k_stop(k);
}

K_TEST(view_ends_while_the_program_has_requests, state)
{
	for (int i = 0; i < 3; i++) {
		struct kernel *k =
			program_start(state, i == 1 ? PST_ANSWERS_ALL : 0, i == 2, false);

		program.result = PST_LATER;
		for (int n = 0; n < 5; n++)
			k_send(&k->chans[0], K_PLAIN(FUSE_LOOKUP, K_ROOT, .names = { "keyed" }));
		while (i < 2 && program.n_calls < 5)
			usleep(1000);
		k_stop(k);
	}
}

K_TEST(second_reply_is_ignored, state)
{
	struct kernel *k = program_start(state, PST_ANSWERS_ALL, 0, true);
	static struct k_answer answer;
	struct fuse_entry_out entry;
	uint64_t unique;

	program.result = PST_LATER;
	program.reply_first = true;
	assert_int_equal(k_lookup(&k->chans[0], K_ROOT, "keyed", &entry), 0);
	program.result = 0;
	program.reply_first = false;
	assert_int_equal(k_lookup(&k->chans[0], K_ROOT, "keyed", &entry), 0);
	program.result = PST_LATER;
	unique = k_send(&k->chans[0], K_PLAIN(FUSE_LOOKUP, K_ROOT, .names = { "keyed" }));
	within_a_while(is_kept);
	pst_reply(program.kept, 0);
	pst_reply(program.kept, -EPERM);
	assert_int_equal(k_wait(&k->chans[0], unique, &answer), 0);
	program.result = 0;
	assert_int_equal(k_lookup(&k->chans[0], K_ROOT, "keyed", &entry), 0);
	k_stop(k);
}

static bool is_interrupted(void)
{
	return pst_request_interrupted(program.kept);
}

K_TEST(program_learns_that_the_client_is_being_killed, state)
{
	struct kernel *k = program_start(state, 0, 0, false);
	/* No process has this number. */
	struct k_caller caller = { .pid = 0x7ffffffe };
	static struct k_answer answer;
	uint64_t unique;

	program.result = PST_LATER;
	unique = k_send(&k->chans[0],
			K_PLAIN(FUSE_LOOKUP, K_ROOT, .names = { "keyed" }, .caller = &caller));
	within_a_while(is_kept);
	assert_false(pst_request_interrupted(program.kept));
	k_interrupt(&k->chans[1], unique);
	within_a_while(is_interrupted);
	pst_reply(program.kept, -EINTR);
	assert_int_equal(k_wait(&k->chans[0], unique, &answer), -EINTR);
	k_stop(k);
}

K_TEST(callbacks_run_in_the_loop_of_the_program, state)
{
	struct kernel *k = program_start(state, PST_ANSWERS_ALL, 1, false);
	struct served *served = server_served(k->server);
	struct pollfd pollfd = { .fd = served->event_fd, .events = POLLIN };
	static struct k_answer answer;
	uint64_t unique[2];

	for (int i = 0; i < 20; i++) {
		assert_int_equal(poll(&pollfd, 1, 0), 0);
		program.n_lookups = 0;
		for (int n = 0; n < 2; n++)
			unique[n] =
				k_send(&k->chans[n], K_PLAIN(FUSE_LOOKUP, K_ROOT,
							     .names = { n ? "file" : "keyed" }));
		while (program.n_lookups < 2) {
			poll(&pollfd, 1, 10);
			served_dispatch(served);
		}
		for (int n = 0; n < 2; n++)
			assert_int_equal(k_wait(&k->chans[n], unique[n], &answer), 0);
	}
	k_stop(k);
}

TEST_MAIN(NULL, NULL)
