// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Changes the filters of a mounted view of the kernel engine by fspick(2). No state, no locks: the
 * module lets one change run at a time.
 *
 * All programs of a view share one map of slots. The module tells its number, so that this process
 * can load a filter for the same map.
 *
 * The second tree has a filter that it runs for as long as the module knows the filter: it gets the
 * filter first, and loses it last.
 */
#include "kernel/change.h"
#include "kernel/context.h"
#include "kernel/control.h"
#include "kernel/module-abi.h"
#include "kernel/second.h"
#include "util/cleanup.h"
#include "util/fd.h"
#include "util/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>

/* A filter that changes, loaded for the module. */
struct loaded {
	struct filter_slots *slots; /* owned */
	struct filter *filter;      /* owned; NULL: the filter is only removed */
	enum module_serve serve;
};

static void loaded_fini(struct loaded *loaded)
{
	filter_free(loaded->filter);
	filter_slots_free(loaded->slots);
}

static int load(const struct kernel_change *change, struct loaded *ret_loaded,
		struct pst_error *error)
{
	_cleanup_(freep) char *number = kernel_control_find(change->connection, "view", "slots");
	int second = kernel_second_needs(change->spec, change->has_program, error);
	int r = second;

	if (r >= 0)
		r = number ? filter_slots_open((uint32_t)strtoul(number, NULL, 10),
					       &ret_loaded->slots, error) :
			     kernel_slots_new(&ret_loaded->slots, error);
	if (r >= 0)
		r = kernel_filter_load(change->spec, ret_loaded->slots, second, &ret_loaded->filter,
				       error);
	if (r < 0 || !second)
		return r;
	ret_loaded->serve = kernel_second_serves(ret_loaded->filter);
	if (ret_loaded->serve == MODULE_SERVE_ALL)
		return error_set(
			error, -EOPNOTSUPP,
			"filter %s runs in the second tree only, which would have to serve "
			"all files: unmount the view, and mount it anew with the filter",
			change->spec);
	return 0;
}

/* Tells the module of the change, and lets it do the change. Returns 0 or -errno. */
static int tell(int fs_fd, const struct kernel_change *change, const struct loaded *loaded)
{
	_cleanup_(fd_closep) int fd = -1;

	if (fsconfig(fs_fd, FSCONFIG_SET_STRING, "version", MODULE_VERSION_TEXT, 0) < 0 ||
	    (change->name &&
	     fsconfig(fs_fd, FSCONFIG_SET_STRING, "filter_remove", change->name, 0) < 0))
		return -errno;
	if (change->serve_fd >= 0) {
		fd = openat(change->serve_fd, ".", O_RDONLY | O_CLOEXEC);
		if (fd < 0 || fsconfig(fs_fd, FSCONFIG_SET_FD, "serve_fd", NULL, fd) < 0)
			return -errno;
	}
	if (loaded->filter && kernel_filter_give(fs_fd, loaded->filter, loaded->serve) < 0)
		return -errno;
	return fsconfig(fs_fd, FSCONFIG_CMD_RECONFIGURE, NULL, NULL, 0) < 0 ? -errno : 0;
}

/* Lets the module do the change. Returns 0, or -errno and *error. */
static int change_module(const struct kernel_change *change, const struct loaded *loaded,
			 struct pst_error *error)
{
	_cleanup_(fd_closep) int fs_fd = fspick(AT_FDCWD, change->mountpoint, FSPICK_CLOEXEC);
	char said[KERNEL_SAID_SIZE];
	int r;

	if (fs_fd < 0)
		return error_set(error, -errno,
				 errno == EPERM ?
					 "only root can change the filters of a view of the kernel "
					 "engine" :
					 "fspick(2): %s",
				 strerror(errno));
	r = tell(fs_fd, change, loaded);
	kernel_context_said(fs_fd, -r, said);
	if (r < 0)
		return error_set(error, r, "%s", said);
	if (*said)
		log_warning("%s", said);
	return 0;
}

/* Removes what a filter has pinned that has gone. The view has changed, so this cannot fail. */
static void unpin(const char *name, const char *spec)
{
	struct pst_error error = { 0 };

	if (filter_unpin(spec, &error) < 0)
		log_warning("filter %s was removed, but its pinned maps may be left: %s", name,
			    error.text);
}

/* Gives the second tree the new filter, before the module. Returns 0, or -errno and *error. */
static int give_second(const struct kernel_change *change, bool had, bool needs,
		       struct pst_error *error)
{
	if (!needs || change->serve_fd >= 0)
		return 0;
	if (change->second)
		return change->second(change->aux, had ? change->name : NULL, change->spec, error);
	return error_set(error, -EOPNOTSUPP,
			 "filter %s needs a process that serves files (docs/engines.md), and this "
			 "view has none",
			 change->spec);
}

/* Takes what give_second() has given, because the module has refused the change. */
static void undo_second(const struct kernel_change *change, bool had, const char *new,
			const char *old)
{
	struct pst_error error = { 0 };

	if (change->serve_fd < 0 && change->second(change->aux, new, had ? old : NULL, &error) < 0)
		log_warning("the second tree keeps the filter %s: %s", new, error.text);
}

/*
 * Finds the filter that goes. Returns which files the second tree serves because of it. Sets
 * *ret_spec, for free().
 */
static enum module_serve find_old(const struct kernel_change *change, char **ret_spec)
{
	_cleanup_(kernel_table_fini) struct kernel_table table = { 0 };
	char *columns[7];

	if (change->name && kernel_table_read(change->connection, "filters", &table) == 0)
		while (kernel_table_next(&table, columns, 7))
			if (strcmp(columns[0], change->name) == 0) {
				*ret_spec = strdup(columns[1]);
				return (enum module_serve)strtoul(columns[6], NULL, 10);
			}
	return MODULE_SERVE_NONE;
}

int kernel_filter_change(const struct kernel_change *change, struct pst_error *error)
{
	_cleanup_(loaded_fini) struct loaded loaded = { 0 };
	_cleanup_(freep) char *old = NULL;
	enum module_serve had = find_old(change, &old);
	int r = change->spec ? load(change, &loaded, error) : 0;

	if (r == 0)
		r = give_second(change, had, loaded.serve, error);
	if (r < 0)
		return r;
	r = change_module(change, &loaded, error);
	if (r < 0) {
		if (loaded.serve)
			undo_second(change, had, filter_facts(loaded.filter)->name, old);
		return r;
	}
	/* The second tree also removes the pinned maps of a filter that it has. */
	if (had && !loaded.serve && change->second)
		change->second(change->aux, change->name, NULL, error);
	if (loaded.filter)
		filter_keep_pin(loaded.filter);
	else if (old && !had)
		unpin(change->name, old);
	return 0;
}
