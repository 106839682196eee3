// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Invalidates names after a change of filters; server/invalidator.c explains how and why. The
 * caller holds filters->changing of server/chain-update.c, so changes run one at a time.
 */
#include "server/chain-names.h"
#include "mount/submounts.h"
#include "filter/name-check.h"
#include "server/invalidator.h"
#include "server/request-pool.h"
#include "util/log.h"

#include <errno.h>

int chain_names_init(struct chain_names *names, struct request_pool *requests,
		     struct invalidator *invalidator, struct chain_entry *entry,
		     struct pst_error *error)
{
	*names = (struct chain_names){
		.requests = requests,
		.invalidator = invalidator,
		.entry = entry,
		.error = error,
	};
	if (!entry)
		return 0;
	if (chain_new(&entry, 1, &names->chain) < 0)
		return error_set(error, -ENOMEM, "out of memory");
	names->req = request_pool_borrow(requests, true);
	atomic_store(&names->req->chain, names->chain);
	return 0;
}

void chain_names_fini(struct chain_names *names)
{
	if (names->req)
		request_pool_return(names->requests, names->req);
	chain_free(names->chain);
}

/*
 * Returns true if the new filter may hide a name from some caller. Assumes that a filter which
 * depends on the caller hides every name, because the next caller is not known.
 */
static bool hides_name(void *aux, struct node *dir, const char *name, uint32_t type)
{
	struct chain_names *names = aux;
	const struct chain *chain = names->chain;

	if (!(node_filters(dir) >> names->entry->bit & 1))
		return false;
	if (chain->by_caller)
		return chain->by_name;
	return name_check_alone(&names->req->call, chain, &dir->filter, name, type) < 0;
}

static int check_covered(void *aux, const struct covered *covered)
{
	struct chain_names *names = aux;
	struct fs *fs = names->requests->host->fs;
	struct node *dir = fs_node(fs, covered->dir);
	struct node *node = fs_node(fs, covered->node);
	bool hides = dir && node && hides_name(names, dir, covered->name, node->type);

	fs_node_put(fs, dir);
	fs_node_put(fs, node);
	if (!hides)
		return 0;
	return error_set(names->error, -EBUSY,
			 "filter %s hides \"%s\", and %s in the view is a mount point: the kernel "
			 "would detach what is mounted there; unmount it first",
			 names->entry->facts->name, covered->name, covered->mount_point);
}

int chain_names_check_mounts(struct chain_names *names)
{
	struct submounts *submounts = names->requests->host->submounts;

	if (!names->entry)
		return 0;
	/* request/keep-mounts.c also uses the result of this scan. */
	submounts_scan(submounts, 0);
	if (!names->chain->names || names->chain->by_caller)
		return 0;
	return submounts_each(submounts, check_covered, names);
}

/* Returns true if a filter hides or changes names, for all or for some callers. */
static bool affects_names(const struct chain *chain, const struct chain_entry *entry)
{
	return chain && entry && ((chain->by_name | chain->by_caller) >> entry->bit & 1);
}

/* Returns true if a filter may replace the name in a LOOKUP. */
static bool changes_names(const struct chain *chain, const struct chain_entry *entry)
{
	return chain && entry && (chain->pre[FUSE_LOOKUP] >> entry->bit & 1);
}

void chain_names_invalidate(struct chain_names *names, const struct chain *old,
			    const struct chain_entry *gone)
{
	const struct chain_entry *entry = names->entry;
	struct invalidator_names lost = {
		.lost = entry ? hides_name : NULL,
		.aux = names,
		/* The lower directories do not have the names of a program. */
		.unlisted = changes_names(names->chain, entry) || changes_names(old, gone) ||
			    names->requests->host->served,
	};
	bool affects = affects_names(names->chain, entry) || affects_names(old, gone);

	invalidator_filters_changed(names->invalidator, names->requests->host->fs,
				    affects ? &lost : NULL);
}
