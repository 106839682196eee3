// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Leaders and followers of a queue. Threads of the test take the place of workers and read bytes
 * from a pipe, which take the place of requests; a byte says how long its request takes. The tests
 * check how many workers are leaders, and when a follower becomes one because others are blocked.
 *
 * Durations depend on the load of the machine. So the decisions of the watcher are tested without a
 * clock. With real threads and real looks, a test only waits for an event that has to come; it
 * never asserts that an event has not come yet.
 */
#include "../test.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "server/leader.h"

#define N_WORKERS 4

/* A test fails after so many milliseconds without the event that it waits for. */
#define COMES 60000

/*
 * A byte of a queue: QUICK is answered at once, BUSY takes 50 us of a CPU, SLOW lasts until other
 * requests continue, LONG takes 1 ms to copy; any other byte takes so many milliseconds.
 */
#define QUICK 0
#define LONG  253
#define BUSY  254
#define SLOW  255

struct crew {
	struct leader leader;
	int queue[2], answers[2];
	pthread_t threads[N_WORKERS];
	unsigned int n_threads;
	_Atomic unsigned int n_taken[N_WORKERS];
	_Atomic unsigned int number;
	_Atomic bool held;
};

static void ms_pass(unsigned int ms)
{
	nanosleep(&(struct timespec){ .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L }, NULL);
}

/* Returns the number of workers that wait for a byte. */
static unsigned int n_waiting(struct crew *crew)
{
	return crew->leader.state & 0xffff;
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
	unsigned int number = crew->number++, spare = LEADER_SPARE;
	unsigned char byte;
	ssize_t n;

	for (;;) {
		leader_begin_wait(&crew->leader, &spare, crew->queue[0]);
		n = read(crew->queue[0], &byte, 1);
		if (n > 0 && byte == LONG)
			ms_pass(1);
		leader_end_wait(&crew->leader, &spare, crew->queue[0],
				n > 0 && byte == LONG ? 1 << 20 : 1);
		if (n <= 0)
			break;
		crew->n_taken[number]++;
		work(crew, byte);
		if (write(crew->answers[1], &byte, 1) != 1)
			break;
	}
	leader_release_all(&crew->leader);
	return NULL;
}

static void start_worker(struct crew *crew)
{
	assert_int_equal(pthread_create(&crew->threads[crew->n_threads++], NULL, worker, crew), 0);
}

static struct crew *crew_new(void)
{
	static struct crew crew;

	memset(&crew, 0, sizeof(crew));
	leader_init(&crew.leader);
	crew.held = true;
	assert_int_equal(pipe(crew.queue), 0);
	assert_int_equal(pipe(crew.answers), 0);
	return &crew;
}

static int start(void **state)
{
	struct crew *crew = crew_new();

	for (unsigned int i = 0; i < N_WORKERS; i++)
		start_worker(crew);
	*state = crew;
	return 0;
}

/* Two workers and no clock: one is the leader, the other the watcher, which looks on demand. */
static int start_still(void **state)
{
	struct crew *crew = crew_new();

	crew->leader.look_ms = 0;
	start_worker(crew);
	while (n_waiting(crew) != 1)
		ms_pass(1);
	start_worker(crew);
	while (!crew->leader.watched)
		ms_pass(1);
	*state = crew;
	return 0;
}

/* Makes the watcher look once, as soon as it waits for a look. */
static void look(struct crew *crew)
{
	pthread_mutex_lock(&crew->leader.lock);
	pthread_cond_signal(&crew->leader.watch);
	pthread_mutex_unlock(&crew->leader.lock);
}

/* Ends the queue as a connection ends: a leader sees that, and has to wake the followers. */
static int end(void **state)
{
	struct crew *crew = *state;

	crew->held = false;
	close(crew->queue[1]);
	for (unsigned int i = 0; i < crew->n_threads; i++)
		pthread_join(crew->threads[i], NULL);
	close(crew->queue[0]);
	close(crew->answers[0]);
	close(crew->answers[1]);
	leader_fini(&crew->leader);
	return 0;
}

static void ask(struct crew *crew, unsigned char byte)
{
	assert_int_equal(write(crew->queue[1], &byte, 1), 1);
}

/* Returns the byte that is answered next, within so many milliseconds; -1: none. */
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
		assert_int_equal(answered(crew, COMES), QUICK);
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

/* ---- without a clock ---- */

/*
 * A look at which n_taken requests were taken since the last look, no worker is leader, and
 * requests are queued.
 */
static enum leader_advice behind(struct leader_looks *looks, unsigned int n_taken)
{
	return leader_look(looks, ((looks->before >> 16) + n_taken) << 16, true);
}

/* A look at which a worker is leader. */
static enum leader_advice keeping_up(struct leader_looks *looks, unsigned int n_taken)
{
	return leader_look(looks, (((looks->before >> 16) + n_taken) << 16) + 1, false);
}

/* With one client, up to every sixth look finds a queued request and no leader. */
TEST(one_client_needs_one_worker, state)
{
	struct leader_looks looks = { 0 };

	for (int i = 0; i < 6000; i++)
		assert_int_equal(i % 6 ? keeping_up(&looks, 100) : behind(&looks, 100),
				 LEADER_LOOK_AGAIN);
}

/* With two clients, every second look does. */
TEST(two_clients_need_another_worker, state)
{
	struct leader_looks looks = { 0 };
	int i = 0;

	while ((i % 2 ? keeping_up(&looks, 100) : behind(&looks, 100)) == LEADER_LOOK_AGAIN)
		assert_true(++i < 20);
}

/* Few requests were taken since the last look, so the worker that took them is blocked. */
TEST(first_look_notices_blocked_worker, state)
{
	struct leader_looks looks = { 0 };

	assert_int_equal(behind(&looks, 1), LEADER_NEEDED);
	looks = (struct leader_looks){ 0 };
	assert_int_equal(behind(&looks, 15), LEADER_NEEDED);
	looks = (struct leader_looks){ 0 };
	assert_int_equal(behind(&looks, 16), LEADER_LOOK_AGAIN);
}

TEST(watcher_of_idle_view_rests, state)
{
	struct leader_looks looks = { 0 };

	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < 31; i++)
			assert_int_equal(keeping_up(&looks, 0), LEADER_LOOK_AGAIN);
		assert_int_equal(keeping_up(&looks, 0), LEADER_RESTS);
		/* A request that is taken resets the count. */
		assert_int_equal(keeping_up(&looks, 1), LEADER_LOOK_AGAIN);
	}
	/* All workers serve requests and none is queued: the view is not idle. */
	for (int i = 0; i < 100; i++)
		assert_int_equal(leader_look(&looks, looks.before & ~0xffffULL, false),
				 LEADER_LOOK_AGAIN);
}

/* A worker stays a leader while it mostly finds no other leader. */
TEST(spare_worker_becomes_follower, state)
{
	struct leader leader;
	unsigned int first = 0, second = 0;

	leader_init(&leader);
	leader_begin_wait(&leader, &first, -1);
	for (unsigned int i = 1; i <= LEADER_SPARE; i++) {
		leader_begin_wait(&leader, &second, -1);
		assert_int_equal(second, i);
		leader_end_wait(&leader, &second, -1, 1);
	}
	leader_end_wait(&leader, &first, -1, 1);
	for (unsigned int i = LEADER_SPARE; i--;) {
		leader_begin_wait(&leader, &second, -1);
		assert_int_equal(second, i);
		leader_end_wait(&leader, &second, -1, 1);
	}
	leader_fini(&leader);
}

/* With one client, one worker serves all requests, and the other one is a follower. */
TEST_WITH(one_worker_serves_one_client, state, start_still, end)
{
	struct crew *crew = *state;

	ask_and_wait(crew, 1000);
	assert_int_equal(n_taking(crew), 1);
}

/* The follower becomes a leader at the first look that finds a queued request. */
TEST_WITH(first_look_at_queued_request_brings_leader, state, start_still, end)
{
	struct crew *crew = *state;

	ask_and_wait(crew, 10);
	ask(crew, SLOW);
	while (n_waiting(crew))
		ms_pass(1);
	ask(crew, QUICK);
	assert_int_equal(n_taking(crew), 1);
	look(crew);
	assert_int_equal(answered(crew, COMES), QUICK);
}

/* The watcher of an idle view rests, and looks again when a request is taken. */
TEST_WITH(watcher_looks_again_after_rest, state, start_still, end)
{
	struct crew *crew = *state;

	while (!crew->leader.unwatched)
		look(crew);
	ask(crew, SLOW);
	while (crew->leader.unwatched)
		ms_pass(1);
	ask(crew, QUICK);
	/* A look before the watcher has begun is lost. */
	for (int i = 0; answered(crew, 100) != QUICK; i++) {
		assert_true(i < 500);
		look(crew);
	}
}

/* ---- with its clock ---- */

/* For each blocked worker another one becomes leader, while there are followers. */
TEST_WITH(follower_replaces_blocked_leader, state, start, end)
{
	struct crew *crew = *state;

	for (unsigned int n = 1; n < N_WORKERS; n++) {
		ask(crew, SLOW);
		ask(crew, QUICK);
		assert_int_equal(answered(crew, COMES), QUICK);
	}
	ask_and_wait(crew, 100);
	/* Now all workers are blocked. When they continue, all requests are answered. */
	ask(crew, SLOW);
	ask(crew, QUICK);
	assert_int_equal(answered(crew, 50), -1);
	crew->held = false;
	for (unsigned int n = 0, i = 0; i < N_WORKERS + 1; i++) {
		int byte = answered(crew, COMES);

		assert_true(byte == SLOW || byte == QUICK);
		n += byte == QUICK;
		assert_true(n <= 1);
	}
}

/* Sends so many requests at a time that all workers become leaders. */
static void all_come(struct crew *crew, unsigned char byte)
{
	for (int round = 0; round < 200 && n_taking(crew) < N_WORKERS; round++) {
		for (int i = 0; i < 300; i++)
			ask(crew, byte);
		for (int i = 0; i < 300; i++)
			assert_int_equal(answered(crew, COMES), byte);
	}
	assert_int_equal(n_taking(crew), N_WORKERS);
}

/* More workers serve requests that arrive faster than one serves them; later one is enough. */
TEST_WITH(load_brings_leaders_and_its_end_followers, state, start, end)
{
	struct crew *crew = *state;
	int n = 0;

	all_come(crew, 1);
	/*
	 * Without the pause the worker is not back before the next request, and a second is needed.
	 */
	do {
		ask_and_wait(crew, 1);
		ms_pass(1);
	} while (n_waiting(crew) != 1 && n++ < 20000);
	assert_int_equal(n_waiting(crew), 1);
}

/* Short requests without a pause bring a second leader, although many are taken between looks. */
TEST_WITH(queue_that_never_empties_brings_leader, state, start, end)
{
	struct crew *crew = *state;
	unsigned int n_asked = 0, n = 0;

	ask_and_wait(crew, 200);
	forget_taken(crew);
	while (n_taking(crew) < 2 && n < 200000) {
		for (; n_asked < n + 500; n_asked++)
			ask(crew, BUSY);
		assert_int_equal(answered(crew, COMES), BUSY);
		n++;
	}
	while (n++ < n_asked)
		assert_int_equal(answered(crew, COMES), BUSY);
	assert_true(n_taking(crew) >= 2);
}

/* A worker that copies a long request takes no other request meanwhile. */
TEST_WITH(long_request_brings_leader, state, start, end)
{
	struct crew *crew = *state;

	all_come(crew, LONG);
}

TEST_MAIN(NULL, NULL)
