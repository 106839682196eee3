// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Runs the programs for names, which decide if a name exists and which filters apply to its file.
 *
 * A directory's filters apply to its files unless their programs for names exclude a file. A file
 * may move, or get another name, only if it loses no filter by that. Only the two names decide
 * this. If a program knew the filters that the node has now, it could keep its filter at the new
 * name, but the filter would end when the kernel forgets the node.
 */
#include "filter/name-check.h"
#include "filter/call-fill.h"
#include "filter/place.h"
#include "filter/run-program.h"

/*
 * Does what the program for names of an entry would do if it need not run (filter/choice.h), and
 * returns true; else returns false. A file with several names may be chosen by another one.
 */
static bool pass_unchosen(struct filter_call *call, struct chain_entry *entry,
			  struct filter_node *dir, const char *name, const struct pst_attr *attr)
{
	if (call->known || choice_can_match(&entry->facts->choice, name, strlen(name)) ||
	    place_cell(call, entry, dir))
		return false;
	call->child.cells[entry->bit] = 0;
	if (attr && attr->mode && !S_ISDIR(attr->mode))
		place_exclude(call, entry);
	return true;
}

/* Returns the filters of asked whose programs for names have to run, and handles the others. */
static uint64_t pass_all_unchosen(struct filter_call *call, struct filter_node *dir,
				  const char *name, uint64_t asked, const struct pst_attr *attr)
{
	const struct chain *chain = call->chain;

	for (unsigned int i = 0; asked & chain->chooses && i < chain->n; i++) {
		struct chain_entry *entry = chain->entries[i];
		uint64_t bit = 1ULL << entry->bit;

		if (asked & chain->chooses & bit && pass_unchosen(call, entry, dir, name, attr))
			asked &= ~bit;
	}
	return asked;
}

/* Runs the programs for names of a directory's filters that are in mask, on the name as given. */
static int check_written(struct filter_call *call, struct filter_node *dir, const char *name,
			 uint64_t mask, const struct pst_attr *attr)
{
	const struct chain *chain = call->chain;
	uint64_t asked = filter_node_filters(dir) & mask;
	int r;

	asked = pass_all_unchosen(call, dir, name, asked, attr);
	if (!asked)
		return 0;
	r = call_fill_name(call, dir, name);
	if (r < 0)
		return r;
	if (attr)
		call->slot->child.attr = *attr;
	call->dir = dir;
	for (unsigned int i = 0; i < chain->n && r == 0; i++) {
		struct chain_entry *entry = chain->entries[i];

		if (!(asked >> entry->bit & 1))
			continue;
		r = run_program(call, entry, FILTER_NAME);
		if (r > 0)
			r = run_program_bad(call, entry, FILTER_NAME,
					    "returned PST_DONE for a name");
	}
	call->dir = NULL;
	return r;
}

/*
 * Runs the filters that hide names by the name alone (PST_HIDES), before any lookup in the lower
 * file system: neither the time of the answer nor what the kernel caches may tell whether a hidden
 * file exists. The caller has set call->child by place_inherit(), and sets it again if it is used.
 */
static int check_hidden(struct filter_call *call, struct filter_node *dir, const char *name,
			enum name_use use)
{
	uint64_t hides = call->chain->hides;
	int r = 0;

	if ((filter_node_filters(dir) & hides) && !name_is_dots(name))
		r = check_written(call, dir, name, hides, NULL);
	return r == -ENOENT && use == NAME_MAKE ? -EPERM : r;
}

int name_check_hidden(struct filter_call *call)
{
	place_inherit(call, call->node);
	return check_hidden(call, call->node, call->name[0], NAME_FIND);
}

bool name_check_wants_child(const struct filter_call *call, const struct filter_node *dir)
{
	return call->chain->want_child & call->chain->names & filter_node_filters(dir);
}

/*
 * The checked name has another spelling in the directory, saved->real. A filter applies to the file
 * if it applies by either spelling. A new name is stored as the caller has written it, so
 * call->child then keeps only the filters that apply by this spelling: a move to the name must not
 * rely on the other one.
 */
static int check_real(struct filter_call *call, struct filter_node *dir, enum name_use use,
		      const struct pst_attr *attr)
{
	const struct chain *chain = call->chain;
	struct filter_place *written = &call->saved->written;
	int r;

	*written = call->child;
	place_inherit(call, dir);
	r = check_written(call, dir, call->saved->real, chain->names, attr);
	if (use == NAME_MAKE) {
		call->child = *written;
		return r;
	}
	for (unsigned int i = 0; i < chain->n; i++) {
		unsigned int bit = chain->entries[i]->bit;

		if (!(call->child.filters >> bit & 1))
			call->child.cells[bit] = written->cells[bit];
	}
	call->child.filters |= written->filters;
	return r;
}

int name_check(struct filter_call *call, struct filter_node *dir, const char *name,
	       enum name_use use, const struct pst_attr *attr)
{
	const struct filter_host *host = call->host;
	struct filter_node *known = NULL;
	struct pst_attr found;
	bool looks;
	int r = 0;

	place_inherit(call, dir);
	if (!(filter_node_filters(dir) & call->chain->names) || name_is_dots(name))
		return 0;
	/* Programs with PST_WANT_CHILD need all attributes of the file, not only its type. */
	looks = name_check_wants_child(call, dir) && !(attr && attr->ino);
	if (looks) {
		r = check_hidden(call, dir, name, NAME_FIND);
		place_inherit(call, dir);
	}
	if (r == 0 && looks && host->peek(call, dir, name, &found, &known) == 0)
		attr = &found;
	host->put_node(call, known);
	if (r == 0)
		r = check_written(call, dir, name, call->chain->names, attr);
	/* In a case-insensitive directory several spellings lead to the same file. */
	if (r == 0 && !call->listed && host->real_name(call, dir, name, call->saved->real) == 0)
		r = check_real(call, dir, use, attr);
	/* A hidden name cannot be created, whether or not a file has it. */
	return r == -ENOENT && use == NAME_MAKE ? -EPERM : r;
}

/* -- moves ------------------------------------------------------------------------------------- */

/* Returns true if all filters have the same cells for two places. */
static bool same_cells(const struct chain *chain, const struct filter_place *a,
		       const struct filter_place *b)
{
	for (unsigned int i = 0; i < chain->n; i++) {
		unsigned int bit = chain->entries[i]->bit;

		if (chain->entries[i]->cells && a->cells[bit] != b->cells[bit])
			return false;
	}
	return true;
}

/*
 * Returns true if a file may move from one place to another. A directory may only move to a place
 * with the same filters, because the filters would have to decide anew about all files below it.
 * Any other file may move unless it would lose a filter.
 *
 * A refused move fails with EPERM. After EXDEV, mv(1) would copy the data that the filter shows,
 * and remove the file.
 */
static bool may_move(const struct chain *chain, uint32_t mode, const struct filter_place *from,
		     const struct filter_place *to)
{
	if (S_ISDIR(mode))
		return from->filters == to->filters && same_cells(chain, from, to);
	return !(from->filters & ~to->filters);
}

/*
 * Returns true if the same filters apply to all present and future files of two directories. Then
 * no filter depends on names, and a move between them needs no check.
 */
static bool same_filters(const struct filter_call *call, const struct filter_node *a,
			 const struct filter_node *b)
{
	const struct chain *chain = call->chain;

	if (chain->names || chain->attached || chain->cells || port_load(&chain->activating))
		return false;
	for (unsigned int i = 0; i < chain->n; i++)
		if (port_load(&chain->entries[i]->per_child))
			return false;
	return (filter_node_filters(a) & filter_node_filters(b) & chain->all) == chain->all;
}

/* A name in a directory, and its file. */
struct place {
	struct filter_node *dir; /* borrowed */
	const char *name;
	struct filter_node *node; /* counted; NULL if the kernel does not know the file */
	struct pst_attr attr;     /* mode is 0 if the name is absent */
	int r;                    /* 0, or the error of looking it up */
};

static void look_at(struct filter_call *call, struct filter_node *dir, const char *name,
		    struct place *ret_place)
{
	*ret_place = (struct place){ .dir = dir, .name = name };
	ret_place->r = call->host->peek(call, dir, name, &ret_place->attr, &ret_place->node);
	if (ret_place->r < 0)
		ret_place->attr.mode = 0;
}

/* Checks a move from one place to another, and sets call->child. Returns 0 or -errno. */
static int check_move(struct filter_call *call, const struct place *from, const struct place *to,
		      enum name_use use)
{
	struct filter_place *held = &call->saved->from;
	int r = name_check(call, from->dir, from->name, NAME_FIND, &from->attr);

	if (r < 0)
		return r;
	*held = call->child;
	r = name_check(call, to->dir, to->name, use, &from->attr);
	/* The program has files that the lower directory lacks. */
	if (r == 0 && from->r < 0)
		return call->serve ? 0 : from->r;
	if (r == 0 && !may_move(call->chain, from->attr.mode, held, &call->child))
		r = -EPERM;
	return r;
}

/*
 * Checks both places of a RENAME. A file that gains filters gets them before it moves, and keeps
 * them if the move fails.
 */
static int check_places(struct filter_call *call, const struct place *from, const struct place *to)
{
	bool exchange = call->saved->cur.rename.flags & RENAME_EXCHANGE;
	enum name_use use = exchange ? NAME_FIND : NAME_MAKE;
	struct filter_place *back = &call->saved->back;
	int r = 0;

	if (exchange)
		r = check_move(call, to, from, NAME_FIND);
	*back = call->child;
	/* A filter may hide the file that the RENAME would replace by that file's attributes. */
	if (r == 0 && !exchange && to->attr.mode && name_check_wants_child(call, to->dir))
		r = name_check(call, to->dir, to->name, use, &to->attr);
	if (r == 0)
		r = check_move(call, from, to, use);
	if (r < 0)
		return r;
	if (from->node)
		place_give(call, from->node, &call->child);
	if (exchange && to->node)
		place_give(call, to->node, back);
	return 0;
}

static int check_rename(struct filter_call *call)
{
	bool exchange = call->saved->cur.rename.flags & RENAME_EXCHANGE;
	struct place from, to;
	int r;

	if (same_filters(call, call->node, call->node2)) {
		place_inherit(call, call->node2);
		return 0;
	}
	/* This comes before any lookup in the lower file system; see check_hidden(). */
	r = name_check_hidden(call);
	if (r < 0)
		return r;
	place_inherit(call, call->node2);
	r = check_hidden(call, call->node2, call->name[1], exchange ? NAME_FIND : NAME_MAKE);
	if (r < 0)
		return r;
	call->host->rename_begins(call);
	look_at(call, call->node, call->name[0], &from);
	look_at(call, call->node2, call->name[1], &to);
	r = check_places(call, &from, &to);
	call->host->put_node(call, from.node);
	call->host->put_node(call, to.node);
	return r;
}

/*
 * Checks the new name of a hard link: all filters of the node must apply by this name. The kernel
 * does not send the old name, so the filters of all names that were looked up count.
 */
static int check_link(struct filter_call *call)
{
	struct pst_attr attr = { .mode = call->type2 };
	uint64_t held = filter_node_filters(call->node2) & call->chain->all;
	int r;

	if (same_filters(call, call->node, call->node2)) {
		place_inherit(call, call->node);
		return 0;
	}
	r = name_check(call, call->node, call->name[0], NAME_MAKE, &attr);
	return r == 0 && (held & ~call->child.filters) ? -EPERM : r;
}

static int check_created(struct filter_call *call)
{
	const struct op *op = call->op;
	uint64_t mode = op->creates ? op->creates : call_member(&call->saved->cur, op->mode);
	struct pst_attr attr = { .mode = mode & S_IFMT };

	return name_check(call, call->node, call->name[0], NAME_MAKE, &attr);
}

int name_check_call(struct filter_call *call)
{
	int r = 0;

	switch (call->op->n_entries ? call->op->effect : OP_NO_EFFECT) {
	case OP_REMOVES:
		return name_check(call, call->node, call->name[0], NAME_FIND, NULL);
	case OP_CREATES:
		return check_created(call);
	case OP_LINKS:
		return check_link(call);
	case OP_RENAMES:
		return check_rename(call);
	case OP_FINDS:
		/* apply_found() checks the name once its file is known. */
		if (!call->listed)
			r = name_check_hidden(call);
		place_inherit(call, call->node);
		return r;
	default:
		if (call->op->effect)
			place_inherit(call, call->node);
		else
			call->child.filters = 0;
		return 0;
	}
}

/* -- outside of operations --------------------------------------------------------------------- */

int name_check_alone(struct filter_call *call, const struct chain *chain, struct filter_node *dir,
		     const char *name, uint32_t type)
{
	struct pst_attr attr = { .mode = type };
	int r;

	call_begin(call, chain, FUSE_GETATTR);
	call->filters = chain->all;
	call->node = dir;
	r = name_check(call, dir, name, NAME_FIND, type ? &attr : NULL);
	call_begin(call, NULL, 0);
	return r;
}

void name_check_known(struct filter_call *call, const struct chain *chain,
		      const struct chain_entry *entry, struct filter_node *dir, const char *name,
		      struct filter_node *node, uint32_t type)
{
	uint64_t bit = 1ULL << entry->bit;
	bool had = filter_node_filters(node) & bit;

	if (node == entry->at)
		return;
	/* The verdict does not matter: processes that have the file open can go on using it. */
	name_check_alone(call, chain, dir, name, type);
	if (call->child.filters & bit)
		port_or(&node->filters, bit);
	else
		port_and(&node->filters, ~bit);
	if (!entry->cells)
		return;
	/* The filter may run already and have set the cell; but the path is known only now. */
	if (!had || place_cell(call, entry, node) == entry->facts->unknown)
		place_set_cell(call, entry, node, call->child.cells[entry->bit]);
}
