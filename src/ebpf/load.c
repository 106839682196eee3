// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Loads a filter: parses "NAME,option=value", finds and opens the object, sets its options, finds
 * its programs, and has the object loaded where its programs will run. No state, no locks.
 */
#include "ebpf/load.h"
#include "ebpf/explain.h"
#include "ebpf/runner.h"
#include "util/log.h"
#include "util/parse.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME_LEN 63
#define MAX_KEEP 65536 /* events, of 300 bytes each as a rule */

/* The data size of slots with which pst_filter_check() loads a filter. */
#define CHECK_DATA_SIZE 65536

static int set_name(struct load *load, const char *name, struct pst_error *error)
{
	for (const char *p = name; *p; p++)
		if (!isalnum((unsigned char)*p) && !strchr("_.-", *p))
			return error_set(
				error, -EINVAL,
				"a filter cannot have the name '%.100s': names consist of "
				"letters, digits, '_', '.' and '-'; give it another by name=",
				name);
	if (!*name || strlen(name) > NAME_LEN)
		return error_set(error, -EINVAL,
				 "a filter cannot have the name '%.100s': names have 1 to %d "
				 "characters; give it another by name=",
				 name, NAME_LEN);
	load->name = strdup(name);
	return load->name ? 0 : error_set(error, -ENOMEM, "out of memory");
}

/* Normalises the path: "/a//b/" becomes "a/b". */
static int set_at(struct load *load, const char *path, struct pst_error *error)
{
	_cleanup_(freep) char *copy = strdup(path);
	char *at = malloc(strlen(path) + 1), *rest = copy, *component;
	size_t len = 0;

	free(load->at);
	load->at = at;
	if (!copy || !at)
		return error_set(error, -ENOMEM, "out of memory");
	while ((component = strsep(&rest, "/"))) {
		if (!*component || strcmp(component, ".") == 0)
			continue;
		if (strcmp(component, "..") == 0)
			return error_set(
				error, -EINVAL,
				"at=%.200s contains '..': write the path from the root of the "
				"view down",
				path);
		if (len)
			at[len++] = '/';
		memcpy(at + len, component, strlen(component));
		len += strlen(component);
	}
	at[len] = '\0';
	return 0;
}

static int set_keep(struct load *load, const char *value, struct pst_error *error)
{
	uint64_t n;

	if (!parse_number(value, 0, &n) || n < 1 || n > MAX_KEEP)
		return error_set(error, -EINVAL,
				 "keep=%.100s is not valid: give the number of events to keep, "
				 "from 1 to %d",
				 value, MAX_KEEP);
	load->keep = (uint32_t)n;
	return 0;
}

static int set_option(struct load *load, const struct spec_option *option, struct pst_error *error)
{
	if (!option_is_common(option->name))
		return option_list_set(&load->options, option->name, option->value, &load->patterns,
				       error);
	if (!option->value)
		return error_set(error, -EINVAL, "option '%s' needs a value: %s=...", option->name,
				 option->name);
	if (strcmp(option->name, "name") == 0)
		return set_name(load, option->value, error);
	if (strcmp(option->name, "at") == 0)
		return set_at(load, option->value, error);
	if (strcmp(option->name, "keep") == 0)
		return set_keep(load, option->value, error);
	load->pin_dir = option->value;
	return 0;
}

int load_open(struct load *load, const char *spec, struct pst_error *error)
{
	_cleanup_(capture_end) struct capture capture = capture_begin();
	_cleanup_(freep) char *name = NULL;
	int r;

	r = spec_parse(spec, &load->spec, error);
	if (r == 0)
		r = set_at(load, "", error);
	if (r == 0)
		r = object_open(load->spec.what, &load->path, &load->object, error);
	if (r == 0)
		r = option_list_find(&load->object, &load->options, error);
	for (size_t i = 0; i < load->spec.n_options && r == 0; i++)
		r = set_option(load, &load->spec.options[i], error);
	if (r == 0)
		r = option_list_check(&load->options, load->spec.what, error);
	if (r < 0)
		return r;
	if (!load->name) {
		name = spec_name(load->path);
		r = name ? set_name(load, name, error) : error_set(error, -ENOMEM, "out of memory");
		if (r < 0)
			return r;
	}
	return programs_find(&load->object, option_list_ops(&load->options), &load->programs,
			     error);
}

/* Sets the size of the calls, and the constants that describe them. */
static int prepare_slots(struct load *load, const struct filter_slots *slots,
			 struct pst_error *error)
{
	struct bpf_map *map = bpf_object__find_map_by_name(load->object.bpf, "pst_slots");
	uint32_t data_size = slots ? slots->value_size - sizeof(struct pst_call) : CHECK_DATA_SIZE;
	struct object_var var;
	int r = bpf_map__set_value_size(map, sizeof(struct pst_call) + data_size);

	if (r < 0)
		return error_set(error, r, "cannot share the memory of calls with the filter: %s",
				 strerror(-r));
	object_find_var(&load->object, "pst_data_size", &var);
	memcpy(var.at, &data_size, sizeof(data_size));
	if (slots && object_find_var(&load->object, "pst_view", &var) &&
	    var.size == sizeof(slots->view))
		memcpy(var.at, &slots->view, sizeof(slots->view));
	return 0;
}

/* Sets the size of the map of patterns, or keeps libbpf from creating it if no option needs it. */
static int prepare_patterns(struct load *load, struct pst_error *error)
{
	struct bpf_map *rows = bpf_object__find_map_by_name(load->object.bpf, "pst_patterns");
	size_t n = load->patterns.n;
	int r;

	if (!rows)
		return !n ? 0 :
			    error_set(error, -EINVAL,
				      "the object has options for names or paths, but not the "
				      "map pst_patterns, in which their patterns are stored: "
				      "compile it again with <penstock/filter.bpf.h>");
	if (option_list_has_patterns(&load->options))
		r = bpf_map__set_max_entries(rows, n ? n : 1);
	else
		r = bpf_map__set_autocreate(rows, false);
	return r == 0 ? 0 :
			error_set(error, r,
				  "cannot set the size of the map pst_patterns for the "
				  "names and paths of the filter: %s",
				  strerror(-r));
}

/* Sets the sizes of the maps of rules. Without rules they keep their size, one element. */
static int prepare_rules(struct load *load, struct pst_error *error)
{
	for (int i = 0; i < _RULE_TABLES; i++) {
		const struct rule_table *table = &load->options.rules.table[i];
		struct bpf_map *map =
			bpf_object__find_map_by_name(load->object.bpf, rule_table_maps[i]);

		if (table->n && (!map || bpf_map__value_size(map) != table->row_size ||
				 bpf_map__set_max_entries(map, table->n) < 0))
			return error_set(error, -EINVAL,
					 "the object has an option for rules, but not the map %s "
					 "for them: compile it again with "
					 "<penstock/filter-rules.bpf.h>",
					 rule_table_maps[i]);
	}
	return 0;
}

int load_finish(struct load *load, const struct runner *runner, const struct filter_slots *slots,
		struct pst_error *error)
{
	int r = prepare_slots(load, slots, error);

	if (r == 0)
		r = prepare_patterns(load, error);
	if (r == 0)
		r = prepare_rules(load, error);
	return r == 0 ? runner->load(load, slots, error) : r;
}

void load_fini(struct load *load)
{
	machine_free(load->machine);
	pin_free(load->pin);
	option_list_fini(&load->options);
	object_fini(&load->object);
	patterns_fini(&load->patterns);
	spec_fini(&load->spec);
	free(load->at);
	free(load->name);
	free(load->path);
}
