// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A process that serves a view.
 *
 * In this order: block signals and fork the background process (both before there are threads);
 * mount; wait for signals; report success to the parent; wait for the end of the view.
 */
#include "cmd/serving.h"
#include "cmd/cmd.h"
#include "cmd/daemon.h"
#include "cmd/signals.h"
#include "util/caps.h"
#include "util/fd.h"
#include "util/log.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <syslog.h>

/* A view, and the parts of this process that serve it. */
struct mount {
	struct daemon daemon;
	struct pst_view *view;
	struct signals *signals;
	atomic_bool to_syslog; /* not to standard error; read by all threads */
};

static void print_log(void *aux, enum pst_log_level level, const char *text)
{
	static const struct {
		const char *name;
		int priority;
	} levels[] = {
		[PST_LOG_ERROR] = { "error: ", LOG_ERR },
		[PST_LOG_WARNING] = { "warning: ", LOG_WARNING },
		[PST_LOG_INFO] = { "", LOG_INFO },
		[PST_LOG_DEBUG] = { "debug: ", LOG_DEBUG },
	};
	struct mount *mount = aux;

	if (mount->to_syslog)
		syslog(levels[level].priority, "%s", text);
	else
		cmd_error("%s%s", levels[level].name, text);
}

/*
 * Reports a failure: the process that the user started prints the text and exits with the code.
 * Returns the code.
 */
static int fail(struct mount *mount, int code, const char *text)
{
	if (mount->to_syslog)
		syslog(LOG_ERR, "%s", text);
	if (!daemon_failed(&mount->daemon, code, text))
		cmd_error("%s", text);
	return code;
}

static int fail_errno(struct mount *mount, int error, const char *what)
{
	char text[256];

	snprintf(text, sizeof(text), "%s: %s", what, strerror(-error));
	return fail(mount, cmd_exit_code(error), text);
}

/* Reports that the view is mounted, and serves it until it ends. */
static int serve(struct mount *mount, const struct serving *serving)
{
	bool background = mount->daemon.report_fd >= 0;
	int r;

	r = signals_start(mount->view, serving->kernel_view, &mount->signals);
	if (r < 0)
		return fail_errno(mount, r, "cannot start the thread that handles signals");
	if (background)
		mount->to_syslog = true;
	r = daemon_ready(&mount->daemon);
	if (r < 0)
		return fail_errno(mount, r, "cannot go into the background");

	r = pst_view_wait(mount->view);
	if (r < 0) {
		log_error("the view at %s ended with an error: %s", serving->mountpoint,
			  strerror(-r));
		return CMD_FAILED;
	}
	log_info("the view at %s has ended", serving->mountpoint);
	return CMD_OK;
}

static int mount_and_serve(struct mount *mount, const struct serving *serving)
{
	struct pst_error error = { 0 };
	int code, r;

	openlog("penstock", LOG_PID, LOG_DAEMON);
	mount->to_syslog = serving->syslog;
	signals_block();
	if (!serving->foreground) {
		r = daemon_start(&mount->daemon);
		if (r < 0)
			return fail_errno(mount, r, "cannot go into the background");
	}
	pst_log_set(serving->log_level, print_log, mount);
	fd_raise_limit();
	/*
	 * A program that this process executes gains no privileges by set-user-ID bits. Without
	 * root that program is fusermount3, which needs them.
	 */
	if (caps_have(CAP_SYS_ADMIN))
		prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);

	r = serving->mount(serving->aux, &mount->view, &error);
	if (r < 0) {
		code = fail(mount, cmd_exit_code(r), error.text);
	} else {
		code = serve(mount, serving);
		signals_stop(mount->signals);
		pst_view_free(mount->view);
	}
	pst_log_set(PST_LOG_WARNING, NULL, NULL);
	return code;
}

int serving_run(const struct serving *serving)
{
	struct mount mount = { .daemon.report_fd = -1 };

	return mount_and_serve(&mount, serving);
}
