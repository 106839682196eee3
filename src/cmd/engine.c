// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Chooses the engine of a view, and mounts with the kernel engine.
 *
 * engine=auto takes the kernel engine if its module is loaded already and can do all that the
 * options and filters ask for. kernel_view_mount() decides that: after any error of it the FUSE
 * engine mounts the view. No state, no locks.
 */
#include "cmd/engine.h"
#include "cmd/cmd.h"
#include "kernel/view.h"
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

/* Returns 0, or -errno and the reason for the FUSE engine. */
static int try_kernel(const struct mount_options *options, struct pst_error *error)
{
	if (options->engine == ENGINE_AUTO && !kernel_module_is_loaded())
		return error_set(error, -ENODEV, "the module penstock is not loaded");
	return kernel_view_mount(&options->view, error);
}

int engine_mount(const struct mount_options *options)
{
	const char *mountpoint = options->view.mountpoint;
	struct pst_error error = { 0 };
	int r;

	if (options->engine == ENGINE_FUSE)
		return ENGINE_MOUNT_FUSE;
	pst_log_set(options->log_level, print_log, (void *)options);
	r = try_kernel(options, &error);
	if (r == 0)
		log_info("the kernel engine mounted the view at %s; it needs no process",
			 mountpoint);
	else if (options->engine == ENGINE_AUTO)
		log_info("engine=auto: the FUSE engine mounts the view at %s, because: %s",
			 mountpoint, error.text);
	pst_log_set(PST_LOG_WARNING, NULL, NULL);
	if (r == 0)
		return CMD_OK;
	if (options->engine == ENGINE_AUTO)
		return ENGINE_MOUNT_FUSE;
	if (options->syslog)
		syslog(LOG_ERR, "%s", error.text);
	cmd_error("%s", error.text);
	return cmd_exit_code(r);
}
