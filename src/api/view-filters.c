// SPDX-License-Identifier: LGPL-2.1-or-later
/* Changes, lists and counts the filters of a mounted view. */
#include "api/view.h"
#include "ebpf/filter.h"
#include "server/chain-update.h"
#include "util/cleanup.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int view_server_change(struct pst_view *view, const char *name, const char *spec,
		       struct pst_error *error)
{
	VIEW_USE_LOG(view);

	return filters_change(server_filters(view->server), name, spec, error);
}

static int change(struct pst_view *view, const char *name, const char *spec,
		  struct pst_error *error)
{
	VIEW_USE_LOG(view);

	return view->kernel ? view_kernel_change(view, name, spec, error) :
			      view_server_change(view, name, spec, error);
}

int pst_view_filter_add(struct pst_view *view, const char *spec, struct pst_error *error)
{
	return change(view, NULL, spec, error);
}

int pst_view_filter_remove(struct pst_view *view, const char *name, struct pst_error *error)
{
	return change(view, name, NULL, error);
}

int pst_view_filter_replace(struct pst_view *view, const char *name, const char *spec,
			    struct pst_error *error)
{
	return change(view, name, spec, error);
}

struct bypassed {
	struct fs *fs;
	uint64_t bit;
	struct pst_bypassed *rows; /* NULL: files are only counted */
	size_t room, n;
};

static void find_bypassed(void *aux, struct node *node)
{
	struct bypassed *b = aux;

	if (!(node_filters(node) & b->bit) || !fs_bypasses(b->fs, node))
		return;
	if (b->rows && b->n < b->room)
		fs_node_path(b->fs, node, b->rows[b->n].path, sizeof(b->rows[b->n].path));
	b->n++;
}

static size_t bypassed(struct fs *fs, const struct chain *chain, const struct chain_entry *entry,
		       struct pst_bypassed *rows, size_t room)
{
	struct bypassed b = {
		.fs = fs,
		.bit = 1ULL << entry->bit,
		.rows = rows,
		.room = room,
	};

	if (chain->data & b.bit)
		fs_walk(fs, find_bypassed, &b);
	return b.n;
}

int pst_view_bypassed(struct pst_view *view, const char *name, struct pst_bypassed *rows, size_t n,
		      size_t *ret_n)
{
	struct filters *filters;
	const struct chain *chain;
	int r = -ENOENT;

	*ret_n = 0;
	/* The kernel engine opens files anew only. */
	if (view->kernel)
		return 0;
	filters = server_filters(view->server);
	chain = filters_lock(filters);
	for (unsigned int i = 0; chain && i < chain->n && r < 0; i++) {
		if (strcmp(chain->entries[i]->facts->name, name) != 0)
			continue;
		*ret_n = bypassed(server_fs(view->server), chain, chain->entries[i], rows, n);
		r = 0;
	}
	filters_unlock(filters);
	return r;
}

int view_server_filters(struct pst_view *view, struct pst_filter *rows, size_t n, size_t *ret_n)
{
	struct filters *filters = server_filters(view->server);
	const struct chain *chain = filters_lock(filters);

	for (unsigned int i = 0; chain && i < chain->n && i < n; i++) {
		const struct filter_facts *facts = chain->entries[i]->facts;
		struct pst_filter *row = &rows[i];

		*row = (struct pst_filter){ .flags = facts->flags };
		snprintf(row->name, sizeof(row->name), "%s", facts->name);
		snprintf(row->spec, sizeof(row->spec), "%s", facts->spec);
		snprintf(row->file, sizeof(row->file), "%s", facts->file);
		snprintf(row->summary, sizeof(row->summary), "%s", facts->summary);
		snprintf(row->at, sizeof(row->at), "%s", facts->at);
		row->n_bypassed = (uint32_t)bypassed(server_fs(view->server), chain,
						     chain->entries[i], NULL, 0);
	}
	*ret_n = chain ? chain->n : 0;
	filters_unlock(filters);
	return 0;
}

int pst_view_filters(struct pst_view *view, struct pst_filter *rows, size_t n, size_t *ret_n)
{
	return view->kernel ? view_kernel_filters(view, rows, n, ret_n) :
			      view_server_filters(view, rows, n, ret_n);
}

/* Adds a row for each operation that the filter has a program of a kind for; *n counts them. */
static void add_stats(const struct chain_entry *entry, enum filter_kind kind,
		      struct pst_filter_stat *rows, size_t room, size_t *n)
{
	static const char *const kinds[] = { "pre", "post", "name" };
	const struct filter_facts *facts = entry->facts;

	for (uint32_t opcode = 0; opcode < OP_MAX; opcode++) {
		struct filter_count count;
		struct pst_filter_stat *row;

		if (!(facts->ops[kind] >> opcode & 1))
			continue;
		if (*n < room) {
			row = &rows[*n];
			filter_stat(entry->filter, kind, opcode, &count);
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

int view_server_stats(struct pst_view *view, struct pst_filter_stat *rows, size_t n, size_t *ret_n)
{
	struct filters *filters = server_filters(view->server);
	const struct chain *chain = filters_lock(filters);

	*ret_n = 0;
	for (unsigned int i = 0; chain && i < chain->n; i++)
		for (enum filter_kind kind = 0; kind < _FILTER_KINDS; kind++)
			add_stats(chain->entries[i], kind, rows, n, ret_n);
	filters_unlock(filters);
	return 0;
}

/* Adds the counts of the second tree to those of the module. */
static int add_second_stats(struct pst_view *view, struct pst_filter_stat *rows, size_t n)
{
	_cleanup_(freep) struct pst_filter_stat *second = NULL;
	size_t n_second;

	view_server_stats(view, NULL, 0, &n_second);
	second = calloc(n_second + 1, sizeof(*second));
	if (!second)
		return -ENOMEM;
	view_server_stats(view, second, n_second, &n_second);
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < n_second; j++)
			if (strcmp(rows[i].filter, second[j].filter) == 0 &&
			    strcmp(rows[i].program, second[j].program) == 0) {
				rows[i].n_runs += second[j].n_runs;
				rows[i].n_errors += second[j].n_errors;
				rows[i].n_done += second[j].n_done;
				rows[i].n_bad += second[j].n_bad;
			}
	return 0;
}

int pst_view_filter_stats(struct pst_view *view, struct pst_filter_stat *rows, size_t n,
			  size_t *ret_n)
{
	int r;

	if (!view->kernel)
		return view_server_stats(view, rows, n, ret_n);
	r = view_kernel_stats(view, rows, n, ret_n);
	if (r == 0 && view->server)
		r = add_second_stats(view, rows, *ret_n < n ? *ret_n : n);
	return r;
}
