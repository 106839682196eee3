/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include <penstock/filter.bpf.h>

#ifndef PENSTOCK_FILTER_RULES_BPF_H
#define PENSTOCK_FILTER_RULES_BPF_H
/*
 * Helpers of filters with an option for a file of rules (struct pst_rules). A filter includes this
 * header by itself, because it defines maps. The engine fills the maps before it loads the filter.
 *
 *	PST_OPTION(struct pst_rules, rules, "a file of rules") PST_TAKES("verbs mask unmask");
 *
 * The cell of a directory is its state in the rules. The cell of any other file is the value of the
 * lines that match the file (enum pst_rule_effect, and others).
 */

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct pst_rule_row);
} pst_rule_rows SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct pst_rule_node);
} pst_rule_nodes SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct pst_rule_edge);
} pst_rule_edges SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} pst_rule_values SEC(".maps");

/* -- ranks ----------------------------------------------------------------------------------- */

/* Returns the greater of two ranks in each field. */
static __always_inline __u64 pst_ranks_greatest(const volatile struct pst_rules *rules, __u64 a,
						__u64 b)
{
	__u64 greatest = 0;

	for (__u32 i = 0; i < PST_RULES_FIELDS && i < rules->n_fields; i++) {
		__u64 mask = rules->field[i].mask, in_a = a & mask, in_b = b & mask;

		greatest |= in_a > in_b ? in_a : in_b;
	}
	return greatest;
}

/* Returns the ranks that hold for files below, too: those of first verbs, which are odd. */
static __always_inline __u64 pst_ranks_inherited(const volatile struct pst_rules *rules,
						 __u64 ranks)
{
	__u64 inherited = 0;

	for (__u32 i = 0; i < PST_RULES_FIELDS && i < rules->n_fields; i++)
		if (ranks >> (rules->field[i].shift & 63) & 1)
			inherited |= ranks & rules->field[i].mask;
	return inherited;
}

/* Returns the values of ranks, joined. */
PST_HELPER __u64 pst_ranks_value(const volatile struct pst_rules *rules, __u64 ranks)
{
	__u64 joined = 0;

	for (__u32 i = 0; i < PST_RULES_FIELDS && i < rules->n_fields; i++) {
		__u64 rank = (ranks & rules->field[i].mask) >> (rules->field[i].shift & 63);
		__u32 at = rules->field[i].value_at + rank;
		__u64 *value;

		if (!(rank & 1))
			continue;
		value = bpf_map_lookup_elem(&pst_rule_values, &at);
		if (value)
			joined |= *value;
	}
	return joined;
}

/* -- steps ----------------------------------------------------------------------------------- */

struct pst_rules_walk {
	struct pst_search search; /* for the name */
	const volatile struct pst_rules *rules;
};

/* Returns the node to which an edge leads; without such an edge, the node itself. */
static __always_inline __u32 pst_rules_follow(const volatile struct pst_rules *rules, __u32 node,
					      __u32 row)
{
	__u32 slot = pst_rule_edge_slot(node, row);

	for (__u32 i = 0; i < PST_RULE_PROBES; i++) {
		__u32 at = (slot + i) & (rules->n_edge_slots - 1);
		const struct pst_rule_edge *edge = bpf_map_lookup_elem(&pst_rule_edges, &at);

		if (!edge || edge->node == PST_RULE_NO_NODE)
			break;
		if (edge->node == node && edge->row == row)
			return edge->to;
	}
	return node;
}

/* The name matches a row: adds the ranks of its lines, and goes to the next node. */
static __always_inline void pst_rules_match(const struct pst_rules_walk *walk, __u32 at)
{
	const volatile struct pst_rules *rules = walk->rules;
	struct pst_scratch *s = pst_scratch(walk->search.call);
	__u32 number = at - rules->names.begins_at;
	const struct pst_rule_row *row = bpf_map_lookup_elem(&pst_rule_rows, &number);

	if (!row)
		return;
	s->file = pst_ranks_greatest(rules, s->file, row->file);
	s->dir = pst_ranks_greatest(rules, s->dir, row->dir);
	if (row->n_edges)
		s->node = pst_rules_follow(rules, s->node, number);
}

/* As pst_rows_try(), but goes on after a match. */
PST_LOOP(pst_rules_try, i, ctx)
{
	const struct pst_rules_walk *walk = ctx;
	struct pst_scratch *s = pst_scratch(walk->search.call);
	__u32 at = s->row;
	long is_last = pst_rows_step(&walk->search);

	if (s->found)
		pst_rules_match(walk, at);
	return is_last;
}

static __always_inline void pst_rules_each(const struct pst_rules_walk *walk, __u32 at, __u32 n)
{
	if (pst_rows_begin(&walk->search, at, n))
		bpf_loop(n, pst_rules_try, (void *)walk, 0);
}

/*
 * Takes the step from a directory with this cell to name[0]. Leaves in scratch: file and dir, the
 * ranks of the name if it is a file or a directory; cell, the cell if it is a directory; and way,
 * the greatest rank of an allow that may match below.
 */
PST_HELPER int pst_rules_step(const volatile struct pst_rules *rules, struct pst_call *call,
			      __u64 cell)
{
	const struct pst_rules_walk walk = {
		.search = { .call = call, .text = call->name[0].text, .len = call->name[0].len },
		.rules = rules,
	};
	struct pst_scratch *s = pst_scratch(call);
	__u32 bits = rules->rank_bits & 63;
	__u64 inherited = cell & ((1ULL << bits) - 1);
	const struct pst_rule_node *node;

	s->file = s->dir = 0;
	s->node = cell >> bits;
	if (walk.search.len < PST_PATTERN_SIZE) {
		if (rules->names.n_begins) {
			pst_key_begin(s, walk.search.text, walk.search.len,
				      pst_key_words(&rules->names));
			pst_rules_each(&walk, rules->names.begins_at, rules->names.n_begins);
		}
		if (rules->names.n_ends) {
			pst_key_end(s, walk.search.text, walk.search.len,
				    pst_key_words(&rules->names));
			pst_rules_each(&walk, rules->names.ends_at, rules->names.n_ends);
		}
	}
	node = bpf_map_lookup_elem(&pst_rule_nodes, &s->node);
	if (!node)
		return 1;
	inherited = pst_ranks_greatest(rules, inherited, 0);
	s->file = pst_ranks_greatest(rules, s->file, node->file);
	s->file = pst_ranks_greatest(rules, s->file, inherited);
	s->dir = pst_ranks_greatest(rules, s->dir, node->dir);
	s->dir = pst_ranks_greatest(rules, s->dir, inherited);
	s->cell = pst_ranks_inherited(rules, s->dir) | (__u64)node->next << bits;
	s->way = node->way;
	return 0;
}

/* -- files ----------------------------------------------------------------------------------- */

/* Returns 1 if the file under name[0] is a directory, 0 if not, -1 if that is not known yet. */
static __always_inline int pst_child_is_dir(const struct pst_call *call)
{
	switch (call->opcode) {
	case FUSE_MKDIR:
	case FUSE_RMDIR:
		return 1;
	case FUSE_CREATE:
	case FUSE_MKNOD:
	case FUSE_SYMLINK:
	case FUSE_LINK:
	case FUSE_UNLINK:
		return 0;
	default:
		return call->child.attr.mode ? S_ISDIR(call->child.attr.mode) : -1;
	}
}

/*
 * Returns the values of the lines that match a file with this cell and mode. A file whose path is
 * not known has the values of all lines.
 */
static __always_inline __u64 pst_rules_value(const volatile struct pst_rules *rules, __u64 cell,
					     __u32 mode)
{
	if (cell & PST_RULES_UNKNOWN)
		return rules->all;
	return S_ISDIR(mode) ? pst_ranks_value(rules, cell) : cell;
}

/*
 * Decides if the file under name[0] is hidden, after a step. is_dir is that of pst_child_is_dir().
 * A name whose type is not known yet is hidden if it would be both as a file and as a directory; in
 * a listing, whose file system does not tell the types then, if it would be one of both.
 */
static __always_inline int pst_rules_hide(const volatile struct pst_rules *rules,
					  struct pst_call *call, int is_dir)
{
	struct pst_scratch *s = pst_scratch(call);
	__u64 mask = rules->field[0].mask, odd = 1ULL << (rules->field[0].shift & 63);
	int file = !!(s->file & odd);
	/* A directory on the way to an allowed file is shown. */
	int dir = (s->dir & odd) && s->way <= (s->dir & mask);

	if (!rules->hides)
		return 0;
	if (is_dir < 0)
		return call->opcode == FUSE_READDIR ? file || dir : file && dir;
	return is_dir ? dir : file;
}

/*
 * For the program for names: sets child.cell, and returns the values of the file under name[0],
 * with PST_RULE_HIDE only if the file is absent. Before the file is looked up, returns the values
 * of a directory. If joins is true, a file that has values by another name keeps them, so that a
 * hard link does not evade the rules; the values must be bits.
 */
static __always_inline __u64 pst_rules_choose(const volatile struct pst_rules *rules,
					      struct pst_call *call, int joins)
{
	__u64 hide = rules->hides ? PST_RULE_HIDE : 0, value;
	struct pst_scratch *s = pst_scratch(call);
	int is_dir = pst_child_is_dir(call);

	if ((call->cell & PST_RULES_UNKNOWN) || pst_rules_step(rules, call, call->cell)) {
		call->child.cell = PST_RULES_UNKNOWN;
		return rules->all;
	}
	hide = pst_rules_hide(rules, call, is_dir) ? hide : 0;
	value = pst_ranks_value(rules, is_dir ? s->dir : s->file);
	if (rules->hides)
		value &= ~(__u64)PST_RULE_HIDE;
	if (joins && !is_dir && call->child.known)
		value |= call->child.known_cell;
	call->child.cell = is_dir ? s->cell : value;
	return value | hide;
}

/*
 * Returns the values of the lines that match the file whose attributes an operation returns; mode
 * is the file's. A file without a name (TMPFILE) has those that hold for all below its directory.
 */
static __always_inline __u64 pst_rules_value_shown(const volatile struct pst_rules *rules,
						   const struct pst_call *call, __u32 mode)
{
	if (call->opcode == FUSE_TMPFILE)
		return pst_rules_value(rules, call->cell, S_IFDIR);
	return pst_rules_value(rules, pst_op_on_entry(call->opcode) ? call->child.cell : call->cell,
			       mode);
}

#endif
