// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A thread that keeps the view read-only while the file system of LOWER is read-only, because for
 * access(2) the kernel checks only the view's flags. LOWER changes when a process remounts it: the
 * kernel then wakes a poll(2) of the mount table. LOWER also changes when its file system becomes
 * read-only after an error: then an operation fails with EROFS, and its thread calls
 * lower_readonly_check().
 *
 * The thread changes the view's superblock, not the flags of its mount: these belong to the user,
 * and the view is writable if both are. While files of the view are open for writing, the kernel
 * refuses to make it read-only (EBUSY); then the thread tries again each second.
 *
 * Locks: none. Members are constant, atomic, or used by the thread only; an eventfd wakes it.
 */
#include "mount/lower-readonly.h"
#include "mount/mount.h"
#include "fs/fs.h"
#include "util/caps.h"
#include "util/cleanup.h"
#include "util/fd.h"
#include "util/log.h"
#include "util/thread.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define RETRY_MS 1000

struct lower_readonly {
	struct lower_readonly_config config; /* constant */
	int event_fd, mounts_fd;
	bool readonly; /* the view's superblock, as the thread has made it */
	_Atomic bool stop, suspended;
	pthread_t thread;
};

DEFINE_CLEANUP(struct lower_readonly *, lower_readonly_stop);

static bool is_readonly(int fd)
{
	struct statvfs st;

	return fstatvfs(fd, &st) == 0 && (st.f_flag & ST_RDONLY);
}

/* Returns whether LOWER's own mount is writable; false if its path leads to another file now. */
static bool path_is_writable(const struct lower_readonly_config *config)
{
	struct stat lower, there;
	struct statvfs st;

	return fstat(config->lower, &lower) == 0 && stat(config->path, &there) == 0 &&
	       lower.st_dev == there.st_dev && lower.st_ino == there.st_ino &&
	       statvfs(config->path, &st) == 0 && !(st.f_flag & ST_RDONLY);
}

/*
 * The clone of LOWER's mount shows if the file system is read-only. If LOWER's own mount was
 * read-only at the start, by its file system or by its flags, the path of LOWER shows when it
 * becomes writable.
 */
bool lower_readonly_now(struct lower_readonly *follow)
{
	return is_readonly(follow->config.lower) ||
	       (follow->config.was_readonly && !path_is_writable(&follow->config));
}

/* Makes the view as writable as LOWER. Returns false if the thread has to try again. */
static bool follow_lower(struct lower_readonly *follow)
{
	bool readonly = !follow->suspended && lower_readonly_now(follow);
	int r;

	if (follow->suspended || readonly == follow->readonly)
		return true;
	r = mount_set_readonly(follow->config.connection, follow->config.mountpoint, readonly);
	if (r == -EBUSY)
		return false;
	if (r < 0) {
		log_warning(
			"%s: LOWER has become %s, but the kernel refuses to change the view: %s",
			follow->config.mountpoint, readonly ? "read-only" : "writable",
			strerror(-r));
		return true;
	}
	follow->readonly = readonly;
	log_warning("%s: LOWER has become %s, and so has the view", follow->config.mountpoint,
		    readonly ? "read-only" : "writable");
	return true;
}

static void *follow_main(void *arg)
{
	struct lower_readonly *follow = arg;
	struct pollfd fds[] = {
		{ .fd = follow->event_fd, .events = POLLIN },
		{ .fd = follow->mounts_fd, .events = POLLPRI },
	};
	eventfd_t n;

	fs_thread_init();
	caps_limit(CAP_BIT(CAP_SYS_ADMIN) | CAP_BIT(CAP_DAC_READ_SEARCH));
	for (;;) {
		bool done = follow_lower(follow);

		if (poll(fds, 2, done ? -1 : RETRY_MS) < 0 && errno != EINTR)
			return NULL;
		if (fds[0].revents)
			eventfd_read(follow->event_fd, &n);
		if (follow->stop)
			return NULL;
	}
}

int lower_readonly_start(const struct lower_readonly_config *config,
			 struct lower_readonly **ret_follow)
{
	_cleanup_(lower_readonly_stopp) struct lower_readonly *follow = calloc(1, sizeof(*follow));
	int r;

	if (!follow) {
		fd_close(config->lower);
		return -ENOMEM;
	}
	*follow = (struct lower_readonly){
		.config = *config,
		.event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK),
		.mounts_fd = open("/proc/thread-self/mounts", O_RDONLY | O_CLOEXEC),
		.readonly = config->readonly,
		.suspended = config->suspended,
		.stop = true,
	};
	if (follow->event_fd < 0 || follow->mounts_fd < 0)
		return -errno;
	follow->stop = false;
	r = thread_create(&follow->thread, NULL, follow_main, follow);
	if (r < 0) {
		follow->stop = true;
		return r;
	}
	pthread_setname_np(follow->thread, "penstock-lower");
	*ret_follow = take_ptr(follow);
	return 0;
}

void lower_readonly_suspend(struct lower_readonly *follow, bool suspended)
{
	follow->suspended = suspended;
	lower_readonly_check(follow);
}

void lower_readonly_check(struct lower_readonly *follow)
{
	eventfd_write(follow->event_fd, 1);
}

struct lower_readonly *lower_readonly_stop(struct lower_readonly *follow)
{
	if (!follow)
		return NULL;
	if (!atomic_exchange(&follow->stop, true)) {
		eventfd_write(follow->event_fd, 1);
		pthread_join(follow->thread, NULL);
	}
	fd_close(follow->config.lower);
	fd_close(follow->event_fd);
	fd_close(follow->mounts_fd);
	free(follow);
	return NULL;
}
