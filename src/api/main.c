// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Programs with one view: pst_view_run() and pst_main().
 *
 * The calling thread waits for signals, for the end of the view, which another thread writes to an
 * eventfd, and for requests of pst_view_dispatch(). No locks.
 */
#include "api/view.h"
#include "util/cleanup.h"
#include "util/fd.h"
#include "util/log.h"

#include <errno.h>
#include <penstock/node.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>

struct end {
	struct pst_view *view;
	int fd; /* an eventfd: readable when the view has ended */
	int result;
};

static void *wait_for_end(void *aux)
{
	struct end *end = aux;

	end->result = pst_view_wait(end->view);
	eventfd_write(end->fd, 1);
	return NULL;
}

/* The signals that end a view, without those that the program has blocked for itself. */
static void ending_signals(const sigset_t *blocked, sigset_t *ret_set)
{
	static const int numbers[] = { SIGTERM, SIGINT, SIGHUP };

	sigemptyset(ret_set);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		if (!sigismember(blocked, numbers[i]))
			sigaddset(ret_set, numbers[i]);
}

static void take_signal(struct pst_view *view, int fd, unsigned int *n_signals)
{
	struct signalfd_siginfo info;
	int r;

	if (read(fd, &info, sizeof(info)) != sizeof(info))
		return;
	r = pst_view_unmount(view, ++*n_signals > 1);
	if (r == -EBUSY)
		log_error("SIG%s: the view is in use and stays mounted; a second signal removes "
			  "it from the tree, and the process ends when its last user is gone",
			  sigabbrev_np((int)info.ssi_signo));
	else if (r < 0)
		log_error("SIG%s: cannot unmount the view: %s", sigabbrev_np((int)info.ssi_signo),
			  strerror(-r));
}

static void loop(struct pst_view *view, int signal_fd, int end_fd)
{
	struct pollfd fds[] = { { end_fd, POLLIN, 0 },
				{ signal_fd, POLLIN, 0 },
				{ pst_view_dispatch_fd(view), POLLIN, 0 } };
	unsigned int n_signals = 0;

	do {
		if (poll(fds, 3, -1) < 0)
			continue;
		if (fds[2].revents)
			pst_view_dispatch(view);
		if (fds[1].revents)
			take_signal(view, signal_fd, &n_signals);
	} while (!fds[0].revents);
}

/* The caller has blocked the signals in set. */
static int run(struct pst_view *view, const sigset_t *set)
{
	VIEW_USE_LOG(view);
	_cleanup_(fd_closep) int signal_fd = signalfd(-1, set, SFD_CLOEXEC | SFD_NONBLOCK);
	_cleanup_(fd_closep) int end_fd = eventfd(0, EFD_CLOEXEC);
	struct end end = { .view = view, .fd = end_fd };
	pthread_t thread;
	int r;

	if (signal_fd < 0 || end_fd < 0)
		return -errno;
	r = pthread_create(&thread, NULL, wait_for_end, &end);
	if (r > 0)
		return -r;
	loop(view, signal_fd, end_fd);
	pthread_join(thread, NULL);
	return end.result;
}

int pst_view_run(struct pst_view *view)
{
	sigset_t before, set;
	int r;

	if (view->ending)
		return run(view, view->ending);
	pthread_sigmask(SIG_BLOCK, NULL, &before);
	ending_signals(&before, &set);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	r = run(view, &set);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return r;
}

/* -- pst_main() -------------------------------------------------------------------------------- */

/* Returns 0, -EINVAL with *error, or -ENOMEM. */
static int parse_arguments(int argc, char **argv, struct pst_view_options *options,
			   pst_option_fn own, void *aux, struct pst_error *error)
{
	const char *words[] = { NULL, NULL, NULL };
	int n = 0, r = 0;

	for (int i = 1; i < argc && r == 0; i++) {
		if (strncmp(argv[i], "-o", 2) != 0)
			words[n < 2 ? n++ : 2] = argv[i];
		else if (argv[i][2] || argv[i + 1])
			r = pst_view_options_parse(options, argv[i][2] ? argv[i] + 2 : argv[++i],
						   own, aux, error);
		else
			r = error_set(error, -EINVAL, "option -o needs a value");
	}
	if (r < 0)
		return r;
	if (!words[1] || words[2] || *words[0] == '-')
		return error_set(error, -EINVAL, "usage: %s [-o OPTION,...] LOWER MOUNTPOINT",
				 program_invocation_short_name);
	options->lower = words[0];
	options->mountpoint = words[1];
	return 0;
}

static int mount_and_run(const struct pst_view_options *options, void *aux, struct pst_error *error)
{
	struct pst_view *view;
	sigset_t before, set;
	int r;

	pthread_sigmask(SIG_BLOCK, NULL, &before);
	ending_signals(&before, &set);
	/* Before the mount: a signal between mount and pst_view_run() would leave a dead mount. */
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	r = pst_view_mount(options, &view, error);
	if (r == 0) {
		view->ending = &set;
		r = options->run ? options->run(aux, view) : pst_view_run(view);
		if (r < 0)
			error_set(error, r, "the view has ended: %s", strerror(-r));
		pst_view_free(view);
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return r;
}

int pst_main(int argc, char **argv, struct pst_view_options *options, pst_option_fn own, void *aux)
{
	struct pst_error error = { 0 };
	int r = parse_arguments(argc, argv, options, own, aux, &error), status = r < 0 ? 2 : 1;

	if (r == 0) {
		if (options->parsed && !options->log)
			pst_log_set(options->log_level, NULL, NULL);
		fd_raise_limit();
		r = mount_and_run(options, aux, &error);
	}
	if (r < 0)
		fprintf(stderr, "%s: %s\n", program_invocation_short_name, error.text);
	pst_view_options_free(options);
	return r < 0 ? status : 0;
}
