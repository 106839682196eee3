// SPDX-License-Identifier: GPL-2.0-only
/*
 * Chains: the filters that are in force in a view.
 *
 * An operation that filters see takes a reference to the chain in force, and keeps it until its
 * end, also while it waits in the lower file system. So it has the same filters from its beginning
 * to its end. RCU walk and pst_caller_forget() look at the chain under RCU, without a reference.
 * An operation that no filter sees looks at pst_sb.asked only.
 */
#include "filters/filters.h"

static void release(struct percpu_ref *ref)
{
	complete(&container_of(ref, struct pst_chain, ref)->drained);
}

/* Makes *ret_part, which is zeroed, the part of a chain that has the filters with these bits. */
void pst_chain_pick(const struct chain *chain, u64 filters, struct chain *ret_part)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < chain->n; i++)
		if (filters >> chain->entries[i]->bit & 1)
			ret_part->entries[n++] = chain->entries[i];
	chain_init(ret_part, ret_part->entries, n);
}

/* Makes a chain of filters, which have bits of their own. Returns 0 or -ENOMEM. */
int pst_chain_new(struct filter *const *filters, unsigned int n, struct pst_chain **ret_chain)
{
	struct pst_chain *chain = kvzalloc(sizeof(*chain), GFP_KERNEL_ACCOUNT);
	struct chain *core = &chain->core;
	int err;

	if (!chain)
		return -ENOMEM;
	err = percpu_ref_init(&chain->ref, release, 0, GFP_KERNEL_ACCOUNT);
	if (err) {
		kvfree(chain);
		return err;
	}
	init_completion(&chain->drained);
	for (unsigned int i = 0; i < n; i++) {
		refcount_inc(&filters[i]->refs);
		core->entries[i] = &filters[i]->entry;
	}
	chain_init(core, core->entries, n);
	chain->fixed_names = !(core->names & (core->by_caller | core->judges | ~core->hides)) &&
			     !core->pre[FUSE_LOOKUP] && !core->post[FUSE_LOOKUP];
	pst_serve_prepare(chain);
	err = pst_caller_prepare(chain);
	if (err)
		pst_chain_free(chain);
	else
		*ret_chain = chain;
	return err;
}

/* Frees a chain, which may be NULL. No operation has a reference, and RCU walk cannot find it. */
void pst_chain_free(struct pst_chain *chain)
{
	if (!chain)
		return;
	percpu_ref_exit(&chain->ref);
	kvfree(chain->verdicts);
	for (unsigned int i = 0; i < chain->core.n; i++)
		pst_filter_put(chain->core.entries[i]->filter);
	kvfree(chain);
}

/* Puts a chain in force, or none. No other task changes the filters of the view. */
void pst_chain_put_in_force(struct pst_sb *s, struct pst_chain *chain)
{
	static const struct chain none;
	const struct chain *core = chain ? &chain->core : &none;
	u64 asked = 0;

	for (unsigned int opcode = 0; opcode < OP_MAX; opcode++)
		asked |= (u64) !!core->any[opcode] << opcode;
	rcu_assign_pointer(s->chain, chain);
	rcu_assign_pointer(s->by_caller, chain && chain->verdicts ? chain : NULL);
	WRITE_ONCE(s->asked, asked);
	WRITE_ONCE(s->shows_by_caller, pst_showing(core) & core->by_caller);
	WRITE_ONCE(s->shows_acls, core->post[FUSE_GETXATTR] & ~core->reports);
	WRITE_ONCE(s->serves, chain ? chain->serves : 0);
	WRITE_ONCE(s->shows, pst_showing(core));
	WRITE_ONCE(s->adapts, s->shows || s->idmapped || s->nosuid);
}

/* Returns the chain of one of the pointers in pst_sb with a reference, or NULL. */
struct pst_chain *pst_chain_get_from(struct pst_chain __rcu *const *at)
{
	struct pst_chain *chain;

	rcu_read_lock();
	/* A chain is killed when the pointer has another value already. */
	do
		chain = rcu_dereference(*at);
	while (chain && !percpu_ref_tryget_live_rcu(&chain->ref));
	rcu_read_unlock();
	return chain;
}

/* Returns the chain in force with a reference, for pst_chain_put(); NULL: there are no filters. */
struct pst_chain *pst_chain_get(const struct pst_sb *s)
{
	return pst_chain_get_from(&s->chain);
}
