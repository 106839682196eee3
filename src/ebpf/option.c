// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The options of an object. Their names and types come from its BTF. Setting an option writes to a
 * constant of the object before the object is loaded. So the verifier knows the value, and removes
 * the code that is never reached with this value. No state, no locks.
 */
#include "ebpf/option.h"
#include "ebpf/value-ids.h"
#include "ebpf/value-map.h"
#include "ebpf/value-perms.h"
#include "ebpf/value.h"
#include "util/cleanup.h"
#include "util/log.h"
#include "util/suggest.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const struct {
	const char *name; /* for users */
	const char *type; /* the name of the struct, for constants that are structs */
	size_t size;      /* the size of the struct */
} kinds[] = {
	[OPTION_INTEGER] = { "integer" },
	[OPTION_SWITCH] = { "switch" },
	[OPTION_TEXT] = { "text" },
	[OPTION_NAMES] = { "names", "pst_names", sizeof(struct pst_names) },
	[OPTION_IDS] = { "ids", "pst_ids", sizeof(struct pst_ids) },
	[OPTION_ERRNO] = { "error", "pst_errno", sizeof(struct pst_errno) },
	[OPTION_PATHS] = { "paths", "pst_paths", sizeof(struct pst_paths) },
	[OPTION_PERMS] = { "perms", "pst_perms", sizeof(struct pst_perms) },
	[OPTION_ID_MAP] = { "map", "pst_id_map", sizeof(struct pst_id_map) },
	[OPTION_RULES] = { "rules", "pst_rules", sizeof(struct pst_rules) },
};

/* Returns whether a struct of this kind can have this size: lists of IDs can be longer. */
static bool size_ok(unsigned int kind, size_t size)
{
	const size_t one = sizeof(((struct pst_ids *)0)->range[0]);

	return size == kinds[kind].size || (kind == OPTION_IDS && size > kinds[kind].size &&
					    (size - kinds[kind].size) % one == 0);
}

/* The options that every filter has; ebpf/load.c sets them. */
static const char *const common[] = { "name", "at", "pin", "keep" };
#define N_COMMON (sizeof(common) / sizeof(common[0]))

bool option_is_common(const char *name)
{
	for (size_t i = 0; i < N_COMMON; i++)
		if (strcmp(name, common[i]) == 0)
			return true;
	return false;
}

/*
 * Returns the type of a constant without const, volatile and typedefs. Stops after 32 of these,
 * because in damaged BTF types could refer to each other in a circle.
 */
static const struct btf_type *plain_type(const struct btf *btf, uint32_t id)
{
	const struct btf_type *type = btf__type_by_id(btf, id);

	for (int i = 0; i < 32 && type && (btf_is_mod(type) || btf_is_typedef(type)); i++)
		type = btf__type_by_id(btf, type->type);
	return type;
}

/* Finds the kind of an option by its type. Returns false if options cannot have this type. */
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
	for (unsigned int i = OPTION_NAMES; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (btf_is_struct(type) && size_ok(i, var->size) &&
		    strcmp(object_word(btf, type->name_off), kinds[i].type) == 0) {
			option->kind = i;
			return true;
		}
	return false;
}

static int find_takes(const struct object *object, const struct object_var *var,
		      struct option *option, struct pst_error *error)
{
	const char *note;

	for (unsigned int i = 0; (note = object_note(object, var, "takes: ", i)); i++)
		if (takes_add(&option->takes, note) < 0)
			return error_set(error, -EINVAL,
					 "the object's option '%s' declares PST_TAKES(\"%.60s\"), "
					 "which this Penstock does not know: use a newer one",
					 option->name, note);
	if (option->takes.percent && (option->kind != OPTION_INTEGER || option->size != 4))
		return error_set(error, -EINVAL,
				 "the object's option '%s' is no number of 32 bits: declare it by "
				 "PST_PERCENT()",
				 option->name);
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
			"declare it by PST_OPTION() with a type that is not a pointer",
			variable);
	for (unsigned int i = 0; object_var(object, i, &var); i++) {
		struct option *option;
		const char *help = object_note(object, &var, OBJECT_OPTION, 0);
		void *rows;

		if (!help)
			continue;
		rows = reallocarray(options.rows, options.n + 1, sizeof(*options.rows));
		if (!rows)
			return error_set(error, -ENOMEM, "out of memory");
		options.rows = rows;
		option = &options.rows[options.n];
		*option = (struct option){ .name = var.name, .help = help, .at = var.at };
		options.n++;
		if (option_is_common(var.name))
			return error_set(
				error, -EINVAL,
				"the object's option '%s' needs another name: every filter has "
				"an option of this name",
				var.name);
		if (!find_kind(object->btf, &var, option))
			return error_set(
				error, -EINVAL,
				"the object's option '%s' has a type that options cannot have: "
				"use an integer, _Bool, an array of char, struct pst_names, "
				"struct pst_ids, struct pst_paths, struct pst_errno, struct "
				"pst_perms, struct pst_id_map or struct pst_rules",
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
	rule_tables_fini(&options->rules);
	*options = (struct options){ 0 };
}

/* Refuses an unknown option: suggests the most similar one and lists all. */
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
	for (size_t i = 0; i < N_COMMON; i++)
		suggest_try(&suggestion, name, common[i]);
	return error_set(
		error, -EINVAL,
		"there is no option '%.60s'%s%s%s: this filter has %sand, like every filter, "
		"name, at, pin and keep",
		name, *suggestion.word ? " (did you mean '" : "", suggestion.word,
		/* bindfs and chmod(1) have commas in a list. */
		*suggestion.word ? "'?)" : " (':' separates the parts of a list)",
		*list ? list : "none of its own ");
}

static int set_text(struct option *option, const char *value, struct pst_error *error)
{
	int r = takes_check_word(&option->takes, value, error);

	if (r < 0)
		return r;
	if (strlen(value) >= option->size)
		return error_set(error, -EINVAL, "the text is too long: give at most %zu bytes",
				 option->size - 1);
	memset(option->at, 0, option->size);
	memcpy(option->at, value, strlen(value));
	return 0;
}

static int set_percent(struct option *option, const char *value, struct pst_error *error)
{
	uint32_t number;
	int r = value_percent(value, &number, error);

	if (r == 0)
		memcpy(option->at, &number, sizeof(number));
	return r;
}

/* Sets an option that is a struct. list is a copy of value, which this cuts into parts. */
static int set_struct(struct option *option, const char *value, char *list,
		      struct patterns *patterns, struct pst_error *error)
{
	_cleanup_(freep) void *set = calloc(1, option->size);
	int r;

	if (!set)
		return error_set(error, -ENOMEM, "out of memory");
	switch (option->kind) {
	case OPTION_NAMES:
		r = takes_check_names(&option->takes, value, error);
		if (r == 0)
			r = patterns_add_names(patterns, list, set, error);
		break;
	case OPTION_PATHS:
		r = patterns_add_paths(patterns, list, set, error);
		break;
	case OPTION_IDS:
		r = value_ids(list, &option->takes, set, option->size, error);
		break;
	case OPTION_PERMS:
		r = value_perms(list, set, error);
		break;
	case OPTION_ID_MAP:
		r = value_map(list, &option->takes, set, error);
		break;
	default:
		r = value_errno(value, set, error);
	}
	if (r == 0)
		memcpy(option->at, set, option->size);
	return r;
}

static int set_rules(struct options *options, struct option *option, const char *path,
		     struct patterns *patterns, struct pst_error *error)
{
	struct pst_rules rules;
	int r;

	if (!option->takes.verbs)
		return error_set(error, -EINVAL,
				 "the object does not say which verbs it takes: declare them by "
				 "PST_TAKES(\"verbs ...\")");
	r = rule_tables_read(&options->rules, path, option->takes.verbs, patterns, &rules, error);
	if (r == 0)
		memcpy(option->at, &rules, sizeof(rules));
	return r;
}

static int set(struct options *options, struct option *option, const char *value,
	       struct patterns *patterns, struct pst_error *error)
{
	_cleanup_(freep) char *copy = NULL;

	if (option->kind == OPTION_SWITCH)
		return value_switch(value ? value : "yes", option->at, error);
	if (!value)
		return error_set(error, -EINVAL, "the option needs a value: %.60s=...",
				 option->name);
	if (option->takes.percent)
		return set_percent(option, value, error);
	if (option->kind == OPTION_INTEGER)
		return value_integer(value, &option->takes, option->size, option->is_signed,
				     option->at, error);
	if (option->kind == OPTION_TEXT)
		return set_text(option, value, error);
	if (option->kind == OPTION_RULES)
		return set_rules(options, option, value, patterns, error);
	copy = strdup(value);
	return copy ? set_struct(option, value, copy, patterns, error) :
		      error_set(error, -ENOMEM, "out of memory");
}

struct option *option_list_option(const struct options *options, const char *name)
{
	for (size_t i = 0; i < options->n; i++)
		if (strcmp(options->rows[i].name, name) == 0)
			return &options->rows[i];
	return NULL;
}

int option_list_set(struct options *options, const char *name, const char *value,
		    struct patterns *patterns, struct pst_error *error)
{
	struct option *option = option_list_option(options, name);
	struct pst_error why;
	int r;

	if (!option)
		return refuse_name(options, name, error);
	r = set(options, option, value, patterns, &why);
	if (r < 0)
		return error_set(error, r, "option '%.60s%s%.80s': %s", name, value ? "=" : "",
				 value ? value : "", why.text);
	option->given = strdup(value ? value : "yes");
	return option->given ? 0 : error_set(error, -ENOMEM, "out of memory");
}

bool option_list_has_patterns(const struct options *options)
{
	for (size_t i = 0; i < options->n; i++)
		if (options->rows[i].kind == OPTION_NAMES ||
		    options->rows[i].kind == OPTION_PATHS || options->rows[i].kind == OPTION_RULES)
			return true;
	return false;
}

uint64_t option_list_cell(const struct options *options)
{
	for (size_t i = 0; i < options->n; i++) {
		const struct option *option = &options->rows[i];
		size_t at = offsetof(struct pst_paths, start);
		uint64_t start;

		if (option->kind == OPTION_RULES)
			at = offsetof(struct pst_rules, start);
		else if (option->kind != OPTION_PATHS)
			continue;
		memcpy(&start, (const char *)option->at + at, sizeof(start));
		if (start)
			return start;
	}
	return 0;
}

const char *option_type(const struct option *option)
{
	return kinds[option->kind].name;
}

static void print_integer(const struct option *option, char *buf, size_t size)
{
	uint32_t percent;

	if (!option->takes.percent) {
		value_print_integer(option->at, option->size, option->is_signed, buf, size);
		return;
	}
	memcpy(&percent, option->at, sizeof(percent));
	value_print_percent(percent, buf, size);
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
		print_integer(option, buf, size);
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
		/* An object cannot have default patterns, so a list that is not given is empty. */
		snprintf(buf, size, "%s", option->given ? option->given : "");
	}
}
