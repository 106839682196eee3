// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Filters in this process: the machine runs the object, and the slots are memory that is shared
 * with nobody. libbpf has opened the object and knows its maps; it does not load it. No locks.
 */
#include "ebpf/runner.h"
#include "util/log.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

static int slots_init(struct filter_slots *slots, unsigned int n, struct pst_error *error)
{
	if (slots->value_size > UINT32_MAX)
		return error_set(error, -E2BIG,
				 "%u calls of %zu bytes are too many: use a smaller "
				 "max_write",
				 n, slots->value_size);
	slots->memory = mmap(NULL, slots->len, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	return slots->memory != MAP_FAILED ? 0 : error_set(error, -ENOMEM, "out of memory");
}

/* Describes a map of the object, or a section with data, to the machine. */
static bool find_map(void *aux, const char *name, struct machine_map *ret_map)
{
	const struct load *load = aux;
	const struct bpf_map *map = bpf_object__find_map_by_name(load->object.bpf, name);
	const struct rule_table *rules = rule_tables_find(&load->options.rules, name);

	if (!map)
		return false;
	*ret_map = (struct machine_map){
		.type = bpf_map__type(map),
		.key_size = bpf_map__key_size(map),
		.value_size = bpf_map__value_size(map),
		.max_entries = bpf_map__autocreate(map) ? bpf_map__max_entries(map) : 0,
		.is_calls = strcmp(name, "pst_slots") == 0,
		.is_read_only = bpf_map__map_flags(map) & BPF_F_RDONLY_PROG,
	};
	if (bpf_map__is_internal(map)) {
		ret_map->content =
			bpf_map__initial_value((struct bpf_map *)map, &ret_map->content_size);
	} else if (strcmp(name, "pst_patterns") == 0) {
		ret_map->content = load->patterns.rows;
		ret_map->content_size = load->patterns.n * sizeof(load->patterns.rows[0]);
	} else if (rules && rules->n) {
		ret_map->content = rules->rows;
		ret_map->content_size = rules->n * rules->row_size;
	}
	return true;
}

static int load_object(struct load *load, const struct filter_slots *slots, struct pst_error *error)
{
	const struct object *object = &load->object;
	struct pst_error why;
	int r;

	if (slots && load->pin_dir)
		return error_set(
			error, -EOPNOTSUPP,
			"filter %.60s: pin=%.200s shares maps with other programs by the "
			"kernel, but filters run in this process: leave pin= out, or mount "
			"with filters=kernel",
			load->name, load->pin_dir);
	r = machine_new(object->file.bytes, object->file.size, find_map, load, &load->machine,
			&why);
	return r == 0 ? 0 :
			error_set(error, r, "filter %.60s cannot run in this process: %s",
				  load->name, why.text);
}

static int program(const struct load *load, const struct bpf_program *of)
{
	return (int)machine_function(load->machine, bpf_program__name(of));
}

static int run(struct filter *filter, int function, const struct pst_ctx *ctx, int *ret_verdict)
{
	const struct filter_slots *slots = filter->slots;
	size_t at = ctx->slot * slots->value_size;
	/* A program finds no call if there is no such slot, as in the kernel. */
	const struct machine_call call = {
		.ctx = ctx,
		.memory = (char *)slots->memory + at,
		.size = at < slots->len ? slots->value_size : 0,
	};
	const char *why;
	int r = machine_run(filter->load.machine, function, &call, MACHINE_MAX_STEPS, ret_verdict,
			    &why);

	if (r < 0 && !atomic_exchange(&filter->failed, true))
		log_error("filter %s: a program %s", filter->facts.name, why);
	return r;
}

const struct runner runner_process = {
	.name = "process",
	.slots_init = slots_init,
	.load = load_object,
	.program = program,
	.run = run,
};
