// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A bare inotify reader of the lower fixture, in a thread of its own. No process can learn of a
 * change sooner, so its delay is the scheduler's.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <sys/inotify.h>

#include "coherence.h"

static int fd = -1;
static _Atomic double heard_ms;

static void *listen_for_ever(void *arg)
{
	_Alignas(struct inotify_event) static char buf[65536];

	while (read(fd, buf, sizeof(buf)) > 0)
		heard_ms = now_ms();
	return NULL;
}

void witness_start(void)
{
	pthread_t thread;

	fd = inotify_init1(IN_CLOEXEC);
	if (fd < 0 || pthread_create(&thread, NULL, listen_for_ever, NULL) != 0)
		err(2, "inotify");
}

void witness_watch(int fixture)
{
	char path[64];

	for (unsigned int i = 0; fixture_dirs[i]; i++) {
		snprintf(path, sizeof(path), "/proc/self/fd/%d/%s", fixture, fixture_dirs[i]);
		if (inotify_add_watch(fd, path, IN_ALL_EVENTS) < 0)
			err(2, "inotify: %s", path);
	}
}

double witness_heard(void)
{
	return heard_ms;
}
