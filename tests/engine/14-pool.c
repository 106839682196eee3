// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Operations that may block run in the pool. An open of a file with a lease on the lower file
 * blocks for as long as the test wants. So requests stay in the pool while other requests come,
 * while there are many of them, and while the view ends.
 */
#include "kernel.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>

#include "util/fd.h"

/* Two pool threads are kept, and there may be eight times as many (GROWTH, pool.c). */
#define N_THREADS 16
/* Requests that may be queued or run (N_QUEUED, server.c); one user alone gets half of them. */
#define N_ROOM 768
#define N_HELD (N_THREADS + 2)

struct fixture {
	struct kernel *k;
	struct k_chan *c;
	uint64_t id, fh; /* a file that is passed through: opened below when needed */
	int lease;
};

static struct fixture start_with(const struct k_options *options)
{
	struct fixture f = { .k = k_start(options) };
	struct fuse_entry_out entry;
	struct fuse_open_out open;

	f.c = &f.k->chans[0];
	k_file_below(f.k, "held", "text");
	assert_int_equal(k_lookup(f.c, K_ROOT, "held", &entry), 0);
	assert_int_equal(k_open(f.c, entry.nodeid, O_RDWR, &open), 0);
	f.id = entry.nodeid;
	f.fh = open.fh;
	/* The kernel sends SIGIO when an open breaks the lease; the test ignores it. */
	signal(SIGIO, SIG_IGN);
	f.lease = openat(f.k->lower, "held", O_RDONLY | O_CLOEXEC);
	if (fcntl(f.lease, F_SETLEASE, F_RDLCK) < 0) {
		close(f.lease);
		k_stop(f.k);
		print_message("$TMPDIR has no leases\n");
		skip();
	}
	return f;
}

static struct fixture start(void **state)
{
	return start_with(&(struct k_options){ .nodes = K_NODES(state), .passthrough = true });
}

/* Ends the lease, so that blocked requests continue. */
static void let_go(struct fixture *f)
{
	f->lease = fd_close(f->lease);
}

/* Sends a request that blocks until let_go(). */
static uint64_t send_held(struct fixture *f)
{
	struct fuse_fsync_in in = { .fh = f->fh };

	return k_send(f->c, K_REQUEST(FUSE_FSYNC, f->id, &in));
}

static void expect_answers(struct fixture *f, const uint64_t *uniques, int n)
{
	struct k_answer answer;

	for (int i = 0; i < n; i++)
		assert_int_equal(k_wait(f->c, uniques[i], &answer), 0);
}

static void expect_silence(struct fixture *f)
{
	struct k_answer answer;

	assert_false(k_receive(f->c, 50, &answer));
}

static const struct k_caller alice = { 1001, 1001, 0 }, bob = { 1002, 1002, 0 };

static uint64_t send_as(struct fixture *f, const struct k_caller *caller, uint32_t opcode,
			const void *arg, size_t len)
{
	return k_send(f->c, &(struct k_request){ .opcode = opcode,
						 .nodeid = f->id,
						 .arg = arg,
						 .arg_len = len,
						 .caller = caller });
}

static uint64_t send_open(struct fixture *f, const struct k_caller *caller)
{
	struct fuse_open_in in = { .flags = O_RDWR };

	return send_as(f, caller, FUSE_OPEN, &in, sizeof(in));
}

static void send_interrupt(struct fixture *f, uint64_t unique)
{
	struct fuse_interrupt_in in = { .unique = unique };

	k_send(f->c, K_REQUEST(FUSE_INTERRUPT, 0, &in));
}

/* Many more requests block than the pool has threads: the channel still takes others. */
K_TEST(channel_goes_on_while_many_wait, state)
{
	enum { N = 100 };
	struct fixture f = start(state);
	uint64_t uniques[N];

	for (int i = 0; i < N; i++)
		uniques[i] = send_held(&f);
	for (int i = 0; i < 20; i++)
		k_sync(f.c);
	expect_silence(&f);
	let_go(&f);
	expect_answers(&f, uniques, N);
	k_stop(f.k);
}

/* Opens by one user beyond that user's share are refused; those of another user wait. */
K_TEST(open_beyond_the_share_is_refused, state)
{
	enum { N = N_ROOM / 2, N_MORE = 10 };
	struct fixture f = start(state);
	uint64_t uniques[N + 1];
	struct k_answer answer;

	for (int i = 0; i < N; i++)
		uniques[i] = send_open(&f, &alice);
	for (int i = 0; i < N_MORE; i++)
		assert_int_equal(k_wait(f.c, send_open(&f, &alice), &answer), -EAGAIN);
	uniques[N] = send_open(&f, &bob);
	k_sync(f.c);
	expect_silence(&f);
	let_go(&f);
	expect_answers(&f, uniques, N + 1);
	k_stop(f.k);
}

static int count_threads(void)
{
	DIR *dir = opendir("/proc/self/task");
	int n = 0;

	assert_non_null(dir);
	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

static uint32_t mode_is_the_servers(void *aux, const struct pst_file *file)
{
	(void)aux;
	(void)file;
	return STATX_MODE;
}

static int get_slowly_once(void *aux, const struct pst_file *file, struct statx *stx)
{
	(void)file;
	(void)stx;
	if (atomic_exchange((atomic_bool *)aux, false))
		usleep(60000);
	return 0;
}

/* Returns how many threads the pool starts for a GETATTR after a slow request. */
static int threads_started_by_look(void **state)
{
	atomic_bool slow = false;
	struct pst_server server = { .size = sizeof(server),
				     .aux = &slow,
				     .fields = mode_is_the_servers,
				     .getattr = get_slowly_once };
	struct fixture f = start_with(&(struct k_options){
		.nodes = K_NODES(state), .passthrough = true, .server = &server });
	struct fuse_entry_out entry;
	struct fuse_attr_out attr;
	uint64_t uniques[2];
	int n_threads, n_started = 0;

	k_file_below(f.k, "other", "text");
	assert_int_equal(k_lookup(f.c, K_ROOT, "other", &entry), 0);
	uniques[0] = send_held(&f);
	uniques[1] = send_held(&f);
	expect_silence(&f);
	n_threads = count_threads();
	/* If more than a second passes, the slow request no longer counts. */
	for (int tries = 0; tries < 20; tries++) {
		slow = true;
		assert_int_equal(k_getattr(f.c, entry.nodeid, &attr), 0);
		assert_false(slow);
		assert_int_equal(k_getattr(f.c, entry.nodeid, &attr), 0);
		n_started = count_threads() - n_threads;
		if (n_started != 0)
			break;
	}
	let_go(&f);
	expect_answers(&f, uniques, 2);
	k_stop(f.k);
	return n_started;
}

/*
 * After a slow request the pool starts a thread for the next GETATTR, because it has no idle one.
 * On a busy machine an earlier request may have been slow, so that the pool has an idle thread:
 * then the test tries again with a new view.
 */
K_TEST(look_starts_one_thread, state)
{
	int n_started = 0;

	for (int tries = 0; tries < 10 && n_started == 0; tries++)
		n_started = threads_started_by_look(state);
	assert_int_equal(n_started, 1);
}

/*
 * Blocked requests of one user leave threads to others, whose requests overtake that user's queue.
 */
K_TEST(blocked_user_leaves_threads_to_others, state)
{
	enum { N = 2 * N_THREADS };
	struct fixture f = start(state);
	struct fuse_entry_out entry;
	struct fuse_open_out open;
	struct fuse_fsync_in in = { 0 };
	uint64_t uniques[N];
	struct k_answer answer;

	assert_int_equal(k_create(f.c, K_ROOT, "other", O_RDWR, 0666, &entry, &open), 0);
	for (int i = 0; i < N; i++)
		uniques[i] = send_open(&f, &alice);
	in.fh = open.fh;
	for (int i = 0; i < N; i++)
		assert_int_equal(k_call(f.c,
					K_REQUEST(FUSE_FSYNC, entry.nodeid, &in, .caller = &bob),
					&answer),
				 0);
	let_go(&f);
	expect_answers(&f, uniques, N);
	k_stop(f.k);
}

/* Returns the process ID of a process that has ended. */
static uint32_t ended_process(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	assert_true(pid > 0 && waitpid(pid, NULL, 0) == pid);
	return (uint32_t)pid;
}

/*
 * An open that waits for a lease fails with EINTR when its caller has ended, whether it runs or is
 * queued.
 */
K_TEST(open_ends_with_its_caller, state)
{
	enum { N = 2 * N_THREADS };
	const struct k_caller dead = { 1001, 1001, ended_process() };
	struct fixture f = start(state);
	uint64_t uniques[N];
	struct k_answer answer;

	for (int i = 0; i < N; i++)
		uniques[i] = send_open(&f, &dead);
	k_sync(f.c);
	expect_silence(&f);
	for (int i = N; i-- > 0;) {
		send_interrupt(&f, uniques[i]);
		assert_int_equal(k_wait(f.c, uniques[i], &answer), -EINTR);
	}
	/* An INTERRUPT may be read before its request is in the pool. */
	send_interrupt(&f, f.c->unique + 4);
	assert_int_equal(k_wait(f.c, send_open(&f, &dead), &answer), -EINTR);
	let_go(&f);
	k_stop(f.k);
}

static void expect_no_interruption(struct fixture *f, uint64_t unique)
{
	struct k_answer answer;

	k_sync(f->c);
	send_interrupt(f, unique);
	expect_silence(f);
	let_go(f);
	assert_int_equal(k_wait(f->c, unique, &answer), 0);
	k_stop(f->k);
}

/*
 * An open whose caller lives (it was stopped, or has a signal handler) waits for the end of the
 * lease.
 */
K_TEST(open_of_a_living_caller_is_not_interrupted, state)
{
	const struct k_caller living = { 1001, 1001, (uint32_t)getpid() };
	struct fixture f = start(state);

	expect_no_interruption(&f, send_open(&f, &living));
}

/* An fsync is not interrupted while its caller lives, as with fsync(2). */
K_TEST(fsync_is_not_interrupted, state)
{
	struct fixture f = start(state);

	expect_no_interruption(&f, send_held(&f));
}

/* Other operations that open the lower file wait for its lease in the pool, not in a channel. */
K_TEST(no_operation_waits_for_a_lease_in_a_worker, state)
{
	struct fixture f = start_with(&(struct k_options){
		.nodes = K_NODES(state), .passthrough = true, .locks = PST_LOCKS_LOWER });
	struct fuse_lseek_in seek = { .fh = f.fh, .whence = SEEK_DATA };
	struct fuse_setattr_in size = { .valid = FATTR_SIZE, .size = 2 };
	struct fuse_setattr_in size_fh = { .valid = FATTR_SIZE | FATTR_FH, .fh = f.fh, .size = 3 };
	struct fuse_open_in cut = { .flags = O_RDWR | O_TRUNC };
	struct fuse_lk_in lock = { .fh = f.fh, .owner = 7, .lk = { 0, 1, F_WRLCK, 1 } };
	struct fuse_ioctl_in ioctl = { .fh = f.fh, .cmd = FS_IOC_GETFLAGS, .out_size = 8 };
	uint64_t uniques[6];
	struct k_answer answer;

	uniques[0] = send_as(&f, &alice, FUSE_LSEEK, &seek, sizeof(seek));
	uniques[1] = send_as(&f, &alice, FUSE_SETATTR, &size, sizeof(size));
	uniques[2] = send_as(&f, &alice, FUSE_SETATTR, &size_fh, sizeof(size_fh));
	uniques[3] = send_as(&f, &alice, FUSE_OPEN, &cut, sizeof(cut));
	uniques[4] = send_as(&f, &alice, FUSE_SETLK, &lock, sizeof(lock));
	uniques[5] = send_as(&f, &alice, FUSE_IOCTL, &ioctl, sizeof(ioctl));
	for (int i = 0; i < 10; i++)
		k_sync(f.c);
	expect_silence(&f);
	let_go(&f);
	/* The pool may run the open first: the open empties the file, and the seek fails. */
	if (k_wait(f.c, uniques[0], &answer) != 0)
		assert_int_equal(answer.error, -ENXIO);
	for (int i = 1; i < 5; i++)
		assert_int_equal(k_wait(f.c, uniques[i], &answer), 0);
	/* Some lower file systems have no inode flags. */
	k_wait(f.c, uniques[5], &answer);
	k_stop(f.k);
}

/* A channel that blocks does not block another one. */
K_TEST(blocked_channel_does_not_block_another, state)
{
	struct fixture f = start_with(&(struct k_options){
		.nodes = K_NODES(state), .passthrough = true, .no_pool = true, .n_chans = 2 });
	uint64_t unique = send_held(&f);

	for (int i = 0; i < 20; i++)
		k_sync(&f.k->chans[1]);
	expect_silence(&f);
	let_go(&f);
	expect_answers(&f, &unique, 1);
	k_stop(f.k);
}

/* Concurrent writes of different data in the pool each reach their offset. */
K_TEST(concurrent_writes_land_at_their_offsets, state)
{
	enum { N = 64, SIZE = 8192 };
	struct kernel *k = k_start(&(struct k_options){ .nodes = K_NODES(state), .n_pool = 4 });
	struct k_chan *c = &k->chans[0];
	struct fuse_entry_out entry;
	struct fuse_open_out open;
	struct k_answer answer;
	uint64_t uniques[N];
	static char data[SIZE], have[SIZE];

	assert_int_equal(k_create(c, K_ROOT, "file", O_RDWR, 0644, &entry, &open), 0);
	for (int i = 0; i < N; i++) {
		struct fuse_write_in in = {
			.fh = open.fh, .offset = (uint64_t)i * SIZE, .size = SIZE, .flags = O_RDWR
		};

		memset(data, i + 1, SIZE);
		uniques[i] = k_send(c, K_REQUEST(FUSE_WRITE, entry.nodeid, &in, .data = data,
						 .data_len = SIZE));
	}
	for (int i = 0; i < N; i++) {
		assert_int_equal(k_wait(c, uniques[i], &answer), 0);
		assert_int_equal(((struct fuse_write_out *)answer.data)->size, SIZE);
	}
	for (int i = 0; i < N; i++) {
		memset(data, i + 1, SIZE);
		assert_int_equal(
			k_read(c, entry.nodeid, open.fh, have, SIZE, (uint64_t)i * SIZE, O_RDWR),
			SIZE);
		assert_memory_equal(have, data, SIZE);
	}
	k_stop(k);
}

/* Reads of data that is not in the page cache run again in the pool. */
K_TEST(uncached_reads_are_answered, state)
{
	enum { N = 32, SIZE = 65536 };
	struct kernel *k = k_start(&(struct k_options){ .nodes = K_NODES(state) });
	struct k_chan *c = &k->chans[0];
	struct fuse_entry_out entry;
	struct fuse_open_out open;
	struct k_answer answer;
	uint64_t uniques[N];
	static char data[SIZE];
	int fd = openat(k->lower, "file", O_RDWR | O_CREAT, 0644);

	for (int i = 0; i < N; i++) {
		memset(data, i + 1, SIZE);
		assert_int_equal(write(fd, data, SIZE), SIZE);
	}
	fsync(fd);
	posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	fd_close(fd);
	assert_int_equal(k_lookup(c, K_ROOT, "file", &entry), 0);
	assert_int_equal(k_open(c, entry.nodeid, O_RDONLY, &open), 0);
	for (int i = 0; i < N; i++) {
		struct fuse_read_in in = { .fh = open.fh,
					   .offset = (uint64_t)(i * 7 % N) * SIZE,
					   .size = SIZE };

		uniques[i] = k_send(c, K_REQUEST(FUSE_READ, entry.nodeid, &in));
	}
	for (int i = 0; i < N; i++) {
		memset(data, i * 7 % N + 1, SIZE);
		assert_int_equal(k_wait(c, uniques[i], &answer), 0);
		assert_int_equal(answer.len, SIZE);
		assert_memory_equal(answer.data, data, SIZE);
	}
	k_stop(k);
}

/* -- the end --------------------------------------------------------------------------------- */

static void *let_go_later(void *arg)
{
	usleep(150000);
	let_go(arg);
	return NULL;
}

/* The view ends with requests in the pool and its queue. They run to their end, without replies. */
K_TEST(queued_requests_run_after_the_view_ends, state)
{
	struct fixture f = start(state);
	struct fuse_entry_out entry;
	struct fuse_open_out open;
	struct fuse_write_in in = { .size = 4, .flags = O_RDWR };
	pthread_t thread;

	assert_int_equal(k_create(f.c, K_ROOT, "other", O_RDWR, 0644, &entry, &open), 0);
	/* Enough requests for the write to wait in its user's queue. */
	for (int i = 0; i < N_THREADS; i++)
		send_held(&f);
	in.fh = open.fh;
	k_send(f.c, K_REQUEST(FUSE_WRITE, entry.nodeid, &in, .data = "done", .data_len = 4));
	k_sync(f.c);
	k_hang_up(f.k);
	assert_int_equal(pthread_create(&thread, NULL, let_go_later, &f), 0);
	k_stop_server(f.k);
	pthread_join(thread, NULL);
	k_expect_below(f.k, "other", "done");
	k_stop(f.k);
}

/* Sends many requests of several kinds and ends the view soon after, at different moments. */
K_TEST(view_may_end_at_any_moment, state)
{
	for (int round = 0; round < 20; round++) {
		struct kernel *k = k_start(&(struct k_options){
			.nodes = K_NODES(state), .passthrough = round % 2, .n_chans = 2 });
		struct fuse_mkdir_in in = { .mode = 0700 };
		struct fuse_create_in create = { .flags = O_RDWR, .mode = 0600 };
		char name[16];

		for (int i = 0; i < 40; i++) {
			struct k_chan *c = &k->chans[i % 2];

			snprintf(name, sizeof(name), "%d", i);
			k_send(c,
			       &(struct k_request){ .opcode = i % 3 ? FUSE_CREATE : FUSE_MKDIR,
						    .nodeid = K_ROOT,
						    .arg = i % 3 ? (void *)&create : &in,
						    .arg_len = i % 3 ? sizeof(create) : sizeof(in),
						    .names = { name } });
			k_send(c, K_PLAIN(FUSE_LOOKUP, K_ROOT, .names = { name }));
		}
		usleep((useconds_t)round * 100);
		k_stop(k);
	}
}

TEST_MAIN(NULL, NULL)
