// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Checks and completes the options of a filter once all of them are set: options that need others,
 * random numbers, and the operations for which programs run. No state, no locks.
 */
#include "ebpf/option.h"
#include "util/cleanup.h"
#include "util/log.h"
#include "util/parse.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#define DATA_OPS (1ULL << FUSE_READ | 1ULL << FUSE_WRITE)

/* Returns whether a name or glob of a list of words that was given matches the word. */
static bool lists(const struct option *option, const char *word)
{
	_cleanup_(freep) char *copy = option->given ? strdup(option->given) : NULL;
	char *rest = copy;

	while (rest)
		if (fnmatch(parse_part(&rest, ':', false), word, 0) == 0)
			return true;
	return false;
}

/* Checks that one of the options of a list such as "names paths" is given. */
static int check_needed(const struct options *options, const char *filter, const char *names,
			struct pst_error *error)
{
	_cleanup_(freep) char *copy = strdup(names);
	char list[200] = "", *rest = copy;
	const char *name;
	size_t len = 0;

	if (!copy)
		return error_set(error, -ENOMEM, "out of memory");
	while ((name = strsep(&rest, " "))) {
		const struct option *option = option_list_option(options, name);

		if (option && option->given)
			return 0;
		if (len < sizeof(list))
			len += snprintf(list + len, sizeof(list) - len, "%s%s=", len ? ", " : "",
					name);
	}
	return error_set(error, -EINVAL,
			 "filter %.60s would do nothing: give at least one of the options %s%s",
			 filter, list,
			 option_list_option(options, "names") ?
				 " (name=, which every filter has, is only its name in the view)" :
				 "");
}

/* Checks that an option of the form "NAME WORD..." is given and, with words, lists one of them. */
static int check_with(const struct options *options, const struct option *option,
		      struct pst_error *error)
{
	_cleanup_(freep) char *copy = strdup(option->takes.with);
	char *rest = copy, *name = copy ? strsep(&rest, " ") : NULL;
	const struct option *other = name ? option_list_option(options, name) : NULL;
	const char *advice = rest ? rest : "", *word;

	if (!copy)
		return error_set(error, -ENOMEM, "out of memory");
	if (other && other->given && !rest)
		return 0;
	if (rest)
		advice = option->takes.with + strlen(name) + 1;
	while (other && (word = strsep(&rest, " ")))
		if (lists(other, word))
			return 0;
	return error_set(error, -EINVAL,
			 *advice ?
				 "option '%.60s' has no effect unless %.60s= lists one of: %.60s" :
				 "option '%.60s' has no effect without %.60s=%.60s",
			 option->name, name, advice);
}

int option_list_check(struct options *options, const char *filter, struct pst_error *error)
{
	const char *names;
	int r = 0;

	for (unsigned int i = 0;
	     r == 0 && (names = object_note(options->object, NULL, "at least one of: ", i)); i++)
		r = check_needed(options, filter, names, error);
	for (size_t i = 0; r == 0 && i < options->n; i++) {
		const struct option *option = &options->rows[i];

		if (option->given && option->takes.with)
			r = check_with(options, option, error);
		else if (!option->given && option->takes.random &&
			 getrandom(option->at, option->size, 0) < 0)
			r = error_set(error, -errno, "no random number: %s", strerror(errno));
	}
	return r;
}

static bool chosen(const struct option *option, uint32_t opcode, const char *word)
{
	const char *elsewhere = option->takes.elsewhere;

	if (elsewhere && takes_each_match(elsewhere, word, NULL, NULL))
		return false;
	return option->given ? lists(option, word) : !(DATA_OPS >> opcode & 1);
}

uint64_t option_list_ops(const struct options *options)
{
#define OP_ROW(name, opcode, facts) { #name, opcode },
	static const struct {
		const char *word;
		uint32_t opcode;
	} ops[] = { PST_OPS(OP_ROW) };
	uint64_t bits = UINT64_MAX;

	for (size_t i = 0; i < options->n; i++) {
		const struct option *option = &options->rows[i];

		if (option->takes.of_changes && *(const bool *)option->at)
			bits &= PST_OPS_THAT_CHANGE | 1ULL << FUSE_OPEN;
		if (!option->takes.of_programs)
			continue;
		for (size_t k = 0; k < sizeof(ops) / sizeof(ops[0]); k++)
			if (!chosen(option, ops[k].opcode, ops[k].word))
				bits &= ~(1ULL << ops[k].opcode);
	}
	return bits;
}
