// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A thread that handles signals.
 *
 * The actions take locks or block, which a signal handler must not do. So the signals are blocked
 * in all threads (signals_block() is called before the first thread starts), and one thread reads
 * them from a signalfd. signals_stop() wakes and ends that thread by an eventfd.
 */
#include "cmd/signals.h"
#include "util/caps.h"
#include "util/cleanup.h"
#include "util/fd.h"
#include "util/log.h"

#include <penstock/penstock.h>

#include <errno.h>
#include <inttypes.h>
#include <linux/capability.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mount.h>
#include <sys/signalfd.h>
#include <syslog.h>
#include <unistd.h>

struct signals {
	struct pst_view *view;
	const char *kernel_view; /* see signals_start() */
	int signal_fd;
	int stop_fd;         /* an eventfd: readable when the thread has to end */
	unsigned int n_ends; /* TERM and INT so far; used by the thread only */
	pthread_t thread;
};

void signals_ending(sigset_t *ret_set)
{
	sigemptyset(ret_set);
	sigaddset(ret_set, SIGTERM);
	sigaddset(ret_set, SIGINT);
}

static void all_signals(sigset_t *ret_set)
{
	signals_ending(ret_set);
	sigaddset(ret_set, SIGHUP);
	sigaddset(ret_set, SIGUSR1);
}

void signals_block(void)
{
	sigset_t set;

	all_signals(&set);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	/* A write beyond an inherited file size limit has to fail, not to end the process. */
	signal(SIGXFSZ, SIG_IGN);
}

static void unmount(struct signals *signals, int number)
{
	int r;

	signals->n_ends++;
	if (!signals->kernel_view)
		r = pst_view_unmount(signals->view, signals->n_ends > 1);
	else if (umount2(signals->kernel_view,
			 UMOUNT_NOFOLLOW | (signals->n_ends > 1 ? MNT_DETACH : 0)) < 0)
		r = -errno;
	else
		r = 0;
	if (r == -EBUSY)
		log_error("SIG%s: the view is in use and stays mounted; a second signal removes "
			  "it from the tree, and the process ends when its last user is gone",
			  sigabbrev_np(number));
	else if (r < 0)
		log_error("SIG%s: cannot unmount the view: %s", sigabbrev_np(number), strerror(-r));
}

/* Logs statistics, whatever the log level is, because the user has requested them. */
static void print_statistics(struct pst_view *view)
{
	struct pst_view_info info = { .size = sizeof(info) };
	struct pst_op_stat rows[128];
	size_t n = 0;

	if (pst_view_info(view, &info) < 0)
		return;
	log_print(PST_LOG_INFO,
		  "%s at %s: %" PRIu64 " nodes (%" PRIu64 " bytes), %" PRIu64 " handles, %" PRIu64
		  " descriptors, %" PRIu64 " backings, passthrough %s",
		  info.lower, info.mountpoint, info.n_nodes, info.node_bytes, info.n_handles,
		  info.n_fds, info.n_backings, info.passthrough ? "on" : "off");
	if (pst_view_op_stats(view, rows, sizeof(rows) / sizeof(rows[0]), &n) < 0)
		return;
	for (size_t i = 0; i < n && i < sizeof(rows) / sizeof(rows[0]); i++)
		log_print(PST_LOG_INFO, "%s: %" PRIu64 " requests, %" PRIu64 " errors",
			  rows[i].name, rows[i].n_requests, rows[i].n_errors);
}

static void handle(struct signals *signals, int number)
{
	switch (number) {
	case SIGTERM:
	case SIGINT:
		unmount(signals, number);
		break;
	case SIGHUP:
		/* syslog(3) connects again by itself with the next message. */
		closelog();
		log_info("SIGHUP: reopened the log");
		break;
	case SIGUSR1:
		print_statistics(signals->view);
		break;
	}
}

static void *run(void *aux)
{
	struct signals *signals = aux;
	struct pollfd fds[] = { { signals->signal_fd, POLLIN, 0 },
				{ signals->stop_fd, POLLIN, 0 } };

	/* umount(2) needs both, the second for a path that only its owner may search. */
	caps_limit(CAP_BIT(CAP_SYS_ADMIN) | CAP_BIT(CAP_DAC_READ_SEARCH));
	for (;;) {
		struct signalfd_siginfo info;

		if (poll(fds, 2, -1) < 0)
			continue;
		if (fds[1].revents)
			return NULL;
		if (read(signals->signal_fd, &info, sizeof(info)) == sizeof(info))
			handle(signals, info.ssi_signo);
	}
}

static void signals_free(struct signals *signals)
{
	fd_close(signals->signal_fd);
	fd_close(signals->stop_fd);
	free(signals);
}

DEFINE_CLEANUP(struct signals *, signals_free);

int signals_start(struct pst_view *view, const char *kernel_view, struct signals **ret_signals)
{
	_cleanup_(signals_freep) struct signals *signals = calloc(1, sizeof(*signals));
	sigset_t set;
	int r;

	if (!signals)
		return -ENOMEM;
	all_signals(&set);
	signals->view = view;
	signals->kernel_view = kernel_view;
	signals->stop_fd = -1;
	signals->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (signals->signal_fd < 0)
		return -errno;
	signals->stop_fd = eventfd(0, EFD_CLOEXEC);
	if (signals->stop_fd < 0)
		return -errno;
	r = pthread_create(&signals->thread, NULL, run, signals);
	if (r > 0)
		return -r;
	pthread_setname_np(signals->thread, "penstock-signal");
	*ret_signals = take_ptr(signals);
	return 0;
}

void signals_stop(struct signals *signals)
{
	if (!signals)
		return;
	eventfd_write(signals->stop_fd, 1);
	pthread_join(signals->thread, NULL);
	signals_free(signals);
}
