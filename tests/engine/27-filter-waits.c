// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Requests that wait under filters: they leave the few slots that filters can access to others, are
 * limited for each user, and get a slot again for the programs after the operation.
 */
#include "filter-view.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

#include "server/chain-update.h"
#include "util/clock.h"

#define N_KEPT 384 /* of one user; as many are left to others (N_EXTRA, request-pool.c) */
#define NOTE   0x1234567812345678

static struct {
	struct pst_request *_Atomic req;
	void *buf;
} kept[3000];
static _Atomic unsigned int n_kept, n_before, n_after, n_wrong;

static int note(struct pst_call *call)
{
	call->note[0] = NOTE;
	call->note[1] = call->unique;
	return PST_PASS;
}

/* Sees what the program before the operation has seen and left. */
static int check(struct pst_call *call)
{
	n_after++;
	if (call->note[0] != NOTE || call->note[1] != call->unique || call->error ||
	    (call->opcode == FUSE_LOOKUP &&
	     (call->node.nodeid != K_ROOT || call->name[0].len != strlen(call->name[0].text))))
		n_wrong++;
	return PST_PASS;
}

static int check_data(struct pst_call *call)
{
	if (call->data_len != 7 || memcmp(call->data, "answers", 7) != 0)
		n_wrong++;
	memcpy(call->data, "ANSWERS", 7);
	return check(call);
}

static int check_written(struct pst_call *call)
{
	if (call->in.write.size != 8 || call->out.write.size != 8 ||
	    memcmp(call->data, "question", 8) != 0)
		n_wrong++;
	return check(call);
}

static _Atomic uint32_t delay_us;
static int verdict;

/* A name that begins with a digit is delayed by as many times 30 ms. */
static int delay(struct pst_call *call)
{
	unsigned int digit = (unsigned char)call->name[0].text[0] - '0';

	n_before++;
	call->delay_us = digit < 10 ? digit * 30000 : delay_us;
	note(call);
	if (verdict == PST_DONE && call->opcode == FUSE_GETATTR)
		call->out.attr.attr.mode = S_IFREG | 0123;
	return verdict;
}

static int check_delayed(struct pst_call *call)
{
	n_after++;
	n_wrong += call->note[0] != NOTE || call->note[1] != call->unique;
	return PST_PASS;
}

static const struct fake delays = {
	.name = "delays",
	.flags = PST_DELAYS,
	.programs = (struct fake_program[]){ { FILTER_PRE, FUSE_LOOKUP, delay },
					     { FILTER_POST, FUSE_LOOKUP, check_delayed },
					     { FILTER_PRE, FUSE_GETATTR, delay },
					     { FILTER_PRE, FUSE_SETATTR, delay },
					     { FILTER_PRE, FUSE_READ, delay },
					     { FILTER_POST, FUSE_READ, check_delayed },
					     { FILTER_PRE, FUSE_RELEASE, delay },
					     { 0 } },
};

static const struct fake fake = {
	.name = "notes",
	.programs = (struct fake_program[]){ { FILTER_PRE, FUSE_LOOKUP, note },
					     { FILTER_POST, FUSE_LOOKUP, check },
					     { FILTER_PRE, FUSE_READ, note },
					     { FILTER_POST, FUSE_READ, check_data },
					     { FILTER_PRE, FUSE_WRITE, note },
					     { FILTER_POST, FUSE_WRITE, check_written },
					     { 0 } },
};

/* -- the program ------------------------------------------------------------------------------- */

static const struct statx file = { .stx_mode = S_IFREG | 0644, .stx_nlink = 1, .stx_size = 7 };

static int64_t keep(struct pst_request *req, void *buf)
{
	unsigned int i = n_kept++;

	kept[i].buf = buf;
	kept[i].req = req;
	return PST_LATER;
}

static int look_up(struct pst_request *req, const char *name, struct pst_entry *entry)
{
	if (strncmp(name, "keep", 4) != 0 && strcmp(name, "open") != 0)
		return PST_BACKING;
	pst_entry_key(entry, name, strlen(name));
	entry->stx = file;
	return strcmp(name, "open") == 0 ? 0 : (int)keep(req, NULL);
}

static int get(struct pst_request *req, struct statx *stx)
{
	*stx = file;
	return req->file->key_len ? 0 : PST_BACKING;
}

static int open_it(struct pst_request *req, int flags, struct pst_opened *opened)
{
	opened->data = PST_DATA_DIRECT;
	return 0;
}

static ssize_t read_it(struct pst_request *req, void *buf, size_t size, uint64_t off)
{
	return keep(req, buf);
}

static ssize_t write_it(struct pst_request *req, const void *buf, size_t size, uint64_t off)
{
	return keep(req, (void *)buf);
}

static void wait_for_kept(unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		while (!kept[i].req)
			usleep(1000);
}

static void reply_to_all(int64_t result)
{
	for (unsigned int i = 0; i < n_kept; i++) {
		while (!kept[i].req)
			usleep(1000);
		pst_reply(kept[i].req, result);
	}
}

static void register_fakes(void)
{
	fake_register(&fake);
	fake_register(&delays);
	delay_us = 0;
	verdict = PST_PASS;
}

static struct filter_view start(void **state, const char *const *specs, uint32_t quick)
{
	const struct pst_node_ops ops = {
		.size = sizeof(ops),
		.quick = quick,
		.timeout_ns = 1000000000,
		.lookup = look_up,
		.getattr = get,
		.open = open_it,
		.read = read_it,
		.write = write_it,
	};

	register_fakes();
	memset(kept, 0, sizeof(kept));
	n_kept = n_after = n_wrong = 0;
	return filter_view_start(state, &(struct k_options){ .node_ops = &ops }, specs);
}

static const char *const with_notes[] = { "notes", NULL };
static const struct k_caller alice = { 1001, 1001, 0 }, bob = { 1002, 1002, 0 };

static int look_up_as(struct filter_view *view, const struct k_caller *caller, const char *name)
{
	static struct k_answer answer;

	return k_call(view->c, K_PLAIN(FUSE_LOOKUP, K_ROOT, .names = { name }, .caller = caller),
		      &answer);
}

/* -- tests ------------------------------------------------------------------------------------- */

static void expect_room_for_others(struct filter_view view, unsigned int n_asked_after)
{
	static struct k_answer answer;
	static uint64_t uniques[N_KEPT];
	unsigned int n_then;

	for (unsigned int i = 0; i < N_KEPT; i++) {
		uniques[i] = k_send(view.c, K_PLAIN(FUSE_LOOKUP, K_ROOT, .names = { "keep" },
						    .caller = &alice));
		/* The pool has room for fewer at a time. */
		wait_for_kept(i + 1);
	}
	n_then = n_after;
	assert_int_equal(look_up_as(&view, &alice, "keep"), -EAGAIN);
	for (int i = 0; i < 100; i++)
		assert_int_equal(look_up_as(&view, &bob, "file"), 0);
	k_forget(view.c, view.file, 100);
	assert_int_equal(n_wrong, n_asked_after ? 1 : 0); /* of the EAGAIN */
	assert_int_equal(n_after - n_then, n_asked_after ? 101 : 0);
	n_wrong = n_after = 0;
	reply_to_all(-ENOENT);
	for (unsigned int i = 0; i < N_KEPT; i++)
		assert_int_equal(k_wait(view.c, uniques[i], &answer), -ENOENT);
	assert_int_equal(n_after, n_asked_after);
	filter_view_stop(&view);
}

K_TEST(kept_requests_of_a_user_leave_room_for_others, state)
{
	expect_room_for_others(start(state, (const char *const[]){ NULL }, 0), 0);
	expect_room_for_others(start(state, (const char *const[]){ NULL }, PST_ANSWERS_ALL), 0);
}

K_TEST(kept_requests_under_filters_leave_room_for_others, state)
{
	expect_room_for_others(start(state, with_notes, 0), N_KEPT);
	expect_room_for_others(start(state, with_notes, PST_ANSWERS_ALL), N_KEPT);
}

static void expect_same_for_programs(struct filter_view view)
{
	struct fuse_write_in write = { .size = 8, .flags = O_RDWR };
	struct fuse_read_in read = { .size = 4096, .read_flags = FUSE_READ_LOCKOWNER };
	static struct k_answer answer;
	struct fuse_entry_out entry;
	struct fuse_open_out open;
	uint64_t unique;

	assert_int_equal(k_lookup(view.c, K_ROOT, "open", &entry), 0);
	assert_int_equal(k_open(view.c, entry.nodeid, O_RDWR, &open), 0);
	write.fh = read.fh = open.fh;
	unique = k_send(view.c, K_REQUEST(FUSE_READ, entry.nodeid, &read, .caller = &alice));
	wait_for_kept(1);
	/* Others use the slot meanwhile. */
	for (int i = 0; i < 60; i++)
		assert_int_equal(look_up_as(&view, &bob, "file"), 0);
	k_forget(view.c, view.file, 60);
	memcpy(kept[0].buf, "answers", 7);
	pst_reply(kept[0].req, 7);
	assert_int_equal(k_wait(view.c, unique, &answer), 0);
	assert_int_equal(answer.len, 7);
	assert_memory_equal(answer.data, "ANSWERS", 7);
	unique = k_send(view.c, K_REQUEST(FUSE_WRITE, entry.nodeid, &write, .data = "question",
					  .data_len = 8, .caller = &alice));
	wait_for_kept(2);
	for (int i = 0; i < 60; i++)
		assert_int_equal(look_up_as(&view, &bob, "file"), 0);
	k_forget(view.c, view.file, 60);
	assert_memory_equal(kept[1].buf, "question", 8);
	pst_reply(kept[1].req, 8);
	assert_int_equal(k_wait(view.c, unique, &answer), 0);
	assert_int_equal(n_wrong, 0);
	k_release(view.c, entry.nodeid, open.fh);
	k_forget(view.c, entry.nodeid, 1);
	filter_view_stop(&view);
}

K_TEST(programs_after_a_kept_request_see_it_as_before, state)
{
	expect_same_for_programs(start(state, with_notes, 0));
	expect_same_for_programs(start(state, with_notes, PST_ANSWERS_ALL));
}

/* The lower file does the operation in the end: its function and programs run in a slot. */
K_TEST(kept_request_may_go_below, state)
{
	for (int i = 0; i < 2; i++) {
		struct filter_view view = start(state, with_notes, i ? PST_ANSWERS_ALL : 0);
		static struct k_answer answer;
		uint64_t unique;

		k_file_below(view.k, "keep-below", "text");
		unique = k_send(view.c, K_PLAIN(FUSE_LOOKUP, K_ROOT, .names = { "keep-below" }));
		wait_for_kept(1);
		for (int n = 0; n < 60; n++)
			assert_int_equal(look_up_as(&view, &bob, "file"), 0);
		k_forget(view.c, view.file, 60);
		pst_reply(kept[0].req, PST_BACKING);
		assert_int_equal(k_wait(view.c, unique, &answer), 0);
		k_forget(view.c, ((struct fuse_entry_out *)answer.data)->nodeid, 1);
		assert_int_equal(n_wrong, 0);
		filter_view_stop(&view);
	}
}

/* The kernel would lose pages that it writes back: their number has no limit here. */
K_TEST(writing_back_is_not_refused, state)
{
	struct filter_view view = start(state, (const char *const[]){ NULL }, 0);
	struct fuse_write_in in = { .size = 8, .flags = O_RDWR };
	static uint64_t uniques[N_KEPT];
	static struct k_answer answer;
	struct fuse_entry_out entry;
	struct fuse_open_out open;
	uint64_t unique;

	assert_int_equal(k_lookup(view.c, K_ROOT, "open", &entry), 0);
	assert_int_equal(k_open(view.c, entry.nodeid, O_RDWR, &open), 0);
	in.fh = open.fh;
	for (unsigned int i = 0; i < N_KEPT; i++) {
		uniques[i] = k_send(view.c, K_PLAIN(FUSE_LOOKUP, K_ROOT, .names = { "keep" },
						    .caller = &alice));
		wait_for_kept(i + 1);
	}
	assert_int_equal(k_call(view.c,
				K_REQUEST(FUSE_WRITE, entry.nodeid, &in, .data = "question",
					  .data_len = 8, .caller = &alice),
				&answer),
			 -EAGAIN);
	in.write_flags = FUSE_WRITE_CACHE;
	unique = k_send(view.c, K_REQUEST(FUSE_WRITE, entry.nodeid, &in, .data = "question",
					  .data_len = 8, .caller = &alice));
	wait_for_kept(N_KEPT + 1);
	pst_reply(kept[N_KEPT].req, 8);
	assert_int_equal(k_wait(view.c, unique, &answer), 0);
	n_kept = N_KEPT;
	reply_to_all(-ENOENT);
	for (unsigned int i = 0; i < N_KEPT; i++)
		assert_int_equal(k_wait(view.c, uniques[i], &answer), -ENOENT);
	k_release(view.c, entry.nodeid, open.fh);
	k_forget(view.c, entry.nodeid, 1);
	filter_view_stop(&view);
}

/* Returns how many pages of the data of all kept requests take memory. */
static unsigned int n_resident(size_t size)
{
	unsigned char pages[64];
	unsigned int n = 0;

	for (unsigned int i = 0; i < n_kept; i++) {
		assert_int_equal(mincore(kept[i].buf, size, pages), 0);
		for (size_t page = 0; page < size / 4096; page++)
			n += pages[page] & 1;
	}
	return n;
}

/* Many large writes wait, after which their memory is free again. */
static void expect_memory_to_be_freed(struct filter_view view)
{
	enum { N = 200, SIZE = 1 << 16 };
	struct fuse_write_in in = { .size = SIZE, .flags = O_RDWR };
	static uint64_t uniques[N];
	static struct k_answer answer;
	static char data[SIZE];
	struct fuse_entry_out entry;
	struct fuse_open_out open;

	assert_int_equal(k_lookup(view.c, K_ROOT, "open", &entry), 0);
	assert_int_equal(k_open(view.c, entry.nodeid, O_RDWR, &open), 0);
	in.fh = open.fh;
	memset(data, 'x', SIZE);
	for (unsigned int i = 0; i < N; i++) {
		uniques[i] = k_send(view.c, K_REQUEST(FUSE_WRITE, entry.nodeid, &in, .data = data,
						      .data_len = SIZE, .caller = &alice));
		wait_for_kept(i + 1);
	}
	assert_int_equal(n_resident(SIZE), N * SIZE / 4096);
	for (unsigned int i = 0; i < N; i++) {
		pst_reply(kept[i].req, SIZE);
		assert_int_equal(k_wait(view.c, uniques[i], &answer), 0);
	}
	/* The request is put back after its reply. */
	for (int ms = 0; n_resident(SIZE) > N * 4 && ms < 20000; ms++)
		usleep(1000);
	assert_true(n_resident(SIZE) <= N * 4);
	k_release(view.c, entry.nodeid, open.fh);
	k_forget(view.c, entry.nodeid, 1);
	filter_view_stop(&view);
}

K_TEST(memory_of_large_requests_is_freed, state)
{
	expect_memory_to_be_freed(start(state, (const char *const[]){ NULL }, 0));
	expect_memory_to_be_freed(start(state, (const char *const[]){ "delays", NULL }, 0));
}

/* -- delays ------------------------------------------------------------------------------------ */

static uint64_t begun_ns;

static void begin_delay(uint32_t ms)
{
	delay_us = ms * 1000;
	begun_ns = clock_ns();
}

/* Fails if less than the delay has passed. */
static void end_delay(void)
{
	assert_true(clock_ns() - begun_ns >= delay_us * 1000ULL);
	delay_us = 0;
}

static const char *const with_delays[] = { "delays", NULL };

K_TEST(operations_wait_for_their_delay, state)
{
	struct filter_view view = start(state, with_delays, 0);
	struct fuse_setattr_in set = { .valid = FATTR_MODE, .mode = 0600 };
	struct fuse_attr_out attr;
	char buf[20];

	n_after = 0;
	begin_delay(30);
	assert_int_equal(look_up_as(&view, &alice, "file"), 0);
	end_delay();
	begin_delay(30);
	assert_int_equal(k_read(view.c, view.file, view.fh, buf, 20, 0, O_RDONLY), 9);
	end_delay();
	assert_memory_equal(buf, "some text", 9);
	assert_int_equal(n_after, 2);
	/* A refusal, too, and a reply of the filter. */
	verdict = -EXDEV;
	begin_delay(30);
	assert_int_equal(look_up_as(&view, &alice, "file"), -EXDEV);
	end_delay();
	verdict = PST_DONE;
	begin_delay(30);
	assert_int_equal(k_getattr(view.c, view.file, &attr), 0);
	end_delay();
	assert_int_equal(attr.attr.mode, S_IFREG | 0123);
	begin_delay(30);
	assert_int_equal(
		k_ask(view.c, K_REQUEST(FUSE_SETATTR, view.file, &set), &attr, sizeof(attr)), 0);
	end_delay();
	k_expect_same(view.k, &attr.attr, "file");
	assert_int_not_equal(attr.attr.mode, S_IFREG | 0600);
	verdict = PST_PASS;
	k_forget(view.c, view.file, 1);
	assert_int_equal(n_wrong, 0);
	filter_view_stop(&view);
}

K_TEST(shortest_delay_ends_first, state)
{
	static const char *const names[] = { "6", "2", "4", "0" };
	static const int order[] = { 3, 1, 2, 0 };
	struct filter_view view = start(state, with_delays, 0);
	static struct k_answer answer;
	uint64_t uniques[4];

	for (int i = 0; i < 4; i++)
		uniques[i] = k_send(view.c, K_PLAIN(FUSE_LOOKUP, K_ROOT, .names = { names[i] }));
	for (int i = 0; i < 4; i++) {
		assert_true(k_receive(view.c, 20000, &answer));
		assert_int_equal(answer.unique, uniques[order[i]]);
	}
	filter_view_stop(&view);
}

/* READDIRPLUS looks up each name, and waits for all delays together. */
K_TEST(listing_waits_for_the_delays_of_its_names, state)
{
	struct filter_view view = start(state, with_delays, 0);
	static struct k_answer answer;

	k_file_below(view.k, "dir/1", "");
	k_file_below(view.k, "dir/2", "");
	n_after = 0;
	begun_ns = clock_ns();
	delay_us = 30000;
	assert_int_equal(k_readdir(view.c, view.dir, view.dir_fh, 0, 4096, true, &answer), 0);
	delay_us *= 1 + 2 + 4; /* "1", "2", and four more names */
	end_delay();
	assert_int_equal(n_after, 6);
	for (size_t at = 0; at < answer.len;) {
		const struct fuse_direntplus *entry = (const void *)(answer.data + at);

		if (entry->entry_out.nodeid)
			k_forget(view.c, entry->entry_out.nodeid, 1);
		at += entry_size(&entry->dirent, true);
	}
	filter_view_stop(&view);
}

/* No process has this number. */
static const struct k_caller killed = { 1001, 1001, 0x7ffffffe };

/*
 * Requests of one user are delayed for a minute. Those beyond the user's share are refused, and
 * other users are served. The requests end when their clients are killed.
 */
K_TEST(delayed_requests_leave_room_for_others, state)
{
	enum { N = N_KEPT + 50 };
	struct filter_view view = start(state, with_delays, 0);
	static struct k_answer answer;
	uint64_t first, n_refused = 0;

	delay_us = 60000000;
	first = view.c->unique;
	for (int i = 0; i < N; i++)
		k_send(view.c,
		       K_PLAIN(FUSE_LOOKUP, K_ROOT, .names = { "file" }, .caller = &killed));
	/* Some more may have begun at the same time. */
	for (; n_refused < 40 && k_receive(view.c, 20000, &answer); n_refused++)
		assert_int_equal(answer.error, -EAGAIN);
	assert_int_equal(n_refused, 40);
	delay_us = 0;
	for (int i = 0; i < 60; i++)
		assert_int_equal(look_up_as(&view, &bob, "file"), 0);
	k_forget(view.c, view.file, 60);
	for (uint64_t unique = first; unique != view.c->unique; unique += 2)
		k_interrupt(view.c, unique + 2);
	for (; n_refused < N; n_refused++) {
		assert_true(k_receive(view.c, 20000, &answer));
		assert_true(answer.error == -EINTR || answer.error == -EAGAIN);
	}
	filter_view_stop(&view);
}

K_TEST(view_ends_with_delayed_requests, state)
{
	struct filter_view view = start(state, with_delays, 0);

	n_before = 0;
	delay_us = 60000000;
	for (int i = 0; i < 20; i++)
		k_send(view.c, K_PLAIN(FUSE_LOOKUP, K_ROOT, .names = { "file" }));
	while (n_before < 20)
		usleep(1000);
	k_stop(view.k);
}

/* -- all together ------------------------------------------------------------------------------ */

#define N_REPLIERS 2

/* Requests that the program keeps for the threads that reply. */
static struct {
	pthread_mutex_t lock;
	struct {
		struct pst_request *req;
		int64_t result;
	} kept[1000];
	unsigned int n;
	_Atomic bool runs; /* it answers names */
	bool ends;
} random_program = { .lock = PTHREAD_MUTEX_INITIALIZER };

static unsigned int random_below(unsigned int n)
{
	static _Atomic unsigned int state;
	unsigned int x = atomic_fetch_add(&state, 0x9e3779b9) * 0x85ebca6b;

	return (x ^ x >> 15) % n;
}

/* Answers at once, or later: with result, an error, or by the lower file. */
static int64_t answer_some_time(struct pst_request *req, int64_t result)
{
	static const int64_t others[] = { -EIO, PST_BACKING, -ENOENT, -EINTR };

	if (random_below(4) == 0)
		result = others[random_below(4)];
	if (random_below(3) == 0)
		return result;
	pthread_mutex_lock(&random_program.lock);
	random_program.kept[random_program.n].req = req;
	random_program.kept[random_program.n++].result = result;
	pthread_mutex_unlock(&random_program.lock);
	return PST_LATER;
}

static void *reply_some_time(void *aux)
{
	bool ends = false;

	while (!ends) {
		struct pst_request *req = NULL;
		int64_t result = 0;

		pthread_mutex_lock(&random_program.lock);
		if (random_program.n) {
			unsigned int i = random_below(random_program.n);

			req = random_program.kept[i].req;
			result = random_program.kept[i].result;
			random_program.kept[i] = random_program.kept[--random_program.n];
		}
		ends = !req && random_program.ends;
		pthread_mutex_unlock(&random_program.lock);
		if (req)
			pst_reply(req, result);
		else
			usleep(500);
	}
	return NULL;
}

static int random_lookup(struct pst_request *req, const char *name, struct pst_entry *entry)
{
	if (!random_program.runs)
		return PST_BACKING;
	pst_entry_key(entry, name, strlen(name));
	entry->stx = file;
	return strcmp(name, "open") == 0 ? 0 : (int)answer_some_time(req, 0);
}

static ssize_t random_read(struct pst_request *req, void *buf, size_t size, uint64_t off)
{
	memcpy(buf, "answers", 7);
	return answer_some_time(req, 7);
}

static ssize_t random_write(struct pst_request *req, const void *buf, size_t size, uint64_t off)
{
	return answer_some_time(req, (int64_t)size);
}

static int random_rename(struct pst_request *req, const char *name, const char *new_name,
			 unsigned int flags)
{
	return (int)answer_some_time(req, 0);
}

static void send_some_request(struct filter_view *view, uint64_t id, uint64_t fh)
{
	static const char *const names[] = { "a", "b", "file", "dir", "0c", "1d" };
	static const struct k_caller *const callers[] = { &alice, &bob, &killed };
	const struct k_caller *caller = callers[random_below(3)];
	const char *name = names[random_below(6)], *other = names[random_below(6)];
	struct fuse_read_in read = { .fh = fh, .size = 100, .read_flags = FUSE_READ_LOCKOWNER };
	struct fuse_write_in write = { .fh = fh, .size = 8 };
	struct fuse_rename2_in rename = { .newdir = K_ROOT };
	uint64_t unique;

	switch (random_below(4)) {
	case 0:
		unique = k_send(view->c,
				K_PLAIN(FUSE_LOOKUP, K_ROOT, .names = { name }, .caller = caller));
		break;
	case 1:
		unique = k_send(view->c, K_REQUEST(FUSE_READ, id, &read, .caller = caller));
		break;
	case 2:
		unique = k_send(view->c, K_REQUEST(FUSE_WRITE, id, &write, .data = "question",
						   .data_len = 8, .caller = caller));
		break;
	default:
		unique = k_send(view->c, K_REQUEST(FUSE_RENAME2, K_ROOT, &rename,
						   .names = { name, other }, .caller = caller));
	}
	if (caller == &killed && random_below(2))
		k_interrupt(view->c, unique);
}

static void *change_filters(void *aux)
{
	struct filters *filters = server_filters(((struct filter_view *)aux)->k->server);
	struct pst_error error;

	for (int i = 0; i < 6; i++) {
		k_require(filters_change(filters, "notes", NULL, &error) == 0);
		usleep(random_below(5000));
		k_require(filters_change(filters, NULL, "notes", &error) == 0);
		usleep(random_below(5000));
	}
	return NULL;
}

/*
 * Requests wait, are interrupted, refused, delayed, and answered by two threads, while the filters
 * change: each gets one answer, or the view ends first.
 */
static void wait_at_random(void **state, uint32_t quick, bool ends_early)
{
	enum { N = 400 };
	const struct pst_node_ops ops = {
		.size = sizeof(ops),
		.quick = quick,
		.timeout_ns = 1000000000,
		.lookup = random_lookup,
		.getattr = get,
		.open = open_it,
		.read = random_read,
		.write = random_write,
		.rename = random_rename,
	};
	struct filter_view view;
	pthread_t repliers[N_REPLIERS], changer;
	static struct k_answer answer;
	struct fuse_entry_out entry;
	struct fuse_open_out open;

	register_fakes();
	view = filter_view_start(state, &(struct k_options){ .node_ops = &ops, .complaints = true },
				 (const char *const[]){ "notes", "delays", NULL });
	random_program.ends = false;
	random_program.runs = true;
	for (int i = 0; i < N_REPLIERS; i++)
		assert_int_equal(pthread_create(&repliers[i], NULL, reply_some_time, NULL), 0);
	assert_int_equal(k_lookup(view.c, K_ROOT, "open", &entry), 0);
	assert_int_equal(k_open(view.c, entry.nodeid, O_RDWR, &open), 0);
	assert_int_equal(pthread_create(&changer, NULL, change_filters, &view), 0);
	for (int i = 0; i < N; i++)
		send_some_request(&view, entry.nodeid, open.fh);
	for (int i = 0; i < N && !ends_early; i++)
		assert_true(k_receive(view.c, 20000, &answer));
	pthread_join(changer, NULL);
	if (ends_early)
		k_hang_up(view.k);
	pthread_mutex_lock(&random_program.lock);
	random_program.ends = true;
	pthread_mutex_unlock(&random_program.lock);
	for (int i = 0; i < N_REPLIERS; i++)
		pthread_join(repliers[i], NULL);
	/* A callback that runs until here keeps its request, which ends with the view. */
	k_stop(view.k);
	random_program.n = 0;
	random_program.runs = false;
}

K_TEST(requests_that_wait_at_random_get_one_answer, state)
{
	for (int i = 0; i < 2; i++) {
		wait_at_random(state, 0, i);
		wait_at_random(state, PST_ANSWERS_ALL, i);
	}
}

/* Waits until the program keeps n requests. Returns false if it does not come to that. */
static bool are_kept(unsigned int n)
{
	for (int ms = 0; n_kept < n && ms < 500; ms++)
		usleep(1000);
	return n_kept >= n;
}

/* The view ends although root, who has no limit, has all requests asleep. */
K_TEST(view_ends_while_root_has_all_requests_asleep, state)
{
	const struct pst_node_ops ops = { .size = sizeof(ops), .lookup = look_up, .getattr = get };
	struct kernel *k =
		k_start(&(struct k_options){ .nodes = K_NODES(state), .node_ops = &ops });
	unsigned int n = 0;

	memset(kept, 0, sizeof(kept));
	n_kept = 0;
	do
		k_send(&k->chans[0], K_PLAIN(FUSE_LOOKUP, K_ROOT, .names = { "keep" }));
	while (are_kept(++n));
	assert_true(n > 2 * N_KEPT);
	k_stop(k);
}

TEST_MAIN(NULL, NULL)
