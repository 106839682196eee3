// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * penstock mount: mounts a view and serves it until it is unmounted.
 *
 * In this order: read the options; enter the mount namespace of -N; let the kernel engine mount
 * the view if it can; else run a process that mounts and serves (cmd/serving.c).
 */
#include "cmd/cmd.h"
#include "cmd/engine.h"
#include "cmd/option-print.h"
#include "cmd/options.h"
#include "cmd/remount.h"
#include "cmd/serving.h"
#include "util/cleanup.h"
#include "util/fd.h"

#include <penstock/penstock.h>

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

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

static int mount_view(void *aux, struct pst_view **ret_view, struct pst_error *error)
{
	const struct mount_options *options = aux;

	return pst_view_mount(&options->view, ret_view, error);
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
	struct serving serving = { .mount = mount_view, .aux = &options };
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
	if (r >= 0)
		return r;
	serving.mountpoint = options.view.mountpoint;
	serving.log_level = options.log_level;
	serving.foreground = options.foreground;
	serving.syslog = options.syslog;
	return serving_run(&serving);
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
