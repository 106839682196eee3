// SPDX-License-Identifier: LGPL-2.1-or-later
/* Mounting and ending a view: public functions of the library. */
#include "api/view.h"
#include "api/struct-size.h"
#include "api/view-options.h"
#include "api/view-paths.h"
#include "ctl/server.h"
#include "fs/creds.h"
#include "kernel/view.h"
#include "mount/mount.h"
#include "util/cleanup.h"
#include "util/fd.h"
#include "util/log.h"

#include <errno.h>
#include <penstock/source.h>
#include <string.h>

DEFINE_CLEANUP(struct pst_view *, pst_view_free);

/* Checks that this process can mount the view. */
static int check(struct pst_view *view, struct pst_view_options *options, struct pst_error *error)
{
	int r = view_check_privilege(&view->by_helper, error);

	if (r == 0)
		r = view_check_lower(view->lower, options, error);
	if (r == 0 && view->by_helper && options->detached)
		r = error_set(error, -EPERM, "a detached view needs CAP_SYS_ADMIN");
	if (r == 0 && view->by_helper) {
		r = view_check_helper(view->lower, view->mountpoint, options, error);
		/* The process acts with the rights of its user only. */
		options->allow_other = 0;
	}
	/* A view at LOWER itself may lie over another one: `penstock run` in `penstock run`. */
	if (r == 0 && !options->detached && strcmp(view->lower, view->mountpoint) != 0 &&
	    mount_is_view(view->mountpoint))
		r = view_refuse_second(view->mountpoint, error);
	return r;
}

/* Mounts a FUSE view. */
static int start_fuse(struct pst_view *view, struct pst_view_options *options,
		      struct pst_error *error)
{
	int r = check(view, options, error);

	if (r == 0)
		r = view_build(view, options, error);
	if (r < 0)
		return r;
	view->mounted = !options->detached;
	/* A detached view becomes a part of another, which has to follow LOWER. */
	if (!options->detached)
		r = view_follow_lower(view, error);
	if (r == 0)
		r = view_control_start(view, options->control, error);
	if (r < 0)
		return r;
	if (view->backings_refused && options->passthrough == PST_PASSTHROUGH_AUTO)
		log_warning("%s: the view serves data itself, without passthrough: %s",
			    view->mountpoint, view->passthrough_why);
	log_info("mounted %s at %s, connection %u, by %s, passthrough %s%s", view->lower,
		 view->mountpoint, view->connection, view->uring ? "io_uring" : "/dev/fuse",
		 view->passthrough_why[0] ? "off: " : "on", view->passthrough_why);
	return 0;
}

/* Mounts a view of the kernel engine. */
static int start_kernel(struct pst_view *view, const struct pst_view_options *options,
			struct pst_error *error)
{
	_cleanup_(kernel_second_fini) struct kernel_second second = { 0 };
	unsigned int connection;
	int r = kernel_view_try(options, &second, &connection, error);

	if (r == 0)
		view_kernel_mounted(view, connection);
	if (r <= 0)
		return r;
	r = start_fuse(view, &second.options, error);
	return r < 0 ? r : view_kernel_mount(view, options, &second, error);
}

static int start(struct pst_view *view, struct pst_view_options *options, struct pst_error *error)
{
	VIEW_USE_LOG(view);
	struct pst_error why = { 0 };
	int r = view_directory("LOWER", options->lower, &view->lower, error);

	if (r == 0)
		r = view_directory("MOUNTPOINT", options->mountpoint, &view->mountpoint, error);
	if (r < 0)
		return r;
	if (options->engine == PST_ENGINE_FUSE)
		return start_fuse(view, options, error);
	r = start_kernel(view, options, &why);
	if (r == 0)
		return 0;
	if (options->engine == PST_ENGINE_KERNEL)
		return error_set(error, r, "%s", why.text);
	log_info("engine=auto: the FUSE engine mounts the view at %s, because: %s",
		 view->mountpoint, why.text);
	return start_fuse(view, options, error);
}

/* The options of a program, and the structs of functions that they point to. */
struct given {
	struct pst_view_options options;
	struct pst_server server;
	struct pst_source source;
	struct pst_node_ops node_ops;
};

static int copy_given(const struct pst_view_options *program, struct given *given,
		      struct pst_error *error)
{
	struct pst_view_options *options = &given->options;
	int r = struct_copy_in("options", program, options, sizeof(*options), error);

	if (r == 0 && options->server) {
		r = struct_copy_in("server", options->server, &given->server, sizeof(given->server),
				   error);
		options->server = &given->server;
	}
	if (r == 0 && options->source) {
		r = struct_copy_in("source", options->source, &given->source, sizeof(given->source),
				   error);
		options->source = &given->source;
	}
	if (r == 0 && options->node_ops) {
		r = struct_copy_in("node_ops", options->node_ops, &given->node_ops,
				   sizeof(given->node_ops), error);
		options->node_ops = &given->node_ops;
	}
	return r;
}

int pst_view_mount(const struct pst_view_options *program, struct pst_view **ret_view,
		   struct pst_error *error)
{
	_cleanup_(pst_view_freep) struct pst_view *view = calloc(1, sizeof(*view));
	struct pst_view_options *options;
	struct given given;
	int r;

	if (!view)
		return error_set(error, -ENOMEM, "out of memory");
	view->lower_fd = -1;
	view->mount_fd = -1;
	view->kernel_fd = -1;
	pthread_mutex_init(&view->flags_lock, NULL);
	r = copy_given(program, &given, error);
	options = &given.options;
	if (r == 0)
		r = view_options_check(options, error);
	if (r == 0 && options->parsed)
		r = view_parsed_check(options, error);
	if (r < 0)
		return r;
	view->own_log = (struct log){ options->log_level, options->log, options->log_aux };
	view->log = options->log ? &view->own_log : NULL;
	r = start(view, options, error);
	if (r < 0)
		return r;
	*ret_view = take_ptr(view);
	return 0;
}

int pst_view_take_mount(struct pst_view *view)
{
	return take_fd(&view->mount_fd);
}

/* -- mounted views --------------------------------------------------------------------------- */

int pst_view_wait(struct pst_view *view)
{
	int r = view->server ? server_wait(view->server) : 0;

	if (view->kernel && !view->server)
		view_kernel_wait(view);
	view->mounted = false;
	return r;
}

int pst_view_unmount(struct pst_view *view, int lazy)
{
	VIEW_USE_LOG(view);

	return mount_detach(view_device(view), view->mountpoint, lazy, lazy);
}

void pst_view_free(struct pst_view *view)
{
	if (!view)
		return;
	VIEW_USE_LOG(view);
	if (fs_thread_in_view()) {
		log_error("a callback has called pst_view_free(), which would wait for the "
			  "callback: the call has no effect");
		return;
	}
	ctl_server_end_verbs(view->control);
	if (view->mounted)
		mount_detach(view_device(view), view->mountpoint, true, true);
	fd_close(view->mount_fd);
	fd_close(view->kernel_fd);
	server_free(view->server);
	lower_readonly_stop(view->lower_readonly);
	fd_close(view->lower_fd);
	/* Clients wait for the end of their connections until nothing uses LOWER any more. */
	ctl_server_stop(view->control);
	pthread_mutex_destroy(&view->flags_lock);
	free(view->lower);
	free(view->mountpoint);
	free(view);
}

int pst_view_evict(struct pst_view *view, uint64_t nodeid)
{
	VIEW_USE_LOG(view);
	struct source *source = view->server ? server_source(view->server) : NULL;
	struct node *node = source ? view_node(view, nodeid) : NULL;
	int r;

	if (!node)
		return source ? -ENOENT : -EINVAL;
	r = source_evict(source, node);
	fs_node_put(server_fs(view->server), node);
	return r;
}

void pst_view_changed(struct pst_view *view, uint64_t nodeid)
{
	VIEW_USE_LOG(view);
	struct node *node = view_node(view, nodeid);

	if (!node)
		return;
	fs_invalidate_node(server_fs(view->server), node, false);
	fs_node_put(server_fs(view->server), node);
}
