// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Chooses the engine of a view, and mounts with the kernel engine.
 *
 * engine=auto takes the kernel engine if its module is loaded already and can do all that the
 * options and filters ask for. kernel_view_try() decides that: after any error of it the FUSE
 * engine mounts the view. No state, no locks.
 */
#include "cmd/engine.h"
#include "cmd/cmd.h"
#include "kernel/view.h"
#include "util/cleanup.h"
#include "util/log.h"

#include <errno.h>
#include <string.h>
#include <syslog.h>

static void print_log(void *aux, enum pst_log_level level, const char *text)
{
	const struct mount_options *options = aux;

	if (options->syslog)
		syslog(level == PST_LOG_WARNING ? LOG_WARNING : LOG_INFO, "%s", text);
	else
		cmd_error("%s%s", level == PST_LOG_WARNING ? "warning: " : "", text);
}

int engine_mount(struct mount_options *options)
{
	_cleanup_(kernel_second_fini) struct kernel_second second = { 0 };
	const char *mountpoint = options->view.mountpoint;
	bool automatic = options->view.engine == PST_ENGINE_AUTO;
	struct pst_error error = { 0 };
	unsigned int connection;
	int r;

	if (options->view.engine == PST_ENGINE_FUSE)
		return ENGINE_NEEDS_PROCESS;
	pst_log_set(options->log_level, print_log, options);
	r = kernel_view_try(&options->view, &second, &connection, &error);
	if (r == 0)
		log_info("the kernel engine mounted the view at %s; it needs no process",
			 mountpoint);
	else if (r < 0 && automatic)
		log_info("engine=auto: the FUSE engine mounts the view at %s, because: %s",
			 mountpoint, error.text);
	pst_log_set(PST_LOG_WARNING, NULL, NULL);
	if (r == 0)
		return CMD_OK;
	if (automatic)
		options->view.engine = PST_ENGINE_FUSE;
	if (r > 0 || automatic)
		return ENGINE_NEEDS_PROCESS;
	if (options->syslog)
		syslog(LOG_ERR, "%s", error.text);
	cmd_error("%s", error.text);
	return cmd_exit_code(r);
}
