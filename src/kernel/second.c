// SPDX-License-Identifier: LGPL-2.1-or-later
/* Finds out which filters of a view need a second tree, and its options. No state, no locks. */
#include "kernel/second.h"
#include "ebpf/filter.h"
#include "util/log.h"

#include <errno.h>
#include <stdlib.h>

#define DATA_OPS (1ULL << FUSE_READ | 1ULL << FUSE_WRITE)

int kernel_second_needs(const char *spec, struct pst_error *error)
{
	struct filter_facts facts;
	int r = filter_peek(spec, &facts, error);

	return r < 0 ? r : ((facts.ops[FILTER_PRE] | facts.ops[FILTER_POST]) & DATA_OPS) != 0;
}

/*
 * The module gives attributes and names to the kernel as they are now, so the FUSE view must not
 * let the kernel cache any. It passes no data through, because filters see the data of all files
 * that it serves.
 */
static struct pst_view_options options_of(const struct pst_view_options *options,
					  const char *const *filters)
{
	struct pst_view_options second = PST_VIEW_OPTIONS_INIT;

	second.lower = options->lower;
	second.mountpoint = options->mountpoint;
	second.fsname = options->fsname;
	second.mount_flags = options->mount_flags & (PST_MOUNT_NOATIME | PST_MOUNT_NODIRATIME);
	second.passthrough = PST_PASSTHROUGH_OFF;
	second.cache = PST_CACHE_NONE;
	second.locks = options->locks;
	second.xdev = PST_XDEV_HIDE;
	second.n_workers = options->n_workers;
	second.n_pool = options->n_pool;
	second.max_write = options->max_write;
	second.fd_budget = options->fd_budget;
	second.transport = options->transport;
	second.uring_depth = options->uring_depth;
	second.enable_uring = options->enable_uring;
	second.detached = 1;
	second.filters = filters;
	return second;
}

int kernel_second_find(const struct pst_view_options *options, struct kernel_second *ret_second,
		       struct pst_error *error)
{
	size_t n = 0, n_found = 0;
	int r = 0;

	while (options->filters && options->filters[n])
		n++;
	*ret_second = (struct kernel_second){ .filters = calloc(n + 1, sizeof(const char *)) };
	if (!ret_second->filters)
		return error_set(error, -ENOMEM, "out of memory");
	for (size_t i = 0; i < n && r >= 0; i++) {
		r = kernel_second_needs(options->filters[i], error);
		if (r > 0)
			ret_second->filters[n_found++] = options->filters[i];
	}
	ret_second->options = options_of(options, ret_second->filters);
	return r < 0 ? r : (int)n_found;
}

void kernel_second_fini(struct kernel_second *second)
{
	free(second->filters);
	second->filters = NULL;
}
