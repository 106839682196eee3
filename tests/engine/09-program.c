// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A program that answers operations (struct pst_node_ops): the operations that reach it, replies
 * that come later, from other threads, twice or never, and answers that no file can have.
 */
#include "kernel.h"
#include "request/served.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <unistd.h>

#define SECOND 1000000000

/* The behaviour of the program, and what it was asked. */
static struct {
	const char *key;
	size_t key_len;
	struct statx stx;
	int64_t result;   /* of lookup, getattr, read, write, ... */
	int64_t reply;    /* PST_LATER: the result for pst_reply() */
	bool reply_first; /* PST_LATER: the reply comes before the callback has returned */
	enum pst_data data;
	unsigned int n_names; /* of a listing */
	const char *bad_name;
	uint32_t answers;
	_Atomic unsigned int n_ops, n_forgotten, n_released, n_calls, n_lookups;
	struct pst_request *_Atomic kept;
} program;

static uint32_t find(void *aux, const struct pst_file *file, uint64_t *ret_ino);

static uint32_t answers_of(void *aux, const struct pst_file *file)
{
	program.n_ops++;
	return file->nodeid == K_ROOT ? program.answers : 0;
}

static void forget(void *aux, const struct pst_file *file)
{
	assert_true(file->key_len != program.key_len ||
		    memcmp(file->key, program.key, file->key_len) == 0);
	program.n_forgotten++;
}

static int64_t finish(struct pst_request *req, int64_t result)
{
	program.n_calls++;
	if (result != PST_LATER)
		return result;
	if (program.reply_first)
		pst_reply(req, program.reply);
	else
		program.kept = req;
	return PST_LATER;
}

static int look_up(struct pst_request *req, const char *name, struct pst_entry *entry)
{
	program.n_lookups++;
	if (strcmp(name, "file") == 0)
		return PST_BACKING;
	entry->key_len = (uint32_t)program.key_len;
	/* A length that is wrong gets the bytes of "key" only. */
	memcpy(entry->key, program.key, program.key_len <= PST_KEY_MAX ? program.key_len : 3);
	entry->stx = program.stx;
	return (int)finish(req, program.result);
}

static int get(struct pst_request *req, struct statx *stx)
{
	*stx = program.stx;
	return (int)finish(req, program.result);
}

static int set(struct pst_request *req, const struct statx *change, struct statx *stx)
{
	*stx = program.stx;
	stx->stx_mode = change->stx_mode;
	return (int)finish(req, program.result);
}

static int open_it(struct pst_request *req, int flags, struct pst_opened *opened)
{
	opened->handle = 4711;
	opened->data = program.data;
	return 0;
}

static ssize_t read_it(struct pst_request *req, void *buf, size_t size, uint64_t off)
{
	assert_int_equal(req->handle, 4711);
	memcpy(buf, "0123456789", size < 10 ? size : 10);
	return finish(req, program.result);
}

static ssize_t write_it(struct pst_request *req, const void *buf, size_t size, uint64_t off)
{
	return finish(req, program.result);
}

static void release(struct pst_request *req)
{
	assert_int_equal(req->handle, 4711);
	program.n_released++;
}

static int list(struct pst_request *req, uint64_t at, struct pst_listing *listing)
{
	struct pst_entry entry = { .stx.stx_mode = S_IFREG };
	char name[32];

	if (program.bad_name)
		assert_int_equal(pst_listing_add(listing, program.bad_name, 1, &entry), -EINVAL);
	for (; at < program.n_names; at++) {
		snprintf(name, sizeof(name), "name-%llu", (unsigned long long)at);
		if (pst_listing_add(listing, name, at + 1, &entry) == 1)
			break;
	}
	return (int)finish(req, program.result);
}

static ssize_t get_xattr(struct pst_request *req, const char *name, void *buf, size_t size)
{
	return finish(req, program.result);
}

/* Starts a view with a program whose callbacks run in the pool, in the workers, or in a loop. */
static struct kernel *start(void **state, uint32_t quick, uint32_t loop, bool complaints)
{
	struct pst_node_ops ops = {
		.size = sizeof(ops),
		.quick = quick,
		.loop = loop,
		.timeout_ns = SECOND,
		.ops = answers_of,
		.forget = forget,
		.find = find,
		.lookup = look_up,
		.getattr = get,
		.setattr = set,
		.open = open_it,
		.read = read_it,
		.write = write_it,
		.release = release,
		.readdir = list,
		.getxattr = get_xattr,
	};
	struct kernel *k;

	memset(&program, 0, sizeof(program));
	program.key = "key";
	program.key_len = 3;
	program.answers = PST_ANSWERS_LOOKUP | PST_ANSWERS_READDIR;
	program.stx = (struct statx){ .stx_mode = S_IFREG | 0640, .stx_nlink = 1, .stx_size = 10 };
	k = k_start(&(struct k_options){
		.nodes = K_NODES(state),
		.node_ops = &ops,
		.complaints = complaints,
		.n_chans = 2,
	});
	k_file_below(k, "file", "below");
	return k;
}

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

/* Looks the file with a key up, and opens it. */
static struct fuse_entry_out open_keyed(struct kernel *k, struct fuse_open_out *ret_open)
{
	struct fuse_entry_out entry;

	assert_int_equal(k_lookup(&k->chans[0], K_ROOT, "keyed", &entry), 0);
	assert_int_equal(k_open(&k->chans[0], entry.nodeid, O_RDWR, ret_open), 0);
	return entry;
}

K_TEST(file_with_a_key_lives_as_long_as_the_kernel_knows_it, state)
{
	struct kernel *k = start(state, PST_ANSWERS_ALL, 0, false);
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
	struct kernel *k = start(state, PST_ANSWERS_ALL, 0, false);
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
	struct kernel *k = start(state, PST_ANSWERS_ALL, 0, false);
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
		struct kernel *k = start(state, i & 1 ? PST_ANSWERS_ALL : 0, 0, false);

		expect_reply_later(k, i & 2);
		k_stop(k);
	}
}

/* PST_BACKING as a reply: a thread of the pool carries the operation out below. */
K_TEST(reply_may_leave_the_operation_to_the_lower_file, state)
{
	struct kernel *k = start(state, PST_ANSWERS_ALL, 0, false);
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
	struct kernel *k = start(state, PST_ANSWERS_ALL, 0, false);
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
	struct pst_node_ops ops = {
		.size = sizeof(ops), .ops = answers_of, .lookup = keep, .getattr = get
	};
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
		struct kernel *k = start(state, i == 1 ? PST_ANSWERS_ALL : 0, i == 2, false);

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
	struct kernel *k = start(state, PST_ANSWERS_ALL, 0, true);
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
	struct kernel *k = start(state, 0, 0, false);
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
	struct kernel *k = start(state, PST_ANSWERS_ALL, 1, false);
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

/* -- nodes with a key -------------------------------------------------------------------------- */

static uint32_t find(void *aux, const struct pst_file *file, uint64_t *ret_ino)
{
	assert_int_equal(file->key_len, program.key_len);
	assert_memory_equal(file->key, program.key, program.key_len);
	*ret_ino = 33;
	return program.stx.stx_mode & S_IFMT;
}

/* open_by_handle_at(2) of a file that the kernel has forgotten is a LOOKUP of ".". */
K_TEST(file_handle_of_a_short_key_stays_valid, state)
{
	static const struct {
		const char *key;
		size_t len;
		bool fits;
	} rows[] = {
		{ "1", 1, true },
		{ "1234567", 7, true },
		{ "12345678", 8, false },
		{ "\x01\0\0\0\0\0\0\x07", 8, true },
		{ "\x01\0\0\0\0\0\0\x08", 8, false },
		{ "\0\0\0", 3, true },
		{ "123456789", 9, false },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct kernel *k = start(state, PST_ANSWERS_ALL, 0, false);
		struct k_chan *c = &k->chans[0];
		struct fuse_entry_out entry, again;

		program.key = rows[i].key;
		program.key_len = rows[i].len;
		program.stx.stx_ino = 33;
		assert_int_equal(k_lookup(c, K_ROOT, "keyed", &entry), 0);
		k_forget(c, entry.nodeid, 1);
		k_sync(c);
		assert_int_equal(program.n_forgotten, 1);
		assert_int_equal(k_lookup(c, entry.nodeid, ".", &again),
				 rows[i].fits ? 0 : -ESTALE);
		if (rows[i].fits) {
			assert_int_equal(again.nodeid, entry.nodeid);
			assert_int_equal(again.generation, entry.generation);
			assert_int_equal(again.attr.ino, 33);
			k_forget(c, again.nodeid, 1);
		}
		/* The program does not have the file any more. */
		program.stx.stx_mode = 0;
		assert_int_equal(k_lookup(c, entry.nodeid, ".", &again), -ESTALE);
		k_stop_empty(k);
	}
}

K_TEST(file_with_a_key_gets_a_lower_file, state)
{
	struct kernel *k = start(state, PST_ANSWERS_ALL, 0, false);
	struct k_chan *c = &k->chans[0];
	struct fs *fs = server_fs(k->server);
	struct fuse_open_out open, later;
	struct fuse_entry_out entry = open_keyed(k, &open);
	struct node *node = fs_keyed_node(fs, "key", 3);
	struct fuse_attr_out attr;
	char buf[20];
	int fd;

	assert_non_null(node);
	fd = openat(k->lower, ".", O_RDONLY | O_DIRECTORY);
	assert_int_equal(fs_keyed_back(fs, node, fd), -EINVAL);
	close(fd);
	fd = openat(k->lower, "file", O_RDONLY);
	assert_int_equal(fs_keyed_back(fs, node, fd), 0);
	assert_int_equal(fs_keyed_back(fs, node, fd), -EBUSY);
	close(fd);
	fs_node_put(fs, node);
	/* An open file stays with the program; later opens have the lower file. */
	program.result = 10;
	assert_int_equal(k_read(c, entry.nodeid, open.fh, buf, 20, 0, O_RDWR), 10);
	assert_int_equal(k_open(c, entry.nodeid, O_RDONLY, &later), 0);
	assert_int_equal(k_read(c, entry.nodeid, later.fh, buf, 20, 0, O_RDONLY), 5);
	assert_memory_equal(buf, "below", 5);
	assert_int_equal(k_getattr(c, entry.nodeid, &attr), 0);
	assert_int_equal(attr.attr.size, 5);
	assert_int_equal(attr.attr.ino, entry.attr.ino);
	program.result = 0;
	assert_int_equal(k_lookup(c, K_ROOT, "keyed", &entry), 0);
	assert_int_equal(entry.attr.size, 5);
	assert_int_equal(k_release(c, entry.nodeid, open.fh), 0);
	assert_int_equal(k_release(c, entry.nodeid, later.fh), 0);
	k_forget(c, entry.nodeid, 2);
	k_stop_empty(k);
	assert_int_equal(program.n_forgotten, 1);
}

static unsigned int n_notified(struct kernel *k, int as)
{
	k_sync(&k->chans[0]);
	return k->chans[0].n_notified_as[as];
}

K_TEST(kernel_drops_what_the_program_has_changed, state)
{
	struct kernel *k = start(state, PST_ANSWERS_ALL, 0, false);
	struct fs *fs = server_fs(k->server);
	struct node *root = fs_node(fs, K_ROOT), *node;
	struct fuse_entry_out entry;

	assert_int_equal(k_lookup(&k->chans[0], K_ROOT, "keyed", &entry), 0);
	server_data_changed(k->server, entry.nodeid, 4096, 4096);
	while (n_notified(k, FUSE_NOTIFY_INVAL_INODE) < 1)
		usleep(1000);
	fs_name_changed(fs, root, "keyed", NULL);
	while (n_notified(k, FUSE_NOTIFY_INVAL_ENTRY) < 1)
		usleep(1000);
	assert_int_equal(k->chans[0].n_unhashed, 0);
	node = fs_keyed_node(fs, "key", 3);
	assert_int_equal(node->id, entry.nodeid);
	fs_name_changed(fs, root, "keyed", node);
	while (n_notified(k, FUSE_NOTIFY_DELETE) < 1)
		usleep(1000);
	assert_null(fs_keyed_node(fs, "other", 5));
	fs_node_put(fs, node);
	fs_node_put(fs, root);
	k_stop(k);
}

/* -- answers that no file can have ------------------------------------------------------------- */

static int ask_entry(struct kernel *k)
{
	struct fuse_entry_out entry;

	return k_lookup(&k->chans[0], K_ROOT, "keyed", &entry);
}

static void expect_wrong(struct kernel *k)
{
	assert_int_equal(ask_entry(k), -EIO);
}

K_TEST(wrong_entries_are_refused, state)
{
	static const size_t lengths[] = { 0, 65, 1 << 20 };
	struct kernel *k = start(state, PST_ANSWERS_ALL, 0, true);
	struct statx right = program.stx;

	for (int i = 0; i < 3; i++) {
		program.key_len = lengths[i];
		expect_wrong(k);
	}
	program.key_len = 3;
	program.stx.stx_mode = 0644;
	expect_wrong(k);
	program.stx = right;
	program.stx.stx_uid = (uint32_t)-1;
	expect_wrong(k);
	program.stx = right;
	program.stx.stx_size = 1ULL << 63;
	expect_wrong(k);
	program.stx = right;
	program.stx.stx_mtime.tv_nsec = SECOND;
	expect_wrong(k);
	program.stx = right;
	program.result = 1;
	expect_wrong(k);
	program.result = -5000;
	expect_wrong(k);
	/* The kernel would never send the operation again. */
	program.result = -ENOSYS;
	assert_int_equal(ask_entry(k), -EOPNOTSUPP);
	program.result = 0;
	assert_int_equal(ask_entry(k), 0);
	/* A file stays of one type. */
	program.stx.stx_mode = S_IFDIR | 0755;
	expect_wrong(k);
	k_stop(k);
}

/* Keys of all lengths are different files, even if one begins with another. */
K_TEST(keys_of_all_lengths_are_different_files, state)
{
	static const char bytes[65] = { 0 };
	struct kernel *k = start(state, PST_ANSWERS_ALL, 0, false);
	struct fuse_entry_out entry;
	uint64_t ids[65];

	program.key = bytes;
	for (size_t len = 1; len <= 64; len++) {
		program.key_len = len;
		assert_int_equal(k_lookup(&k->chans[0], K_ROOT, "keyed", &entry), 0);
		ids[len] = entry.nodeid;
		for (size_t before = 1; before < len; before++)
			assert_int_not_equal(ids[before], ids[len]);
	}
	for (size_t len = 1; len <= 64; len++) {
		program.key_len = len;
		assert_int_equal(k_lookup(&k->chans[0], K_ROOT, "keyed", &entry), 0);
		assert_int_equal(ids[len], entry.nodeid);
	}
	k_stop(k);
}

K_TEST(wrong_numbers_of_bytes_are_refused, state)
{
	struct kernel *k = start(state, PST_ANSWERS_ALL, 0, true);
	struct k_chan *c = &k->chans[0];
	struct fuse_getxattr_in value = { .size = 10 };
	static struct k_answer answer;
	struct fuse_open_out open;
	struct fuse_entry_out entry;
	struct fuse_write_in in;
	char buf[100];

	entry = open_keyed(k, &open);
	in = (struct fuse_write_in){ .fh = open.fh, .size = 10 };
	program.result = 101;
	assert_int_equal(k_read(c, entry.nodeid, open.fh, buf, 100, 0, O_RDWR), -EIO);
	program.result = INT64_MAX;
	assert_int_equal(k_read(c, entry.nodeid, open.fh, buf, 100, 0, O_RDWR), -EIO);
	program.result = 11;
	assert_int_equal(k_write(c, entry.nodeid, &in, "0123456789"), -EIO);
	program.result = 10;
	assert_int_equal(k_write(c, entry.nodeid, &in, "0123456789"), 10);
	/* A value that has grown meanwhile. */
	program.result = 11;
	assert_int_equal(
		k_call(c, K_REQUEST(FUSE_GETXATTR, entry.nodeid, &value, .names = { "user.a" }),
		       &answer),
		-ERANGE);
	program.result = 1 << 20;
	assert_int_equal(
		k_call(c, K_REQUEST(FUSE_GETXATTR, entry.nodeid, &value, .names = { "user.a" }),
		       &answer),
		-EIO);
	k_stop(k);
}

/* An operation without a callback fails as in a file system that lacks it. */
K_TEST(missing_callbacks_have_usual_errors, state)
{
	struct kernel *k = start(state, PST_ANSWERS_ALL, 0, false);
	struct k_chan *c = &k->chans[0];
	struct fuse_entry_out dir, entry;
	struct fuse_open_out open;
	struct fuse_statfs_out st;

	program.stx.stx_mode = S_IFDIR | 0755;
	assert_int_equal(k_lookup(c, K_ROOT, "keyed", &dir), 0);
	assert_int_equal(k_rename(c, dir.nodeid, "f", dir.nodeid, "g", 0), -EPERM);
	assert_int_equal(k_mkdir(c, dir.nodeid, "d", 0755, &entry), -EPERM);
	assert_int_equal(k_create(c, dir.nodeid, "f", O_RDWR, 0644, &entry, &open), -EPERM);
	assert_int_equal(k_symlink(c, dir.nodeid, "s", "t", &entry), -EPERM);
	assert_int_equal(k_unlink(c, dir.nodeid, "f"), -EPERM);
	assert_int_equal(k_rename(c, K_ROOT, "file", dir.nodeid, "f", 0), -EXDEV);
	assert_int_equal(k_rename(c, dir.nodeid, "f", K_ROOT, "file", 0), -EXDEV);
	assert_int_equal(k_lookup(c, K_ROOT, "file", &entry), 0);
	assert_int_equal(k_link(c, entry.nodeid, dir.nodeid, "f", &entry), -EXDEV);
	assert_int_equal(k_ask(c, K_PLAIN(FUSE_STATFS, dir.nodeid), &st, sizeof(st)), 0);
	assert_int_not_equal(st.st.bsize, 0);
	k_expect_below(k, "file", "below");
	k_stop(k);
}

/* -- listings ---------------------------------------------------------------------------------- */

/* Lists a directory in replies of size bytes, and counts names that begin with a text. */
static unsigned int count_names(struct k_chan *c, uint64_t nodeid, uint32_t size, bool plus,
				const char *begin)
{
	struct fuse_open_out open;
	static struct k_answer answer;
	unsigned int n = 0;
	uint64_t off = 0;

	assert_int_equal(k_opendir(c, nodeid, &open), 0);
	assert_int_equal(open.open_flags & FOPEN_CACHE_DIR, 0);
	for (;;) {
		size_t head = plus ? sizeof(struct fuse_entry_out) : 0;

		assert_int_equal(k_readdir(c, nodeid, open.fh, off, size, plus, &answer), 0);
		if (answer.len == 0 || answer.uncached)
			break;
		for (size_t at = 0; at < answer.len;) {
			struct fuse_dirent *d = (struct fuse_dirent *)(answer.data + at + head);

			n += d->namelen >= strlen(begin) &&
			     memcmp(d->name, begin, strlen(begin)) == 0;
			assert_true(d->off != off);
			off = d->off;
			at += FUSE_REC_ALIGN(head + FUSE_NAME_OFFSET + d->namelen);
		}
	}
	assert_int_equal(k_releasedir(c, nodeid, open.fh), 0);
	return n;
}

static void expect_all_names(struct kernel *k, uint64_t dir, unsigned int n_dots)
{
	static const uint32_t sizes[] = { 512, 4096, 65536 };

	for (int i = 0; i < 6; i++) {
		struct k_chan *c = &k->chans[0];
		uint32_t size = sizes[i / 2];

		assert_int_equal(count_names(c, dir, size, i & 1, "name-"), program.n_names);
		assert_int_equal(count_names(c, dir, size, i & 1, "name-0"), program.n_names > 0);
		assert_int_equal(count_names(c, dir, size, i & 1, "."), n_dots);
	}
}

K_TEST(listing_has_all_names_in_replies_of_all_sizes, state)
{
	struct kernel *k = start(state, PST_ANSWERS_ALL, 0, false);
	struct fuse_entry_out dir;

	program.stx.stx_mode = S_IFDIR | 0755;
	assert_int_equal(k_lookup(&k->chans[0], K_ROOT, "keyed", &dir), 0);
	for (unsigned int n = 0; n < 500; n = n * 3 + 1) {
		program.n_names = n;
		expect_all_names(k, dir.nodeid, 2);
	}
	/* Instead of the names of a lower directory, and after them. */
	expect_all_names(k, K_ROOT, 2);
	assert_int_equal(count_names(&k->chans[0], K_ROOT, 512, false, "file"), 0);
	program.result = PST_BACKING;
	expect_all_names(k, K_ROOT, 2);
	assert_int_equal(count_names(&k->chans[0], K_ROOT, 512, false, "file"), 1);
	k_stop(k);
}

K_TEST(names_that_no_file_can_have_are_not_listed, state)
{
	char name[300] = { 0 };
	const char *const names[] = { "", ".", "..", "/", "a/b", "../../etc", name };

	memset(name, 'x', 256);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct kernel *k = start(state, PST_ANSWERS_ALL, 0, true);

		program.n_names = 3;
		program.bad_name = names[i];
		assert_int_equal(count_names(&k->chans[0], K_ROOT, 4096, false, ""), 5);
		k_stop(k);
	}
}

TEST_MAIN(NULL, NULL)
