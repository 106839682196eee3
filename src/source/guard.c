// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The guard: a process that opens a hollow file beside the view waits until the file is fetched. A
 * thread reads the events of the opens and never waits for a file, because each open on LOWER's
 * file system waits for this thread. The opener waits in a flight, like a request of the view. When
 * the program ends, the kernel lets all openers go on. No locks.
 */
#include "fs/hollow.h"
#include "source/source-private.h"
#include "util/fd.h"
#include "util/log.h"
#include "util/thread.h"

#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/fanotify.h>
#include <unistd.h>

/* A process that waits for its open. */
struct opener {
	struct source_waiter wait; /* node counted */
	struct source *source;
	int fd; /* owned: the file, by which the kernel knows the event */
};

/* Answers an event, and closes fd. r is 0, or -errno for a refusal. */
static void reply(struct source *source, int fd, int r)
{
	struct fanotify_response response = { fd, r < 0 ? FAN_DENY : FAN_ALLOW };

	if (write(source->guard.fd, &response, sizeof(response)) < 0)
		log_error("guard: cannot answer the open of a file of LOWER: %s", strerror(errno));
	fd_close(fd);
}

static void end(struct opener *opener, int r)
{
	reply(opener->source, opener->fd, r);
	fs_node_put(opener->source->fs, opener->wait.node);
	free(opener);
}

/* Lets the opener wait for the flight, or ends its wait. */
static void proceed(struct opener *opener)
{
	struct source *source = opener->source;
	struct node *node = opener->wait.node;
	enum pst_fetch_when when = PST_FETCH_OPEN;
	int r = source_is_hollow(source, node);

	if (r == 1)
		r = fs_fetch_when(source->fs, node, &source->given, &when) ?: 1;
	opener->wait.piece = FS_WHOLE;
	opener->wait.holds = false;
	/* The opener waits for each piece in turn; if none is missing, for the end of a hold. */
	if (r == 1 && when == PST_FETCH_READ) {
		r = fs_pieces_missing(source->fs, node, 0, INT64_MAX, false, &opener->wait.piece);
		opener->wait.holds = r == 0;
		r = r == 0 ? 1 : r;
	}
	if (r == 1)
		r = source_wait(source, &opener->wait);
	if (r <= 0)
		end(opener, r);
}

static void done(struct source_waiter *waiter, int r, bool here)
{
	struct opener *opener = (struct opener *)((char *)waiter - offsetof(struct opener, wait));

	(void)here;
	if (r < 0)
		end(opener, r);
	else
		proceed(opener);
}

static void handle(struct source *source, const struct fanotify_event_metadata *event)
{
	struct opener *opener;
	struct node *node = NULL;
	int r = 0;

	if (event->fd < 0)
		return;
	/* Opens by the program itself go on: the source's functions may wait for them. */
	if (event->pid != getpid())
		r = fs_guard_find(source->fs, event->fd, &node);
	if (r <= 0) {
		reply(source, event->fd, r);
		return;
	}
	opener = calloc(1, sizeof(*opener));
	if (!opener) {
		fs_node_put(source->fs, node);
		reply(source, event->fd, -ENOMEM);
		return;
	}
	opener->source = source;
	opener->fd = event->fd;
	opener->wait.done = done;
	opener->wait.node = node;
	proceed(opener);
}

static void read_events(struct source *source)
{
	struct fanotify_event_metadata events[64], *event = events;
	ssize_t n = read(source->guard.fd, events, sizeof(events));

	for (; n > 0 && FAN_EVENT_OK(event, n); event = FAN_EVENT_NEXT(event, n))
		handle(source, event);
}

static void *guard_main(void *arg)
{
	struct source *source = arg;
	struct pollfd fds[] = {
		{ .fd = source->guard.stop_fd, .events = POLLIN },
		{ .fd = source->guard.fd, .events = POLLIN },
	};

	fs_thread_init();
	while (poll(fds, 2, -1) >= 0 || errno == EINTR) {
		if (fds[0].revents & POLLIN)
			break;
		if (fds[1].revents & POLLIN)
			read_events(source);
	}
	return NULL;
}

int guard_open(struct guard *guard, int lower, struct pst_error *error)
{
	guard->fd = fs_guard_open(lower);
	if (guard->fd < 0)
		return error_set(error, guard->fd,
				 "source: guard: the kernel refuses fanotify permission events "
				 "(FAN_OPEN_PERM) on LOWER's file system: %s. They need "
				 "CAP_SYS_ADMIN and CONFIG_FANOTIFY_ACCESS_PERMISSIONS; leave "
				 "guard out, and let nobody read LOWER beside the view",
				 strerror(-guard->fd));
	guard->stop_fd = eventfd(0, EFD_CLOEXEC);
	return guard->stop_fd < 0 ?
		       error_set(error, -errno, "source: guard: cannot create an eventfd: %s",
				 strerror(errno)) :
		       0;
}

void guard_start(struct source *source)
{
	int r = thread_create(&source->guard.thread, NULL, guard_main, source);

	source->guard.runs = r == 0;
	if (r == 0)
		return;
	/* Without the thread, each open on the file system would wait for ever. */
	source->guard.fd = fd_close(source->guard.fd);
	log_error("guard: cannot start a thread: %s: processes beside the view read zeros in "
		  "hollow files",
		  strerror(-r));
}

void guard_stop(struct guard *guard)
{
	uint64_t one = 1;

	if (guard->runs && write(guard->stop_fd, &one, sizeof(one)) == sizeof(one))
		pthread_join(guard->thread, NULL);
	guard->runs = false;
	guard->fd = fd_close(guard->fd);
	guard->stop_fd = fd_close(guard->stop_fd);
}
