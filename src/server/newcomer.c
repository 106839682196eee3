// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Names under a change of filters. Why which names are treated how: server/invalidator.c.
 *
 * Lock: all of this runs under the lock of server/chain-update.c.
 */
#include "server/newcomer.h"
#include "mount/submounts.h"
#include "filter/name-check.h"
#include "server/invalidator.h"
#include "server/request-pool.h"
#include "util/log.h"

#include <errno.h>

int newcomer_init(struct newcomer *newcomer, struct request_pool *requests,
		  struct invalidator *invalidator, struct chain_entry *entry, struct pst_error *error)
{
	*newcomer = (struct newcomer){ .requests = requests, .invalidator = invalidator, .entry = entry };
	if (!entry)
		return 0;
	if (chain_new(&entry, 1, &newcomer->chain) < 0)
		return error_set(error, -ENOMEM, "no memory");
	newcomer->req = request_pool_borrow(requests, true);
	atomic_store(&newcomer->req->chain, newcomer->chain);
	return 0;
}

void newcomer_fini(struct newcomer *newcomer)
{
	if (newcomer->req)
		request_pool_return(newcomer->requests, newcomer->req);
	chain_free(newcomer->chain);
}

/*
 * Whether the new filter takes a name away from somebody. A filter that depends on the caller is
 * taken to take away every name that it has a say in: nobody knows who will ask.
 */
static bool takes_name(void *aux, struct node *dir, const char *name, uint32_t type)
{
	struct newcomer *newcomer = aux;
	const struct chain *chain = newcomer->chain;

	if (!(node_filters(dir) >> newcomer->entry->bit & 1))
		return false;
	if (chain->by_caller)
		return chain->by_name;
	return name_check_alone(&newcomer->req->call, chain, &dir->filter, name, type) < 0;
}

struct check {
	struct newcomer *newcomer;
	struct pst_error *error;
};

static int check_covered(void *aux, const struct covered *covered)
{
	struct check *check = aux;
	struct newcomer *newcomer = check->newcomer;
	struct fs *fs = newcomer->requests->host->fs;
	struct node *dir = fs_node(fs, covered->dir);
	struct node *node = fs_node(fs, covered->node);
	bool hides = dir && node && takes_name(newcomer, dir, covered->name, node->type);

	fs_node_put(fs, dir);
	fs_node_put(fs, node);
	if (!hides)
		return 0;
	return error_set(check->error, -EBUSY,
			 "filter %s hides \"%s\", and %s in the view is a mount point: the kernel would "
			 "detach what is mounted there; unmount it first",
			 newcomer->entry->facts->name, covered->name,
			 covered->mount_point);
}

int newcomer_check_mounts(struct newcomer *newcomer, struct pst_error *error)
{
	struct submounts *submounts = newcomer->requests->host->submounts;
	struct check check = { newcomer, error };

	if (!newcomer->entry)
		return 0;
	/* Also for whoever asks later what is covered. */
	submounts_scan(submounts, 0);
	if (!newcomer->chain->names || newcomer->chain->by_caller)
		return 0;
	return submounts_each(submounts, check_covered, &check);
}

/* Whether a filter has a say in which names there are, or in who sees them. */
static bool affects_names(const struct chain *chain, const struct chain_entry *entry)
{
	return chain && entry && ((chain->by_name | chain->by_caller) >> entry->bit & 1);
}

/* Whether a filter may put another name in the place of the one that was looked up. */
static bool changes_names(const struct chain *chain, const struct chain_entry *entry)
{
	return chain && entry && (chain->pre[FUSE_LOOKUP] >> entry->bit & 1);
}

void newcomer_invalidate(struct newcomer *newcomer, const struct chain *old,
			 const struct chain_entry *gone)
{
	const struct chain_entry *entry = newcomer->entry;
	struct invalidator_names lost = {
		.lost = entry ? takes_name : NULL,
		.aux = newcomer,
		.unlisted = changes_names(newcomer->chain, entry) || changes_names(old, gone),
	};
	bool names = affects_names(newcomer->chain, entry) || affects_names(old, gone);

	invalidator_filters_changed(newcomer->invalidator, newcomer->requests->host->fs,
		      names ? &lost : NULL);
}
