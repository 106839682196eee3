// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Adds, removes and replaces filters.
 *
 * A change has these steps: load the new filter; set its bit in all nodes; put the new chain in
 * force; wait until the requests under the old chain have ended; set the bit again; invalidate what
 * the kernel has cached under the old chain; free the removed filter. A request that is asleep ends
 * under the old chain, which is freed by a later change (struct stale); what such a request makes
 * the kernel cache is invalidated when it ends (request/dispatch.c). The bit is set twice, because
 * a node that an old request creates meanwhile may inherit from a directory that had no such bit
 * yet.
 *
 * Locks: a thread holds changing for the whole change, which may take long, because it loads an
 * object and waits for requests. A thread holds lock while it replaces the chain, or reads the
 * chain outside of a request. changing is taken before lock.
 */
#include "server/chain-update.h"
#include "server/chain-entry.h"
#include "server/chain-marks.h"
#include "server/forget-programs.h"
#include "server/chain-names.h"
#include "server/request-pool.h"
#include "util/log.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The longest wait, in milliseconds, for requests that began under the old chain to end. */
#define DRAIN_MS 30000

/* A chain that is no longer in force, and under which requests have not ended. */
struct stale {
	struct stale *next;
	struct chain *chain;
	struct chain_entry *gone; /* the filter that was removed; or NULL */
};

struct filters {
	struct request_pool *requests; /* borrowed, as invalidator and fs */
	struct invalidator *invalidator;
	struct fs *fs;
	uint64_t features;        /* constant */
	pthread_mutex_t changing; /* guards used, and chain to write */
	pthread_mutex_t lock;     /* guards chain, to read or write */
	struct chain *chain;      /* in force; NULL if there are no filters */
	uint64_t used;            /* bits of the filters in the masks of nodes */
	struct stale *stale;      /* under changing */

	struct forget_programs forget;
};

int filters_new(struct request_pool *requests, struct invalidator *invalidator, uint64_t features,
		struct filters **ret_filters)
{
	struct filters *filters = calloc(1, sizeof(*filters));

	if (!filters)
		return -ENOMEM;
	filters->requests = requests;
	filters->invalidator = invalidator;
	filters->fs = requests->host->fs;
	filters->features = features;
	pthread_mutex_init(&filters->changing, NULL);
	pthread_mutex_init(&filters->lock, NULL);
	forget_programs_init(&filters->forget, requests);
	*ret_filters = filters;
	return 0;
}

static struct chain_entry *find(struct filters *filters, const char *name)
{
	struct chain *chain = filters->chain;

	for (unsigned int i = 0; chain && i < chain->n; i++)
		if (strcmp(chain->entries[i]->facts->name, name) == 0)
			return chain->entries[i];
	return NULL;
}

static int unknown(struct filters *filters, const char *name, struct pst_error *error)
{
	struct chain *chain = filters->chain;
	char names[256] = "";
	size_t len = 0;

	for (unsigned int i = 0; chain && i < chain->n && len < sizeof(names) - 1; i++)
		len += (size_t)snprintf(names + len, sizeof(names) - len, "%s%s", len ? ", " : "",
					chain->entries[i]->facts->name);
	return error_set(error, -ENOENT, "the view has no filter \"%s\"; %s%s", name,
			 len ? "it has " : "it has none", names);
}

/* Tells the file system the properties of all filters. */
static void inform_fs(struct fs *fs, const struct chain *chain)
{
	struct fs_filters facts = { 0 };

	if (chain)
		facts = (struct fs_filters){
			.by_caller = chain->by_caller,
			.by_name = chain->by_name,
			.data = chain->data,
			.cacheable = chain->cacheable,
			.forget = chain->post[FUSE_FORGET],
		};
	fs_set_filters(fs, &facts);
}

/* Frees chains and filters under which no request is left. Caller holds changing. */
static void free_stale(struct filters *filters)
{
	for (struct stale **at = &filters->stale, *stale; (stale = *at);) {
		struct chain_marks marks = { .fs = filters->fs, .chain = filters->chain };

		if (request_pool_use(filters->requests, stale->chain) != CHAIN_UNUSED) {
			at = &stale->next;
			continue;
		}
		*at = stale->next;
		if (stale->gone) {
			marks.gone = 1ULL << stale->gone->bit;
			chain_marks_apply(&marks);
			filters->used &= ~marks.gone;
			chain_entry_free(filters->fs, stale->gone);
		}
		chain_free(stale->chain);
		free(stale);
	}
}

/* Keeps a chain and a filter until the last request under the chain has ended. */
static void keep_stale(struct filters *filters, struct chain *chain, struct chain_entry *gone)
{
	struct stale *stale = chain ? malloc(sizeof(*stale)) : NULL;

	/* Without memory for the record, they are never freed. */
	if (!stale)
		return;
	*stale = (struct stale){ .next = filters->stale, .chain = chain, .gone = gone };
	filters->stale = stale;
}

/*
 * Puts a chain in force, and waits until no request runs under the old chain. Returns false if
 * requests are left that use the old chain. Caller holds changing.
 */
static bool put_in_force(struct filters *filters, struct chain *chain, struct chain_entry *new)
{
	struct chain *old = filters->chain;
	enum chain_use use;

	inform_fs(filters->fs, chain);
	/* After the unlock no thread outside of a request reads the old chain or its entries. */
	pthread_mutex_lock(&filters->lock);
	filters->chain = chain;
	pthread_mutex_unlock(&filters->lock);
	atomic_store(&filters->requests->host->chain, chain);
	if (new) {
		filters->used |= 1ULL << new->bit;
		filter_keep_pin(new->filter);
	}
	use = request_pool_drain(filters->requests, old, DRAIN_MS);
	if (use == CHAIN_RUNS)
		log_warning("some operations that began under the old filters have not ended "
			    "within %d s: they end under the old filters",
			    DRAIN_MS / 1000);
	return use == CHAIN_UNUSED;
}

/* Puts the chain of these entries in force. Caller holds changing. */
static int change(struct filters *filters, struct chain_entry *const *entries, unsigned int n,
		  struct chain_entry *new, struct chain_entry *gone, struct pst_error *error)
{
	struct chain_marks marks = { .fs = filters->fs, .requests = filters->requests, .new = new };
	struct chain *chain = NULL, *old = filters->chain;
	struct chain_names names;
	bool drained;
	int r;

	if (n && chain_new(entries, n, &chain) < 0)
		return error_set(error, -ENOMEM, "out of memory");
	r = chain_names_init(&names, filters->requests, filters->invalidator, new, error);
	if (r < 0) {
		chain_free(chain);
		return r;
	}
	marks.chain = chain;
	if (chain && new)
		port_store(&chain->activating, 1ULL << new->bit);
	chain_marks_apply(&marks);
	r = chain_names_check_mounts(&names);
	if (r < 0) {
		chain_marks_undo(&marks);
		chain_names_fini(&names);
		chain_free(chain);
		return r;
	}
	drained = put_in_force(filters, chain, new);
	if (gone && !new)
		filter_remove_pin(gone->filter);
	marks.gone = gone && drained ? 1ULL << gone->bit : 0;
	chain_marks_apply(&marks);
	if (chain)
		port_store(&chain->activating, 0);
	chain_names_invalidate(&names, old, gone);
	chain_names_fini(&names);
	if (!drained) {
		keep_stale(filters, old, gone);
		return 0;
	}
	if (gone) {
		filters->used &= ~(1ULL << gone->bit);
		chain_entry_free(filters->fs, gone);
	}
	chain_free(old);
	return 0;
}

/*
 * Loads a filter. Refuses it if a filter other than gone has its name. Returns 0, or -errno and
 * *error. Caller holds changing.
 */
static int load(struct filters *filters, const char *spec, const struct chain_entry *gone,
		struct chain_entry **ret_entry, struct pst_error *error)
{
	struct chain_entry_config config = {
		.requests = filters->requests,
		.features = filters->features,
		.used = filters->used,
	};
	const struct filter_facts *facts;
	struct chain_entry *new, *same;
	int r = chain_entry_new(&config, spec, &new, error);

	if (r < 0)
		return r;
	facts = new->facts;
	same = find(filters, facts->name);
	if (same && same != gone) {
		r = error_set(
			error, -EEXIST,
			"the view has a filter \"%s\" already: give this one another name with "
			"name=NAME, or replace the other filter",
			facts->name);
		chain_entry_free(filters->fs, new);
		return r;
	}
	if (facts->ops[FILTER_POST] >> FUSE_FORGET & 1)
		forget_programs_prepare(&filters->forget);
	*ret_entry = new;
	return 0;
}

/* Adds new, removes gone, or puts new in the place of gone. Caller holds changing. */
static int change_entries(struct filters *filters, struct chain_entry *new,
			  struct chain_entry *gone, struct pst_error *error)
{
	struct chain_entry *entries[PST_MAX_FILTERS];
	unsigned int n = 0;

	for (unsigned int i = 0; filters->chain && i < filters->chain->n; i++) {
		struct chain_entry *entry = filters->chain->entries[i];

		if (entry == gone)
			entry = new;
		if (entry)
			entries[n++] = entry;
	}
	if (!gone)
		entries[n++] = new;
	return change(filters, entries, n, new, gone, error);
}

int filters_change(struct filters *filters, const char *name, const char *spec,
		   struct pst_error *error)
{
	struct chain_entry *gone, *new = NULL;
	int r = 0;

	pthread_mutex_lock(&filters->changing);
	free_stale(filters);
	gone = name ? find(filters, name) : NULL;
	if (name && !gone)
		r = unknown(filters, name, error);
	/* The new filter may adopt the maps of the old one. */
	if (gone && spec)
		filter_lend_pin(gone->filter);
	if (r == 0 && spec)
		r = load(filters, spec, gone, &new, error);
	if (r == 0)
		r = change_entries(filters, new, gone, error);
	if (r < 0)
		chain_entry_free(filters->fs, new);
	if (r < 0 && gone && spec)
		filter_take_pin(gone->filter);
	pthread_mutex_unlock(&filters->changing);
	return r;
}

const struct chain *filters_lock(struct filters *filters)
{
	pthread_mutex_lock(&filters->lock);
	return filters->chain;
}

void filters_unlock(struct filters *filters)
{
	pthread_mutex_unlock(&filters->lock);
}

void filters_forgotten(struct filters *filters, struct node *node)
{
	forget_programs_run(&filters->forget, node);
}

struct filters *filters_free(struct filters *filters)
{
	if (!filters)
		return NULL;
	free_stale(filters);
	for (unsigned int i = 0; filters->chain && i < filters->chain->n; i++)
		chain_entry_free(filters->fs, filters->chain->entries[i]);
	chain_free(filters->chain);
	forget_programs_fini(&filters->forget);
	pthread_mutex_destroy(&filters->lock);
	pthread_mutex_destroy(&filters->changing);
	free(filters);
	return NULL;
}
