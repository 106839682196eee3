/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include <penstock/filter.bpf.h>

#ifndef PENSTOCK_FILTER_PATHS_BPF_H
#define PENSTOCK_FILTER_PATHS_BPF_H
/*
 * Helpers of filters for paths, and for the files that a filter acts on.
 *
 * A cell is a 64-bit number that the engine stores for each file and filter; docs/filters.md
 * explains cells. These helpers use the cell of a directory to remember which components of the
 * paths its own path has matched so far. When the kernel looks up a name in the directory, the
 * program for names compares the name with the components that may come next, and stores the result
 * in the cell of the file. So no program needs the whole path of a file, or walks up to the root.
 */

/* -- paths ----------------------------------------------------------------------------------- */

/*
 * The components of all paths in a list are numbered: "etc/ssl:src" has etc (0), ssl (1) and src
 * (2). In the cell of a directory, bit I is set if component I may come next: the cell of the root
 * has bits 0 and 2, and the cell of /etc has bit 1. PST_PATHS_INSIDE is set in the cells of
 * /etc/ssl, of /src, and of all files below them.
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
	pst_key_begin(s, text, len, PST_KEY_WORDS);
	bpf_loop(paths->n_steps, pst_paths_try, &walk, 0);
	return s->cell;
}

/*
 * Returns the cell that a file gets under call->name[i] in a directory. cell is the cell of the
 * directory; i is 0 or 1.
 */
static __always_inline __u64 pst_paths_after(const volatile struct pst_paths *paths, __u64 cell,
					     struct pst_call *call, __u32 i)
{
	if (cell & PST_PATHS_INSIDE)
		return PST_PATHS_INSIDE;
	if (!paths->n_steps || !cell)
		return 0;
	return pst_paths_walk(paths, cell, call, call->name[i & 1].text, call->name[i & 1].len);
}

/* Returns true if the file with this cell is at or below one of the paths. */
static __always_inline int pst_paths_inside(__u64 cell)
{
	return cell >> 63;
}

static __always_inline int pst_paths_empty(const volatile struct pst_paths *paths)
{
	return !paths->n_steps;
}

/*
 * Returns true if the file under name[0] may be a directory. Before the name is looked up, the type
 * of the file is not known.
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
 * Sets child.cell, the cell of the file under name[0]. Only the program for names (PST_NAME) can
 * use it. A file that is inside a path by another of its names keeps PST_PATHS_INSIDE, so that
 * a hard link does not evade the filter.
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
 * Returns true if the filter acts on the file with this cell.
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
 * Sets child.cell, and returns true if the filter acts on the file under name[0]. Only the program
 * for names (PST_NAME) can use it. If the filter does not act on the file, and the file cannot be a
 * directory, excludes the file from the filter: the engine then no longer runs the filter for it.
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
