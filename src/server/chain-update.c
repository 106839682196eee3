// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Filters coming and going.
 *
 * A change in steps: load what is new; put the new chain in force; let requests end that began under
 * the old one; give nodes the bits of what is new; make the kernel forget what it was told under the
 * old chain; let go of what is gone. Nodes get their bits twice, before and after the wait: a node
 * that an old request makes meanwhile may have inherited from a directory that had not got them.
 *
 * Locks: changing, held through a change, which may take long: reading an object, loading it, waiting for
 * requests. lock, for the moment when the chain becomes another, and for whoever looks at the chain from
 * outside a request. changing is taken before lock.
 */
#include "server/chain-update.h"
#include "server/forgotten.h"
#include "filter/name-check.h"
#include "server/newcomer.h"
#include "server/request-pool.h"
#include "util/cleanup.h"
#include "util/log.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>

#define CELLS_SIZE (NODE_MAX * sizeof(uint64_t))
/* Requests that wait for long (for a lease, a slow disk) hold a change up no longer than this. */
#define DRAIN_MS 30000
/* How long a request waits for another one by which a new filter is asked about its nodes. */
#define SETTLE_MS 200

struct filters {
	struct supply *supply;	  /* borrowed, as what follows */
	struct notifier *notifier;
	struct request_host *host;
	struct fs *fs;
	uint64_t features;	  /* constant */
	pthread_mutex_t changing; /* guards what follows, to write; and used */
	pthread_mutex_t lock;	  /* guards chain, to read or write */
	struct chain *chain;	  /* in force; NULL: none */
	uint64_t used;		  /* bits */

	struct forgotten forgotten;
};

int filters_new(struct supply *supply, struct notifier *notifier, uint64_t features,
		struct filters **ret_filters)
{
	struct filters *filters = calloc(1, sizeof(*filters));

	if (!filters)
		return -ENOMEM;
	filters->supply = supply;
	filters->notifier = notifier;
	filters->host = supply->host;
	filters->fs = supply->host->fs;
	filters->features = features;
	pthread_mutex_init(&filters->changing, NULL);
	pthread_mutex_init(&filters->lock, NULL);
	forgotten_init(&filters->forgotten, supply);
	*ret_filters = filters;
	return 0;
}

/* -- links ------------------------------------------------------------------------------------ */

static struct link *link_free(struct filters *filters, struct link *link)
{
	if (!link)
		return NULL;
	if (link->at)
		fs_node_put(filters->fs, link->at);
	if (link->cells)
		munmap((void *)link->cells, CELLS_SIZE);
	filter_free(link->filter);
	free(link);
	return NULL;
}

static int link_cells(struct link *link)
{
	void *p = mmap(NULL, CELLS_SIZE, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED)
		return -ENOMEM;
	link->cells = p;
	return 0;
}

bool filters_vary_links(const struct filter_facts *facts)
{
	uint64_t ops = facts->ops[FILTER_PRE] | facts->ops[FILTER_POST];

	return (facts->flags & PST_BY_CALLER) && (ops >> FUSE_READLINK & 1);
}

/* Whether a filter that tells callers apart can do so here. */
static int check_caller(const struct filters *filters, const struct filter_facts *facts,
			struct pst_error *error)
{
	if ((facts->flags & PST_BY_CALLER) && (filters->features & FUSE_ALLOW_IDMAP))
		return error_set(error, -EINVAL,
				 "filter %s tells callers apart, and a view with the option "
				 "idmap is not told who asks",
				 facts->name);
	if (filters_vary_links(facts) && (filters->features & FUSE_CACHE_SYMLINKS))
		return error_set(error, -EBUSY,
				 "filter %s tells callers apart in links, too, and in this view the "
				 "kernel keeps the text of a link for all: mount it with the filter "
				 "instead, which then keeps none",
				 facts->name);
	return 0;
}

/* Where directories are not opened, the kernel keeps one listing for all, and nobody hears of it. */
static int check_listings(const struct filters *filters, const struct filter_facts *facts,
			  struct pst_error *error)
{
	uint64_t opens = 1ULL << FUSE_OPENDIR | 1ULL << FUSE_RELEASEDIR;

	if (!(filters->host->disabled_ops >> FUSE_OPENDIR & 1))
		return 0;
	if (facts->flags & PST_BY_CALLER)
		return error_set(error, -EBUSY,
				 "filter %s tells callers apart, and in a view with opendir=off the "
				 "kernel keeps listings for all: mount it without that option",
				 facts->name);
	if ((facts->ops[FILTER_PRE] | facts->ops[FILTER_POST]) & opens)
		return error_set(error, -EBUSY,
				 "filter %s has programs for the opening of directories, which a view "
				 "with opendir=off is not told of: mount it without that option",
				 facts->name);
	return 0;
}

/* Programs for what the view does not have are not wrong, but whoever wrote them may wonder. */
static void warn_idle(const struct filters *filters, const struct filter_facts *facts)
{
	uint64_t idle = filters->host->disabled_ops & ~(1ULL << FUSE_OPENDIR);

	if ((facts->ops[FILTER_PRE] | facts->ops[FILTER_POST]) & idle)
		log_warning("filter %s: its programs for extended attributes will not run: the view "
			    "has none (xattr=off)",
			    facts->name);
}

/* Loads a filter and finds where it goes. Caller holds changing. */
static int link_new(struct filters *filters, const char *spec, struct link **ret_link,
		    struct pst_error *error)
{
	uint64_t free_bits = ~(filters->used | 1ULL << 63);
	const struct filter_slots *slots;
	const struct filter_facts *facts;
	struct link *link;
	int r;

	if (!free_bits)
		return error_set(error, -ENOSPC, "a view has at most %d filters", PST_MAX_FILTERS);
	r = supply_slots(filters->supply, &slots, error);
	if (r < 0)
		return r;
	link = calloc(1, sizeof(*link));
	if (!link)
		return error_set(error, -ENOMEM, "no memory");
	link->bit = (unsigned int)__builtin_ctzll(free_bits);
	r = filter_load(spec, slots, &link->filter, error);
	if (r == 0) {
		facts = filter_facts(link->filter);
		r = check_caller(filters, facts, error);
		if (r == 0)
			r = check_listings(filters, facts, error);
		if (r == 0 && (facts->flags & PST_CELLS) && link_cells(link) < 0)
			r = error_set(error, -ENOMEM, "no memory");
	}
	if (r == 0 && facts->at[0]) {
		r = fs_walk_path(filters->fs, facts->at, &link->at);
		if (r == 0 && S_ISLNK(link->at->type))
			r = -ELOOP;
		if (r < 0)
			error_set(error, r, "filter %s: at=%s: %s", facts->name, facts->at,
				  strerror(-r));
	}
	if (r < 0) {
		link_free(filters, link);
		return r;
	}
	warn_idle(filters, filter_facts(link->filter));
	if (filter_facts(link->filter)->ops[FILTER_POST] >> FUSE_FORGET & 1)
		forgotten_prepare(&filters->forgotten);
	*ret_link = link;
	return 0;
}

static struct link *link_find(struct filters *filters, const char *name)
{
	struct chain *chain = filters->chain;

	for (unsigned int i = 0; chain && i < chain->n; i++)
		if (strcmp(filter_facts(chain->links[i]->filter)->name, name) == 0)
			return chain->links[i];
	return NULL;
}

static int unknown(struct filters *filters, const char *name, struct pst_error *error)
{
	struct chain *chain = filters->chain;
	char names[256] = "";
	size_t len = 0;

	for (unsigned int i = 0; chain && i < chain->n && len < sizeof(names) - 1; i++)
		len += (size_t)snprintf(names + len, sizeof(names) - len, "%s%s", len ? ", " : "",
					filter_facts(chain->links[i]->filter)->name);
	return error_set(error, -ENOENT, "the view has no filter \"%s\"; %s%s", name,
			 len ? "it has " : "it has none", names);
}

/* -- the nodes' part -------------------------------------------------------------------------- */

struct mark {
	struct fs *fs;
	const struct chain *chain; /* NULL: none */
	struct link *new;	   /* NULL: none */
	uint64_t gone;
	bool by_name;	 /* the new filter goes by names */
	struct req *req; /* to ask it with; NULL: it cannot be asked, or does not go by names */
	uint64_t *seen;	 /* nodes that it has been asked about; NULL: not written down */
};

/*
 * A new filter that goes by names meets a node whose path is not known: it may be any, so the filter holds
 * for it, as for a file that it is for. The next LOOKUP decides anew.
 */
static void mark_unknown(const struct mark *mark, struct node *node)
{
	struct link *link = mark->new;
	uint64_t bit = 1ULL << link->bit;

	/* Once: it may run already, and have filled its cell. */
	if (link->cells && !(node->filters & bit))
		link->cells[fs_node_number(mark->fs, node)] =
			mark->by_name ? filter_facts(link->filter)->unknown :
					filter_facts(link->filter)->cell;
	atomic_fetch_or(&node->filters, bit);
}

/*
 * What a new filter has of a node that the kernel knows already: some are not looked up again soon,
 * directories that somebody works in, files that are open. The next LOOKUP decides anew.
 */
static void mark_new(const struct mark *mark, struct node *node)
{
	struct link *link = mark->new;

	if (node == link->at)
		return;
	if (node->id == FUSE_ROOT_ID) {
		/* Attached somewhere: below that it is inherited; what is above is not its own. */
		if (link->at)
			return;
		if (link->cells && !(node->filters >> link->bit & 1))
			link->cells[fs_node_number(mark->fs, node)] =
				filter_facts(link->filter)->cell;
		atomic_fetch_or(&node->filters, 1ULL << link->bit);
	} else if (!mark->req || !judge_path(mark->req, link, node, mark->seen)) {
		mark_unknown(mark, node);
	}
	atomic_fetch_and(&node->filters, ~NODE_FILTERS_SET);
}

static void mark_node(void *aux, struct node *node)
{
	const struct mark *mark = aux;

	if (mark->new)
		mark_new(mark, node);
	if (mark->gone)
		atomic_fetch_and(&node->filters, ~mark->gone);
	if (mark->gone && !(mark->chain && chain_shows(mark->chain)))
		fs_show_real(mark->fs, node);
}

/* A filter that is attached somewhere: the node is ours to keep, and keeps the filter. */
static void mark_attached(const struct mark *mark)
{
	for (unsigned int i = 0; mark->chain && i < mark->chain->n; i++) {
		const struct link *link = mark->chain->links[i];

		if (!link->at)
			continue;
		if (link->cells)
			link->cells[fs_node_number(mark->fs, link->at)] =
				filter_facts(link->filter)->cell;
		atomic_fetch_or(&link->at->filters, 1ULL << link->bit | NODE_FILTERS_SET);
	}
}

static void mark_nodes(struct filters *filters, struct mark *mark)
{
	_cleanup_(freep) uint64_t *seen = NULL;
	struct req *req = NULL;

	mark->by_name = mark->new && (mark->chain->by_name & 1ULL << mark->new->bit);
	/* Without memory to ask with all are held, which is right, and slow. */
	if (mark->by_name)
		seen = calloc(NODE_MAX / 64, sizeof(*seen));
	if (seen) {
		req = supply_borrow(filters->supply, true);
		/* It may not be in force yet. */
		atomic_store(&req->chain, (struct chain *)mark->chain);
	}
	mark->seen = seen;
	mark->req = req;
	/* Before: others inherit from them. After: they were judged like others. */
	mark_attached(mark);
	fs_walk(mark->fs, mark_node, mark);
	mark_attached(mark);
	if (req)
		supply_return(filters->supply, req);
}

/*
 * A request to ask a new filter with, from inside of another one. All that there are may wait for that:
 * after a while it goes on without, and the filter holds for nodes as if their paths were not known.
 */
static struct req *borrow_soon(struct supply *supply)
{
	static const struct timespec pause = { .tv_nsec = 1000000 };
	struct req *req = supply_borrow(supply, false);

	for (int i = 0; i < SETTLE_MS && !req; i++) {
		nanosleep(&pause, NULL);
		req = supply_borrow(supply, false);
	}
	return req;
}

void filters_settle(struct filters *filters, struct req *req)
{
	struct chain *chain = req->chain;
	struct mark mark = { .fs = req->fs, .chain = chain, .new = chain->arriving };

	if (!mark.new)
		return;
	mark.by_name = chain->by_name & 1ULL << mark.new->bit;
	mark.req = mark.by_name ? borrow_soon(filters->supply) : NULL;
	if (mark.req)
		atomic_store(&mark.req->chain, chain);
	if (req->node)
		mark_new(&mark, req->node);
	if (req->node2)
		mark_new(&mark, req->node2);
	if (mark.req)
		supply_return(filters->supply, mark.req);
}

static void tell_fs(struct fs *fs, const struct chain *chain)
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

/* -- changes ---------------------------------------------------------------------------------- */

/* A new filter does not come after all. */
static void unmark(struct filters *filters, const struct link *new)
{
	struct mark mark = { .fs = filters->fs, .gone = 1ULL << new->bit };

	fs_walk(mark.fs, mark_node, &mark);
}

/*
 * Puts a chain in force, and waits until no request runs under the one before; false when some still
 * do. Caller holds changing.
 */
static bool put_in_force(struct filters *filters, struct chain *chain, struct link *new)
{
	struct chain *old = filters->chain;

	tell_fs(filters->fs, chain);
	/* From here on nobody looks at the old chain, or at links that are not in the new one. */
	pthread_mutex_lock(&filters->lock);
	filters->chain = chain;
	pthread_mutex_unlock(&filters->lock);
	atomic_store(&filters->host->chain, chain);
	if (new) {
		filters->used |= 1ULL << new->bit;
		filter_keep_pin(new->filter);
	}
	if (supply_drained(filters->supply, old, DRAIN_MS))
		return true;
	/* Requests that wait so long must not find their chain freed: it stays until the end. */
	log_warning("requests under the old filters are still waiting; these stay loaded");
	return false;
}

/* Puts the chain of these links in force. Caller holds changing. */
static int change(struct filters *filters, struct link *const *links, unsigned int n,
		  struct link *new, struct link *gone, struct pst_error *error)
{
	struct mark mark = { .fs = filters->fs, .new = new };
	struct chain *chain = NULL, *old = filters->chain;
	struct newcomer newcomer;
	bool drained;
	int r;

	if (n && chain_new(links, n, &chain) < 0)
		return error_set(error, -ENOMEM, "no memory");
	r = newcomer_init(&newcomer, filters->supply, filters->notifier, new, error);
	if (r < 0) {
		chain_free(chain);
		return r;
	}
	mark.chain = chain;
	if (chain)
		chain->arriving = new;
	mark_nodes(filters, &mark);
	r = newcomer_check_mounts(&newcomer, error);
	if (r < 0) {
		unmark(filters, new);
		newcomer_fini(&newcomer);
		chain_free(chain);
		return r;
	}
	drained = put_in_force(filters, chain, new);
	mark.gone = gone && drained ? 1ULL << gone->bit : 0;
	mark_nodes(filters, &mark);
	if (chain)
		chain->arriving = NULL;
	newcomer_invalidate(&newcomer, old, gone);
	newcomer_fini(&newcomer);
	if (!drained)
		return 0;
	if (gone) {
		filters->used &= ~(1ULL << gone->bit);
		link_free(filters, gone);
	}
	chain_free(old);
	return 0;
}

int filters_add(struct filters *filters, const char *spec, struct pst_error *error)
{
	struct link *links[PST_MAX_FILTERS];
	struct link *new;
	unsigned int n;
	int r;

	pthread_mutex_lock(&filters->changing);
	n = filters->chain ? filters->chain->n : 0;
	r = link_new(filters, spec, &new, error);
	if (r == 0 && link_find(filters, filter_facts(new->filter)->name)) {
		r = error_set(error, -EEXIST,
			      "the view has a filter \"%s\" already: give this one another with "
			      "name=NAME, or replace the other",
			      filter_facts(new->filter)->name);
		link_free(filters, new);
	}
	if (r == 0) {
		if (n)
			memcpy(links, filters->chain->links, n * sizeof(*links));
		links[n] = new;
		r = change(filters, links, n + 1, new, NULL, error);
		if (r < 0)
			link_free(filters, new);
	}
	pthread_mutex_unlock(&filters->changing);
	return r;
}

int filters_remove(struct filters *filters, const char *name, struct pst_error *error)
{
	struct link *links[PST_MAX_FILTERS];
	struct link *gone;
	unsigned int n = 0;
	int r;

	pthread_mutex_lock(&filters->changing);
	gone = link_find(filters, name);
	if (!gone) {
		r = unknown(filters, name, error);
	} else {
		for (unsigned int i = 0; i < filters->chain->n; i++)
			if (filters->chain->links[i] != gone)
				links[n++] = filters->chain->links[i];
		filter_remove_pin(gone->filter);
		r = change(filters, links, n, NULL, gone, error);
	}
	pthread_mutex_unlock(&filters->changing);
	return r;
}

int filters_replace(struct filters *filters, const char *name, const char *spec,
		    struct pst_error *error)
{
	struct link *links[PST_MAX_FILTERS];
	struct link *gone, *new = NULL, *same;
	int r;

	pthread_mutex_lock(&filters->changing);
	gone = link_find(filters, name);
	/* The new one may adopt the old one's maps. */
	if (gone)
		filter_lend_pin(gone->filter);
	r = gone ? link_new(filters, spec, &new, error) : unknown(filters, name, error);
	same = r == 0 ? link_find(filters, filter_facts(new->filter)->name) : NULL;
	if (same && same != gone)
		r = error_set(error, -EEXIST, "the view has a filter \"%s\" already",
			      filter_facts(new->filter)->name);
	if (r == 0) {
		for (unsigned int i = 0; i < filters->chain->n; i++)
			links[i] = filters->chain->links[i] == gone ? new :
								      filters->chain->links[i];
		r = change(filters, links, filters->chain->n, new, gone, error);
	}
	if (r < 0) {
		link_free(filters, new);
		if (gone)
			filter_take_pin(gone->filter);
	}
	pthread_mutex_unlock(&filters->changing);
	return r;
}

void filters_forgotten(struct filters *filters, struct node *node)
{
	forgotten_run(&filters->forgotten, node);
}

struct filters *filters_free(struct filters *filters)
{
	if (!filters)
		return NULL;
	for (unsigned int i = 0; filters->chain && i < filters->chain->n; i++)
		link_free(filters, filters->chain->links[i]);
	chain_free(filters->chain);
	forgotten_fini(&filters->forgotten);
	pthread_mutex_destroy(&filters->lock);
	pthread_mutex_destroy(&filters->changing);
	free(filters);
	return NULL;
}

/* -- looking at them -------------------------------------------------------------------------- */

struct bypassed {
	struct fs *fs;
	uint64_t bit;
	struct pst_bypassed *rows; /* NULL: only counted */
	size_t room, n;
};

static void find_bypassed(void *aux, struct node *node)
{
	struct bypassed *b = aux;

	if (!(node->filters & b->bit) || !fs_bypasses(b->fs, node))
		return;
	if (b->rows && b->n < b->room)
		fs_node_path(b->fs, node, b->rows[b->n].path, sizeof(b->rows[b->n].path));
	b->n++;
}

static size_t bypassed(struct filters *filters, const struct link *link, struct pst_bypassed *rows,
		       size_t room)
{
	struct bypassed b = {
		.fs = filters->fs,
		.bit = 1ULL << link->bit,
		.rows = rows,
		.room = room,
	};

	if (filters->chain->data & b.bit)
		fs_walk(b.fs, find_bypassed, &b);
	return b.n;
}

int filters_bypassed(struct filters *filters, const char *name, struct pst_bypassed *rows, size_t n,
		     size_t *ret_n)
{
	struct link *link;

	pthread_mutex_lock(&filters->lock);
	link = link_find(filters, name);
	if (link)
		*ret_n = bypassed(filters, link, rows, n);
	pthread_mutex_unlock(&filters->lock);
	return link ? 0 : -ENOENT;
}

int filters_list(struct filters *filters, struct pst_filter *rows, size_t n, size_t *ret_n)
{
	struct chain *chain;

	pthread_mutex_lock(&filters->lock);
	chain = filters->chain;
	for (unsigned int i = 0; chain && i < chain->n && i < n; i++) {
		const struct filter_facts *facts = filter_facts(chain->links[i]->filter);
		struct pst_filter *row = &rows[i];

		*row = (struct pst_filter){ .flags = facts->flags };
		snprintf(row->name, sizeof(row->name), "%s", facts->name);
		snprintf(row->spec, sizeof(row->spec), "%s", facts->spec);
		snprintf(row->file, sizeof(row->file), "%s", facts->file);
		snprintf(row->summary, sizeof(row->summary), "%s", facts->summary);
		snprintf(row->at, sizeof(row->at), "%s", facts->at);
		row->n_bypassed = (uint32_t)bypassed(filters, chain->links[i], NULL, 0);
	}
	*ret_n = chain ? chain->n : 0;
	pthread_mutex_unlock(&filters->lock);
	return 0;
}

/* One row for each operation of a kind with a program; adds to *n. */
static void add_stats(const struct link *link, enum filter_kind kind, struct pst_filter_stat *rows,
		      size_t room, size_t *n)
{
	static const char *const kinds[] = { "pre", "post", "name" };
	const struct filter_facts *facts = filter_facts(link->filter);

	for (uint32_t opcode = 0; opcode < OP_MAX; opcode++) {
		struct filter_count count;
		struct pst_filter_stat *row;

		if (!(facts->ops[kind] >> opcode & 1))
			continue;
		if (*n < room) {
			row = &rows[*n];
			filter_stat(link->filter, kind, opcode, &count);
			*row = (struct pst_filter_stat){
				.n_runs = count.n_runs,
				.n_errors = count.n_errors,
				.n_done = count.n_done,
				.n_bad = count.n_bad,
				.ns = count.ns,
			};
			snprintf(row->filter, sizeof(row->filter), "%s", facts->name);
			if (kind == FILTER_NAME)
				snprintf(row->program, sizeof(row->program), "name");
			else
				snprintf(row->program, sizeof(row->program), "%s/%s", kinds[kind],
					 op_filter_name(opcode));
		}
		(*n)++;
	}
}

int filters_stats(struct filters *filters, struct pst_filter_stat *rows, size_t n, size_t *ret_n)
{
	struct chain *chain;

	*ret_n = 0;
	pthread_mutex_lock(&filters->lock);
	chain = filters->chain;
	for (unsigned int i = 0; chain && i < chain->n; i++)
		for (enum filter_kind kind = 0; kind < _FILTER_KINDS; kind++)
			add_stats(chain->links[i], kind, rows, n, ret_n);
	pthread_mutex_unlock(&filters->lock);
	return 0;
}
