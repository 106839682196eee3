// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The process that serves the view of `penstock run`.
 *
 * The command cannot reach this process: it is in no namespace of the command and in a session of
 * its own; it is not dumpable, so /proc and ptrace(2) show nothing of it; and it has no control
 * socket, so nothing changes its filters.
 *
 * A second thread waits for the end of the process that the user started, the main thread for the
 * end of the view. All signals but SIGKILL stay blocked, as this process got them. No locks.
 */
#include "run/serve.h"
#include "run/audit.h"
#include "run/descriptors.h"
#include "run/note.h"
#include "util/log.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <syslog.h>
#include <unistd.h>

struct serving {
	const struct run_options *options;
	struct pst_view *view;
	int fd;
	_Atomic bool started; /* the streams belong to the command: log to syslog */
};

static void print_log(void *aux, enum pst_log_level level, const char *text)
{
	static const int priorities[] = { LOG_ERR, LOG_WARNING, LOG_INFO, LOG_DEBUG };
	struct serving *serving = aux;

	if (serving->started)
		syslog(priorities[level], "%s", text);
	else
		serving->options->print(level, text);
}

/* Each open file whose data is served keeps a descriptor. */
static void raise_file_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

/* The thread that unmounts the view when the process of `penstock run` has ended. */
static void *end_main(void *aux)
{
	struct serving *serving = aux;
	struct note note;

	while (note_receive(serving->fd, &note) > 0)
		;
	/* Lazily: a process that is just being killed may still use the view. */
	pst_view_unmount(serving->view, 1);
	return NULL;
}

int serve_view(const struct run_options *options, int audit_fd, int fd)
{
	struct serving serving = { .options = options, .fd = fd };
	struct audit *audit = NULL;
	struct pst_error error = { 0 };
	pthread_t thread;
	int r;

	setsid();
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	descriptors_keep(fd, audit_fd);
	openlog("penstock", LOG_PID, LOG_DAEMON);
	pst_log_set(options->log_level, print_log, &serving);
	raise_file_limit();

	r = pst_view_mount(options->view, &serving.view, &error);
	if (r == 0 && (audit_fd >= 0 || options->changes))
		r = audit_start(serving.view, audit_fd, STDERR_FILENO, options->changes, &audit,
				&error);
	if (r < 0) {
		note_send(fd, NOTE_FAILED, RUN_FAILED, error.text);
		return 1;
	}
	serving.started = true;
	descriptors_detach(true);
	r = chdir("/") < 0 ? errno : pthread_create(&thread, NULL, end_main, &serving);
	if (r > 0) {
		note_send(fd, NOTE_FAILED, RUN_FAILED, strerror(r));
	} else {
		pthread_setname_np(thread, "penstock-end");
		note_send(fd, NOTE_READY, 0, NULL);
		r = pst_view_wait(serving.view);
		/* The supervisor ends the command, should the view have ended before. */
		shutdown(fd, SHUT_RDWR);
		pthread_join(thread, NULL);
	}
	audit_end(audit);
	pst_view_free(serving.view);
	return r != 0;
}
