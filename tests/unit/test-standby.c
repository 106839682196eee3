// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Workers that share a queue, played by threads that take bytes from a pipe: how many of them wait there,
 * who stands by, and who comes when others are held up. What a byte says is how long it takes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "core/standby.h"

#define N_WORKERS 4

/* A byte of a queue: QUICK is answered at once, BUSY takes 50 us of a CPU, SLOW lasts until others go on,
 * LONG is a request that takes 1 ms to copy; any other takes so many milliseconds. */
#define QUICK 0
#define LONG 253
#define BUSY 254
#define SLOW 255

struct crew {
	struct standby standby;
	int queue[2], answers[2];
	pthread_t threads[N_WORKERS];
	_Atomic unsigned int n_taken[N_WORKERS];
	_Atomic unsigned int number;
	_Atomic bool held;
};

static void ms_pass(unsigned int ms)
{
	nanosleep(&(struct timespec){ .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L }, NULL);
}

static void spin(void)
{
	struct timespec from, now;

	clock_gettime(CLOCK_MONOTONIC, &from);
	do
		clock_gettime(CLOCK_MONOTONIC, &now);
	while ((now.tv_sec - from.tv_sec) * 1000000000 + now.tv_nsec - from.tv_nsec < 50000);
}

static void work(struct crew *crew, unsigned char byte)
{
	if (byte == BUSY)
		spin();
	else if (byte == SLOW)
		while (crew->held)
			ms_pass(1);
	else if (byte != QUICK && byte != LONG)
		ms_pass(byte);
}

static void *worker(void *arg)
{
	struct crew *crew = arg;
	unsigned int number = crew->number++, spare = STANDBY_SPARE;
	unsigned char byte;
	ssize_t n;

	for (;;) {
		standby_enter(&crew->standby, &spare, crew->queue[0]);
		n = read(crew->queue[0], &byte, 1);
		if (n > 0 && byte == LONG)
			ms_pass(1);
		standby_leave(&crew->standby, &spare, crew->queue[0],
			      n > 0 && byte == LONG ? 1 << 20 : 1);
		if (n <= 0)
			break;
		crew->n_taken[number]++;
		work(crew, byte);
		if (write(crew->answers[1], &byte, 1) != 1)
			break;
	}
	standby_end(&crew->standby);
	return NULL;
}

static int start(void **state)
{
	static struct crew crew;

	memset(&crew, 0, sizeof(crew));
	standby_init(&crew.standby);
	crew.held = true;
	if (pipe(crew.queue) < 0 || pipe(crew.answers) < 0)
		return -1;
	for (unsigned int i = 0; i < N_WORKERS; i++)
		if (pthread_create(&crew.threads[i], NULL, worker, &crew) != 0)
			return -1;
	*state = &crew;
	return 0;
}

/* The queue ends as a connection does: who reads hears it, and has to tell who stands by. */
static int end(void **state)
{
	struct crew *crew = *state;

	crew->held = false;
	close(crew->queue[1]);
	for (unsigned int i = 0; i < N_WORKERS; i++)
		pthread_join(crew->threads[i], NULL);
	close(crew->queue[0]);
	close(crew->answers[0]);
	close(crew->answers[1]);
	standby_fini(&crew->standby);
	return 0;
}

static void ask(struct crew *crew, unsigned char byte)
{
	assert_int_equal(write(crew->queue[1], &byte, 1), 1);
}

/* What is answered next, within so many milliseconds; -1: nothing. */
static int answered(struct crew *crew, int ms)
{
	struct pollfd fd = { .fd = crew->answers[0], .events = POLLIN };
	unsigned char byte;

	if (poll(&fd, 1, ms) <= 0)
		return -1;
	assert_int_equal(read(crew->answers[0], &byte, 1), 1);
	return byte;
}

static void ask_and_wait(struct crew *crew, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++) {
		ask(crew, QUICK);
		assert_int_equal(answered(crew, 5000), QUICK);
	}
}

static unsigned int n_taking(struct crew *crew)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < N_WORKERS; i++)
		n += crew->n_taken[i] > 0;
	return n;
}

static void forget_taken(struct crew *crew)
{
	for (unsigned int i = 0; i < N_WORKERS; i++)
		crew->n_taken[i] = 0;
}

static bool rests(struct crew *crew, int ms)
{
	while (!crew->standby.unwatched && ms-- > 0)
		ms_pass(1);
	return crew->standby.unwatched;
}

/*
 * One asker: one worker has it all, whoever else is there. On a busy machine it may be held up, and be
 * stood in for: not always.
 */
static void one_serves_one(struct crew *crew)
{
	unsigned int n = 0;

	for (int round = 0; round < 30 && n != 1; round++) {
		forget_taken(crew);
		ask_and_wait(crew, 1000);
		n = n_taking(crew);
	}
	assert_int_equal(n, 1);
}

static void test_one_serves_one(void **state)
{
	one_serves_one(*state);
}

/* Whoever is held up is stood in for, as long as there are others. */
static void test_held_up(void **state)
{
	struct crew *crew = *state;

	for (unsigned int n = 1; n < N_WORKERS; n++) {
		ask(crew, SLOW);
		ask(crew, QUICK);
		assert_int_equal(answered(crew, 1000), QUICK);
	}
	ask_and_wait(crew, 100);
	/* All are held up now; that ends, and nothing was lost. */
	ask(crew, SLOW);
	ask(crew, QUICK);
	assert_int_equal(answered(crew, 50), -1);
	crew->held = false;
	for (unsigned int n = 0, i = 0; i < N_WORKERS + 1; i++) {
		int byte = answered(crew, 5000);

		assert_true(byte == SLOW || byte == QUICK);
		n += byte == QUICK;
		assert_true(n <= 1);
	}
}

/* How many wait for a byte; the lower bits of the count. */
static unsigned int n_waiting(struct crew *crew)
{
	return crew->standby.state & 0xffff;
}

/* One waits, and nobody has seen anything of late. */
static void come_to_rest(struct crew *crew)
{
	for (int i = 0; i < 30; i++) {
		ask_and_wait(crew, 200);
		if (rests(crew, 5000) && n_waiting(crew) == 1)
			return;
	}
	fail_msg("one asker is not served by one");
}

/*
 * Who is held up is stood in for at the next look: not only when that has been seen time and again, which
 * takes 16 ms at least. Once in some tries is enough, on a busy machine.
 */
static void test_at_once(void **state)
{
	struct crew *crew = *state;
	int byte = -1;

	for (int round = 0; round < 10 && byte != QUICK; round++) {
		come_to_rest(crew);
		crew->held = true;
		ask(crew, SLOW);
		ask(crew, QUICK);
		byte = answered(crew, 12);
		crew->held = false;
		for (int left = byte == QUICK ? 1 : 2; left; left--)
			assert_int_not_equal(answered(crew, 5000), -1);
	}
	assert_int_equal(byte, QUICK);
}

/* An idle view wakes nobody; who takes the next request and is held up is stood in for all the same. */
static void test_after_a_rest(void **state)
{
	struct crew *crew = *state;

	for (int i = 0; i < 3; i++) {
		ask_and_wait(crew, 50);
		assert_true(rests(crew, 5000));
		ms_pass(20);
		assert_true(rests(crew, 1));
	}
	ask(crew, SLOW);
	ask(crew, QUICK);
	assert_int_equal(answered(crew, 1000), QUICK);
}

/* What comes faster than one can serve it is served by more, and by one again when that is over. */
static void test_more_than_one_can_do(void **state)
{
	struct crew *crew = *state;

	for (int i = 0; i < 300; i++)
		ask(crew, 1);
	for (int i = 0; i < 300; i++)
		assert_int_equal(answered(crew, 5000), 1);
	assert_int_equal(n_taking(crew), N_WORKERS);
	one_serves_one(crew);
}

/* None is long, but there are always some: another one comes though many are taken between its looks. */
static void test_always_behind(void **state)
{
	struct crew *crew = *state;
	unsigned int n_asked = 0, n = 0;

	ask_and_wait(crew, 200);
	forget_taken(crew);
	while (n_taking(crew) < 2 && n < 200000) {
		for (; n_asked < n + 500; n_asked++)
			ask(crew, BUSY);
		assert_int_equal(answered(crew, 5000), BUSY);
		n++;
	}
	while (n++ < n_asked)
		assert_int_equal(answered(crew, 5000), BUSY);
	assert_true(n_taking(crew) >= 2);
}

/* Who copies a long request is not there for others, though it has not been taken yet. */
static void test_long(void **state)
{
	struct crew *crew = *state;

	ask_and_wait(crew, 200);
	forget_taken(crew);
	for (int i = 0; i < 300; i++)
		ask(crew, LONG);
	for (int i = 0; i < 300; i++)
		assert_int_equal(answered(crew, 5000), LONG);
	assert_int_equal(n_taking(crew), N_WORKERS);
	one_serves_one(crew);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_one_serves_one, start, end),
		cmocka_unit_test_setup_teardown(test_held_up, start, end),
		cmocka_unit_test_setup_teardown(test_at_once, start, end),
		cmocka_unit_test_setup_teardown(test_after_a_rest, start, end),
		cmocka_unit_test_setup_teardown(test_more_than_one_can_do, start, end),
		cmocka_unit_test_setup_teardown(test_always_behind, start, end),
		cmocka_unit_test_setup_teardown(test_long, start, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
