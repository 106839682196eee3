// SPDX-License-Identifier: GPL-2.0-only
/*
 * The filters of a view: takes them from the program that mounts it, by fsconfig(2), and has what
 * they use.
 *
 * The programs are of type BPF_PROG_TYPE_SYSCALL, as in the daemon. The module holds a reference to
 * each, so they and their maps outlive the program that loaded them. Parameters reach this file
 * before anyone has checked the caller: fsopen(2) is open to root of any user namespace.
 */
#include "filters/filters.h"

#include <linux/filter.h>
#include <linux/pid_namespace.h>

#include "kernel/module-abi.h"

static const char *const texts[MODULE_N_TEXTS] = { "name", "spec", "file", "summary", "at" };

void pst_filter_put(struct filter *f)
{
	if (!refcount_dec_and_test(&f->refs))
		return;
	for (int kind = 0; kind < _FILTER_KINDS; kind++)
		for (int opcode = 0; opcode < OP_MAX; opcode++) {
			if (f->program[kind][opcode])
				bpf_prog_put(f->program[kind][opcode]);
			free_percpu(f->count[kind][opcode]);
		}
	dput(f->at);
	kvfree(f->said);
	kvfree(f);
}

/* Drops the filters of a context; the chain that has them keeps them. */
void pst_filters_drop(struct pst_filter_list *list)
{
	for (unsigned int i = 0; i < list->n; i++)
		pst_filter_put(list->filter[i]);
}

/* Checks the versions and the size of the fixed part. */
static int check_head(struct fs_context *fc, const struct module_filter *m, size_t size)
{
	if (size < sizeof(m->abi) + sizeof(m->filter_abi) || m->abi != MODULE_ABI ||
	    m->filter_abi != PST_FILTER_ABI)
		return invalf(fc,
			      "penstock: the module is of another version than the program that "
			      "mounts; this module has version %u.%u",
			      MODULE_ABI, PST_FILTER_ABI);
	if (size < sizeof(*m) || m->n_programs > _FILTER_KINDS * OP_MAX ||
	    size < struct_size(m, program, m->n_programs))
		return invalf(fc, "penstock: the description of a filter is too short");
	return 0;
}

/* Sets the strings of the facts. They are behind the programs. */
static int set_texts(struct fs_context *fc, struct filter *f, size_t size)
{
	const struct module_filter *m = f->said;
	const char **const to[MODULE_N_TEXTS] = { &f->facts.name, &f->facts.spec, &f->facts.file,
						  &f->facts.summary, &f->facts.at };
	const char *at = (const char *)&m->program[m->n_programs], *end = (const char *)m + size;

	for (int i = 0; i < MODULE_N_TEXTS; i++) {
		const char *nul = memchr(at, 0, end - at);

		if (!nul)
			return invalf(fc, "penstock: a filter has no %s", texts[i]);
		*to[i] = at;
		at = nul + 1;
	}
	return 0;
}

static int take_program(struct fs_context *fc, struct filter *f, const struct module_program *p)
{
	struct bpf_prog *prog, **to;

	if (p->kind >= _FILTER_KINDS || p->opcode >= OP_MAX ||
	    (p->kind == FILTER_NAME) != (p->opcode == 0))
		return invalf(fc, "penstock: filter %s has a program for no operation",
			      f->facts.name);
	to = &f->program[p->kind][p->opcode];
	if (*to)
		return invalf(fc, "penstock: filter %s has two programs for one operation",
			      f->facts.name);
	prog = bpf_prog_get_type_dev(p->fd, BPF_PROG_TYPE_SYSCALL, false);
	if (IS_ERR(prog)) {
		errorf(fc, "penstock: filter %s: descriptor %d is no program of a filter",
		       f->facts.name, p->fd);
		return PTR_ERR(prog);
	}
	*to = prog;
	f->count[p->kind][p->opcode] = alloc_percpu_gfp(struct pst_count, GFP_KERNEL_ACCOUNT);
	if (!f->count[p->kind][p->opcode])
		return -ENOMEM;
	f->facts.ops[p->kind] |= 1ULL << p->opcode;
	if (prog->aux->max_ctx_offset > sizeof(struct pst_ctx))
		return invalf(fc, "penstock: filter %s reads behind its context", f->facts.name);
	return pst_slots_check(fc, f, prog);
}

/* The second tree runs the programs for these; the module runs all others. */
#define DATA                    (BIT_ULL(FUSE_READ) | BIT_ULL(FUSE_WRITE))
#define SEEN(NAME, OPCODE, ...) | BIT_ULL(OPCODE)

static int refuse(struct fs_context *fc, const struct filter *f, const char *what,
		  const char *which)
{
	errorf(fc, "penstock: filter %s %s%s, which the module cannot do", f->facts.name, what,
	       which);
	return -EOPNOTSUPP;
}

/* Refuses filters with anything that the module cannot do yet: none may be without effect. */
static int check_supported(struct fs_context *fc, const struct filter *f)
{
	static const char *const kinds[] = { "has a program before ", "has a program after " };
	const struct filter_facts *facts = &f->facts;
	bool serves = f->serve == MODULE_SERVE_HELD || f->serve == MODULE_SERVE_NAMES;
	u64 runs = serves ? (0 PST_OPS(SEEN)) : (0 PST_OPS(SEEN)) & ~DATA;

	if (f->serve > MODULE_SERVE_NAMES)
		return invalf(fc, "penstock: filter %s is served in no known way", facts->name);
	if (f->serve != MODULE_SERVE_NONE && *facts->at)
		return refuse(fc, f, "sees data, and is attached with at=", "");
	if (f->serve == MODULE_SERVE_ALL && fc->purpose == FS_CONTEXT_FOR_RECONFIGURE)
		return refuse(fc, f, "sees all files, and is added to a view that is mounted", "");
	if (f->serve == MODULE_SERVE_ALL)
		return 0;
	for (int kind = FILTER_PRE; kind <= FILTER_POST; kind++) {
		u64 others = facts->ops[kind] & ~runs;
		const char *name = others ? op_filter_name(__ffs64(others)) : NULL;

		if (others)
			return refuse(fc, f, kinds[kind], name ? name : "no operation");
	}
	if (!facts->ops[FILTER_PRE] && !facts->ops[FILTER_POST] && !facts->ops[FILTER_NAME])
		return refuse(fc, f, "has no program", "");
	return facts->flags & PST_EXACT ?
		       refuse(fc, f, "wants operations one at a time (PST_EXACT)", "") :
		       0;
}

static int fill(struct fs_context *fc, struct filter *f, const void *value, size_t size)
{
	const struct module_filter *m;
	int err;

	/* A copy, because the value is freed by the caller. */
	f->said = kvmalloc(size, GFP_KERNEL_ACCOUNT);
	if (!f->said)
		return -ENOMEM;
	m = memcpy(f->said, value, size);
	f->facts.flags = m->flags;
	f->facts.cell = m->cell;
	f->facts.unknown = m->unknown;
	f->facts.choice = m->choice;
	f->serve = m->serve;
	err = set_texts(fc, f, size);
	for (u32 i = 0; i < m->n_programs && !err; i++)
		err = take_program(fc, f, &m->program[i]);
	if (err)
		return err;
	if (f->serve == MODULE_SERVE_ALL)
		memset(f->facts.ops, 0, sizeof(f->facts.ops));
	f->entry = (struct chain_entry){
		.filter = f,
		.facts = &f->facts,
		.at = f->facts.at[strspn(f->facts.at, "/")] ? &f->at_node : NULL,
		.cells = m->flags & PST_CELLS ? f : NULL,
	};
	return check_supported(fc, f);
}

/*
 * Adds a filter to those of a context. The value of the parameter is from the caller of
 * fsconfig(2), whoever that is. After a failure the context must not be used: it lacks a filter.
 */
int pst_filters_add(struct fs_context *fc, struct pst_filter_list *list, const void *value,
		    size_t size)
{
	struct filter *f;
	int err;

	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	err = check_head(fc, value, size);
	if (err)
		return err;
	if (list->n == PST_MAX_FILTERS)
		return invalf(fc, "penstock: a view has at most %u filters", PST_MAX_FILTERS);
	f = kvzalloc(sizeof(*f), GFP_KERNEL_ACCOUNT);
	if (!f)
		return -ENOMEM;
	refcount_set(&f->refs, 1);
	f->map = list->n ? list->filter[0]->map : NULL;
	err = fill(fc, f, value, size);
	if (err)
		pst_filter_put(f);
	else
		list->filter[list->n++] = f;
	return err;
}

/* ---- views ------------------------------------------------------------------------------- */

/* Makes what filters use, and puts those in force that a view is mounted with. */
int pst_filters_start(struct pst_sb *s, const struct pst_filter_list *list)
{
	struct pst_filters *filters = kzalloc(sizeof(*filters), GFP_KERNEL_ACCOUNT);
	struct pst_chain *chain;
	int err;

	if (!filters)
		return -ENOMEM;
	s->filters = filters;
	init_waitqueue_head(&filters->wait);
	filters->cred = get_current_cred();
	filters->pid_ns = get_pid_ns(task_active_pid_ns(current));
	if (!list->n)
		return 0;
	for (unsigned int i = 0; i < list->n; i++)
		list->filter[i]->entry.bit = i;
	atomic64_set(&filters->used, (1ULL << list->n) - 1);
	err = pst_slots_make(filters, list->filter[0]->map);
	if (!err)
		err = pst_chain_new(list->filter, list->n, &chain);
	if (!err)
		pst_chain_put_in_force(s, chain);
	return err;
}

/* Frees what filters use. No operation is left in the view. */
void pst_filters_end(struct pst_sb *s)
{
	struct pst_filters *filters = s->filters;
	struct pst_chain *chain, *next;

	if (!filters)
		return;
	/* RCU walk can still be at a dentry of the view, and ask the chain. */
	if (rcu_access_pointer(s->by_caller))
		synchronize_rcu();
	pst_detach_filters(rcu_dereference_protected(s->chain, true));
	pst_chain_free(rcu_dereference_protected(s->chain, true));
	llist_for_each_entry_safe(chain, next, llist_del_all(&filters->late), late) {
		wait_for_completion(&chain->drained);
		pst_chain_free(chain);
	}
	pst_slots_free(filters);
	put_cred(filters->cred);
	put_pid_ns(filters->pid_ns);
	kfree(filters);
}

/* ---- inodes ------------------------------------------------------------------------------ */

void pst_filters_free_inode(struct pst_inode *pi)
{
	struct pst_cells *cells = pi->cells, *next;

	for (; cells; cells = next) {
		next = cells->next;
		kfree(cells);
	}
}

/*
 * Returns the cell of an inode for the filter with this bit; NULL if there is none and make is
 * false.
 */
port_atomic_u64 *pst_cell(struct pst_inode *pi, unsigned int bit, bool make)
{
	struct pst_cells **at = &pi->cells, *new;

	for (;; bit -= ARRAY_SIZE((*at)->cell), at = &(*at)->next) {
		if (!smp_load_acquire(at)) {
			if (!make)
				return NULL;
			/* A filter could not go on without the cell. */
			new = kzalloc(sizeof(*new), GFP_KERNEL_ACCOUNT | __GFP_NOFAIL);
			if (cmpxchg(at, NULL, new))
				kfree(new);
		}
		if (bit < ARRAY_SIZE((*at)->cell))
			return &(*at)->cell[bit];
	}
}
