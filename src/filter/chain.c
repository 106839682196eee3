// SPDX-License-Identifier: LGPL-2.1-or-later
#include "filter/chain.h"

/* Returns whether an operation has names of entries; a listing has. */
static bool takes_names(const struct op *op)
{
	return op->n_entries || op->answer == OP_ANSWER_LIST;
}

static bool sees(const struct filter_facts *facts, enum filter_kind kind, uint32_t opcode)
{
	return facts->ops[kind] >> op_filter_opcode(opcode) & 1;
}

static bool sees_any(const struct filter_facts *facts, uint32_t opcode)
{
	return sees(facts, FILTER_PRE, opcode) || sees(facts, FILTER_POST, opcode);
}

bool chain_goes_by_names(const struct filter_facts *facts)
{
	return facts->ops[FILTER_NAME] || sees_any(facts, FUSE_LOOKUP);
}

/* Returns whether the filter shows the same to all callers until the file or the chain changes. */
static bool keeps_shown(const struct filter_facts *facts)
{
	return (facts->flags & PST_SHOWS) && !(facts->flags & (PST_BY_CALLER | PST_CELLS)) &&
	       !sees(facts, FILTER_PRE, FUSE_GETATTR) && !sees(facts, FILTER_PRE, FUSE_STATX);
}

/* Adds a filter to the sets of the chain. */
static void add(struct chain *chain, const struct chain_entry *entry)
{
	const struct filter_facts *facts = entry->facts;
	uint64_t bit = 1ULL << entry->bit;
	const struct {
		bool is;
		uint64_t *bits;
	} traits[] = {
		{ true, &chain->all },
		{ facts->ops[FILTER_NAME], &chain->names },
		{ facts->flags & PST_BY_CALLER, &chain->by_caller },
		{ facts->flags & PST_CACHEABLE, &chain->cacheable },
		{ facts->flags & PST_DELAYS, &chain->delays },
		{ facts->flags & PST_WANT_ATTR, &chain->want_attr },
		{ facts->flags & PST_WANT_CHILD, &chain->want_child },
		{ facts->flags & PST_WANT_CGROUP, &chain->want_cgroup },
		{ facts->flags & PST_EXACT, &chain->exact },
		{ entry->cells, &chain->cells },
		{ entry->at || chain_goes_by_names(facts) || entry->cells, &chain->by_name },
		{ entry->at, &chain->attached },
		{ facts->ops[FILTER_NAME] && (facts->flags & PST_HIDES), &chain->hides },
		{ facts->flags & PST_JUDGES, &chain->judges },
		{ facts->flags & PST_REPORTS, &chain->reports },
		{ keeps_shown(facts), &chain->shows },
		{ facts->choice.known, &chain->chooses },
		{ sees_any(facts, FUSE_READ) || sees_any(facts, FUSE_WRITE), &chain->data },
	};

	for (size_t i = 0; i < sizeof(traits) / sizeof(traits[0]); i++)
		if (traits[i].is)
			*traits[i].bits |= bit;
	for (uint32_t opcode = 0; opcode < OP_MAX; opcode++) {
		if (!op_find(opcode))
			continue;
		if (sees(facts, FILTER_PRE, opcode))
			chain->pre[opcode] |= bit;
		if (sees(facts, FILTER_POST, opcode))
			chain->post[opcode] |= bit;
	}
}

/* Returns the filters that an operation concerns although they have no program for it. */
static uint64_t involved(const struct chain *chain, const struct op *op)
{
	uint64_t bits = takes_names(op) ? chain->names : 0;

	/* No file may leave the tree that a filter is attached to. */
	if (op->effect == OP_RENAMES || op->effect == OP_LINKS)
		bits |= chain->attached;
	/* The lower file system would copy the data without the filters that see data. */
	if (op->fh2.len)
		bits |= chain->data;
	return bits;
}

void chain_init(struct chain *chain, struct chain_entry *const *entries, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++) {
		chain->entries[chain->n++] = entries[i];
		add(chain, entries[i]);
	}
	for (uint32_t opcode = 0; opcode < OP_MAX; opcode++)
		if (op_find(opcode))
			chain->any[opcode] = chain->pre[opcode] | chain->post[opcode] |
					     involved(chain, op_find(opcode));
	/* READDIRPLUS looks up each entry. */
	chain->any[FUSE_READDIRPLUS] |= chain->any[FUSE_LOOKUP];
}

int chain_new(struct chain_entry *const *entries, unsigned int n, struct chain **ret_chain)
{
	struct chain *chain = port_alloc(sizeof(*chain));

	if (!chain)
		return -ENOMEM;
	chain_init(chain, entries, n);
	*ret_chain = chain;
	return 0;
}

bool chain_shows(const struct chain *chain)
{
	for (uint32_t opcode = 0; opcode < OP_MAX; opcode++) {
		const struct op *op = op_find(opcode);
		uint8_t result = op ? op->result : OP_RESULT_NONE;

		if ((result == OP_RESULT_ENTRY || result == OP_RESULT_CREATE ||
		     result == OP_RESULT_ATTR || result == OP_RESULT_STATX) &&
		    chain->post[opcode])
			return true;
	}
	return chain->post[FUSE_READDIRPLUS] || chain->pre[FUSE_GETATTR] || chain->pre[FUSE_STATX];
}

struct chain *chain_free(struct chain *chain)
{
	port_free(chain);
	return NULL;
}
