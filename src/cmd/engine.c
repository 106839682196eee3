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
#include "kernel/second.h"
#include "kernel/view.h"
#include "util/cleanup.h"
#include "util/fd.h"
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

DEFINE_CLEANUP(struct pst_view *, pst_view_free);

/*
 * Returns 0, or -errno and the reason for the FUSE engine. *ret_both is true if nothing was done,
 * because a process has to stay.
 */
static int try_kernel(const struct mount_options *options, bool *ret_both, struct pst_error *error)
{
	_cleanup_(kernel_second_fini) struct kernel_second second = { 0 };
	int r;

	if (options->engine == ENGINE_AUTO && !kernel_module_is_loaded())
		return error_set(error, -ENODEV, "the module penstock is not loaded");
	r = kernel_second_find(&options->view, &second, error);
	if (r > 0 && options->engine == ENGINE_AUTO)
		return error_set(error, -EOPNOTSUPP,
				 "filter %s sees data, for which the kernel engine needs a process",
				 second.filters[0]);
	if (r == 0)
		return kernel_view_mount(&options->view, -1, error);
	*ret_both = r > 0;
	return r;
}

int engine_mount_both(const struct mount_options *options, struct pst_view **ret_view,
		      struct pst_error *error)
{
	_cleanup_(kernel_second_fini) struct kernel_second second = { 0 };
	_cleanup_(pst_view_freep) struct pst_view *view = NULL;
	_cleanup_(fd_closep) int fd = -1;
	int r = kernel_second_find(&options->view, &second, error);

	if (r >= 0)
		r = pst_view_mount(&second.options, &view, error);
	if (r < 0)
		return r;
	fd = pst_view_take_mount(view);
	r = kernel_view_mount(&options->view, fd, error);
	if (r < 0)
		return r;
	log_info("the kernel engine mounted the view at %s: this process serves the files whose "
		 "data filters see",
		 options->view.mountpoint);
	*ret_view = take_ptr(view);
	return 0;
}

int engine_mount(const struct mount_options *options)
{
	const char *mountpoint = options->view.mountpoint;
	struct pst_error error = { 0 };
	bool both = false;
	int r;

	if (options->engine == ENGINE_FUSE)
		return ENGINE_MOUNT_FUSE;
	pst_log_set(options->log_level, print_log, (void *)options);
	r = try_kernel(options, &both, &error);
	if (r == 0)
		log_info("the kernel engine mounted the view at %s; it needs no process",
			 mountpoint);
	else if (r < 0 && options->engine == ENGINE_AUTO)
		log_info("engine=auto: the FUSE engine mounts the view at %s, because: %s",
			 mountpoint, error.text);
	pst_log_set(PST_LOG_WARNING, NULL, NULL);
	if (both)
		return ENGINE_MOUNT_BOTH;
	if (r == 0)
		return CMD_OK;
	if (options->engine == ENGINE_AUTO)
		return ENGINE_MOUNT_FUSE;
	if (options->syslog)
		syslog(LOG_ERR, "%s", error.text);
	cmd_error("%s", error.text);
	return cmd_exit_code(r);
}
