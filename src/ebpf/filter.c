// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A loaded filter: the descriptors of its programs by kind and opcode, and its properties.
 *
 * Locking: none. Only the counters change after filter_load().
 */
#include "ebpf/filter.h"
#include "ebpf/describe.h"
#include "ebpf/runner.h"
#include "util/log.h"

#include <errno.h>
#include <string.h>

/* Fills the flags that the object declares, and the operations for which it has programs. */
static void fill_traits(struct filter_facts *facts, const struct load *load)
{
	facts->flags = load->object.info.flags;
	for (int kind = 0; kind < _FILTER_KINDS; kind++)
		for (int op = 0; op < OP_MAX; op++)
			if (load->programs.program[kind][op])
				facts->ops[kind] |= 1ULL << op;
}

/*
 * Fills what is known of the names that the filter chooses. Without both options it chooses all
 * files.
 */
static void fill_choice(struct filter_facts *facts, const struct load *load)
{
	const struct option *names = option_list_option(&load->options, "names");
	const struct option *paths = option_list_option(&load->options, "paths");
	struct pst_names list;

	if (!(facts->flags & PST_CHOOSES) || !names || names->kind != OPTION_NAMES ||
	    !(names->given || (paths && paths->given)))
		return;
	memcpy(&list, names->at, sizeof(list));
	patterns_choice(&load->patterns, &list, &facts->choice);
}

static void fill_facts(struct filter *filter)
{
	const struct runner *runner = filter->slots->runner;
	const struct load *load = &filter->load;

	filter->facts = (struct filter_facts){
		.name = load->name,
		.spec = filter->spec,
		.file = load->path,
		.summary = load->object.info.summary,
		.at = load->at,
		.keep = load->keep,
		.cell = option_list_cell(&load->options),
		.unknown = option_list_has_patterns(&load->options) ? PST_PATHS_INSIDE : 0,
	};
	fill_traits(&filter->facts, load);
	fill_choice(&filter->facts, load);
	for (int kind = 0; kind < _FILTER_KINDS; kind++)
		for (int op = 0; op < OP_MAX; op++) {
			const struct bpf_program *program = load->programs.program[kind][op];

			filter->program[kind][op] = program ? runner->program(load, program) : -1;
		}
}

/* Logs what the filter will do with its options. */
static void announce(const struct filter *filter)
{
	bool always = filter->facts.flags & PST_ANNOUNCED;
	enum pst_log_level level = always ? PST_LOG_WARNING : PST_LOG_INFO;
	char line[1024];

	if (level > log_level())
		return;
	describe_line(&filter->load, line, sizeof(line));
	log_print(level, "filter %s", line);
}

static int load(const char *spec, const struct filter_slots *slots, bool pins,
		struct filter **ret_filter, struct pst_error *error)
{
	/* calloc() does not align the counters to cache lines. */
	_cleanup_(filter_freep) struct filter *filter = aligned_alloc(64, sizeof(*filter));
	int r;

	if (!filter)
		return error_set(error, -ENOMEM, "out of memory");
	memset(filter, 0, sizeof(*filter));
	filter->slots = slots;
	filter->spec = strdup(spec);
	if (!filter->spec)
		return error_set(error, -ENOMEM, "out of memory");
	r = load_open(&filter->load, spec, error);
	if (!pins)
		filter->load.pin_dir = NULL;
	if (r == 0)
		r = load_finish(&filter->load, slots->runner, slots, error);
	if (r < 0)
		return r;
	fill_facts(filter);
	if (pins)
		announce(filter);
	/* Only loading needs these, and they may be large. */
	patterns_fini(&filter->load.patterns);
	rule_tables_fini(&filter->load.options.rules);
	free(filter->load.object.verifier_log);
	filter->load.object.verifier_log = NULL;
	object_file_fini(&filter->load.object.file);
	*ret_filter = take_ptr(filter);
	return 0;
}

int filter_load(const char *spec, const struct filter_slots *slots, struct filter **ret_filter,
		struct pst_error *error)
{
	return load(spec, slots, true, ret_filter, error);
}

int filter_load_unpinned(const char *spec, const struct filter_slots *slots,
			 struct filter **ret_filter, struct pst_error *error)
{
	return load(spec, slots, false, ret_filter, error);
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

int filter_unpin(const char *spec, struct pst_error *error)
{
	_cleanup_(load_fini) struct load load = { 0 };
	int r = load_open(&load, spec, error);

	return r < 0 ? r : runner_kernel_unpin(&load, error);
}

struct filter *filter_free(struct filter *filter)
{
	if (!filter)
		return NULL;
	load_fini(&filter->load);
	free(filter->spec);
	free(filter);
	return NULL;
}

bool filter_has_memory(const struct filter *filter)
{
	const struct bpf_map *map;

	bpf_object__for_each_map(map, filter->load.object.bpf) {
		const char *name = bpf_map__name(map);

		if (strncmp(name, "pst_", 4) != 0 && !strstr(name, ".rodata"))
			return true;
	}
	return false;
}

const struct filter_facts *filter_facts(const struct filter *filter)
{
	return &filter->facts;
}

int filter_program(const struct filter *filter, enum filter_kind kind, uint32_t opcode)
{
	return filter->program[kind][opcode];
}
