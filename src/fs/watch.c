// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Watches for changes by other processes below (cache=auto), with fanotify.
 *
 * Each directory that the kernel may have cached has a mark, which reports changes of the
 * directory, of its names, and of the files in it. A file with several names has its own mark. So
 * files that no request has named cost nothing and make no events.
 *
 * The view's own operations need no event, because the kernel knows them. The view reads, writes
 * and opens files by its clone of LOWER's mount, which has a mark that ignores such events. Changes
 * of names and attributes make events with this process's PID, which this module drops.
 *
 * Stores through a mapping make no event. But a process has to open a file before it maps it, so an
 * open by another process marks the file as maybe mapped: attr.c gives it no timeout until there is
 * no writer.
 *
 * Events have file handles, by which this module finds nodes. Each event invalidates immediately,
 * and a second time after SHADOW_IN_FLIGHT_MS if a reply was sent just before: the daemon may have
 * read the attributes before the change, and the kernel may receive the reply after the
 * invalidation.
 *
 * One thread reads events in batches. After a batch the thread sleeps for a moment, so that many
 * changes cause few wake-ups. It waits for nothing but the kernel's queue, so it cannot deadlock
 * with requests. It runs with SCHED_FIFO if permitted, because on a loaded machine the latency of
 * invalidations is scheduling delay.
 *
 * This file creates and frees the watch, and has the thread; watch-marks.c adds and removes marks,
 * watch-events.c handles events, watch-support.c checks if a file system can be watched.
 *
 * Locks: this file takes none. The thread ends before anything is freed.
 */
#include "fs/watch-private.h"
#include "util/cleanup.h"
#include "util/cpu.h"
#include "util/fd.h"
#include "util/thread.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

/* The sleep after a batch; grows to the maximum while all events are the view's own. */
#define PAUSE_MIN_MS 1
#define PAUSE_MAX_MS 8

static void *watch_main(void *arg)
{
	struct watch *watch = arg;
	struct pollfd fds[] = {
		{ .fd = watch->stop_fd, .events = POLLIN },
		{ .fd = watch->fd, .events = POLLIN },
	};
	long pause_ms = PAUSE_MIN_MS;

	/* Before fs_thread_init(), which drops the capability for it. */
	cpu_set_fifo();
	fs_thread_init();
	for (;;) {
		int timeout = watch_invalidate_due(watch);

		if (poll(fds, 2, timeout) < 0 && errno != EINTR)
			break;
		if (fds[0].revents)
			break;
		if (fds[1].revents) {
			uint64_t others = watch->n_events - watch->n_own;

			watch_read(watch);
			if (others != watch->n_events - watch->n_own)
				pause_ms = PAUSE_MIN_MS;
			else if (pause_ms < PAUSE_MAX_MS)
				pause_ms *= 2;
			nanosleep(&(struct timespec){ .tv_nsec = pause_ms * 1000000 }, NULL);
		}
	}
	return NULL;
}

DEFINE_CLEANUP(struct watch *, watch_free);

int watch_new(struct fs *fs, struct watch **ret_watch)
{
	_cleanup_(watch_freep) struct watch *watch = calloc(1, sizeof(*watch));
	pthread_mutexattr_t attr;

	if (!watch)
		return -ENOMEM;
	watch->fs = fs;
	watch->pid = getpid();
	watch->stop_fd = -1;
	pthread_mutex_init(&watch->lock, NULL);
	/*
	 * Recursive, because watch_node_gone() looks up nodes under this lock. If it drops the last
	 * reference to a node with a mark, it is called again for that node, and would deadlock.
	 */
	pthread_mutexattr_init(&attr);
	pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_RECURSIVE);
	pthread_mutex_init(&watch->mark_lock, &attr);
	pthread_mutexattr_destroy(&attr);
	watch_n_views++;
	watch->fd = watch_open();
	watch->stop_fd = eventfd(0, EFD_CLOEXEC);
	if (watch->stop_fd < 0)
		return -errno;
	watch_look_at_root(watch);
	if (watch->fd < 0)
		return 0;
	*ret_watch = take_ptr(watch);
	return 0;
}

int watch_start(struct watch *watch)
{
	int r = watch ? thread_create(&watch->thread, NULL, watch_main, watch) : 0;

	if (watch && r == 0)
		watch->started = true;
	return r;
}

void watch_stop(struct watch *watch)
{
	if (!watch || !watch->started)
		return;
	eventfd_write(watch->stop_fd, 1);
	pthread_join(watch->thread, NULL);
	watch->started = false;
}

struct watch *watch_free(struct watch *watch)
{
	if (!watch)
		return NULL;
	watch_stop(watch);
	fd_close(watch->fd);
	fd_close(watch->stop_fd);
	watch_n_views--;
	pthread_mutex_destroy(&watch->lock);
	pthread_mutex_destroy(&watch->mark_lock);
	free(watch);
	return NULL;
}

void watch_stat(const struct watch *watch, struct fs_stat *stat)
{
	if (!watch)
		return;
	stat->n_watched = watch->n_marks;
	stat->n_events = watch->n_events;
	stat->n_own_events = watch->n_own;
	stat->n_overflows = watch->n_overflows;
}
