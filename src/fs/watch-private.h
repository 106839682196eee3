/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Shared by watch.c, watch-marks.c, watch-events.c and watch-support.c. */
#include "fs/fs-private.h"

#include <sys/fanotify.h>
#include <sys/types.h>

#define WATCH_EVENTS                                                                               \
	(FAN_CREATE | FAN_DELETE | FAN_MOVED_FROM | FAN_MOVED_TO | FAN_DELETE_SELF |               \
	 FAN_MOVE_SELF | FAN_ATTRIB | FAN_MODIFY | FAN_OPEN | FAN_CLOSE)

#define WATCH_MAX_MOUNTS 256
#define WATCH_BUF_SIZE   (256 << 10)
#define WATCH_N_AGAIN    4096
#define WATCH_N_TAKEN    16

/* A lower mount, by its number in the node table. */
struct watched_mount {
	bool known, watchable;
	fsid_t fsid;
};

/* A node to invalidate a second time; nodeid 0 stands for everything. */
struct watch_again {
	uint64_t nodeid;
	uint32_t due_ms;
	bool data;
};

struct watch {
	struct fs *fs; /* constant */
	int fd;        /* constant: the fanotify queue; -errno if the kernel refused it */
	int stop_fd;   /* constant: an eventfd, readable once the thread has to end */
	pid_t pid;     /* constant */
	pthread_t thread;
	bool started;
	_Atomic uint64_t n_marks, n_events, n_own, n_overflows;

	pthread_mutex_t mark_lock; /* held while a mark and its node->watch change */
	pthread_mutex_t lock;      /* guards mounts */
	struct watched_mount mounts[WATCH_MAX_MOUNTS];

	/* Only the thread uses the members below. */
	struct watch_again again[WATCH_N_AGAIN]; /* a ring, ordered by due_ms */
	unsigned int again_at, n_again;
	uint64_t taken[WATCH_N_TAKEN]; /* directories in which a rename may have replaced a name */
	unsigned int n_taken;          /* if it exceeds WATCH_N_TAKEN, any directory may be one */
	_Alignas(struct fanotify_event_metadata) char buf[WATCH_BUF_SIZE];
};

/* watch-support.c: opens a fanotify queue. Returns its descriptor or -errno. */
int watch_open(void);
/* Adds a mark on a directory or a file by an O_PATH descriptor. Returns as fanotify_mark(2). */
int watch_mark(int events_fd, int fd, bool is_dir);
/*
 * As fs_watch_support(), with a fanotify queue, which the caller keeps (-errno if it has none).
 * handles is true if files can be opened by handle.
 */
void watch_support(int events_fd, int fd, bool handles, struct fs_watch_support *ret_support);

/*
 * watch-marks.c: checks if LOWER's mount can be watched. watch_new() calls it, so that the log says
 * at mount, before the first request, if LOWER can be watched.
 */
void watch_look_at_root(struct watch *watch);

/*
 * watch-events.c: only the thread calls these. watch_read() handles one buffer of events.
 * watch_invalidate_due() carries out the second invalidations that are due, and returns the
 * milliseconds until the next one, or -1 if there is none.
 */
void watch_read(struct watch *watch);
int watch_invalidate_due(struct watch *watch);

/*
 * Number of views of this process that watch. With one, events by this process are the view's own;
 * with more, they may be those of another view.
 */
extern _Atomic unsigned int watch_n_views;
