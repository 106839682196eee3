// SPDX-License-Identifier: GPL-2.0-only
/*
 * The files of each view in /proc/fs/penstock/MAJOR:MINOR, by its device number, for root:
 *
 *	view		facts, a line for each: a name, a tab, a value
 *	filters		the filters, in the order in which they run
 *	programs	counters of each program of each filter
 *	trace		events and results as they happen, see trace.c
 *
 * Tabs separate the columns of a line. Tabs, newlines and backslashes within a column are written
 * as octal numbers. The folder goes before anything that its files show, and removing it waits for
 * those who read them.
 */
#include "filters/filters.h"

#include <linux/proc_fs.h>

#include "kernel/module-abi.h"

static struct proc_dir_entry *all_views;

static void put(struct seq_file *m, const char *text, char end)
{
	seq_escape(m, text, "\t\n\\");
	seq_putc(m, end);
}

static int show_view(struct seq_file *m, void *unused)
{
	const struct pst_sb *s = m->private;

	seq_puts(m, "version\t" MODULE_VERSION_TEXT "\nlower\t");
	put(m, s->lower_name, '\n');
	/* To find LOWER again. */
	seq_printf(m, "inode\t%llu\n", (u64)d_inode(s->mnt->mnt_root)->i_ino);
	seq_printf(m, "locks\t%s\nxdev\t%s\n", s->lower_locks ? "lower" : "local",
		   s->hide_mounts ? "hide" : "cross");
	/* The number of the map of slots, which all programs of the view have to use. */
	if (smp_load_acquire(&s->filters->slot))
		seq_printf(m, "slots\t%u\n", s->filters->map->id);
	if (smp_load_acquire(&s->second))
		seq_printf(m, "serve\t%u:%u\n", MAJOR(s->second_dev), MINOR(s->second_dev));
	return 0;
}

/* NAME SPEC FILE SUMMARY AT FLAGS SERVE, which is an enum module_serve */
static int show_filters(struct seq_file *m, void *unused)
{
	const struct pst_sb *s = m->private;
	struct pst_chain *chain = pst_chain_get(s);

	for (unsigned int i = 0; chain && i < chain->core.n; i++) {
		const struct filter_facts *facts = chain->core.entries[i]->facts;

		put(m, facts->name, '\t');
		put(m, facts->spec, '\t');
		put(m, facts->file, '\t');
		put(m, facts->summary, '\t');
		put(m, facts->at, '\t');
		seq_printf(m, "%u\t%u\n", facts->flags, chain->core.entries[i]->filter->serve);
	}
	pst_chain_put(chain);
	return 0;
}

/* FILTER PROGRAM RUNS ERRORS ANSWERED BAD */
static void show_program(struct seq_file *m, const struct filter *f, enum filter_kind kind,
			 u32 opcode)
{
	struct pst_count sum = {};
	int cpu;

	for_each_possible_cpu(cpu)
	{
		const struct pst_count *c = per_cpu_ptr(f->count[kind][opcode], cpu);

		sum.runs += READ_ONCE(c->runs);
		sum.errors += READ_ONCE(c->errors);
		sum.answered += READ_ONCE(c->answered);
		sum.bad += READ_ONCE(c->bad);
	}
	put(m, f->facts.name, '\t');
	seq_printf(m, "%s%s\t%lu\t%lu\t%lu\t%lu\n", filter_kind_name(kind),
		   filter_kind_op(kind, opcode), sum.runs, sum.errors, sum.answered, sum.bad);
}

static int show_programs(struct seq_file *m, void *unused)
{
	const struct pst_sb *s = m->private;
	struct pst_chain *chain = pst_chain_get(s);

	for (unsigned int i = 0; chain && i < chain->core.n; i++) {
		const struct filter *f = chain->core.entries[i]->filter;

		for (int kind = 0; kind < _FILTER_KINDS; kind++)
			for (u32 opcode = 0; opcode < OP_MAX; opcode++)
				if (f->count[kind][opcode])
					show_program(m, f, kind, opcode);
	}
	pst_chain_put(chain);
	return 0;
}

/* Makes the folder of a view. A view works without it, too. */
void pst_control_add(struct super_block *sb)
{
	struct pst_sb *s = pst_sb(sb);
	char name[32];

	if (!all_views)
		return;
	snprintf(name, sizeof(name), "%u:%u", MAJOR(sb->s_dev), MINOR(sb->s_dev));
	s->folder = proc_mkdir(name, all_views);
	if (!s->folder)
		return;
	proc_create_single_data("view", 0400, s->folder, show_view, s);
	proc_create_single_data("filters", 0400, s->folder, show_filters, s);
	proc_create_single_data("programs", 0400, s->folder, show_programs, s);
	proc_create_data("trace", 0400, s->folder, &pst_trace_ops, s);
}

void pst_control_remove(struct pst_sb *s)
{
	pst_trace_end(s);
	proc_remove(s->folder);
}

void __init pst_control_init(void)
{
	all_views = proc_mkdir("fs/penstock", NULL);
}

void pst_control_exit(void)
{
	proc_remove(all_views);
}
