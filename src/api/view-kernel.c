// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Views of the kernel engine: what the library does for them through the module's files in
 * /proc/fs/penstock, which only root can read. The module locks.
 */
#include "api/view.h"
#include "kernel/change.h"
#include "kernel/control.h"
#include "kernel/view.h"
#include "server/chain-update.h"
#include "util/cleanup.h"
#include "util/fd.h"
#include "util/mountinfo.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LAZY_MS 1000 /* between two checks if a lazily unmounted view has ended */

void view_kernel_mounted(struct pst_view *view, unsigned int connection)
{
	view->kernel = connection;
	view->kernel_fd = kernel_control_open(connection, "view");
	view->mounted = true;
	log_info("mounted %s at %s with the kernel engine%s", view->lower, view->mountpoint,
		 view->server ? ", and this process serves a part of it" : "");
}

int view_kernel_mount(struct pst_view *view, const struct pst_view_options *options,
		      const struct kernel_second *second, struct pst_error *error)
{
	_cleanup_(fd_closep) int serve_fd = take_fd(&view->mount_fd);
	unsigned int connection;
	int r = kernel_view_mount(options, second, serve_fd, &connection, error);

	if (r == 0)
		view_kernel_mounted(view, connection);
	return r;
}

/* Returns true if the view has ended: then its file cannot be read any more. */
static bool has_ended(const struct pst_view *view)
{
	char c;

	return view->kernel_fd < 0 || pread(view->kernel_fd, &c, 1, 0) < 0;
}

void view_kernel_wait(struct pst_view *view)
{
	_cleanup_(fd_closep) int table = open(MOUNTINFO_OWN, O_RDONLY | O_CLOEXEC);
	/* The kernel wakes those who poll the table when a mount has changed. */
	struct pollfd fd = { .fd = table, .events = POLLPRI };

	while (!has_ended(view))
		poll(&fd, 1, LAZY_MS);
}

/* ---- filters ------------------------------------------------------------------------------- */

static int change_second(void *aux, const char *name, const char *spec, struct pst_error *error)
{
	struct pst_view *view = aux;

	return filters_change(server_filters(view->server), name, spec, error);
}

int view_kernel_change(struct pst_view *view, const char *name, const char *spec,
		       struct pst_error *error)
{
	const struct kernel_change change = {
		.mountpoint = view->mountpoint,
		.connection = view->kernel,
		.name = name,
		.spec = spec,
		.second = view->server ? change_second : NULL,
		.aux = view,
		.has_program = view->server && server_served(view->server),
		.serve_fd = -1,
	};
	struct pst_error own = { 0 };

	return kernel_filter_change(&change, error ? error : &own);
}

static uint32_t number(const char *text)
{
	return (uint32_t)strtoul(text, NULL, 10);
}

int view_kernel_filters(struct pst_view *view, struct pst_filter *rows, size_t n, size_t *ret_n)
{
	_cleanup_(kernel_table_fini) struct kernel_table table = { 0 };
	int r = kernel_table_read(view->kernel, "filters", &table);
	char *columns[6];

	for (*ret_n = 0; r == 0 && kernel_table_next(&table, columns, 6); ++*ret_n) {
		struct pst_filter *row = &rows[*ret_n];

		if (*ret_n >= n)
			continue;
		*row = (struct pst_filter){ .flags = number(columns[5]) };
		snprintf(row->name, sizeof(row->name), "%s", columns[0]);
		snprintf(row->spec, sizeof(row->spec), "%s", columns[1]);
		snprintf(row->file, sizeof(row->file), "%s", columns[2]);
		snprintf(row->summary, sizeof(row->summary), "%s", columns[3]);
		snprintf(row->at, sizeof(row->at), "%s", columns[4]);
	}
	return r;
}

int view_kernel_stats(struct pst_view *view, struct pst_filter_stat *rows, size_t n, size_t *ret_n)
{
	_cleanup_(kernel_table_fini) struct kernel_table table = { 0 };
	int r = kernel_table_read(view->kernel, "programs", &table);
	char *columns[6];

	for (*ret_n = 0; r == 0 && kernel_table_next(&table, columns, 6); ++*ret_n) {
		struct pst_filter_stat *row = &rows[*ret_n];

		if (*ret_n >= n)
			continue;
		*row = (struct pst_filter_stat){
			.n_runs = strtoull(columns[2], NULL, 10),
			.n_errors = strtoull(columns[3], NULL, 10),
			.n_done = strtoull(columns[4], NULL, 10),
			.n_bad = strtoull(columns[5], NULL, 10),
		};
		snprintf(row->filter, sizeof(row->filter), "%s", columns[0]);
		snprintf(row->program, sizeof(row->program), "%s", columns[1]);
	}
	return r;
}
