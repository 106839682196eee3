// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Marks the nodes to which a filter applies, while the filter is added or removed. No locks: the
 * bits of nodes are atomic.
 */
#include "server/chain-marks.h"
#include "filter/name-check.h"
#include "request/filter-adapter.h"
#include "server/request-pool.h"
#include "util/cleanup.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* How long chain_marks_update() waits for a request to run programs on. */
#define UPDATE_MS 200
/* Tries to find the path of a file that is being renamed. */
#define PATH_TRIES 8

/* -- nodes by their paths ---------------------------------------------------------------------- */

/* Runs the programs of the new filter on each name of a path, from the root down. */
static void check_names(const struct chain_marks *marks, char *path)
{
	struct fs *fs = marks->fs;
	uint64_t *seen = marks->seen;
	struct node *dir, *found;
	uint32_t number;

	if (fs_walk_path(fs, "", &dir) < 0)
		return;
	for (char *at = path + 1, *slash; at; at = slash ? slash + 1 : NULL) {
		slash = strchr(at, '/');
		if (slash)
			*slash = '\0';
		if (fs_walk_path(fs, path + 1, &found) < 0)
			break;
		number = fs_node_number(fs, found);
		if (!seen || !(seen[number / 64] >> number % 64 & 1))
			name_check_known(&marks->req->call, marks->chain, marks->new, &dir->filter,
					 at, &found->filter, found->type);
		if (seen)
			seen[number / 64] |= 1ULL << number % 64;
		if (slash)
			*slash = '/';
		fs_node_put(fs, dir);
		dir = found;
	}
	fs_node_put(fs, dir);
}

/* Finds the lower path of a node. Returns false if it has none, or is renamed too often. */
static bool find_path(struct fs *fs, struct node *node, char path[PATH_MAX])
{
	struct node *found;

	for (int i = 0; i < PATH_TRIES; i++) {
		fs_node_path(fs, node, path, PATH_MAX);
		/* A removed file has no path, nor has one that was moved below meanwhile. */
		if (path[0] != '/' || !path[1])
			return false;
		if (fs_walk_path(fs, path + 1, &found) < 0)
			continue;
		fs_node_put(fs, found);
		if (found == node)
			return true;
	}
	return false;
}

/* Runs the new filter on the lower path of a node. Returns false if the path is not known. */
static bool check_path(const struct chain_marks *marks, struct node *node)
{
	char path[PATH_MAX];

	if (!find_path(marks->fs, node, path))
		return false;
	check_names(marks, path);
	return true;
}

/* -- marks ------------------------------------------------------------------------------------ */

/*
 * Sets the bit of the new filter in a node, and its cell. If the bit is set already, leaves the
 * cell alone, because a program may have written it.
 */
static void set_bit(const struct chain_marks *marks, struct node *node, uint64_t cell)
{
	struct chain_entry *entry = marks->new;
	uint64_t bit = 1ULL << entry->bit;

	if (entry->cells && !(node_filters(node) & bit))
		port_store(adapter_cell(marks->fs, entry, node), cell);
	port_or(&node->filter.filters, bit);
}

/*
 * Sets or clears the bit of the new filter in a node that the kernel knows. The next LOOKUP would
 * do that too, but the kernel does not look up open files and working directories again.
 */
static void mark_new(const struct chain_marks *marks, struct node *node)
{
	const struct chain_entry *entry = marks->new;

	if (&node->filter == entry->at)
		return;
	if (node->id == FUSE_ROOT_ID) {
		/* A filter with at= does not apply to the root. */
		if (entry->at)
			return;
		set_bit(marks, node, entry->facts->cell);
	} else if (!marks->req || !check_path(marks, node)) {
		/* The path is unknown, and the filter may be meant for it: apply it to the node. */
		set_bit(marks, node, marks->by_name ? entry->facts->unknown : entry->facts->cell);
	}
	port_and(&node->filter.filters, ~FILTERS_SET);
}

static void mark_node(void *aux, struct node *node)
{
	const struct chain_marks *marks = aux;

	if (marks->new)
		mark_new(marks, node);
	if (marks->gone)
		port_and(&node->filter.filters, ~marks->gone);
	if (marks->gone && !(marks->chain && chain_shows(marks->chain)))
		fs_show_real(marks->fs, node);
}

/* Sets the bits of filters with at= in the nodes that they are attached to. */
static void mark_attached(const struct chain_marks *marks)
{
	for (unsigned int i = 0; marks->chain && i < marks->chain->n; i++) {
		const struct chain_entry *entry = marks->chain->entries[i];

		if (!entry->at)
			continue;
		if (entry->cells)
			port_store(adapter_cell(marks->fs, entry, node_of_filter(entry->at)),
				   entry->facts->cell);
		port_or(&entry->at->filters, 1ULL << entry->bit | FILTERS_SET);
	}
}

void chain_marks_apply(struct chain_marks *marks)
{
	_cleanup_(freep) uint64_t *seen = NULL;
	struct req *req = NULL;

	marks->by_name = marks->new && (marks->chain->by_name & 1ULL << marks->new->bit);
	/* Without memory the filter applies to all nodes, which is correct but slow. */
	if (marks->by_name)
		seen = calloc(NODE_MAX / 64, sizeof(*seen));
	if (seen) {
		req = request_pool_borrow(marks->requests, true);
		/* marks->chain may not be in force yet. */
		atomic_store(&req->chain, (struct chain *)marks->chain);
	}
	marks->seen = seen;
	marks->req = req;
	/*
	 * Before the walk, because nodes inherit bits from these directories; and after it, because
	 * the walk has also changed the bits of these directories.
	 */
	mark_attached(marks);
	fs_walk(marks->fs, mark_node, marks);
	mark_attached(marks);
	if (req)
		request_pool_return(marks->requests, req);
}

/*
 * Takes a request to run the new filter on. Returns NULL after UPDATE_MS: if all requests wait
 * here, waiting longer would be a deadlock. The filter then applies to the nodes as if their paths
 * were not known.
 */
static struct req *borrow_soon(struct request_pool *requests)
{
	static const struct timespec pause = { .tv_nsec = 1000000 };
	struct req *req = request_pool_borrow(requests, false);

	for (int i = 0; i < UPDATE_MS && !req; i++) {
		nanosleep(&pause, NULL);
		req = request_pool_borrow(requests, false);
	}
	return req;
}

static struct chain_entry *activating(const struct chain *chain)
{
	uint64_t bits = port_load(&chain->activating);

	for (unsigned int i = 0; i < chain->n; i++)
		if (bits >> chain->entries[i]->bit & 1)
			return chain->entries[i];
	return NULL;
}

void chain_marks_update(struct request_pool *requests, struct req *req)
{
	struct chain *chain = req->chain;
	struct chain_marks marks = { .fs = req->fs, .chain = chain, .new = activating(chain) };

	if (!marks.new)
		return;
	marks.by_name = chain->by_name & 1ULL << marks.new->bit;
	marks.req = marks.by_name ? borrow_soon(requests) : NULL;
	if (marks.req)
		atomic_store(&marks.req->chain, chain);
	if (req->node)
		mark_new(&marks, req->node);
	if (req->node2)
		mark_new(&marks, req->node2);
	if (marks.req)
		request_pool_return(requests, marks.req);
}

void chain_marks_undo(const struct chain_marks *marks)
{
	struct chain_marks undo = { .fs = marks->fs, .gone = 1ULL << marks->new->bit };

	fs_walk(undo.fs, mark_node, &undo);
}
