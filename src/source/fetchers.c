// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The threads that call the functions of the source. A flight that needs one starts a thread, which
 * ends after some idle seconds.
 */
#include "fs/keyed.h"
#include "source/source-private.h"
#include "util/clock.h"
#include "util/cpu.h"
#include "util/log.h"
#include "util/thread.h"

#include <errno.h>
#include <sys/sendfile.h>
#include <unistd.h>

/* A thread ends after so many idle seconds. */
#define IDLE_S 10
/* pst_fetch_copy() checks after so many bytes if the call is cancelled. */
#define COPY_SIZE (4 << 20)

/* A call of the source. */
struct call {
	struct pst_fetch fetch;
	struct pst_file file;
	struct flight *flight;
};

int pst_fetch_cancelled(const struct pst_fetch *fetch)
{
	return ((const struct call *)fetch)->flight->cancelled;
}

int pst_fetch_copy(struct pst_fetch *fetch, int fd, uint64_t from)
{
	off_t at = (off_t)from, to = (off_t)fetch->off;
	uint64_t left = fetch->len;

	if (lseek(fetch->fd, to, SEEK_SET) < 0)
		return -errno;
	while (left) {
		ssize_t n = sendfile(fetch->fd, fd, &at, left < COPY_SIZE ? left : COPY_SIZE);

		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		left -= (uint64_t)n;
		if (pst_fetch_cancelled(fetch))
			return -EINTR;
	}
	return 0;
}

/*
 * Returns the result of the source for the clients. ENOSYS would make the kernel never ask again,
 * ESTALE would make it look up the name again.
 */
static int result_of(const char *what, int r)
{
	if (r <= 0 && r > -512 && r != -ENOSYS && r != -ESTALE)
		return r;
	if (r > 0 || r <= -512)
		log_error("the source's %s() returned %d, expected 0 or -errno: the caller gets "
			  "EIO",
			  what, r);
	return -EIO;
}

/* Ends a fill with the result r of fs_fill_begin() or fs_fill_end(). Returns 0 or -errno. */
static int filled(struct source *source, struct node *node, int r)
{
	if (r == FS_UNSETTLED)
		settler_add(source, node);
	return r < 0 ? r : 0;
}

static int list_names(const struct pst_source *given, struct pst_fetch *fetch)
{
	if (given->list)
		return result_of("list", given->list(given->aux, fetch));
	log_error("a directory of LOWER is hollow, and the source has no list(), which would make "
		  "its names: the caller gets EIO");
	return -EIO;
}

/* Calls the source for the file of a flight. Returns 0 or -errno. */
static int call_source(struct source *source, struct flight *flight)
{
	const struct pst_source *given = &source->given;
	struct call call = { .flight = flight };
	struct pst_fetch *fetch = &call.fetch;
	struct fs_fill fill;
	struct fhandle fh;
	int r;

	if (flight->cancelled)
		return -EINTR;
	r = fs_fill_begin(source->fs, flight->node, flight->piece, &fill);
	if (r != 0)
		return filled(source, flight->node, r);
	fetch->fd = fill.fd;
	fetch->off = fill.off;
	fetch->len = fill.len;
	fetch->length = fill.length;
	fetch->tag = fill.tag;
	fetch->tag_len = fill.tag_len;
	fetch->file = &call.file;
	fs_describe(source->fs, flight->node, &fh, &call.file);
	if (fill.dir)
		r = list_names(given, fetch);
	else if (fill.len)
		r = result_of("fetch", given->fetch(given->aux, fetch));
	r = filled(source, flight->node, fs_fill_end(source->fs, flight->node, &fill, r));
	if (r == 0 && !fill.dir && fs_is_whole(flight->node))
		limit_count(source, flight->node, fill.length);
	return r;
}

/*
 * Ends a call: returns the waiters, in no order, whose done() the caller calls with r. Starts the
 * call again if requests have come after it was cancelled. Caller holds the lock.
 */
static struct source_waiter *end_call(struct source *source, struct flight *flight, int r)
{
	struct source_waiter *waiters = flight->waiters;
	struct node *node = flight->node;

	if (flight->cancelled && r < 0 && waiters && !source->stop) {
		flight_enqueue(source, flight, node);
		return NULL;
	}
	flight->waiters = NULL;
	flight->node = NULL;
	source->ahead.n_running -= flight->ahead;
	/* No client gets the error of a fetch that none has waited for. */
	if (r < 0 && !flight->cancelled && (waiters || !flight->ahead))
		flight_fail(source, flight, r);
	else
		flight_free(source, flight);
	pthread_mutex_unlock(&source->lock);
	fs_node_put(source->fs, node);
	pthread_mutex_lock(&source->lock);
	return waiters;
}

/*
 * Waits for a flight without a call, and sets its state to RUNS. Flights for which clients wait
 * come first. Returns NULL if the thread must end. Caller holds the lock.
 */
static struct flight *next_flight(struct source *source)
{
	for (;;) {
		int r;

		for (struct flight *flight = source->flights; flight && source->n_queued;
		     flight = flight->next)
			if (flight->state == FLIGHT_QUEUED) {
				flight->state = FLIGHT_RUNS;
				source->n_queued--;
				return flight;
			}
		if (source->stop)
			return NULL;
		if (ahead_has_work(source)) {
			struct flight *flight = ahead_next(source);

			/* Another thread may take the next file. */
			fetchers_grow(source);
			pthread_cond_signal(&source->work);
			if (flight)
				return flight;
			continue;
		}
		source->n_idle++;
		r = clock_cond_wait_ms(&source->work, &source->lock, IDLE_S * 1000);
		source->n_idle--;
		if (r == ETIMEDOUT && !source->n_queued && !ahead_has_work(source))
			return NULL;
	}
}

static void *fetcher_main(void *arg)
{
	struct fetcher *fetcher = arg;
	struct source *source = fetcher->source;
	struct source_waiter *waiters;
	struct flight *flight;

	fs_thread_init();
	fs_thread_may_wait(true);
	/* The thread inherits the affinity of the worker that started it, maybe a pinned one. */
	if (source->cpus)
		sched_setaffinity(0, CPU_SET_BYTES, source->cpus);
	pthread_mutex_lock(&source->lock);
	while ((flight = next_flight(source))) {
		int r;

		fetcher->flight = flight;
		pthread_mutex_unlock(&source->lock);
		r = call_source(source, flight);
		pthread_mutex_lock(&source->lock);
		fetcher->flight = NULL;
		waiters = end_call(source, flight, r);
		pthread_mutex_unlock(&source->lock);
		fs_thread_may_wait(false);
		flight_wake(waiters, r, true);
		fs_thread_may_wait(true);
		pthread_mutex_lock(&source->lock);
	}
	source->n_running--;
	fetcher->state = FETCHER_ENDED;
	pthread_cond_broadcast(&source->work);
	pthread_mutex_unlock(&source->lock);
	return NULL;
}

int fetchers_grow(struct source *source)
{
	struct fetcher *fetcher = source->fetchers;
	int r;

	if (source->n_queued + ahead_has_work(source) <= source->n_idle ||
	    source->n_running == source->given.n_fetches)
		return 0;
	while (fetcher->state == FETCHER_RUNS)
		fetcher++;
	if (fetcher->state == FETCHER_ENDED)
		pthread_join(fetcher->thread, NULL);
	*fetcher = (struct fetcher){ .source = source };
	r = thread_create(&fetcher->thread, NULL, fetcher_main, fetcher);
	if (r < 0)
		return source->n_running ? 0 : r;
	fetcher->state = FETCHER_RUNS;
	source->n_running++;
	return 0;
}

bool fetchers_wake_cancelled(struct source *source)
{
	bool any = false;

	for (unsigned int i = 0; i < source->given.n_fetches; i++) {
		struct fetcher *fetcher = &source->fetchers[i];

		if (!fetcher->flight || !fetcher->flight->cancelled)
			continue;
		any = true;
		thread_wake(fetcher->thread);
	}
	return any;
}
