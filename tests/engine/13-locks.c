// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Waiting locks: interrupted before, while and after they wait, granted, and waiting when the view
 * ends.
 */
#include "kernel.h"

#include <errno.h>
#include <fcntl.h>
#include <time.h>
#include <unistd.h>

/*
 * A view with one file that is open twice. The holder has locked the whole file; the waiter waits
 * for it.
 */
struct fixture {
	struct kernel *k;
	struct k_chan *c;
	uint64_t id, holder, waiter; /* the file and its open handles */
};

static struct fuse_lk_in range(uint64_t fh, uint64_t owner, uint32_t type, uint64_t start,
			       uint64_t end)
{
	return (struct fuse_lk_in){ .fh = fh,
				    .owner = owner,
				    .lk = { start, end, type, (uint32_t)owner + 100 } };
}

static struct fuse_lk_in whole(uint64_t fh, uint64_t owner, uint32_t type)
{
	return range(fh, owner, type, 0, INT64_MAX);
}

#define HOLDER 1
#define WAITER 2

static int lock(struct fixture *f, uint32_t opcode, struct fuse_lk_in in)
{
	return k_lock(f->c, opcode, f->id, &in, NULL);
}

static uint64_t send_lock(struct fixture *f, struct fuse_lk_in in)
{
	return k_send_lock(f->c, FUSE_SETLKW, f->id, &in);
}

static struct fixture start_with(void **state, unsigned int n_chans)
{
	struct fixture f = { 0 };
	struct fuse_entry_out entry;
	struct fuse_open_out open;

	f.k = k_start(&(struct k_options){ .nodes = K_NODES(state),
					   .locks = PST_LOCKS_LOWER,
					   .passthrough = true,
					   .n_chans = n_chans });
	f.c = &f.k->chans[0];
	k_file_below(f.k, "file", "text");
	assert_int_equal(k_lookup(f.c, K_ROOT, "file", &entry), 0);
	f.id = entry.nodeid;
	assert_int_equal(k_open(f.c, f.id, O_RDWR, &open), 0);
	f.holder = open.fh;
	assert_int_equal(k_open(f.c, f.id, O_RDWR, &open), 0);
	f.waiter = open.fh;
	assert_int_equal(lock(&f, FUSE_SETLK, whole(f.holder, HOLDER, F_WRLCK)), 0);
	return f;
}

static struct fixture start(void **state)
{
	return start_with(state, 1);
}

static void stop(struct fixture *f)
{
	assert_int_equal(k_release(f->c, f->id, f->holder), 0);
	assert_int_equal(k_release(f->c, f->id, f->waiter), 0);
	k_forget(f->c, f->id, 1);
	k_stop_empty(f->k);
}

static void unlock(struct fixture *f)
{
	assert_int_equal(lock(f, FUSE_SETLK, whole(f->holder, HOLDER, F_UNLCK)), 0);
}

/* Returns the lock type that GETLK reports to a third owner for the first byte of the file. */
static uint32_t type_seen(struct fixture *f)
{
	struct fuse_lk_in in = range(f->holder, 3, F_WRLCK, 0, 0);
	struct fuse_file_lock lk;

	assert_int_equal(k_lock(f->c, FUSE_GETLK, f->id, &in, &lk), 0);
	return lk.type;
}

static void expect_waiting(struct fixture *f, int ms)
{
	struct k_answer answer;

	assert_false(k_receive(f->c, ms, &answer));
}

static int answer_of(struct fixture *f, uint64_t unique)
{
	struct k_answer answer;

	return k_wait(f->c, unique, &answer);
}

K_TEST(waiting_lock_is_granted, state)
{
	struct fixture f = start(state);
	uint64_t unique = send_lock(&f, whole(f.waiter, WAITER, F_WRLCK));

	expect_waiting(&f, 50);
	/* The channel still takes requests. */
	assert_int_equal(type_seen(&f), F_WRLCK);
	unlock(&f);
	assert_int_equal(answer_of(&f, unique), 0);
	assert_int_equal(lock(&f, FUSE_SETLK, whole(f.holder, HOLDER, F_RDLCK)), -EAGAIN);
	assert_int_equal(lock(&f, FUSE_SETLK, whole(f.waiter, WAITER, F_UNLCK)), 0);
	assert_int_equal(lock(&f, FUSE_SETLK, whole(f.holder, HOLDER, F_RDLCK)), 0);
	stop(&f);
}

/* FUSE_INTERRUPT may arrive before the request that it interrupts. */
K_TEST(interrupt_before_its_request_counts, state)
{
	struct fixture f = start(state);
	struct fuse_lk_in in = whole(f.waiter, WAITER, F_WRLCK);
	uint64_t unique = f.c->unique + 100;
	struct k_request request = *K_REQUEST(FUSE_SETLKW, f.id, &in, .unique = unique);
	struct k_answer answer;

	k_interrupt(f.c, unique);
	assert_int_equal(k_call(f.c, &request, &answer), -EINTR);
	/* Only that request was interrupted: the next one waits. */
	f.c->unique = unique;
	unique = send_lock(&f, in);
	expect_waiting(&f, 50);
	unlock(&f);
	assert_int_equal(answer_of(&f, unique), 0);
	stop(&f);
}

K_TEST(interrupted_wait_fails_with_eintr, state)
{
	struct fixture f = start(state);

	for (int i = 0; i < 3; i++) {
		uint64_t unique = send_lock(&f, whole(f.waiter, WAITER, F_WRLCK));

		expect_waiting(&f, i * 20 + 1);
		k_interrupt(f.c, unique);
		assert_int_equal(answer_of(&f, unique), -EINTR);
	}
	/* The waiter has left the queue of the lower file. */
	unlock(&f);
	assert_int_equal(type_seen(&f), F_UNLCK);
	stop(&f);
}

/* The interrupt arrives too late: the lock stays, and no second reply is sent. */
K_TEST(late_interrupt_leaves_the_lock, state)
{
	struct fixture f = start(state);
	uint64_t unique = send_lock(&f, whole(f.waiter, WAITER, F_WRLCK));

	expect_waiting(&f, 20);
	unlock(&f);
	assert_int_equal(answer_of(&f, unique), 0);
	k_interrupt(f.c, unique);
	expect_waiting(&f, 50);
	assert_int_equal(type_seen(&f), F_WRLCK);
	stop(&f);
}

/* Interrupts of requests that never wait, more of them than the server remembers. */
K_TEST(interrupts_of_other_requests_are_ignored, state)
{
	struct fixture f = start(state);
	uint64_t unique;

	for (uint64_t i = 0; i < 3000; i++)
		k_interrupt(f.c, 1000000 + i * 2);
	k_sync(f.c);
	unique = send_lock(&f, whole(f.waiter, WAITER, F_WRLCK));
	expect_waiting(&f, 50);
	k_interrupt(f.c, unique);
	assert_int_equal(answer_of(&f, unique), -EINTR);
	stop(&f);
}

/*
 * Interrupt and unlock at the same time, many times: one reply, and the lock belongs to the caller
 * only if it says so.
 */
K_TEST(interrupt_and_unlock_give_one_reply, state)
{
	struct fixture f = start_with(state, 2);
	struct k_chan *other = &f.k->chans[1];
	int n_granted = 0;

	for (int i = 0; i < 150; i++) {
		struct fuse_lk_in in = whole(f.holder, HOLDER, F_UNLCK);
		uint64_t unique = send_lock(&f, whole(f.waiter, WAITER, F_WRLCK));
		int r;

		if (i % 2)
			usleep((useconds_t)i);
		k_send_lock(other, FUSE_SETLK, f.id, &in);
		k_interrupt(f.c, unique);
		r = answer_of(&f, unique);
		assert_true(r == 0 || r == -EINTR);
		n_granted += r == 0;
		{
			struct k_answer answer;

			assert_int_equal(k_wait(other, other->unique, &answer), 0);
		}
		assert_int_equal(type_seen(&f), r == 0 ? F_WRLCK : F_UNLCK);
		assert_int_equal(lock(&f, FUSE_SETLK, whole(f.waiter, WAITER, F_UNLCK)), 0);
		assert_int_equal(lock(&f, FUSE_SETLK, whole(f.holder, HOLDER, F_WRLCK)), 0);
	}
	assert_true(n_granted > 0);
	stop(&f);
}

/*
 * The waiting process closes the file in another thread: its locks are dropped, as natively. The
 * lock that it waits for is granted and stays.
 */
K_TEST(close_drops_locks_but_not_the_one_waited_for, state)
{
	struct fixture f = start(state);
	uint64_t unique;

	assert_int_equal(lock(&f, FUSE_SETLK, range(f.holder, HOLDER, F_UNLCK, 100, 200)), 0);
	assert_int_equal(lock(&f, FUSE_SETLK, range(f.waiter, WAITER, F_WRLCK, 150, 150)), 0);
	unique = send_lock(&f, range(f.waiter, WAITER, F_WRLCK, 0, 10));
	expect_waiting(&f, 50);
	assert_int_equal(k_flush(f.c, f.id, f.waiter, WAITER), 0);
	/* No lock covers the range of the cancelled request. */
	assert_int_equal(lock(&f, FUSE_SETLK, range(f.holder, HOLDER, F_WRLCK, 150, 150)), 0);
	unlock(&f);
	assert_int_equal(answer_of(&f, unique), 0);
	usleep(20000);
	assert_int_equal(type_seen(&f), F_WRLCK);
	/* The lock belongs to its owner like any other. */
	assert_int_equal(lock(&f, FUSE_SETLK, range(f.waiter, WAITER, F_RDLCK, 0, 10)), 0);
	assert_int_equal(type_seen(&f), F_RDLCK);
	assert_int_equal(k_flush(f.c, f.id, f.waiter, WAITER), 0);
	assert_int_equal(type_seen(&f), F_UNLCK);
	stop(&f);
}

/* RELEASE of a handle through which a lock waits closes the handle. */
K_TEST(handle_is_released_while_a_lock_waits, state)
{
	struct fixture f = start(state);
	uint64_t unique = send_lock(&f, whole(f.waiter, WAITER, F_WRLCK));
	struct fuse_open_out open;

	expect_waiting(&f, 20);
	assert_int_equal(k_release(f.c, f.id, f.waiter), 0);
	assert_int_equal(k_release(f.c, f.id, f.waiter), -EBADF);
	assert_int_equal(k_flush(f.c, f.id, f.waiter, WAITER), -EBADF);
	k_interrupt(f.c, unique);
	assert_int_equal(answer_of(&f, unique), -EINTR);
	assert_int_equal(k_open(f.c, f.id, O_RDWR, &open), 0);
	f.waiter = open.fh;
	stop(&f);
}

/* flock(2) also waits and can be interrupted. */
K_TEST(flock_waits_and_is_interrupted, state)
{
	struct fixture f = start(state);
	struct fuse_lk_in in = { .fh = f.holder,
				 .lk = { 0, INT64_MAX, F_WRLCK, 100 },
				 .lk_flags = FUSE_LK_FLOCK };
	uint64_t unique;

	assert_int_equal(lock(&f, FUSE_SETLK, in), 0);
	in.fh = f.waiter;
	assert_int_equal(lock(&f, FUSE_SETLK, in), -EAGAIN);
	unique = send_lock(&f, in);
	expect_waiting(&f, 50);
	k_interrupt(f.c, unique);
	assert_int_equal(answer_of(&f, unique), -EINTR);
	unique = send_lock(&f, in);
	expect_waiting(&f, 50);
	in.fh = f.holder;
	in.lk.type = F_UNLCK;
	assert_int_equal(lock(&f, FUSE_SETLK, in), 0);
	assert_int_equal(answer_of(&f, unique), 0);
	stop(&f);
}

/* Many owners wait, and each gets the lock, one after the other. */
K_TEST(many_waiters_get_the_lock_in_turn, state)
{
	enum { N = 40 };
	struct fixture f = start_with(state, 2);
	struct k_chan *other = &f.k->chans[1];
	uint64_t uniques[N];

	for (uint64_t i = 0; i < N; i++)
		uniques[i] = send_lock(&f, whole(f.waiter, WAITER + i, F_WRLCK));
	k_sync(f.c);
	unlock(&f);
	for (int n = 0; n < N; n++) {
		struct fuse_lk_in in;
		struct k_answer answer;
		uint64_t i = 0;

		assert_true(k_receive(f.c, 10000, &answer));
		assert_int_equal(answer.error, 0);
		while (i < N && uniques[i] != answer.unique)
			i++;
		assert_true(i < N);
		uniques[i] = 0;
		/* Only one owner has the lock. */
		expect_waiting(&f, 1);
		in = whole(f.waiter, WAITER + i, F_UNLCK);
		assert_int_equal(k_lock(other, FUSE_SETLK, f.id, &in, NULL), 0);
	}
	stop(&f);
}

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/*
 * The view ends while locks wait: it ends soon, and each waiting request that can be answered gets
 * a reply.
 */
K_TEST(waiting_locks_end_with_the_view, state)
{
	for (int destroy = 0; destroy < 2; destroy++) {
		struct fixture f = start(state);
		uint64_t uniques[10], begin;

		for (uint64_t i = 0; i < 10; i++)
			uniques[i] = send_lock(&f, whole(f.waiter, WAITER + i, F_WRLCK));
		if (destroy) {
			k_send(f.c, K_PLAIN(FUSE_DESTROY, 0));
			assert_int_equal(answer_of(&f, f.c->unique), 0);
			for (int i = 0; i < 10; i++)
				assert_int_equal(answer_of(&f, uniques[i]), -EINTR);
			/* A lock request after DESTROY does not wait at all. */
			assert_int_equal(lock(&f, FUSE_SETLKW, whole(f.waiter, WAITER, F_WRLCK)),
					 -EINTR);
		} else {
			k_sync(f.c);
		}
		begin = now_ms();
		k_stop(f.k);
		assert_true(now_ms() - begin < 30000);
	}
}

TEST_MAIN(NULL, NULL)
