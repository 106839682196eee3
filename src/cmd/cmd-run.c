// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * penstock run: runs a command in a view of a directory that lies at the directory itself. This
 * file reads the options; run/ makes the view and the namespaces. No state, no locks.
 */
#include "cmd/cmd.h"
#include "cmd/option-print.h"
#include "cmd/options.h"
#include "run/run.h"
#include "util/cleanup.h"
#include "util/log.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

static void print_log(enum pst_log_level level, const char *text)
{
	cmd_error("%s%s", level == PST_LOG_WARNING ? "warning: " : "", text);
}

/* Ends this process by the signal that ended the command, as a shell expects it. */
static void die_by(int number)
{
	struct rlimit no_core = { 0 };
	sigset_t set;

	setrlimit(RLIMIT_CORE, &no_core);
	signal(number, SIG_DFL);
	sigemptyset(&set);
	sigaddset(&set, number);
	raise(number);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
}

/* Checks what options_parse() cannot know. Returns 0, or -EINVAL and *error. */
static int check(const struct mount_options *options, struct pst_error *error)
{
	if (options->remount || options->namespace || options->foreground || options->syslog)
		return error_set(error, -EINVAL,
				 "remount, -N, -f and syslog have no meaning for a view that ends "
				 "with a command");
	if (options->view.engine == PST_ENGINE_KERNEL)
		return error_set(
			error, -EINVAL,
			"engine=kernel: a command runs in a view of the engine fuse, whose "
			"process ends with the command");
	if (strcmp(options->view.lower, "/") == 0)
		return error_set(error, -EINVAL,
				 "the directory cannot be /: give one below it, such as \".\"");
	return 0;
}

static int run(const struct cmd *cmd, struct mount_options *options)
{
	struct run_options run = {
		.view = &options->view,
		.command = options->command,
		.audit = options->audit,
		.changes = options->changes,
		.log_level = options->log_level,
		.print = print_log,
	};
	_cleanup_(freep) char *path = realpath(options->view.lower ?: ".", NULL);
	struct pst_error error;
	struct run_end end;

	/* Messages name the whole path. Without one, the view says why. */
	options->view.lower = path ?: options->view.lower ?: ".";
	options->view.mountpoint = options->view.lower;
	options->view.control = PST_CONTROL_OFF;
	if (check(options, &error) < 0) {
		cmd_usage_error(cmd, "%s", error.text);
		return RUN_FAILED;
	}
	if (options->fake) {
		option_print(options);
		return CMD_OK;
	}
	cmd_warn_rules(options->rules);
	run_command(&run, &end);
	if (end.text[0])
		cmd_error("%s", end.text);
	if (end.signal)
		die_by(end.signal);
	return end.code;
}

int cmd_run_command(struct cmd_call *call)
{
	_cleanup_(options_fini) struct mount_options options = MOUNT_OPTIONS_INIT;
	struct pst_error error;
	int r = options_parse(&options, OPTIONS_RUN, call->argc, call->argv, &error);

	if (r < 0) {
		cmd_usage_error(call->cmd, "%s", r == -EINVAL ? error.text : strerror(-r));
		return RUN_FAILED;
	}
	if (options.help) {
		cmd_print_help(call->cmd);
		printf("\nOptions, as -o NAME[=VALUE],... or --NAME[=VALUE]:\n");
		option_print_help(options.help_all);
		return CMD_OK;
	}
	return run(call->cmd, &options);
}
