// SPDX-License-Identifier: LGPL-2.1-or-later
/* Finds out why a view needs a second tree, and the options of that. No state, no locks. */
#include "kernel/second.h"
#include "util/log.h"

#include <errno.h>
#include <penstock/node.h>
#include <stdlib.h>

#define BIT(OP)  (1ULL << FUSE_##OP)
#define DATA_OPS (BIT(READ) | BIT(WRITE))
/* Operations that the module does in the second tree after PST_SERVE. */
#define NAME_OPS                                                                                   \
	(BIT(MKNOD) | BIT(MKDIR) | BIT(SYMLINK) | BIT(LINK) | BIT(UNLINK) | BIT(RMDIR) |           \
	 BIT(RENAME2) | BIT(CREATE))
/* Operations on regular files that are open or are being opened. */
#define FILE_OPS                                                                                   \
	(BIT(OPEN) | DATA_OPS | BIT(FALLOCATE) | BIT(LSEEK) | BIT(FSYNC) | BIT(FLUSH) |            \
	 BIT(RELEASE))

int kernel_second_needs(const char *spec, bool has_program, struct pst_error *error)
{
	struct filter_facts facts;
	int r = filter_peek(spec, &facts, error);

	if (r < 0)
		return r;
	return ((facts.ops[FILTER_PRE] | facts.ops[FILTER_POST]) & DATA_OPS) ||
	       (has_program && facts.flags & PST_SERVES);
}

/*
 * With memory, or with effects that only the FUSE engine measures (PST_EXACT), a filter runs in the
 * second tree only. A filter that can return PST_SERVE for any file does, too.
 */
enum module_serve kernel_second_serves(const struct filter *filter)
{
	const struct filter_facts *facts = filter_facts(filter);
	uint64_t pre = facts->flags & PST_SERVES ? facts->ops[FILTER_PRE] : 0;

	if (filter_has_memory(filter) || facts->flags & PST_EXACT || pre & ~(NAME_OPS | FILE_OPS) ||
	    (facts->flags & PST_SERVES && facts->flags & PST_BY_CALLER))
		return MODULE_SERVE_ALL;
	if ((pre & FILE_OPS) || ((facts->ops[FILTER_PRE] | facts->ops[FILTER_POST]) & DATA_OPS))
		return MODULE_SERVE_HELD;
	return MODULE_SERVE_NAMES;
}

static bool has_program(const struct pst_view_options *options)
{
	return options->server || options->source || options->node_ops;
}

/*
 * The module gives attributes and names to the kernel as they are now, so the FUSE view must not
 * let the kernel cache any. For filters alone it passes no data through, because they see the data
 * of all files that it serves.
 */
struct pst_view_options kernel_second_options(const struct pst_view_options *options,
					      const char *const *filters)
{
	struct pst_view_options second = PST_VIEW_OPTIONS_INIT;

	second.lower = options->lower;
	second.mountpoint = options->mountpoint;
	second.fsname = options->fsname;
	second.mount_flags = options->mount_flags & (PST_MOUNT_NOATIME | PST_MOUNT_NODIRATIME);
	second.passthrough = has_program(options) ? options->passthrough : PST_PASSTHROUGH_OFF;
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
	second.log = options->log;
	second.log_aux = options->log_aux;
	second.log_level = options->log_level;
	second.control = options->control;
	second.server = options->server;
	second.source = options->source;
	second.node_ops = options->node_ops;
	return second;
}

int kernel_second_find(const struct pst_view_options *options, struct kernel_second *ret_second,
		       struct pst_error *error)
{
	const struct pst_node_ops *ops = options->node_ops;
	size_t n = 0, n_found = 0;
	int r = 0;

	while (options->filters && options->filters[n])
		n++;
	*ret_second = (struct kernel_second){
		.filters = calloc(n + 1, sizeof(const char *)),
		.has_program = has_program(options),
		.whole = options->server || options->source || (ops && !ops->by_filters),
	};
	if (!ret_second->filters)
		return error_set(error, -ENOMEM, "out of memory");
	for (size_t i = 0; i < n && r >= 0; i++) {
		r = kernel_second_needs(options->filters[i], ops, error);
		if (r > 0)
			ret_second->filters[n_found++] = options->filters[i];
	}
	ret_second->options = kernel_second_options(options, ret_second->filters);
	return r < 0 ? r : ret_second->has_program || n_found;
}

int kernel_second_refuse(const struct kernel_second *second, struct pst_error *error)
{
	if (second->filters[0])
		return error_set(error, -EOPNOTSUPP,
				 "filter %s sees data, for which the kernel engine needs a process",
				 second->filters[0]);
	return error_set(error, -EOPNOTSUPP,
			 "the program answers operations, for which the kernel engine needs this "
			 "process");
}

void kernel_second_fini(struct kernel_second *second)
{
	free(second->filters);
	second->filters = NULL;
}
