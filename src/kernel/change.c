// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Changes the filters of a mounted view of the kernel engine by fspick(2). No state, no locks: the
 * module lets one change run at a time.
 *
 * All programs of a view share one map of slots. The module tells its number, so that this process
 * can load a filter for the same map.
 */
#include "kernel/change.h"
#include "ebpf/filter.h"
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

DEFINE_CLEANUP(struct filter_slots *, filter_slots_free);
DEFINE_CLEANUP(struct filter *, filter_free);

/* The process of a second tree has its filters from the beginning. */
static int check(const char *spec, struct pst_error *error)
{
	int r = kernel_second_needs(spec, false, error);

	return r <= 0 ? r :
			error_set(error, -EOPNOTSUPP,
				  "filter %s sees data, so it cannot be added to a mounted view of "
				  "the kernel engine: unmount the view, and mount it anew with the "
				  "filter",
				  spec);
}

static int load(unsigned int connection, const char *spec, struct filter_slots **ret_slots,
		struct filter **ret_filter, struct pst_error *error)
{
	_cleanup_(freep) char *number = kernel_control_find(connection, "view", "slots");
	int r = check(spec, error);

	if (r < 0)
		return r;
	r = number ? filter_slots_open((uint32_t)strtoul(number, NULL, 10), ret_slots, error) :
		     kernel_slots_new(ret_slots, error);

	return r < 0 ? r : kernel_filter_load(spec, *ret_slots, false, ret_filter, error);
}

/* Tells the module of the change, and lets it do the change. Returns 0 or -errno. */
static int tell(int fs_fd, const char *name, const struct filter *filter)
{
	if (fsconfig(fs_fd, FSCONFIG_SET_STRING, "version", MODULE_VERSION_TEXT, 0) < 0 ||
	    (name && fsconfig(fs_fd, FSCONFIG_SET_STRING, "filter_remove", name, 0) < 0))
		return -errno;
	if (filter && kernel_filter_give(fs_fd, filter, MODULE_SERVE_NONE) < 0)
		return -errno;
	return fsconfig(fs_fd, FSCONFIG_CMD_RECONFIGURE, NULL, NULL, 0) < 0 ? -errno : 0;
}

/* Removes what a filter has pinned that has gone. The view has changed, so this cannot fail. */
static void unpin(const char *name, const char *spec)
{
	struct pst_error error = { 0 };

	if (filter_unpin(spec, &error) < 0)
		log_warning("filter %s was removed, but its pinned maps may be left: %s", name,
			    error.text);
}

int kernel_filter_change(const char *mountpoint, unsigned int connection, const char *name,
			 const char *spec, struct pst_error *error)
{
	_cleanup_(freep) char *old =
		name && !spec ? kernel_control_find(connection, "filters", name) : NULL;
	_cleanup_(fd_closep) int fs_fd = fspick(AT_FDCWD, mountpoint, FSPICK_CLOEXEC);
	_cleanup_(filter_slots_freep) struct filter_slots *slots = NULL;
	_cleanup_(filter_freep) struct filter *filter = NULL;
	char said[KERNEL_SAID_SIZE];
	int r;

	if (fs_fd < 0)
		return error_set(error, -errno,
				 errno == EPERM ?
					 "only root can change the filters of a view of the kernel "
					 "engine" :
					 "fspick(2): %s",
				 strerror(errno));
	r = spec ? load(connection, spec, &slots, &filter, error) : 0;
	if (r < 0)
		return r;
	r = tell(fs_fd, name, filter);
	kernel_context_said(fs_fd, -r, said);
	if (r < 0)
		return error_set(error, r, "%s", said);
	if (*said)
		log_warning("%s", said);
	if (filter)
		filter_keep_pin(filter);
	if (old)
		unpin(name, old);
	return 0;
}
