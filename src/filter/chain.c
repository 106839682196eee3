// SPDX-License-Identifier: LGPL-2.1-or-later
#include "filter/chain.h"

#include <errno.h>
#include <stdlib.h>

/* Operations on names of entries, listings among them. */
static bool takes_names(const struct op *op, uint32_t opcode)
{
	return op->n_entries || opcode == FUSE_READDIR ||
	       opcode == FUSE_READDIRPLUS;
}

static bool sees(const struct filter_facts *facts, enum filter_kind kind, uint32_t opcode)
{
	return facts->ops[kind] >> op_filter_opcode(opcode) & 1;
}

bool chain_goes_by_names(const struct filter_facts *facts)
{
	return facts->ops[FILTER_NAME] || sees(facts, FILTER_PRE, FUSE_LOOKUP) ||
	       sees(facts, FILTER_POST, FUSE_LOOKUP);
}

/* Enters one filter into the tables. */
static void enter(struct chain *chain, const struct link *link)
{
	const struct filter_facts *facts = filter_facts(link->filter);
	uint64_t bit = 1ULL << link->bit;
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
		{ link->at || chain_goes_by_names(facts) || link->cells, &chain->by_name },
		{ link->at, &chain->attached },
		{ facts->ops[FILTER_NAME] && (facts->flags & PST_HIDES), &chain->hides },
		{ sees(facts, FILTER_PRE, FUSE_READ) || sees(facts, FILTER_POST, FUSE_READ) ||
			  sees(facts, FILTER_PRE, FUSE_WRITE) ||
			  sees(facts, FILTER_POST, FUSE_WRITE),
		  &chain->data },
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

int chain_new(struct link *const *links, unsigned int n, struct chain **ret_chain)
{
	struct chain *chain = calloc(1, sizeof(*chain));

	if (!chain)
		return -ENOMEM;
	for (unsigned int i = 0; i < n; i++) {
		chain->links[chain->n++] = links[i];
		enter(chain, links[i]);
	}
	for (uint32_t opcode = 0; opcode < OP_MAX; opcode++) {
		chain->any[opcode] = chain->pre[opcode] | chain->post[opcode];
		if (op_find(opcode) && takes_names(op_find(opcode), opcode))
			chain->any[opcode] |= chain->names;
	}
	/* What is attached to a part of the tree must not be left, whatever it has programs for. */
	chain->any[FUSE_RENAME] |= chain->attached;
	chain->any[FUSE_RENAME2] |= chain->attached;
	chain->any[FUSE_LINK] |= chain->attached;
	/* Entries of a listing are looked up. */
	chain->any[FUSE_READDIRPLUS] |= chain->any[FUSE_LOOKUP];
	/* The kernel reads and writes by itself what is copied: it must not be copied below. */
	chain->any[FUSE_COPY_FILE_RANGE] |= chain->data;
	chain->any[FUSE_COPY_FILE_RANGE_64] |= chain->data;
	*ret_chain = chain;
	return 0;
}

bool chain_shows(const struct chain *chain)
{
	static const uint32_t answers[] = { FUSE_LOOKUP, FUSE_MKNOD,   FUSE_LINK,    FUSE_CREATE,
					    FUSE_TMPFILE, FUSE_GETATTR, FUSE_SETATTR, FUSE_STATX,
					    FUSE_SYMLINK, FUSE_READDIRPLUS };

	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++)
		if (chain->post[answers[i]])
			return true;
	return chain->pre[FUSE_GETATTR] || chain->pre[FUSE_STATX];
}

struct chain *chain_free(struct chain *chain)
{
	free(chain);
	return NULL;
}
