// SPDX-License-Identifier: LGPL-2.1-or-later
/* Loads filters for a view, and refuses those that could not work in it. */
#include "server/chain-entry.h"
#include "server/request-pool.h"
#include "util/log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#define CELLS_SIZE (NODE_MAX * sizeof(uint64_t))

struct chain_entry *chain_entry_free(struct fs *fs, struct chain_entry *entry)
{
	if (!entry)
		return NULL;
	if (entry->at)
		fs_node_put(fs, node_of_filter(entry->at));
	if (entry->cells)
		munmap(entry->cells, CELLS_SIZE);
	filter_free(entry->filter);
	free(entry);
	return NULL;
}

bool chain_entry_varies_symlinks(const struct filter_facts *facts)
{
	uint64_t ops = facts->ops[FILTER_PRE] | facts->ops[FILTER_POST];

	return (facts->flags & PST_BY_CALLER) && (ops >> FUSE_READLINK & 1);
}

/* Checks that a filter which depends on the caller can learn the caller in this view. */
static int check_caller(const struct chain_entry_config *config, const struct filter_facts *facts,
			struct pst_error *error)
{
	if ((facts->flags & PST_BY_CALLER) && (config->features & FUSE_ALLOW_IDMAP))
		return error_set(
			error, -EINVAL,
			"filter %s depends on the caller, whose IDs a view with the option "
			"idmap does not get from the kernel",
			facts->name);
	if (chain_entry_varies_symlinks(facts) && (config->features & FUSE_CACHE_SYMLINKS))
		return error_set(
			error, -EBUSY,
			"filter %s: the text of symbolic links depends on the caller, but "
			"in this view the kernel caches that text for all callers: unmount "
			"the view and mount it with this filter",
			facts->name);
	return 0;
}

/*
 * Checks that a filter works with opendir=off: the kernel opens directories itself then, without a
 * request, and caches one listing for all callers.
 */
static int check_listings(const struct chain_entry_config *config, const struct filter_facts *facts,
			  struct pst_error *error)
{
	uint64_t opens = 1ULL << FUSE_OPENDIR | 1ULL << FUSE_RELEASEDIR;

	if (!(config->requests->host->disabled_ops >> FUSE_OPENDIR & 1))
		return 0;
	if (facts->flags & PST_BY_CALLER)
		return error_set(error, -EBUSY,
				 "filter %s depends on the caller, but in a view with opendir=off "
				 "the kernel caches listings for all callers: mount it without "
				 "that option",
				 facts->name);
	if ((facts->ops[FILTER_PRE] | facts->ops[FILTER_POST]) & opens)
		return error_set(error, -EBUSY,
				 "filter %s has programs for OPENDIR or RELEASEDIR, which the "
				 "kernel does not send to a view with opendir=off: mount it "
				 "without that option",
				 facts->name);
	return 0;
}

/* Warns of programs for operations that the view lacks: no error, but maybe a surprise. */
static void warn_idle(const struct chain_entry_config *config, const struct filter_facts *facts)
{
	uint64_t idle = config->requests->host->disabled_ops & ~(1ULL << FUSE_OPENDIR);

	if ((facts->ops[FILTER_PRE] | facts->ops[FILTER_POST]) & idle)
		log_warning("filter %s: its programs for extended attributes will not run, "
			    "because the view has none (xattr=off)",
			    facts->name);
}

/* Maps memory for a cell of each node. Returns 0, or -ENOMEM and *error. */
static int map_cells(struct chain_entry *entry, struct pst_error *error)
{
	void *p = mmap(NULL, CELLS_SIZE, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED)
		return error_set(error, -ENOMEM, "out of memory");
	entry->cells = p;
	return 0;
}

/* Finds the directory of at=. Returns 0, or -errno and *error. */
static int attach(struct chain_entry *entry, struct fs *fs, struct pst_error *error)
{
	const struct filter_facts *facts = entry->facts;
	struct node *at = NULL;
	int r = fs_walk_path(fs, facts->at, &at);

	entry->at = node_filter(at);
	if (r == 0 && S_ISLNK(at->type))
		r = -ELOOP;
	return r < 0 ? error_set(error, r, "filter %s: at=%s: %s", facts->name, facts->at,
				 strerror(-r)) :
		       0;
}

int chain_entry_new(const struct chain_entry_config *config, const char *spec,
		    struct chain_entry **ret_entry, struct pst_error *error)
{
	struct fs *fs = config->requests->host->fs;
	uint64_t free_bits = ~(config->used | 1ULL << 63);
	const struct filter_slots *slots;
	struct chain_entry *entry;
	int r;

	if (!free_bits)
		return error_set(error, -ENOSPC, "a view has at most %d filters", PST_MAX_FILTERS);
	r = request_pool_slots(config->requests, &slots, error);
	if (r < 0)
		return r;
	entry = calloc(1, sizeof(*entry));
	if (!entry)
		return error_set(error, -ENOMEM, "out of memory");
	entry->bit = (unsigned int)__builtin_ctzll(free_bits);
	r = filter_load(spec, slots, &entry->filter, error);
	if (r == 0) {
		entry->facts = filter_facts(entry->filter);
		r = check_caller(config, entry->facts, error);
	}
	if (r == 0)
		r = check_listings(config, entry->facts, error);
	if (r == 0 && (entry->facts->flags & PST_CELLS))
		r = map_cells(entry, error);
	if (r == 0 && entry->facts->at[0])
		r = attach(entry, fs, error);
	if (r < 0) {
		chain_entry_free(fs, entry);
		return r;
	}
	warn_idle(config, entry->facts);
	*ret_entry = entry;
	return 0;
}
