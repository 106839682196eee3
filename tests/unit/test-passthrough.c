// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The I/O mode of open files. Runs each sequence of a few opens, closes and ticks, with a kernel
 * that registers files and one that refuses, and checks:
 *
 *	- all opens that a node has at one time are of one mode, and name one backing id;
 *	- an id that an open has named stays registered until the last close;
 *	- a node never has two ids, and each id is closed once;
 *	- an id without an open is closed at the second tick, or with the node.
 */
#include "../test.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fs/creds.h"
#include "fs/fs-private.h"
#include "util/caps.h"
#include "util/fd.h"

#define PLAIN (S_IFREG | 0644)
#define SUID  (S_IFREG | 04755)

enum event {
	READ,  /* an open for reading: the mode of the file is not known */
	WRITE, /* an open for writing, of a plain file */
	WRITE_SUID,
	CLOSE,
	TICK,
	SWITCH, /* the kernel begins to refuse, or stops */
	N_EVENTS,
};
static const char letters[] = "rwsct!";

/* A fake kernel, which registers at most one backing id at a time. */
struct fixture {
	struct fs fs;
	struct node *node;
	bool refuses, root;
	bool want_keeps; /* what the next registration must be made for */
	bool by_owner;   /* a registration is made as want_uid, else as nobody in particular */
	uid_t want_uid;
	int live; /* the number that is registered; 0: none */
	int last;
	unsigned int n_calls, n_refusals, n_wanted;
};

static int backing_open(void *aux, int fd)
{
	struct fixture *f = aux;

	assert_true(fd >= 0);
	assert_int_equal(f->live, 0);
	f->n_calls++;
	if (f->root) {
		assert_int_equal(setfsuid((uid_t)-1), f->by_owner ? f->want_uid : 65534);
		assert_int_equal(caps_have(CAP_FSETID), f->want_keeps);
		assert_false(caps_have(CAP_SYS_RESOURCE));
		assert_false(caps_have(CAP_DAC_OVERRIDE));
	}
	if (f->refuses) {
		f->n_refusals++;
		return f->n_calls % 2 ? -ELOOP : -EPERM;
	}
	return f->live = ++f->last;
}

static void backing_close(void *aux, int id)
{
	struct fixture *f = aux;

	assert_int_equal(id, f->live);
	f->live = 0;
}

static void want_tick(void *aux)
{
	((struct fixture *)aux)->n_wanted++;
}

static void node_gone(void *aux, struct node *node)
{
	passthrough_node_gone(aux, node);
}

static void silence(void *aux, enum pst_log_level level, const char *text)
{
}

static void set_up(struct fixture *f, bool passthrough, bool zero_size)
{
	struct fhandle root = { .len = 8, .type = 1, .bytes = { 2 } };
	struct lower_mount mount = { .fd = -1, .zero_size = zero_size };
	struct fs_host host = { f, backing_open, backing_close, want_tick };
	struct fdcache_host fd_host = { f, want_tick };
	struct node *root_node;

	pst_log_set(PST_LOG_ERROR, silence, NULL);
	f->root = geteuid() == 0;
	f->fs.config.passthrough = passthrough;
	f->fs.config.host = host;
	assert_int_equal(nodetab_new(NULL, &f->fs.nodes), 0);
	assert_int_equal(nodetab_mount_add(f->fs.nodes, &mount), 0);
	assert_int_equal(nodetab_set_root(f->fs.nodes, &root, 2, -1, &root_node), 0);
	assert_int_equal(fdcache_new(4, f->fs.nodes, &fd_host, &f->fs.fds), 0);
	assert_int_equal(passthrough_new(&f->fs, &f->fs.passthrough), 0);
	nodetab_on_free(f->fs.nodes, node_gone, &f->fs);
}

static void tear_down(struct fixture *f)
{
	nodetab_free(f->fs.nodes);
	fdcache_free(f->fs.fds);
	passthrough_free(f->fs.passthrough);
}

/* Makes a node with its own descriptor, on /dev/null. */
static struct node *node_new(struct fixture *f)
{
	struct node_key key = { .type = S_IFREG, .flags = NODE_OWN_FD };
	struct node *node;

	key.own_fd = open("/dev/null", O_PATH | O_CLOEXEC);
	key.fh = node_key_own(0, 1, 2, 3);
	assert_int_equal(node_lookup_or_new(f->fs.nodes, &key, &node, NULL), 0);
	return node;
}

/* The expected state of a node. */
struct opens {
	unsigned int n;
	enum io_mode mode;
	int id;
	unsigned int n_idle_ticks;
};

static void do_open(struct fixture *f, struct opens *opens, uint32_t mode)
{
	struct fs_open open = { 0 };
	unsigned int n_calls = f->n_calls, n_refusals = f->n_refusals;

	f->want_keeps = mode == SUID;
	passthrough_open(&f->fs, f->node, &(struct stat){ .st_mode = mode }, O_RDWR, &open);
	if (opens->n) {
		assert_int_equal(open.mode, opens->mode);
		assert_int_equal(open.backing_id, opens->id);
		assert_int_equal(f->n_calls, n_calls);
	} else {
		/* The file passes through unless the kernel has just refused it. */
		assert_int_equal(open.mode,
				 f->n_refusals > n_refusals ? IO_CACHED : IO_PASSTHROUGH);
		opens->mode = open.mode;
		opens->id = open.backing_id;
	}
	assert_int_equal(open.backing_id, open.mode == IO_PASSTHROUGH ? f->live : 0);
	assert_true(open.mode != IO_PASSTHROUGH || f->live);
	opens->n++;
	opens->n_idle_ticks = 0;
}

static void step(struct fixture *f, struct opens *opens, enum event event)
{
	bool left;

	switch (event) {
	case READ:
		do_open(f, opens, 0);
		break;
	case WRITE:
		do_open(f, opens, PLAIN);
		break;
	case WRITE_SUID:
		do_open(f, opens, SUID);
		break;
	case CLOSE:
		if (!opens->n)
			break;
		f->n_wanted = 0;
		passthrough_close(&f->fs, f->node);
		opens->n--;
		break;
	case TICK:
		left = passthrough_reap(&f->fs);
		if (opens->n)
			break;
		/* A tick asks for another one while an id has no open. */
		assert_true(left || !f->live);
		if (++opens->n_idle_ticks == 2)
			assert_int_equal(f->live, 0);
		break;
	default:
		f->refuses = !f->refuses;
	}
	if (opens->n && opens->mode == IO_PASSTHROUGH)
		assert_int_equal(f->live, opens->id);
}

/* The current sequence, for the message of a failure. */
static char sequence[16];

static int tell_sequence(void **state)
{
	if (sequence[0])
		print_message("the sequence was %s\n", sequence);
	return 0;
}

/* Runs a sequence, which is the digits of a number, on a new node. */
static void run(struct fixture *f, unsigned int number, unsigned int length)
{
	struct opens opens = { 0 };

	f->refuses = false;
	f->node = node_new(f);
	for (unsigned int i = 0; i < length; i++, number /= N_EVENTS) {
		sequence[i] = letters[number % N_EVENTS];
		sequence[i + 1] = 0;
		step(f, &opens, number % N_EVENTS);
	}
	while (opens.n)
		step(f, &opens, CLOSE);
	node_put(f->fs.nodes, f->node);
	assert_int_equal(f->live, 0);
	sequence[0] = 0;
}

TEST_WITH(each_sequence_keeps_one_mode_and_id, state, NULL, tell_sequence)
{
	enum { LENGTH = 6 };
	struct fixture f = { 0 };
	struct fs_stat stat;
	unsigned int all = 1;

	set_up(&f, true, false);
	for (int i = 0; i < LENGTH; i++)
		all *= N_EVENTS;
	for (unsigned int number = 0; number < all; number++)
		run(&f, number, LENGTH);
	passthrough_stat(&f.fs, &stat);
	assert_int_equal(stat.n_backings, 0);
	assert_int_equal(stat.n_registered, f.last);
	assert_int_equal(stat.n_refused, f.n_refusals);
	assert_true(f.n_refusals > 1000);
	tear_down(&f);
}

/* Without passthrough, and on file systems without sizes, no file is registered. */
TEST(no_file_is_registered_without_passthrough, state)
{
	static const struct {
		bool passthrough, zero_size;
		enum io_mode mode;
	} rows[] = {
		{ false, false, IO_CACHED },
		{ true, true, IO_DIRECT },
		{ false, true, IO_DIRECT },
	};

	for (size_t i = 0; i < N(rows); i++) {
		static const uint32_t modes[] = { 0, PLAIN, SUID };
		struct fixture f = { 0 };

		set_up(&f, rows[i].passthrough, rows[i].zero_size);
		f.node = node_new(&f);
		for (int round = 0; round < 2; round++) {
			for (int m = 0; m < 3; m++) {
				struct fs_open open = { .backing_id = 5 };
				struct stat st = { .st_mode = modes[m] };

				passthrough_open(&f.fs, f.node, &st, O_RDWR, &open);
				assert_int_equal(open.mode, rows[i].mode);
				assert_int_equal(open.backing_id, 0);
			}
			for (int m = 0; m < 3; m++)
				passthrough_close(&f.fs, f.node);
			assert_false(passthrough_reap(&f.fs));
		}
		assert_int_equal(f.n_calls, 0);
		node_put(f.fs.nodes, f.node);
		tear_down(&f);
	}
}

/*
 * A file that has got set-ID bits is registered anew at the next open, with the privilege for them.
 */
TEST(set_id_bits_register_file_anew, state)
{
	static const struct {
		uint32_t first, second;
		bool anew;
	} rows[] = {
		{ PLAIN, PLAIN, false }, { SUID, SUID, false }, { PLAIN, SUID, true },
		{ SUID, PLAIN, true },   { 0, PLAIN, false },   { 0, SUID, true },
		{ PLAIN, 0, false },     { SUID, 0, false },    { S_IFREG | 02755, SUID, false },
	};
	struct fixture f = { 0 };

	set_up(&f, true, false);
	for (size_t i = 0; i < N(rows); i++) {
		struct fs_open first = { 0 }, second = { 0 };

		f.node = node_new(&f);
		f.want_keeps = rows[i].first & (S_ISUID | S_ISGID);
		passthrough_open(&f.fs, f.node, &(struct stat){ .st_mode = rows[i].first }, O_RDWR,
				 &first);
		passthrough_close(&f.fs, f.node);
		f.want_keeps = rows[i].second & (S_ISUID | S_ISGID);
		passthrough_open(&f.fs, f.node, &(struct stat){ .st_mode = rows[i].second }, O_RDWR,
				 &second);
		passthrough_close(&f.fs, f.node);
		assert_int_equal(first.backing_id != second.backing_id, rows[i].anew);
		node_put(f.fs.nodes, f.node);
	}
	tear_down(&f);
}

/* If the queue of idle ids is full, further ones are closed at once. */
static unsigned int n_live;

static int many_open(void *aux, int fd)
{
	n_live++;
	return 1;
}

static void many_close(void *aux, int id)
{
	n_live--;
}

TEST(full_idle_queue_closes_ids, state)
{
	enum { N = 4096 + 50 };
	static struct node *nodes[N];
	struct fixture f = { 0 };
	struct fs_open open;

	set_up(&f, true, false);
	f.fs.config.host.backing_open = many_open;
	f.fs.config.host.backing_close = many_close;
	for (unsigned int i = 0; i < N; i++) {
		struct node_key key = { .type = S_IFREG, .flags = NODE_OWN_FD };

		/* All nodes share one descriptor, which the table does not close. */
		key.own_fd = 0;
		key.fh = node_key_own(0, 1, 2, i);
		assert_int_equal(node_lookup_or_new(f.fs.nodes, &key, &nodes[i], NULL), 0);
		passthrough_open(&f.fs, nodes[i], &(struct stat){ .st_mode = PLAIN }, O_RDWR,
				 &open);
		passthrough_close(&f.fs, nodes[i]);
	}
	assert_int_equal(n_live, 4096);
	assert_true(passthrough_reap(&f.fs));
	/* A tick closes the ids of nodes that are neither opened again nor freed. */
	for (unsigned int i = 0; i < 100; i++)
		passthrough_open(&f.fs, nodes[i], &(struct stat){ .st_mode = PLAIN }, O_RDWR,
				 &open);
	assert_true(passthrough_reap(&f.fs) || n_live == 100);
	assert_int_equal(n_live, 100);
	for (unsigned int i = 0; i < 100; i++)
		passthrough_close(&f.fs, nodes[i]);
	passthrough_reap(&f.fs);
	assert_false(passthrough_reap(&f.fs));
	assert_int_equal(n_live, 0);
	for (unsigned int i = 0; i < N; i++)
		nodes[i]->flags = 0;
	tear_down(&f);
}

static enum io_mode open_owned(struct fixture *f, int fd, int flags)
{
	struct fs_open open = { 0 };
	struct stat st;
	int r;

	assert_int_equal(fstat(fd, &st), 0);
	f->want_uid = st.st_uid;
	r = passthrough_open(&f->fs, f->node, &st, flags, &open);
	assert_int_equal(r, open.mode == IO_NONE ? -EBUSY : 0);
	if (open.mode == IO_PASSTHROUGH)
		assert_int_equal(open.backing_id, f->live);
	return open.mode;
}

/* On a server, a file passes through as its owner if the owner may read and write it. */
TEST(file_of_server_passes_as_its_owner, state)
{
	static const struct {
		mode_t mode;
		uid_t uid;
		enum io_mode want;
	} rows[] = {
		{ 0644, 1000, IO_PASSTHROUGH }, { 0600, 1000, IO_PASSTHROUGH },
		{ 0600, 0, IO_PASSTHROUGH },    { 0444, 1000, IO_CACHED },
		{ 0266, 1000, IO_CACHED },      { 0066, 1000, IO_CACHED },
		{ 0444, 0, IO_CACHED },         { 04755, 1000, IO_CACHED },
		{ 02755, 0, IO_CACHED },        { 0, 1000, IO_CACHED },
	};
	struct lower_mount mount = {
		.fd = -1,
		.mnt_id = 7,
		.checks_caller = true,
		.checks_ids = true,
	};
	struct node_key key = { .type = S_IFREG, .flags = NODE_OWN_FD };
	struct fixture f = { .by_owner = true };
	int fd = open("/tmp", O_TMPFILE | O_RDWR, 0600), number;

	if (geteuid() != 0 || fd < 0) {
		print_message("skipped: this takes root, and O_TMPFILE in /tmp\n");
		skip();
	}
	set_up(&f, true, false);
	number = nodetab_mount_add(f.fs.nodes, &mount);
	key.own_fd = open(fd_path(fd).text, O_PATH | O_CLOEXEC);
	key.fh = node_key_own((unsigned int)number, 1, 2, 3);
	assert_int_equal(node_lookup_or_new(f.fs.nodes, &key, &f.node, NULL), 0);
	for (size_t i = 0; i < N(rows); i++) {
		assert_int_equal(fchown(fd, rows[i].uid, 1000), 0);
		assert_int_equal(fchmod(fd, rows[i].mode), 0);
		/* A file that has another owner is registered anew. */
		assert_int_equal(open_owned(&f, fd, O_RDONLY), rows[i].want);
		assert_int_equal(open_owned(&f, fd, O_RDWR), rows[i].want);
		passthrough_close(&f.fs, f.node);
		passthrough_close(&f.fs, f.node);
	}
	/* An open that the owner may not do fails, because the kernel would answer EIO. */
	assert_int_equal(fchown(fd, 1000, 1000), 0);
	assert_int_equal(fchmod(fd, 0644), 0);
	assert_int_equal(open_owned(&f, fd, O_RDONLY), IO_PASSTHROUGH);
	assert_int_equal(fchmod(fd, 0444), 0);
	assert_int_equal(open_owned(&f, fd, O_WRONLY), IO_NONE);
	assert_int_equal(open_owned(&f, fd, O_RDONLY), IO_PASSTHROUGH);
	passthrough_close(&f.fs, f.node);
	passthrough_close(&f.fs, f.node);
	/* After the last close, the file does not pass through as its former owner. */
	assert_int_equal(fchmod(fd, 0644), 0);
	assert_int_equal(fchown(fd, 1001, 1000), 0);
	assert_int_equal(open_owned(&f, fd, O_RDWR), IO_PASSTHROUGH);
	passthrough_close(&f.fs, f.node);
	node_put(f.fs.nodes, f.node);
	assert_int_equal(f.live, 0);
	close(fd);
	tear_down(&f);
}

/*
 * Nodes that are still open when the view ends lose their backing ids, and a file of a server its
 * entry in the list of owners (LeakSanitizer reports one that stays).
 */
TEST(end_of_view_closes_ids_of_open_nodes, state)
{
	static const struct lower_mount server = {
		.fd = -1,
		.mnt_id = 7,
		.checks_caller = true,
		.checks_ids = true,
	};
	struct node_key key = { .type = S_IFREG, .flags = NODE_OWN_FD };
	struct fs_open open_file = { 0 };
	struct fixture f = { 0 };
	struct stat st = { .st_mode = PLAIN };
	bool root = geteuid() == 0;

	set_up(&f, true, false);
	f.fs.config.host.backing_open = many_open;
	f.fs.config.host.backing_close = many_close;
	n_live = 0;
	for (unsigned int i = 0; i < 3; i++) {
		struct node *node;
		/* Only root can register a file as its owner. */
		bool owner = root && i == 2;
		int number = owner ? nodetab_mount_add(f.fs.nodes, &server) : 0;

		key.own_fd = open("/dev/null", O_PATH | O_CLOEXEC);
		key.fh = node_key_own((unsigned int)number, 1, 2, i);
		assert_int_equal(node_lookup_or_new(f.fs.nodes, &key, &node, NULL), 0);
		for (unsigned int opens = 0; opens <= i; opens++)
			assert_int_equal(passthrough_open(&f.fs, node, &st, O_RDWR, &open_file), 0);
		assert_int_equal(open_file.mode, IO_PASSTHROUGH);
	}
	assert_int_equal(n_live, 3);
	tear_down(&f);
	assert_int_equal(n_live, 0);
}

int main(void)
{
	if (geteuid() == 0 && fs_thread_init() < 0)
		return 1;
	return tests_run(NULL, NULL);
}
