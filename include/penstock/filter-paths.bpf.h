/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include <penstock/filter.bpf.h>

#ifndef PENSTOCK_FILTER_PATHS_BPF_H
#define PENSTOCK_FILTER_PATHS_BPF_H
/*
 * For filters: paths, and which files a filter is for.
 *
 * A path is followed where its names are looked up, one directory at a time, and what is known so
 * far is kept in the cells of directories. No path is ever put together or walked up.
 */

/* -- paths ----------------------------------------------------------------------------------- */

/*
 * A directory's cell has bit I set where component I of the list is what the next name has to be
 * for a path to go on; PST_PATHS_INSIDE where a path has come to its end here or further up.
 */
struct pst_walk {
	struct pst_search search; /* for the name */
	const volatile struct pst_paths *paths;
};

PST_LOOP(pst_paths_try, i, ctx)
{
	const struct pst_walk *walk = ctx;
	struct pst_scratch *s = pst_scratch(walk->search.call);
	__u32 at = walk->paths->patterns_at + i;
	const struct pst_pattern *row;
	__u64 bit = 1ULL << (i & 63);

	if (!(s->bits & bit))
		return 0;
	row = bpf_map_lookup_elem(&pst_patterns, &at);
	if (!row)
		return 1;
	if (!pst_row_begins(row, s) || !pst_row_fits(&walk->search, row))
		return 0;
	if (walk->paths->last & bit)
		s->cell |= PST_PATHS_INSIDE;
	else
		s->cell |= bit << 1;
	return 0;
}

PST_HELPER __u64 pst_paths_walk(const volatile struct pst_paths *paths, __u64 cell,
				struct pst_call *call, const char *text, __u32 len)
{
	struct pst_walk walk = {
		.search = { .call = call, .text = text, .len = len },
		.paths = paths,
	};
	struct pst_scratch *s = pst_scratch(call);

	if (len >= PST_PATTERN_SIZE)
		return 0;
	s->bits = cell;
	s->cell = 0;
	pst_key_begin(s, text, len);
	bpf_loop(paths->n_steps, pst_paths_try, &walk, 0);
	return s->cell;
}

/* The cell of a file under name I (0 or 1) of a directory with this cell. */
static __always_inline __u64 pst_paths_after(const volatile struct pst_paths *paths, __u64 cell,
					     struct pst_call *call, __u32 i)
{
	if (cell & PST_PATHS_INSIDE)
		return PST_PATHS_INSIDE;
	if (!paths->n_steps || !cell)
		return 0;
	return pst_paths_walk(paths, cell, call, call->name[i & 1].text, call->name[i & 1].len);
}

/* Whether a file with this cell is at or below one of the paths. */
static __always_inline int pst_paths_inside(__u64 cell)
{
	return cell >> 63;
}

static __always_inline int pst_paths_empty(const volatile struct pst_paths *paths)
{
	return !paths->n_steps;
}

/*
 * Whether the file under name[0] may be a directory, by what is known of it: before a name is
 * looked up nothing is.
 */
static __always_inline int pst_child_may_be_dir(const struct pst_call *call)
{
	switch (call->opcode) {
	case FUSE_CREATE:
	case FUSE_TMPFILE:
	case FUSE_MKNOD:
	case FUSE_SYMLINK:
	case FUSE_LINK:
		return 0;
	default:
		return !call->child.attr.mode || S_ISDIR(call->child.attr.mode);
	}
}

/*
 * For the program for names: makes child.cell the cell of the file under name[0]. A file that is
 * known by another name, too, stays inside if it is there: a hard link is no way out.
 */
static __always_inline void pst_paths_step(const volatile struct pst_paths *paths,
					   struct pst_call *call)
{
	__u64 cell = pst_paths_after(paths, call->cell, call, 0);

	if (call->child.known && !pst_child_may_be_dir(call))
		cell |= call->child.known_cell;
	call->child.cell = cell;
}

/* -- names and paths together ---------------------------------------------------------------- */

/*
 * Filters with both options act on the files of these names, in any directory, on the files at
 * these paths, and on all below either. When both lists are empty they act on everything.
 *
 * Whether a file with this cell is one of them:
 */
static __always_inline int pst_chosen(const volatile struct pst_names *names,
				      const volatile struct pst_paths *paths, __u64 cell)
{
	return (!names->n && !paths->n_steps) || pst_paths_inside(cell);
}

/*
 * For the program for names: sets child.cell, takes the filter off a file that is not one of them
 * and has nothing below it, and returns whether it is one.
 */
static __always_inline int pst_choose(const volatile struct pst_names *names,
				      const volatile struct pst_paths *paths, struct pst_call *call)
{
	if (!names->n && !paths->n_steps)
		return 1;
	pst_paths_step(paths, call);
	if (!pst_paths_inside(call->child.cell) && pst_names_match(names, call, 0))
		call->child.cell = PST_PATHS_INSIDE;
	if (pst_paths_inside(call->child.cell))
		return 1;
	if (!pst_child_may_be_dir(call))
		call->child.held = 0;
	return 0;
}

#endif
