/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include <penstock/filter.bpf.h>

#ifndef PENSTOCK_FILTER_PATHS_BPF_H
#define PENSTOCK_FILTER_PATHS_BPF_H
/*
 * Helpers of filters for paths, and for the files that a filter acts on.
 *
 * The helpers match a path one name at a time, as the kernel looks up its names. The cell of each
 * directory has the result so far. So no program needs the path of a file, or walks up to the root.
 */

/* -- paths ----------------------------------------------------------------------------------- */

/*
 * In a directory's cell, bit I is set if a name of the directory that matches component I of the
 * list continues a path. PST_PATHS_INSIDE is set if the directory is at or below one of the paths.
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

/* Returns the cell of the file under name I (0 or 1) of a directory with this cell. */
static __always_inline __u64 pst_paths_after(const volatile struct pst_paths *paths, __u64 cell,
					     struct pst_call *call, __u32 i)
{
	if (cell & PST_PATHS_INSIDE)
		return PST_PATHS_INSIDE;
	if (!paths->n_steps || !cell)
		return 0;
	return pst_paths_walk(paths, cell, call, call->name[i & 1].text, call->name[i & 1].len);
}

/* Returns whether a file with this cell is at or below one of the paths. */
static __always_inline int pst_paths_inside(__u64 cell)
{
	return cell >> 63;
}

static __always_inline int pst_paths_empty(const volatile struct pst_paths *paths)
{
	return !paths->n_steps;
}

/*
 * Returns whether the file under name[0] may be a directory. Before a name is looked up, its type
 * is not known.
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
 * Sets child.cell to the cell of the file under name[0]. For the program for names. A file that is
 * inside a path by another name keeps PST_PATHS_INSIDE, so that a hard link does not evade the
 * filter.
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
 * Returns whether the filter acts on a file with this cell.
 *
 * A filter with an option for names and one for paths acts on files with these names in any
 * directory, on files at these paths, and on all files below such files. If both lists are empty,
 * the filter acts on all files.
 */
static __always_inline int pst_chosen(const volatile struct pst_names *names,
				      const volatile struct pst_paths *paths, __u64 cell)
{
	return (!names->n && !paths->n_steps) || pst_paths_inside(cell);
}

/*
 * Sets child.cell, and returns whether the filter acts on the file under name[0]. For the program
 * for names. If the filter does not act on the file, and the file cannot be a directory, excludes
 * the file from the filter: the engine then no longer runs the filter for it.
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
