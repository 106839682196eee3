// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * penstock mount: mounts a view and serves it until it is unmounted.
 *
 * In this order: read the options; enter the mount namespace of -N; block signals and fork the
 * background process (both before there are threads); mount; wait for signals; report success to
 * the parent; wait for the end of the view.
 */
#include "cmd/cmd.h"
#include "cmd/daemon.h"
#include "cmd/engine.h"
#include "cmd/option-print.h"
#include "cmd/options.h"
#include "cmd/remount.h"
#include "cmd/signals.h"
#include "util/caps.h"
#include "util/cleanup.h"
#include "util/fd.h"
#include "util/log.h"

#include <penstock/penstock.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
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

/* Enters the mount namespace of -N: a process ID, or a file of /proc/PID/ns. */
static int enter_namespace(const char *name)
{
	_cleanup_(fd_closep) int fd = -1;
	char path[64];

	if (name[strspn(name, "0123456789")] == '\0') {
		snprintf(path, sizeof(path), "/proc/%.20s/ns/mnt", name);
		name = path;
	}
	fd = open(name, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || setns(fd, CLONE_NEWNS) < 0) {
		int error = -errno;

		cmd_error("cannot enter the mount namespace %s: %s", name, strerror(errno));
		return error;
	}
	return 0;
}

/* Reports that the view is mounted, and serves it until it ends. */
static int serve(struct mount *mount, const struct mount_options *options)
{
	bool background = mount->daemon.report_fd >= 0;
	int r;

	r = signals_start(mount->view, &mount->signals);
	if (r < 0)
		return fail_errno(mount, r, "cannot start the thread that handles signals");
	if (background)
		mount->to_syslog = true;
	r = daemon_ready(&mount->daemon);
	if (r < 0)
		return fail_errno(mount, r, "cannot go into the background");

	r = pst_view_wait(mount->view);
	if (r < 0) {
		log_error("the view at %s ended with an error: %s", options->view.mountpoint,
			  strerror(-r));
		return CMD_FAILED;
	}
	log_info("the view at %s has ended", options->view.mountpoint);
	return CMD_OK;
}

static int mount_and_serve(struct mount *mount, struct mount_options *options)
{
	struct pst_error error = { 0 };
	int code, r;

	openlog("penstock", LOG_PID, LOG_DAEMON);
	mount->to_syslog = options->syslog;
	signals_block();
	if (!options->foreground) {
		r = daemon_start(&mount->daemon);
		if (r < 0)
			return fail_errno(mount, r, "cannot go into the background");
	}
	pst_log_set(options->log_level, print_log, mount);
	fd_raise_limit();
	/*
	 * A program that this process executes gains no privileges by set-user-ID bits. Without
	 * root that program is fusermount3, which needs them.
	 */
	if (caps_have(CAP_SYS_ADMIN))
		prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);

	r = pst_view_mount(&options->view, &mount->view, &error);
	if (r < 0) {
		code = fail(mount, cmd_exit_code(r), error.text);
	} else {
		code = serve(mount, options);
		signals_stop(mount->signals);
		pst_view_free(mount->view);
	}
	pst_log_set(PST_LOG_WARNING, NULL, NULL);
	return code;
}

static void print_help(const struct cmd *cmd, bool all)
{
	cmd_print_help(cmd);
	printf("\nOptions, as -o NAME[=VALUE],... or --NAME[=VALUE]:\n");
	option_print_help(all);
}

static int run(const struct cmd *cmd, enum options_dialect dialect, int argc, char **argv)
{
	_cleanup_(options_fini) struct mount_options options = MOUNT_OPTIONS_INIT;
	struct mount mount = { .daemon.report_fd = -1 };
	struct pst_error error;
	int r;

	r = options_parse(&options, dialect, argc, argv, &error);
	if (r == -EINVAL)
		return cmd_usage_error(cmd, "%s", error.text);
	if (r < 0) {
		cmd_error("%s", strerror(-r));
		return cmd_exit_code(r);
	}
	if (options.help) {
		print_help(cmd, options.help_all);
		return CMD_OK;
	}
	cmd_warn_rules(options.rules);
	if (options.always)
		cmd_error("these options have no effect, because every view behaves so: %s",
			  options.always);
	if (options.fake) {
		if (options.print || options.verbose)
			option_print(&options);
		return CMD_OK;
	}
	if (options.namespace) {
		r = enter_namespace(options.namespace);
		if (r < 0)
			return cmd_exit_code(r);
	}
	if (options.remount)
		return remount(&options);
	r = engine_mount(&options);
	return r < 0 ? mount_and_serve(&mount, &options) : r;
}

int cmd_mount(struct cmd_call *call)
{
	return run(call->cmd, OPTIONS_COMMAND, call->argc, call->argv);
}

int cmd_mount_helper(int argc, char **argv)
{
	static const struct cmd helper = {
		.arguments = "SPEC DIR [-sfnv] [-N NAMESPACE] [-o OPTIONS] [-t TYPE]",
		.help = "Shows the tree SPEC at DIR. mount(8) runs this for `mount -t penstock`.\n",
	};

	return run(&helper, OPTIONS_HELPER, argc, argv);
}
