// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The valid values of an option. The engine refuses other values before it loads the filter, and
 * suggests the right word, because a running filter cannot report an error to the user. No state,
 * no locks.
 */
#include "ebpf/takes.h"
#include "util/cleanup.h"
#include "util/log.h"
#include "util/parse.h"
#include "util/suggest.h"

#include <errno.h>
#include <fnmatch.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_WORD 63

/* Copies the next word and moves *words after it. Returns false if there are no more. */
static bool next_word(const char **words, char word[MAX_WORD + 1])
{
	size_t len;

	*words += strspn(*words, " ");
	len = strcspn(*words, " ");
	/* The text after a ":" is advice for users, not a word. */
	if (!len || **words == ':')
		return false;
	snprintf(word, MAX_WORD + 1, "%.*s", (int)len, *words);
	*words += len;
	return true;
}

/* Returns the rest of a note that begins with word, or NULL. */
static const char *behind(const char *note, const char *word)
{
	size_t len = strlen(word);

	return strncmp(note, word, len) ? NULL : note + len;
}

int takes_add(struct takes *takes, const char *note)
{
	const char *rest;

	if ((rest = behind(note, "one of "))) {
		takes->one_of = rest;
	} else if ((rest = behind(note, "list of "))) {
		takes->list_of = rest;
	} else if ((rest = behind(note, "elsewhere "))) {
		takes->elsewhere = rest;
		return strstr(rest, " : ") ? 0 : -EINVAL;
	} else if ((rest = behind(note, "with "))) {
		takes->with = rest;
	} else if ((rest = behind(note, "random for "))) {
		takes->random = rest;
	} else if ((rest = behind(note, "range "))) {
		takes->has_range = sscanf(rest, "%" SCNd64 " %" SCNd64, &takes->min, &takes->max) ==
				   2;
		return takes->has_range ? 0 : -EINVAL;
	} else if (strncmp(note, "verbs ", 6) == 0) {
		takes->verbs = note + 6;
	} else if (strcmp(note, "users") == 0) {
		takes->users = true;
	} else if (strcmp(note, "groups") == 0) {
		takes->groups = true;
	} else if (strcmp(note, "not empty") == 0) {
		takes->not_empty = true;
	} else if (strcmp(note, "programs") == 0) {
		takes->of_programs = true;
	} else if (strcmp(note, "programs for changes") == 0) {
		takes->of_changes = true;
	} else if (strcmp(note, "percent") == 0) {
		takes->percent = true;
	} else {
		return -EINVAL;
	}
	return 0;
}

/* Refuses an unknown word: suggests the most similar one and lists all. */
static int refuse_word(const char *words, const char *value, struct pst_error *error)
{
	struct suggestion suggestion = SUGGESTION_INIT;
	char word[MAX_WORD + 1], list[400] = "";
	size_t len = 0;

	for (const char *rest = words; next_word(&rest, word);) {
		suggest_try(&suggestion, value, word);
		if (len < sizeof(list))
			len += snprintf(list + len, sizeof(list) - len, "%s%s", len ? ", " : "",
					word);
	}
	return error_set(error, -EINVAL, "%s%s%s'%.60s' is none of %s",
			 *suggestion.word ? "did you mean '" : "", suggestion.word,
			 *suggestion.word ? "'? " : "", value, list);
}

int takes_check_word(const struct takes *takes, const char *value, struct pst_error *error)
{
	char word[MAX_WORD + 1];

	if (takes->not_empty && !*value)
		return error_set(error, -EINVAL, "the value is empty");
	if (!takes->one_of)
		return 0;
	for (const char *rest = takes->one_of; next_word(&rest, word);)
		if (strcmp(word, value) == 0)
			return 0;
	return refuse_word(takes->one_of, value, error);
}

size_t takes_each_match(const char *words, const char *pattern,
			void (*fn)(void *aux, const char *word), void *aux)
{
	char word[MAX_WORD + 1];
	size_t n = 0;

	while (next_word(&words, word)) {
		if (fnmatch(pattern, word, 0))
			continue;
		n++;
		if (fn)
			fn(aux, word);
	}
	return n;
}

/* Returns whether a name or glob matches only words that have no effect in this filter. */
static bool is_elsewhere(const struct takes *takes, const char *pattern)
{
	return takes->elsewhere && takes_each_match(takes->list_of, pattern, NULL, NULL) ==
					   takes_each_match(takes->elsewhere, pattern, NULL, NULL);
}

int takes_check_names(const struct takes *takes, const char *list, struct pst_error *error)
{
	_cleanup_(freep) char *copy = strdup(list);
	char *rest = copy;

	if (!takes->list_of)
		return 0;
	if (!copy)
		return error_set(error, -ENOMEM, "out of memory");
	while (rest) {
		const char *pattern = parse_part(&rest, ':', false);

		if (takes_each_match(takes->list_of, pattern, NULL, NULL)) {
			if (is_elsewhere(takes, pattern))
				return error_set(error, -EINVAL,
						 "'%.60s' has no effect in this filter: %s",
						 pattern, strstr(takes->elsewhere, " : ") + 3);
			continue;
		}
		if (!*pattern)
			return error_set(error, -EINVAL,
					 "a word of the list is empty: write words with ':' "
					 "between them");
		return refuse_word(takes->list_of, pattern, error);
	}
	return 0;
}

bool takes_number(const struct takes *takes, uint64_t value, bool negative)
{
	if (!takes->has_range)
		return true;
	if (negative)
		return (int64_t)value >= takes->min && (int64_t)value <= takes->max;
	return (takes->min <= 0 || value >= (uint64_t)takes->min) && takes->max >= 0 &&
	       value <= (uint64_t)takes->max;
}
