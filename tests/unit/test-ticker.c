// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The thread that calls a function while there is something to do: no wake is lost, and no signal
 * shortens the period.
 */
#include "../test.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <unistd.h>

#include "server/ticker.h"
#include "util/clock.h"

#define PERIOD_MS 300
#define N_WAKES   5000
#define COMES_NS  (60 * 1000000000ULL)

static _Atomic bool work;
static _Atomic uint64_t ticked_ns;

static bool tick(void *aux)
{
	(void)aux;
	if (!atomic_load_explicit(&work, memory_order_relaxed))
		return false;
	if (!ticked_ns)
		ticked_ns = clock_ns();
	atomic_store_explicit(&work, false, memory_order_relaxed);
	return true;
}

static void wake(struct ticker *ticker)
{
	atomic_store_explicit(&work, true, memory_order_relaxed);
	ticker_wake(ticker);
}

TEST(signals_do_not_shorten_the_period, state)
{
	struct ticker ticker;
	uint64_t began;

	(void)state;
	ticked_ns = 0;
	ticker_init(&ticker, tick, NULL, PERIOD_MS, 0);
	assert_int_equal(ticker_start(&ticker), 0);
	began = clock_ns();
	wake(&ticker);
	while (!ticked_ns && clock_ns() - began < COMES_NS) {
		pthread_mutex_lock(&ticker.lock);
		pthread_cond_signal(&ticker.woken);
		pthread_mutex_unlock(&ticker.lock);
		usleep(1000);
	}
	assert_true(ticked_ns);
	assert_true(ticked_ns - began >= PERIOD_MS * 1000000ULL);
	ticker_stop(&ticker);
	ticker_fini(&ticker);
}

/* The period is 0, so the thread goes to sleep again and again while this one wakes it. */
TEST(no_wake_is_lost, state)
{
	struct ticker ticker;

	(void)state;
	ticker_init(&ticker, tick, NULL, 0, 0);
	assert_int_equal(ticker_start(&ticker), 0);
	for (unsigned int i = 0; i < N_WAKES; i++) {
		uint64_t began = clock_ns();

		wake(&ticker);
		while (work)
			if (clock_ns() - began > COMES_NS)
				fail_msg("wake %u was lost", i);
		/* The thread may be anywhere between two calls. */
		for (volatile unsigned int pause = 0; pause < i % 256; pause++)
			;
	}
	ticker_stop(&ticker);
	ticker_fini(&ticker);
}

TEST(a_wake_before_the_start_counts, state)
{
	struct ticker ticker;
	uint64_t began = clock_ns();

	(void)state;
	ticker_init(&ticker, tick, NULL, 0, 0);
	wake(&ticker);
	assert_int_equal(ticker_start(&ticker), 0);
	while (work && clock_ns() - began < COMES_NS)
		usleep(1000);
	assert_false(work);
	ticker_stop(&ticker);
	ticker_fini(&ticker);
}

TEST_MAIN(NULL, NULL)
