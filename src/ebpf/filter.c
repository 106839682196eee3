// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A loaded filter: its programs' descriptors by kind and opcode, and what is known of it.
 *
 * Locking: none. Nothing but the counters changes after filter_load().
 */
#include "ebpf/filter.h"
#include "ebpf/load.h"
#include "ebpf/pin.h"
#include "util/log.h"

#include <errno.h>
#include <string.h>

/* What an object says of itself. */
static void fill_traits(struct filter_facts *facts, const struct load *load)
{
	facts->flags = load->object.info.flags;
	for (int kind = 0; kind < _FILTER_KINDS; kind++)
		for (int op = 0; op < OP_MAX; op++)
			if (load->programs.program[kind][op])
				facts->ops[kind] |= 1ULL << op;
}

static void fill_facts(struct filter *filter, const struct load *load)
{
	filter->facts = (struct filter_facts){
		.name = filter->name,
		.spec = filter->spec,
		.file = filter->file,
		.summary = filter->summary,
		.at = filter->at,
		.cell = option_list_cell(&load->options),
		.unknown = option_list_unknown(&load->options),
	};
	fill_traits(&filter->facts, load);
	for (int kind = 0; kind < _FILTER_KINDS; kind++)
		for (int op = 0; op < OP_MAX; op++) {
			const struct bpf_program *program = load->programs.program[kind][op];

			filter->program_fd[kind][op] = program ? bpf_program__fd(program) : -1;
		}
}

static int filter_new(struct load *load, const char *spec, struct filter **ret_filter,
		      struct pst_error *error)
{
	/* Its counters want cache lines of their own, which calloc() does not promise. */
	_cleanup_(filter_freep) struct filter *filter = aligned_alloc(64, sizeof(*filter));

	if (!filter)
		return error_set(error, -ENOMEM, "no memory");
	memset(filter, 0, sizeof(*filter));
	filter->spec = strdup(spec);
	if (!filter->spec)
		return error_set(error, -ENOMEM, "no memory");
	memcpy(filter->summary, load->object.info.summary, sizeof(filter->summary));
	filter->name = take_ptr(load->name);
	filter->file = take_ptr(load->path);
	filter->at = take_ptr(load->at);
	fill_facts(filter, load);
	filter->object = take_ptr(load->object.bpf);
	filter->pin = take_ptr(load->pin);
	*ret_filter = take_ptr(filter);
	return 0;
}

int filter_load(const char *spec, const struct filter_slots *slots, struct filter **ret_filter,
		struct pst_error *error)
{
	_cleanup_(load_fini) struct load load = { 0 };
	_cleanup_(freep) char *log = NULL;
	int r;

	r = load_open(&load, spec, error);
	if (r < 0)
		return r;
	r = load_finish(&load, slots, &log, error);
	if (r < 0)
		return r;
	return filter_new(&load, spec, ret_filter, error);
}

int filter_peek(const char *spec, struct filter_facts *ret_facts, struct pst_error *error)
{
	_cleanup_(load_fini) struct load load = { 0 };
	int r = load_open(&load, spec, error);

	if (r < 0)
		return r;
	*ret_facts = (struct filter_facts){ 0 };
	fill_traits(ret_facts, &load);
	return 0;
}

void filter_lend_pin(struct filter *filter)
{
	if (filter->pin)
		pin_let_go(filter->pin);
}

void filter_take_pin(struct filter *filter)
{
	int r = filter->pin ? pin_take_again(filter->pin) : 0;

	if (r < 0)
		log_error("filter %s: the directory of pin= cannot be had again: %s", filter->name,
			  strerror(-r));
}

void filter_keep_pin(struct filter *filter)
{
	if (filter->pin)
		pin_keep(filter->pin);
}

void filter_remove_pin(struct filter *filter)
{
	if (filter->pin)
		pin_remove(filter->pin);
}

struct filter *filter_free(struct filter *filter)
{
	if (!filter)
		return NULL;
	pin_free(filter->pin);
	bpf_object__close(filter->object);
	free(filter->at);
	free(filter->file);
	free(filter->spec);
	free(filter->name);
	free(filter);
	return NULL;
}

const struct filter_facts *filter_facts(const struct filter *filter)
{
	return &filter->facts;
}
