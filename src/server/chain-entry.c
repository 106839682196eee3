// SPDX-License-Identifier: LGPL-2.1-or-later
/* Loading a filter for a view, and refusing what the view cannot do. */
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

static int map_cells(struct chain_entry *entry)
{
	void *p = mmap(NULL, CELLS_SIZE, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED)
		return -ENOMEM;
	entry->cells = p;
	return 0;
}

bool chain_entry_varies_symlinks(const struct filter_facts *facts)
{
	uint64_t ops = facts->ops[FILTER_PRE] | facts->ops[FILTER_POST];

	return (facts->flags & PST_BY_CALLER) && (ops >> FUSE_READLINK & 1);
}

/* Checks that a filter that depends on the caller can do so in this view. */
static int check_caller(const struct chain_entry_config *config, const struct filter_facts *facts,
			struct pst_error *error)
{
	if ((facts->flags & PST_BY_CALLER) && (config->features & FUSE_ALLOW_IDMAP))
		return error_set(error, -EINVAL,
				 "filter %s tells callers apart, and a view with the option "
				 "idmap is not told who asks",
				 facts->name);
	if (chain_entry_varies_symlinks(facts) && (config->features & FUSE_CACHE_SYMLINKS))
		return error_set(error, -EBUSY,
				 "filter %s tells callers apart in links, too, and in this view "
				 "the kernel keeps the text of a link for all: mount it with the "
				 "filter instead, which then keeps none",
				 facts->name);
	return 0;
}

/*
 * If the kernel opens directories itself, it keeps one listing for all callers and sends no
 * request.
 */
static int check_listings(const struct chain_entry_config *config, const struct filter_facts *facts,
			  struct pst_error *error)
{
	uint64_t opens = 1ULL << FUSE_OPENDIR | 1ULL << FUSE_RELEASEDIR;

	if (!(config->requests->host->disabled_ops >> FUSE_OPENDIR & 1))
		return 0;
	if (facts->flags & PST_BY_CALLER)
		return error_set(error, -EBUSY,
				 "filter %s tells callers apart, and in a view with opendir=off "
				 "the kernel keeps listings for all: mount it without that option",
				 facts->name);
	if ((facts->ops[FILTER_PRE] | facts->ops[FILTER_POST]) & opens)
		return error_set(error, -EBUSY,
				 "filter %s has programs for the opening of directories, which a "
				 "view with opendir=off is not told of: mount it without that "
				 "option",
				 facts->name);
	return 0;
}

/* Programs for what the view does not have are not wrong, but whoever wrote them may wonder. */
static void warn_idle(const struct chain_entry_config *config, const struct filter_facts *facts)
{
	uint64_t idle = config->requests->host->disabled_ops & ~(1ULL << FUSE_OPENDIR);

	if ((facts->ops[FILTER_PRE] | facts->ops[FILTER_POST]) & idle)
		log_warning("filter %s: its programs for extended attributes will not run: the "
			    "view has none (xattr=off)",
			    facts->name);
}

int chain_entry_new(const struct chain_entry_config *config, const char *spec,
		    struct chain_entry **ret_entry, struct pst_error *error)
{
	struct fs *fs = config->requests->host->fs;
	uint64_t free_bits = ~(config->used | 1ULL << 63);
	const struct filter_slots *slots;
	const struct filter_facts *facts;
	struct chain_entry *entry;
	int r;

	if (!free_bits)
		return error_set(error, -ENOSPC, "a view has at most %d filters", PST_MAX_FILTERS);
	r = request_pool_slots(config->requests, &slots, error);
	if (r < 0)
		return r;
	entry = calloc(1, sizeof(*entry));
	if (!entry)
		return error_set(error, -ENOMEM, "no memory");
	entry->bit = (unsigned int)__builtin_ctzll(free_bits);
	r = filter_load(spec, slots, &entry->filter, error);
	if (r == 0) {
		facts = entry->facts = filter_facts(entry->filter);
		r = check_caller(config, facts, error);
		if (r == 0)
			r = check_listings(config, facts, error);
		if (r == 0 && (facts->flags & PST_CELLS) && map_cells(entry) < 0)
			r = error_set(error, -ENOMEM, "no memory");
	}
	if (r == 0 && facts->at[0]) {
		struct node *at = NULL;

		r = fs_walk_path(fs, facts->at, &at);
		if (r == 0 && S_ISLNK(at->type))
			r = -ELOOP;
		entry->at = node_filter(at);
		if (r < 0)
			error_set(error, r, "filter %s: at=%s: %s", facts->name, facts->at,
				  strerror(-r));
	}
	if (r < 0) {
		chain_entry_free(fs, entry);
		return r;
	}
	warn_idle(config, entry->facts);
	*ret_entry = entry;
	return 0;
}
