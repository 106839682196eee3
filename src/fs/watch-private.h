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

/* A file system that files of the view lie on. */
struct watched_mount {
	bool known, watchable;
	fsid_t fsid;
};

/* A node to invalidate a second time. */
struct watch_again {
	uint64_t nodeid;
	uint32_t due_ms;
	bool data;
};

struct watch {
	struct fs *fs; /* constant */
	int fd;        /* constant: fanotify's */
	int stop_fd;   /* constant: readable when the thread shall end */
	pid_t pid;     /* constant */
	pthread_t thread;
	bool started;
	_Atomic uint64_t n_marks, n_events, n_own, n_overflows;

	pthread_mutex_t mark_lock; /* held while a mark and what its node says of it change */
	pthread_mutex_t lock;      /* guards mounts */
	struct watched_mount mounts[WATCH_MAX_MOUNTS];

	/* the thread's own */
	struct watch_again again[WATCH_N_AGAIN];
	unsigned int again_at, n_again;
	unsigned int all_again; /* everything is to be passed on so often, first when
					   that is due: */
	uint32_t all_due_ms;
	uint64_t taken[WATCH_N_TAKEN]; /* directories where a name was given to another file */
	unsigned int n_taken;
	_Alignas(struct fanotify_event_metadata) char buf[WATCH_BUF_SIZE];
};

/*
 * watch-support.c: opens a queue of events, or returns -errno; asks whether it can hear of a file.
 */
int watch_open(void);
/* Adds a mark on a directory or a file, by an O_PATH descriptor; as fanotify_mark(2). */
int watch_mark(int events_fd, int fd, bool is_dir);
void watch_support(int events_fd, int fd, bool handles, struct fs_watch_support *ret_support);

/*
 * watch-marks.c: before anything is looked up, so that the log says at mount whether LOWER is
 * watched.
 */
void watch_look_at_root(struct watch *watch);

/*
 * watch-events.c, for the thread: reads what is there, a buffer at most; passes on for the second
 * time what is due, and returns the milliseconds until the next is, or -1.
 */
void watch_read(struct watch *watch);
int watch_pass_on_again(struct watch *watch);

/*
 * Views of this process that watch. With one, an event with this process's number is the view's
 * own; with more, it may be another view's.
 */
extern _Atomic unsigned int watch_n_views;
