// SPDX-License-Identifier: LGPL-2.1-or-later
/* The begin and the end of a source. */
#include "fs/hollow.h"
#include "source/source-private.h"
#include "util/cleanup.h"
#include "util/clock.h"
#include "util/cpu.h"
#include "util/log.h"

#include <errno.h>
#include <string.h>
#include <sys/sysmacros.h>

#define DEFAULT_FETCHES 16
/* pst_view_free() complains after so long about a function that does not return. */
#define PATIENCE_MS 5000

DEFINE_CLEANUP(struct source *, source_free);

int source_new(const struct pst_source *given, int lower, unsigned int connection,
	       struct source **ret_source, struct pst_error *error)
{
	_cleanup_(source_freep) struct source *source = calloc(1, sizeof(*source));
	int r;

	if (!source)
		return error_set(error, -ENOMEM, "out of memory");
	source->given = *given;
	source->end = &source->flights;
	source->view.claim.fd = -1;
	source->guard.fd = source->guard.stop_fd = -1;
	source->guard.queue[0] = source->guard.queue[1] = -1;
	pthread_mutex_init(&source->lock, NULL);
	clock_cond_init(&source->work);
	clock_cond_init(&source->settler.wake);
	pthread_mutex_init(&source->limit.lock, NULL);
	clock_cond_init(&source->limit.wake);
	source->limit.evict = source_evict;
	if (!source->given.n_fetches)
		source->given.n_fetches = DEFAULT_FETCHES;
	source->cpus = cpu_allowed();
	source->fetchers = calloc(source->given.n_fetches, sizeof(*source->fetchers));
	if (!source->fetchers)
		return error_set(error, -ENOMEM, "out of memory");
	r = source_views_add(&source->view, lower, makedev(0, connection), given->hollow_root,
			     error);
	if (r == 0 && given->guard)
		r = guard_open(&source->guard, lower, error);
	if (r == 0)
		*ret_source = take_ptr(source);
	return r;
}

void source_begin(struct source *source, struct fs *fs)
{
	source->fs = fs;
	if (source->given.guard)
		guard_start(source);
}

void source_stop(struct source *source)
{
	uint32_t began = clock_ms();
	bool told = false;

	pthread_mutex_lock(&source->lock);
	source->stop = true;
	for (struct flight *flight = source->flights; flight; flight = flight->next)
		flight->cancelled = true;
	pthread_cond_broadcast(&source->work);
	while (source->n_running) {
		/* Repeated, because a signal before a system call does not interrupt the call. */
		fetchers_wake_cancelled(source);
		clock_cond_wait_ms(&source->work, &source->lock, 5);
		if (!told && clock_ms() - began >= PATIENCE_MS) {
			log_warning("the view cannot end, because a function of its source has "
				    "not returned although pst_fetch_cancelled() returns 1");
			told = true;
		}
	}
	pthread_mutex_unlock(&source->lock);
	for (unsigned int i = 0; i < source->given.n_fetches; i++)
		if (source->fetchers[i].state == FETCHER_ENDED)
			pthread_join(source->fetchers[i].thread, NULL);
	guard_end_work(&source->guard);
	ahead_fini(source);
	limit_stop(source);
	settler_stop(source);
}

struct source *source_free(struct source *source)
{
	if (!source)
		return NULL;
	guard_end_work(&source->guard);
	guard_stop(&source->guard);
	source_views_remove(&source->view);
	while (source->flights)
		flight_free(source, source->flights);
	pthread_cond_destroy(&source->work);
	pthread_cond_destroy(&source->settler.wake);
	pthread_cond_destroy(&source->limit.wake);
	pthread_mutex_destroy(&source->limit.lock);
	free(source->settler.nodes);
	pthread_mutex_destroy(&source->lock);
	free(source->fetchers);
	if (source->cpus)
		CPU_FREE(source->cpus);
	free(source);
	return NULL;
}
