// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The options of an object: found, named and typed by its BTF, set by writing to the object's
 * constants before it is loaded, so that the verifier sees them as numbers and drops what they rule
 * out.
 */
#include "ebpf/option.h"
#include "ebpf/load.h"
#include "ebpf/value.h"
#include "util/cleanup.h"
#include "util/log.h"
#include "util/suggest.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/*
 * The type of a constant, without what does not change its form. No type has more than some of
 * these in front of it, unless they lead in a circle.
 */
static const struct btf_type *plain_type(const struct btf *btf, uint32_t id)
{
	const struct btf_type *type = btf__type_by_id(btf, id);

	for (int i = 0; i < 32 && type && (btf_is_mod(type) || btf_is_typedef(type)); i++)
		type = btf__type_by_id(btf, type->type);
	return type;
}

static bool is_struct(const struct btf *btf, const struct btf_type *type, const char *name)
{
	return btf_is_struct(type) && strcmp(object_word(btf, type->name_off), name) == 0;
}

/* Finds out what can be written to the option. False: nothing that we know. */
static bool find_kind(const struct btf *btf, const struct object_var *var, struct option *option)
{
	const struct btf_type *type = plain_type(btf, var->type), *element;

	option->size = var->size;
	if (!type || !var->size)
		return false;
	if (btf_is_int(type)) {
		option->is_signed = btf_int_encoding(type) & BTF_INT_SIGNED;
		option->kind = btf_int_encoding(type) & BTF_INT_BOOL ? OPTION_SWITCH :
								       OPTION_INTEGER;
		return var->size <= 8 && type->size == var->size;
	}
	if (btf_is_array(type)) {
		element = plain_type(btf, btf_array(type)->type);
		option->kind = OPTION_TEXT;
		return element && btf_is_int(element) && element->size == 1;
	}
	if (is_struct(btf, type, "pst_names")) {
		option->kind = OPTION_NAMES;
		return var->size == sizeof(struct pst_names);
	}
	if (is_struct(btf, type, "pst_ids")) {
		option->kind = OPTION_IDS;
		return var->size == sizeof(struct pst_ids);
	}
	if (is_struct(btf, type, "pst_errno")) {
		option->kind = OPTION_ERRNO;
		return var->size == sizeof(struct pst_errno);
	}
	option->kind = OPTION_PATHS;
	return is_struct(btf, type, "pst_paths") && var->size == sizeof(struct pst_paths);
}

static int find_takes(const struct object *object, const struct object_var *var,
		      struct option *option, struct pst_error *error)
{
	const char *note;

	for (unsigned int i = 0; (note = object_note(object, var, "takes: ", i)); i++)
		if (takes_add(&option->takes, note) < 0)
			return error_set(error, -EINVAL,
					 "the object's option '%s' takes \"%.60s\", which this "
					 "Penstock does not know: a newer one does",
					 option->name, note);
	return 0;
}

int option_list_find(const struct object *object, struct options *ret_options,
		     struct pst_error *error)
{
	_cleanup_(option_list_fini) struct options options = { .object = object };
	const char *variable = object_variable_option(object);
	struct object_var var;

	if (variable)
		return error_set(
			error, -EINVAL,
			"the object's option '%.100s' is not a constant, so it cannot be set: "
			"PST_OPTION() with a type that is no pointer makes it one",
			variable);
	for (unsigned int i = 0; object_var(object, i, &var); i++) {
		struct option *option;
		const char *help = object_option_help(object, &var);
		void *rows;

		if (!help)
			continue;
		rows = reallocarray(options.rows, options.n + 1, sizeof(*options.rows));
		if (!rows)
			return error_set(error, -ENOMEM, "no memory");
		options.rows = rows;
		option = &options.rows[options.n];
		*option = (struct option){ .name = var.name, .help = help, .at = var.at };
		options.n++;
		if (load_is_engine_option(var.name))
			return error_set(
				error, -EINVAL,
				"the object's option '%s' cannot be set: every filter has one "
				"of this name, so it needs another",
				var.name);
		if (!find_kind(object->btf, &var, option))
			return error_set(
				error, -EINVAL,
				"the object's option '%s' has a type that options cannot have: "
				"integers, _Bool, arrays of char, struct pst_names, struct "
				"pst_ids, struct pst_paths and struct pst_errno are",
				var.name);
		if (find_takes(object, &var, option, error) < 0)
			return -EINVAL;
	}
	*ret_options = options;
	options = (struct options){ 0 };
	return 0;
}

void option_list_fini(struct options *options)
{
	for (size_t i = 0; i < options->n; i++)
		free(options->rows[i].given);
	free(options->rows);
	*options = (struct options){ 0 };
}

/* Names the option that is most like what was written, and all that there are. */
static int refuse_name(const struct options *options, const char *name, struct pst_error *error)
{
	struct suggestion suggestion = SUGGESTION_INIT;
	char list[256] = "";
	size_t len = 0;

	for (size_t i = 0; i < options->n; i++) {
		suggest_try(&suggestion, name, options->rows[i].name);
		if (len < sizeof(list))
			len += snprintf(list + len, sizeof(list) - len, "%s, ",
					options->rows[i].name);
	}
	for (const char *const *engine = load_engine_options; *engine; engine++)
		suggest_try(&suggestion, name, *engine);
	return error_set(
		error, -EINVAL,
		"there is no option '%.60s'%s%s%s: this filter has %sand, as all have, name, "
		"at and pin",
		name, *suggestion.word ? " (did you mean '" : "", suggestion.word,
		*suggestion.word ? "'?)" : "", *list ? list : "none of its own ");
}

static int set_text(struct option *option, const char *value, struct pst_error *error)
{
	int r = takes_check_word(&option->takes, value, error);

	if (r < 0)
		return r;
	if (strlen(value) >= option->size)
		return error_set(error, -EINVAL, "wanted is a text of at most %zu bytes",
				 option->size - 1);
	memset(option->at, 0, option->size);
	memcpy(option->at, value, strlen(value));
	return 0;
}

static int set_errno(struct option *option, const char *value, struct pst_error *error)
{
	struct pst_errno number;
	int r = value_errno(value, &number, error);

	if (r == 0)
		memcpy(option->at, &number, sizeof(number));
	return r;
}

static int set_list(struct option *option, char *value, struct patterns *patterns,
		    struct pst_error *error)
{
	struct pst_names names;
	struct pst_paths paths;
	struct pst_ids ids;
	int r;

	/* An option's place in the object need not be aligned as ours. */
	switch (option->kind) {
	case OPTION_NAMES:
		r = takes_check_names(&option->takes, value, error);
		if (r == 0)
			r = patterns_add_names(patterns, value, &names, error);
		if (r == 0)
			memcpy(option->at, &names, sizeof(names));
		return r;
	case OPTION_PATHS:
		r = patterns_add_paths(patterns, value, &paths, error);
		if (r == 0)
			memcpy(option->at, &paths, sizeof(paths));
		return r;
	default:
		r = value_ids(value, &option->takes, &ids, error);
		if (r == 0)
			memcpy(option->at, &ids, sizeof(ids));
		return r;
	}
}

static int set(struct option *option, const char *value, struct patterns *patterns,
	       struct pst_error *error)
{
	_cleanup_(freep) char *copy = NULL;

	if (option->kind == OPTION_SWITCH)
		return value_switch(value ? value : "yes", option->at, error);
	if (!value)
		return error_set(error, -EINVAL, "a value is wanted, as %.60s=...", option->name);
	if (option->kind == OPTION_INTEGER)
		return value_integer(value, &option->takes, option->size, option->is_signed,
				     option->at, error);
	if (option->kind == OPTION_TEXT)
		return set_text(option, value, error);
	if (option->kind == OPTION_ERRNO)
		return set_errno(option, value, error);
	copy = strdup(value);
	return copy ? set_list(option, copy, patterns, error) :
		      error_set(error, -ENOMEM, "no memory");
}

int option_list_set(struct options *options, const char *name, const char *value,
		    struct patterns *patterns, struct pst_error *error)
{
	struct option *option = NULL;
	struct pst_error why;
	int r;

	for (size_t i = 0; i < options->n && !option; i++)
		if (strcmp(options->rows[i].name, name) == 0)
			option = &options->rows[i];
	if (!option)
		return refuse_name(options, name, error);
	r = set(option, value, patterns, &why);
	if (r < 0)
		return error_set(error, r, "option '%.60s%s%.80s': %s", name, value ? "=" : "",
				 value ? value : "", why.text);
	option->given = strdup(value ? value : "yes");
	return option->given ? 0 : error_set(error, -ENOMEM, "no memory");
}

static bool is_given(const struct options *options, const char *name)
{
	for (size_t i = 0; i < options->n; i++)
		if (strcmp(options->rows[i].name, name) == 0)
			return options->rows[i].given;
	return false;
}

/* "names paths": whether one of them is given. */
static int check_needed(const struct options *options, const char *filter, const char *names,
			struct pst_error *error)
{
	_cleanup_(freep) char *copy = strdup(names);
	char list[200] = "", *rest = copy;
	const char *name;
	size_t len = 0;

	if (!copy)
		return error_set(error, -ENOMEM, "no memory");
	while ((name = strsep(&rest, " "))) {
		if (is_given(options, name))
			return 0;
		if (len < sizeof(list))
			len += snprintf(list + len, sizeof(list) - len, "%s%s=", len ? ", " : "",
					name);
	}
	return error_set(error, -EINVAL,
			 "filter %.60s: nothing says what it is for: give at least one of %s",
			 filter, list);
}

int option_list_check(const struct options *options, const char *filter, struct pst_error *error)
{
	const char *names;
	int r = 0;

	for (unsigned int i = 0;
	     r == 0 && (names = object_note(options->object, NULL, "at least one of: ", i)); i++)
		r = check_needed(options, filter, names, error);
	return r;
}

bool option_list_have(const struct options *options, enum option_kind kind)
{
	for (size_t i = 0; i < options->n; i++)
		if (options->rows[i].kind == kind)
			return true;
	return false;
}

uint64_t option_list_cell(const struct options *options)
{
	struct pst_paths paths;

	for (size_t i = 0; i < options->n; i++)
		if (options->rows[i].kind == OPTION_PATHS) {
			memcpy(&paths, options->rows[i].at, sizeof(paths));
			return paths.start;
		}
	return 0;
}

uint64_t option_list_unknown(const struct options *options)
{
	for (size_t i = 0; i < options->n; i++)
		if (options->rows[i].kind == OPTION_PATHS || options->rows[i].kind == OPTION_NAMES)
			return PST_PATHS_INSIDE;
	return 0;
}

const char *option_type(const struct option *option)
{
	static const char *const types[] = {
		[OPTION_INTEGER] = "integer", [OPTION_SWITCH] = "switch", [OPTION_TEXT] = "text",
		[OPTION_NAMES] = "names",     [OPTION_IDS] = "ids",       [OPTION_PATHS] = "paths",
		[OPTION_ERRNO] = "error",
	};

	return types[option->kind];
}

static void print_errno(const struct option *option, char *buf, size_t size)
{
	struct pst_errno value;
	const char *name;

	memcpy(&value, option->at, sizeof(value));
	name = value.number ? strerrorname_np(value.number) : "";
	if (name)
		snprintf(buf, size, "%s", name);
	else
		snprintf(buf, size, "%d", value.number);
}

void option_value(const struct option *option, char *buf, size_t size)
{
	switch (option->kind) {
	case OPTION_INTEGER:
		value_print_integer(option->at, option->size, option->is_signed, buf, size);
		return;
	case OPTION_SWITCH:
		snprintf(buf, size, "%s", *(const char *)option->at ? "yes" : "no");
		return;
	case OPTION_TEXT:
		snprintf(buf, size, "%.*s", (int)option->size, (const char *)option->at);
		return;
	case OPTION_ERRNO:
		print_errno(option, buf, size);
		return;
	default:
		/* Lists are empty where nobody gave one: an object cannot say what patterns are. */
		snprintf(buf, size, "%s", option->given ? option->given : "");
	}
}
