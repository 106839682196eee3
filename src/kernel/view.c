// SPDX-License-Identifier: LGPL-2.1-or-later
/* Mounts a view of the kernel engine. No state, no locks. */
#include "kernel/view.h"
#include "ebpf/filter.h"
#include "kernel/context.h"
#include "kernel/fits.h"
#include "kernel/module-abi.h"
#include "util/cleanup.h"
#include "util/fd.h"
#include "util/log.h"
#include "util/mount-attrs.h"
#include "util/mountinfo.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

DEFINE_CLEANUP(struct filter_slots *, filter_slots_free);
DEFINE_CLEANUP(struct filter *, filter_free);

static int refused(int fs_fd, const char *lower, int error_number, struct pst_error *error)
{
	char reason[KERNEL_SAID_SIZE];

	kernel_context_said(fs_fd, error_number, reason);
	return error_set(error, -error_number, "the module penstock refuses a view of %s: %s",
			 lower, reason);
}

/* Loads the filters and hands them to the module. */
static int give_filters(int fs_fd, const struct pst_view_options *options, bool has_second,
			struct pst_error *error)
{
	_cleanup_(filter_slots_freep) struct filter_slots *slots = NULL;
	int r = kernel_slots_new(&slots, error);

	for (const char *const *spec = options->filters; r == 0 && *spec; spec++) {
		_cleanup_(filter_freep) struct filter *filter = NULL;
		int second = has_second ? kernel_second_needs(*spec, options->node_ops, error) : 0;

		if (second < 0)
			return second;
		r = kernel_filter_load(*spec, slots, second, &filter, error);
		if (r < 0)
			return r;
		r = kernel_filter_give(fs_fd, filter,
				       second ? kernel_second_serves(filter) : MODULE_SERVE_NONE);
		if (r < 0)
			return refused(fs_fd, options->lower, -r, error);
		filter_keep_pin(filter);
	}
	return r;
}

static bool module_is_loaded(void)
{
	_cleanup_(freep) char *line = NULL;
	FILE *types = fopen("/proc/filesystems", "re");
	bool found = false;
	size_t size = 0;

	while (types && !found && getline(&line, &size, types) > 0)
		found = strcmp(line, "nodev\tpenstock\n") == 0;
	if (types)
		fclose(types);
	return found;
}

/* Makes a context of the file system; the kernel then loads the module where it is installed. */
static int open_context(int *ret_fd, struct pst_error *error)
{
	*ret_fd = fsopen("penstock", FSOPEN_CLOEXEC);
	if (*ret_fd >= 0)
		return 0;
	if (errno == ENODEV)
		return error_set(error, -ENODEV,
				 "the module penstock is not loaded, and the kernel could not load "
				 "it; `penstock probe` says why, and how to install it");
	if (errno == EPERM)
		return error_set(error, -EPERM,
				 "a view of the kernel engine needs CAP_SYS_ADMIN: run this "
				 "command as root");
	return error_set(error, -errno, "fsopen(2) of the file system penstock: %s",
			 strerror(errno));
}

/* Sets the options of the file system. Returns 0 or -errno with the module's message. */
static int set_options(int fs_fd, const struct pst_view_options *options,
		       const struct kernel_second *second, int serve_fd, struct pst_error *error)
{
	const struct {
		const char *name, *value; /* NULL: not set */
	} rows[] = {
		{ "version", MODULE_VERSION_TEXT }, /* first, before anything is compared */
		{ "lower", options->lower },
		{ "source", options->fsname ? options->fsname : options->lower },
		{ "locks", options->locks == PST_LOCKS_LOWER ? "lower" : NULL },
		{ "xdev", options->xdev == PST_XDEV_HIDE ? "hide" : NULL },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].value &&
		    fsconfig(fs_fd, FSCONFIG_SET_STRING, rows[i].name, rows[i].value, 0) < 0)
			return refused(fs_fd, options->lower, errno, error);
	if (second) {
		/* fsconfig(2) takes no descriptor of a mount, only one of a file. */
		_cleanup_(fd_closep) int fd = openat(serve_fd, ".", O_RDONLY | O_CLOEXEC);

		if (fd < 0 || fsconfig(fs_fd, FSCONFIG_SET_FD, "serve_fd", NULL, fd) < 0)
			return refused(fs_fd, options->lower, errno, error);
	}
	if (second &&
	    ((second->whole && fsconfig(fs_fd, FSCONFIG_SET_FLAG, "serve_all", NULL, 0) < 0) ||
	     (second->has_program &&
	      fsconfig(fs_fd, FSCONFIG_SET_FLAG, "serve_stays", NULL, 0) < 0)))
		return refused(fs_fd, options->lower, errno, error);
	return options->filters && options->filters[0] ?
		       give_filters(fs_fd, options, second, error) :
		       0;
}

int kernel_view_mount(const struct pst_view_options *options, const struct kernel_second *second,
		      int serve_fd, unsigned int *ret_connection, struct pst_error *error)
{
	_cleanup_(fd_closep) int fs_fd = -1, mount_fd = -1;
	char said[KERNEL_SAID_SIZE];
	struct statx stx;
	int r = kernel_fits(options, second, said, error);

	if (r == 0)
		r = open_context(&fs_fd, error);
	if (r == 0)
		r = set_options(fs_fd, options, second, serve_fd, error);
	if (r < 0)
		return r;
	if (fsconfig(fs_fd, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return refused(fs_fd, options->lower, errno, error);
	mount_fd = fsmount(fs_fd, FSMOUNT_CLOEXEC, mount_attrs(options->mount_flags));
	if (mount_fd < 0 || statx(mount_fd, "", AT_EMPTY_PATH, 0, &stx) < 0 ||
	    move_mount(mount_fd, "", AT_FDCWD, options->mountpoint,
		       MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_SYMLINKS) < 0)
		return error_set(error, -errno, "cannot mount at %s: %s", options->mountpoint,
				 strerror(errno));
	*ret_connection = mountinfo_connection(stx.stx_dev_major, stx.stx_dev_minor);
	if (*said)
		log_warning("%s", said);
	return 0;
}

int kernel_view_try(const struct pst_view_options *options, struct kernel_second *ret_second,
		    unsigned int *ret_connection, struct pst_error *error)
{
	bool automatic = options->engine == PST_ENGINE_AUTO;
	int r;

	*ret_second = (struct kernel_second){ 0 };
	if (automatic && !module_is_loaded())
		return error_set(error, -ENODEV, "the module penstock is not loaded");
	r = kernel_second_find(options, ret_second, error);
	if (r > 0 && automatic)
		return kernel_second_refuse(ret_second, error);
	return r ? r : kernel_view_mount(options, NULL, -1, ret_connection, error);
}
