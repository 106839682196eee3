// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The guard: a process that opens a hollow file or directory beside the view waits until it is
 * fetched. Each open on LOWER's file system waits for an answer, also those of this program. So a
 * thread of its own, the reader, lets all others go on at once: it never waits, and calls nothing
 * of the program. It hands hollow files to the worker by a pipe; from there the opener waits in a
 * flight, like a request of the view.
 *
 * The worker ends with the source's threads. The reader goes on, and refuses opens of hollow files,
 * until nobody waits any more. If the program is killed, the kernel lets all openers go on. No
 * locks.
 */
#include "fs/hollow.h"
#include "source/source-private.h"
#include "util/fd.h"
#include "util/log.h"
#include "util/thread.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/fanotify.h>
#include <sys/xattr.h>
#include <unistd.h>

/* Processes that wait at a time: each has a descriptor of this program. Others get EPERM. */
#define MAX_OPENERS 1024

/* An open that the reader hands to the worker. */
struct opened {
	int fd; /* owned; -1: the worker ends */
	uint32_t pid;
};

/* A process that waits for its open. */
struct opener {
	struct source_waiter wait; /* node counted */
	struct source *source;
	int fd; /* owned: the file, by which the kernel knows the event */
};

/* Answers an event, and closes fd. r is 0, or -errno for a refusal. */
static void reply(struct guard *guard, int fd, int r)
{
	struct fanotify_response response = { fd, r < 0 ? FAN_DENY : FAN_ALLOW };
	ssize_t n = write(guard->fd, &response, sizeof(response));

	/* The kernel takes the answer for a process that was killed, too. */
	assert(n >= 0);
	(void)n;
	fd_close(fd);
}

static void end(struct opener *opener, int r)
{
	struct guard *guard = &opener->source->guard;

	reply(guard, opener->fd, r);
	guard->n_openers--;
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

	if (r == 1 && S_ISREG(node->type))
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

/* -- the worker -------------------------------------------------------------------------------- */

/* Lets the process wait if the file is one of LOWER; else answers its open. */
static void begin(struct source *source, const struct opened *opened)
{
	struct guard *guard = &source->guard;
	struct opener *opener = calloc(1, sizeof(*opener));
	struct node *node = NULL;
	int r = opener ? fs_guard_find(source->fs, opened->fd, &node) : -ENOMEM;

	if (r <= 0) {
		free(opener);
		reply(guard, opened->fd, r);
		guard->n_openers--;
		return;
	}
	opener->source = source;
	opener->fd = opened->fd;
	opener->wait.done = done;
	opener->wait.node = node;
	opener->wait.pid = opened->pid;
	proceed(opener);
}

static void *worker_main(void *arg)
{
	struct source *source = arg;
	struct opened opened;

	fs_thread_init();
	while (read(source->guard.queue[0], &opened, sizeof(opened)) == sizeof(opened) &&
	       opened.fd >= 0)
		begin(source, &opened);
	return NULL;
}

/* -- the reader -------------------------------------------------------------------------------- */

static void handle(struct guard *guard, const struct fanotify_event_metadata *event)
{
	struct opened opened = { event->fd, (uint32_t)event->pid };

	if (event->fd < 0)
		return;
	/* Opens by the program itself go on: the source's functions may wait for them. */
	if (event->pid == getpid() || fgetxattr(event->fd, PST_HOLLOW, NULL, 0) < 0) {
		reply(guard, event->fd, 0);
		return;
	}
	if (guard->n_openers++ < MAX_OPENERS && !guard->ends &&
	    write(guard->queue[1], &opened, sizeof(opened)) == sizeof(opened))
		return;
	guard->n_openers--;
	reply(guard, event->fd, -EPERM);
}

static void *reader_main(void *arg)
{
	struct guard *guard = arg;
	struct fanotify_event_metadata events[64], *event;
	struct pollfd fds[] = {
		{ .fd = guard->stop_fd, .events = POLLIN },
		{ .fd = guard->fd, .events = POLLIN },
	};

	while (poll(fds, 2, -1) >= 0 || errno == EINTR) {
		ssize_t n = 0;

		if (fds[0].revents & POLLIN)
			break;
		if (fds[1].revents & POLLIN)
			n = read(guard->fd, events, sizeof(events));
		for (event = events; n > 0 && FAN_EVENT_OK(event, n);
		     event = FAN_EVENT_NEXT(event, n))
			handle(guard, event);
	}
	return NULL;
}

/* -- begin and end ----------------------------------------------------------------------------- */

int guard_open(struct guard *guard, int lower, struct pst_error *error)
{
	int r;

	guard->fd = fs_guard_open(lower);
	if (guard->fd < 0)
		return error_set(error, guard->fd,
				 "source: guard: the kernel refuses fanotify permission events "
				 "(FAN_OPEN_PERM) on LOWER's file system: %s. They need "
				 "CAP_SYS_ADMIN and CONFIG_FANOTIFY_ACCESS_PERMISSIONS; leave "
				 "guard out, and let nobody read LOWER beside the view",
				 strerror(-guard->fd));
	guard->stop_fd = eventfd(0, EFD_CLOEXEC);
	if (guard->stop_fd < 0 || pipe2(guard->queue, O_CLOEXEC) < 0)
		return error_set(error, -errno, "source: guard: cannot create a pipe: %s",
				 strerror(errno));
	r = thread_create(&guard->reader, NULL, reader_main, guard);
	guard->runs = r == 0;
	return r == 0 ? 0 :
			error_set(error, r, "source: guard: cannot start a thread: %s",
				  strerror(-r));
}

void guard_start(struct source *source)
{
	int r = thread_create(&source->guard.worker, NULL, worker_main, source);

	source->guard.works = r == 0;
	source->guard.ends = r < 0;
	if (r < 0)
		log_error("guard: cannot start a thread: %s: opens of hollow files beside the view "
			  "are refused",
			  strerror(-r));
}

void guard_end_work(struct guard *guard)
{
	struct opened last = { -1, 0 };

	guard->ends = true;
	/* The pipe has room for more than MAX_OPENERS. */
	if (guard->works && write(guard->queue[1], &last, sizeof(last)) == sizeof(last))
		pthread_join(guard->worker, NULL);
	guard->works = false;
}

void guard_stop(struct guard *guard)
{
	struct opened opened;
	uint64_t one = 1;

	if (guard->runs && write(guard->stop_fd, &one, sizeof(one)) == sizeof(one))
		pthread_join(guard->reader, NULL);
	guard->runs = false;
	/* Processes that the reader has handed over when there was no worker. */
	if (guard->queue[0] >= 0 && fcntl(guard->queue[0], F_SETFL, O_NONBLOCK) == 0)
		while (read(guard->queue[0], &opened, sizeof(opened)) == sizeof(opened))
			reply(guard, opened.fd, -EPERM);
	guard->fd = fd_close(guard->fd);
	guard->stop_fd = fd_close(guard->stop_fd);
	for (int i = 0; i < 2; i++)
		guard->queue[i] = fd_close(guard->queue[i]);
}
