// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Runs one program of one filter on a call. A filter that fails, or leaves invalid values in the
 * slot, makes this one operation fail with EIO and is counted.
 */
#include "filter/run-program.h"
#include "filter/place.h"

/* Returns the opcode by which the engine knows a program; 0 for names. */
static uint32_t program_of(const struct filter_call *call, enum filter_kind kind)
{
	return kind == FILTER_NAME ? 0 : call_filter_opcode(call);
}

int run_program_bad(struct filter_call *call, const struct chain_entry *entry,
		    enum filter_kind kind, const char *what)
{
	call->failed = true;
	call->host->bad(call, entry, kind, program_of(call, kind), what, 0);
	return -EIO;
}

/* Returns 0 with the verdict, or -EIO. */
static int run(struct filter_call *call, const struct chain_entry *entry, enum filter_kind kind,
	       struct pst_ctx *ctx, int *ret_verdict)
{
	uint32_t opcode = program_of(call, kind);
	int r = call->host->run(call, entry, kind, opcode, ctx, ret_verdict);

	call->failed = r != 0;
	if (r == 0)
		return 0;
	call->host->bad(call, entry, kind, opcode, "could not be run", r);
	return -EIO;
}

/* -- the slot as one filter sees it ------------------------------------------------------------ */

/* Returns the directory while a name is checked, else the node of the operation. */
static struct filter_node *node_of(const struct filter_call *call)
{
	return call->dir ? call->dir : call->node;
}

static bool holds(const struct filter_node *node, const struct chain_entry *entry)
{
	return node && (filter_node_filters(node) >> entry->bit & 1);
}

static void fill_cells(struct filter_call *call, const struct chain_entry *entry)
{
	const struct filter_node *known = call->known;
	struct pst_call *slot = call->slot;

	slot->cell = call->cell = place_cell(call, entry, node_of(call));
	slot->cell2 = place_cell(call, entry, call->node2);
	slot->child.cell = call->child.filters ? call->child.cells[entry->bit] : 0;
	slot->child.known_cell = holds(known, entry) ? place_cell(call, entry, call->known) : 0;
}

static void fill_own(struct filter_call *call, const struct chain_entry *entry)
{
	struct pst_call *slot = call->slot;

	if (entry->cells)
		fill_cells(call, entry);
	else
		slot->cell = slot->cell2 = slot->child.cell = slot->child.known_cell = 0;
	slot->child.held = call->child.filters >> entry->bit & 1;
	if (call->known)
		slot->child.known = 1;
	/* A filter that failed may have left another delay. */
	slot->delay_us = call->delay_us;
	slot->n_events = 0;
	slot->note[0] = slot->note[1] = 0;
	if (call->noted >> entry->bit & 1)
		memcpy(slot->note, call->saved->note[entry->bit], sizeof(slot->note));
}

/* -- taking over what a program has set -------------------------------------------------------- */

static void take_note(struct filter_call *call, const struct chain_entry *entry)
{
	const uint64_t note[2] = { port_read_once(call->slot->note[0]),
				   port_read_once(call->slot->note[1]) };
	uint64_t bit = 1ULL << entry->bit;

	call->noted &= ~bit;
	if (note[0] | note[1]) {
		memcpy(call->saved->note[entry->bit], note, sizeof(note));
		call->noted |= bit;
	}
}

/* A filter can apply to a child only if it applies to the directory. */
static void take_held(struct filter_call *call, struct chain_entry *entry, uint32_t held)
{
	if (!held)
		place_exclude(call, entry);
	else if (holds(node_of(call), entry))
		call->child.filters |= 1ULL << entry->bit;
}

/* Takes over what a program has set. Returns NULL, or the first invalid value, for the log. */
static const char *take_own(struct filter_call *call, struct chain_entry *entry)
{
	const struct pst_call *slot = call->slot;
	uint64_t cell = port_read_once(slot->cell), child_cell = port_read_once(slot->child.cell);
	uint32_t held = port_read_once(slot->child.held);
	uint32_t delay_us = port_read_once(slot->delay_us);

	if (held > 1)
		return "left a number other than 0 and 1 in child.held";
	if (!entry->cells && (cell | child_cell))
		return "set a cell, but its filter does not declare PST_CELLS";
	/* Another filter may have set the delay. */
	if (delay_us && !(call->chain->delays & call->filters))
		return "set delay_us, but its filter does not declare PST_DELAYS";
	call->delay_us = delay_us;
	if (entry->cells) {
		/* Another task may have stored a cell since the program got this one. */
		if (cell != call->cell)
			place_set_cell(call, entry, node_of(call), cell);
		call->child.cells[entry->bit] = child_cell;
	}
	take_note(call, entry);
	take_held(call, entry, held);
	return NULL;
}

static void report_events(struct filter_call *call, const struct chain_entry *entry,
			  enum filter_kind kind, uint32_t n)
{
	/* Before the operation there is no result yet. */
	int error = kind == FILTER_POST ? call->error : 0;

	for (uint32_t i = 0; i < n && i < PST_N_EVENTS; i++) {
		struct pst_event event port_uninitialized;

		port_fetch(&event, &call->slot->event[i], sizeof(event));
		event.what[PST_EVENT_SIZE - 1] = '\0';
		call->host->event(call, entry, kind, &event, error);
	}
}

/* -- running ----------------------------------------------------------------------------------- */

/* Checks and applies the values that a program has set. Returns its verdict, or -EIO. */
static int take(struct filter_call *call, struct chain_entry *entry, enum filter_kind kind,
		int verdict)
{
	const char *wrong = take_own(call, entry);
	uint32_t n_events = port_read_once(call->slot->n_events);

	if (wrong)
		return run_program_bad(call, entry, kind, wrong);
	if (n_events)
		report_events(call, entry, kind, n_events);
	if (verdict == PST_SERVE) {
		if (kind == FILTER_POST || !call->host->may_serve ||
		    !call->host->may_serve(call, entry))
			return run_program_bad(call, entry, kind,
					       "returned PST_SERVE, but this view has no server "
					       "for the operation");
		call->serve = true;
		verdict = PST_PASS;
	}
	if (verdict > PST_SERVE || verdict <= -512)
		return run_program_bad(call, entry, kind,
				       "returned a number other than PST_PASS, PST_DONE and "
				       "-errno");
	/* After ENOSYS the kernel would never send this operation again, for any file. */
	if (verdict == -ENOSYS)
		verdict = -EOPNOTSUPP;
	if (verdict) {
		call->decided = 1ULL << entry->bit;
		call->decided_by = entry;
		call->verdict = verdict;
	}
	return verdict;
}

int run_program(struct filter_call *call, struct chain_entry *entry, enum filter_kind kind)
{
	struct pst_ctx ctx = { .slot = call->slot_number };
	int verdict, r;

	fill_own(call, entry);
	r = run(call, entry, kind, &ctx, &verdict);
	return r < 0 ? r : take(call, entry, kind, verdict);
}

int run_program_lookups(struct filter_call *call, struct chain_entry *entry, unsigned int first,
			unsigned int n, unsigned int *ret_at)
{
	struct pst_ctx ctx = { .slot = call->slot_number, .n_listed = n, .first = first };
	uint32_t n_asked;
	int verdict;

	*ret_at = first;
	fill_own(call, entry);
	if (run(call, entry, FILTER_PRE, &ctx, &verdict) < 0)
		return -EIO;
	n_asked = port_read_once(call->slot->n_asked);
	if (n_asked <= first || n_asked > first + n)
		return run_program_bad(call, entry, FILTER_PRE, "left an invalid n_asked");
	*ret_at = n_asked - 1;
	verdict = port_read_once(call->slot->listed[n_asked - 1].verdict);
	return take(call, entry, FILTER_PRE, verdict);
}

int run_program_names(struct filter_call *call, const struct chain_entry *entry, unsigned int n)
{
	struct pst_ctx ctx = { .slot = call->slot_number, .n_listed = n };
	int verdict;

	fill_own(call, entry);
	return run(call, entry, FILTER_NAME, &ctx, &verdict);
}
