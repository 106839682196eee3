// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * From "NAME,option=value" to programs in the kernel: take the text apart, find the object, open
 * it, set its options, tell its programs, give it our memory, load, fill in the patterns.
 */
#include "ebpf/load.h"
#include "ebpf/explain.h"
#include "ebpf/pin.h"
#include "util/hash.h"
#include "util/log.h"

#include <bpf/bpf.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME_LEN 63

const char *const load_engine_options[] = { "name", "at", "pin", NULL };

static bool is_in(const char *word, const char *const list[])
{
	for (; *list; list++)
		if (strcmp(word, *list) == 0)
			return true;
	return false;
}

bool load_is_engine_option(const char *name)
{
	return is_in(name, load_engine_options);
}

bool load_is_engine_map(const char *name)
{
	static const char *const maps[] = { "pst_slots", "pst_patterns", NULL };

	return is_in(name, maps);
}

static int set_name(struct load *load, const char *name, struct pst_error *error)
{
	for (const char *p = name; *p; p++)
		if (!isalnum((unsigned char)*p) && !strchr("_.-", *p))
			return error_set(
				error, -EINVAL,
				"a filter cannot be called '%.100s': names are of letters, "
				"digits, '_', '.' and '-'; name= gives it another",
				name);
	if (!*name || strlen(name) > NAME_LEN)
		return error_set(error, -EINVAL,
				 "a filter cannot be called '%.100s': names have from 1 to %d "
				 "characters; name= gives it another",
				 name, NAME_LEN);
	free(load->name);
	load->name = strdup(name);
	return load->name ? 0 : error_set(error, -ENOMEM, "no memory");
}

/* "/a//b/" becomes "a/b", which is the same place. */
static int set_at(struct load *load, const char *path, struct pst_error *error)
{
	_cleanup_(freep) char *copy = strdup(path);
	char *at = malloc(strlen(path) + 1), *rest = copy, *component;
	size_t len = 0;

	free(load->at);
	load->at = at;
	if (!copy || !at)
		return error_set(error, -ENOMEM, "no memory");
	while ((component = strsep(&rest, "/"))) {
		if (!*component || strcmp(component, ".") == 0)
			continue;
		if (strcmp(component, "..") == 0)
			return error_set(
				error, -EINVAL,
				"at=%.200s has a '..' in it: write the path from the root of "
				"the view down",
				path);
		if (len)
			at[len++] = '/';
		memcpy(at + len, component, strlen(component));
		len += strlen(component);
	}
	at[len] = '\0';
	return 0;
}

static int set_option(struct load *load, const struct spec_option *option, struct pst_error *error)
{
	if (!load_is_engine_option(option->name))
		return option_list_set(&load->options, option->name, option->value, &load->patterns,
				       error);
	if (!option->value)
		return error_set(error, -EINVAL, "option '%s': a value is wanted, as %s=...",
				 option->name, option->name);
	if (strcmp(option->name, "name") == 0)
		return set_name(load, option->value, error);
	if (strcmp(option->name, "at") == 0)
		return set_at(load, option->value, error);
	load->pin_dir = option->value;
	return 0;
}

/* The steps of load_open(). */
static int open_spec(struct load *load, const char *spec, struct pst_error *error)
{
	_cleanup_(freep) char *name = NULL;
	bool named = false;
	int r;

	r = spec_parse(spec, &load->spec, error);
	if (r < 0)
		return r;
	r = object_open(load->spec.what, &load->path, &load->object, error);
	if (r < 0)
		return r;
	r = option_list_find(&load->object, &load->options, error);
	if (r < 0)
		return r;
	r = set_at(load, "", error);
	for (size_t i = 0; i < load->spec.n_options && r == 0; i++) {
		named = named || strcmp(load->spec.options[i].name, "name") == 0;
		r = set_option(load, &load->spec.options[i], error);
	}
	if (r == 0)
		r = option_list_check(&load->options, load->spec.what, error);
	if (r < 0)
		return r;
	if (!named) {
		name = spec_name(load->path);
		r = name ? set_name(load, name, error) : error_set(error, -ENOMEM, "no memory");
		if (r < 0)
			return r;
	}
	return programs_find(&load->object, &load->programs, error);
}

int load_open(struct load *load, const char *spec, struct pst_error *error)
{
	int r;

	capture_begin();
	r = open_spec(load, spec, error);
	free(capture_end());
	return r;
}

/* Puts our memory in the place of the object's map for calls, and says how large it is. */
static int prepare_slots(struct load *load, const struct filter_slots *slots,
			 struct pst_error *error)
{
	struct bpf_map *map = bpf_object__find_map_by_name(load->object.bpf, "pst_slots");
	uint32_t data_size = FILTER_CHECK_DATA;
	struct object_var var;
	int r;

	if (slots) {
		data_size = slots->value_size - sizeof(struct pst_call);
		r = bpf_map__reuse_fd(map, slots->fd);
	} else {
		r = bpf_map__set_value_size(map, sizeof(struct pst_call) + data_size);
	}
	if (r < 0)
		return error_set(error, r, "cannot give the filter its memory: %s", strerror(-r));
	object_find_var(&load->object, "pst_data_size", &var);
	memcpy(var.at, &data_size, sizeof(data_size));
	if (slots && object_find_var(&load->object, "pst_view", &var) &&
	    var.size == sizeof(slots->view))
		memcpy(var.at, &slots->view, sizeof(slots->view));
	return 0;
}

/* The map of patterns becomes as large as it has to be; where nothing uses it, it is not. */
static int prepare_patterns(struct load *load, struct pst_error *error)
{
	struct bpf_map *rows = bpf_object__find_map_by_name(load->object.bpf, "pst_patterns");
	size_t n = load->patterns.n;
	int r;

	if (!rows)
		return !n ? 0 :
			    error_set(error, -EINVAL,
				      "the object has options for names or paths, but not the map "
				      "for them: its pst_patterns is missing");
	if (option_list_have(&load->options, OPTION_NAMES) ||
	    option_list_have(&load->options, OPTION_PATHS))
		r = bpf_map__set_max_entries(rows, n ? n : 1);
	else
		r = bpf_map__set_autocreate(rows, false);
	return r == 0 ? 0 :
			error_set(error, r, "cannot size the map of patterns: %s", strerror(-r));
}

static int fill_patterns(struct load *load, struct pst_error *error)
{
	struct bpf_map *rows = bpf_object__find_map_by_name(load->object.bpf, "pst_patterns");

	for (uint32_t i = 0; i < load->patterns.n; i++) {
		const struct pst_pattern *row = &load->patterns.rows[i];
		int r = bpf_map__update_elem(rows, &i, sizeof(i), row, sizeof(*row), BPF_ANY);

		if (r < 0)
			return error_set(error, r, "cannot store the pattern '%.100s': %s",
					 row->text, strerror(-r));
	}
	return 0;
}

/* Which filter it is, and the options that say what its maps mean. */
static void identify(const struct load *load, char *identity, size_t size)
{
	_cleanup_(freep) char *name = spec_name(load->path);
	size_t len = (size_t)snprintf(identity, size, "%s", name ? name : "?");
	struct object_var var;

	for (unsigned int i = 0; object_var(&load->object, i, &var) && len < size; i++) {
		bool is_text = object_is_text(&load->object, &var);

		if (!object_is_of_maps(&load->object, &var))
			continue;
		if (is_text)
			len += (size_t)snprintf(identity + len, size - len, ",%s=%.*s", var.name,
						(int)var.size, (const char *)var.at);
		else
			len += (size_t)snprintf(
				identity + len, size - len, ",%s=%016llx", var.name,
				(unsigned long long)hash_bytes(0, var.at, var.size));
	}
}

/* Finds the maps that an earlier run of the filter has left. */
static int adopt_pinned(struct load *load, struct pst_error *error)
{
	char identity[400];
	int r;

	identify(load, identity, sizeof(identity));
	r = pin_open(load->pin_dir, identity, &load->pin, error);
	return r < 0 ? r : pin_adopt(load->pin, load->object.bpf, error);
}

int load_finish(struct load *load, const struct filter_slots *slots, char **ret_log,
		struct pst_error *error)
{
	_cleanup_(freep) char *said = NULL;
	int r;

	*ret_log = NULL;
	capture_begin();
	r = prepare_slots(load, slots, error);
	if (r == 0)
		r = prepare_patterns(load, error);
	/* For a look alone nothing is pinned. */
	if (r == 0 && slots && load->pin_dir)
		r = adopt_pinned(load, error);
	if (r == 0) {
		r = bpf_object__load(load->object.bpf);
		/* Probing the kernel for the reason prints, too. */
		said = capture_end();
		capture_begin();
		if (*load->object.verifier_log)
			*ret_log = strdup(load->object.verifier_log);
		if (r < 0)
			explain_load(r, said, load->object.verifier_log, error);
		else
			r = fill_patterns(load, error);
	}
	if (r == 0 && load->pin)
		r = pin_maps(load->pin, error);
	free(capture_end());
	return r;
}

void load_fini(struct load *load)
{
	pin_free(load->pin);
	option_list_fini(&load->options);
	object_fini(&load->object);
	patterns_fini(&load->patterns);
	spec_fini(&load->spec);
	free(load->at);
	free(load->name);
	free(load->path);
}
