// SPDX-License-Identifier: LGPL-2.1-or-later
/* Applies and shows mount options: two functions for each kind. No state, no locks. */
#include "option/apply.h"
#include "option/bindfs.h"
#include "option/lists.h"
#include "option/table.h"
#include "util/log.h"
#include "util/parse.h"
#include "util/suggest.h"

#include <errno.h>
#include <pwd.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WORD_SIZE 64

static void *member(const struct mount_options *options, const struct option_row *row)
{
	return (char *)options + row->offset;
}

/* Appends a name to *list, which is NULL or for free(). Returns 0 or -ENOMEM. */
static int note(char **list, const char *name)
{
	char *all;

	if (asprintf(&all, "%s%s%s", *list ? *list : "", *list ? ", " : "", name) < 0)
		return -ENOMEM;
	free(*list);
	*list = all;
	return 0;
}

/* ---- kinds ---- */

/* Applies the option that was written as name. Returns 0, -EINVAL with *error, or -ENOMEM. */
typedef int (*apply_fn)(struct mount_options *options, const struct option_row *row,
			const char *name, const char *value, struct pst_error *error);

/* Writes the value to buf, which is "" before. Returns false if the option does not hold. */
typedef bool (*show_fn)(const struct mount_options *options, const struct option_row *row,
			char *buf, size_t size);

static int apply_flag(struct mount_options *options, const struct option_row *row, const char *name,
		      const char *value, struct pst_error *error)
{
	options->view.mount_flags = (options->view.mount_flags & ~row->clear) | row->set;
	options->flags_set = (options->flags_set & ~row->clear) | row->set;
	options->flags_clear = (options->flags_clear | row->clear) & ~row->set;
	return 0;
}

static bool show_flag(const struct mount_options *options, const struct option_row *row, char *buf,
		      size_t size)
{
	return row->set && (options->view.mount_flags & row->set) == row->set;
}

static int apply_switch(struct mount_options *options, const struct option_row *row,
			const char *name, const char *value, struct pst_error *error)
{
	*(uint8_t *)member(options, row) = row->max;
	return 0;
}

static bool show_switch(const struct mount_options *options, const struct option_row *row,
			char *buf, size_t size)
{
	return *(uint8_t *)member(options, row) == row->max;
}

/* Makes the error for a wrong word: which words there are, and a suggestion. */
static int refuse_word(const struct option_row *row, const char *name, const char *value,
		       struct pst_error *error)
{
	struct suggestion suggestion = SUGGESTION_INIT;
	const char *words = row->values;
	char written[WORD_SIZE], word[WORD_SIZE], meant[WORD_SIZE] = "", all[128] = "";
	size_t n = 0;

	snprintf(written, sizeof(written), "%.*s", (int)strcspn(value, "="), value);
	while (option_next_word(&words, '|', word, sizeof(word))) {
		char start[WORD_SIZE];

		n += snprintf(all + n, sizeof(all) - n, "%s%s", n ? ", " : "", word);
		/* A word such as "ttl=SECONDS" is compared up to the '='. */
		snprintf(start, sizeof(start), "%.*s", (int)strcspn(word, "="), word);
		suggest_try(&suggestion, written, start);
		if (strcmp(suggestion.word, start) == 0)
			strcpy(meant, word);
	}
	return error_set(error, -EINVAL, "option %s=%s: %s%s%sit takes %s%s", name, value,
			 *meant ? "did you mean \"" : "", meant, *meant ? "\"? " : "",
			 strchr(row->values, '|') ? "one of " : "", all);
}

static int apply_choice(struct mount_options *options, const struct option_row *row,
			const char *name, const char *value, struct pst_error *error)
{
	const char *words = row->values;
	char word[WORD_SIZE];

	if (!words) {
		*(int *)member(options, row) = row->max;
		return 0;
	}
	for (int i = 0; option_next_word(&words, '|', word, sizeof(word)); i++) {
		if (strcmp(word, value) == 0) {
			*(int *)member(options, row) = i;
			return 0;
		}
	}
	return refuse_word(row, name, value, error);
}

static bool show_choice(const struct mount_options *options, const struct option_row *row,
			char *buf, size_t size)
{
	const char *words = row->values;

	for (int i = *(int *)member(options, row); i >= 0; i--)
		option_next_word(&words, '|', buf, size);
	return true;
}

static int apply_number(struct mount_options *options, const struct option_row *row,
			const char *name, const char *value, struct pst_error *error)
{
	uint64_t number;

	if (!parse_number(value, 10, &number) || number < row->min || number > row->max)
		return error_set(error, -EINVAL, "option %s=%s: it takes a number from %u to %u",
				 name, value, row->min, row->max);
	*(unsigned int *)member(options, row) = number;
	return 0;
}

static bool show_number(const struct mount_options *options, const struct option_row *row,
			char *buf, size_t size)
{
	snprintf(buf, size, "%u", *(unsigned int *)member(options, row));
	return true;
}

static int apply_text(struct mount_options *options, const struct option_row *row, const char *name,
		      const char *value, struct pst_error *error)
{
	if (!*value)
		return error_set(error, -EINVAL, "option %s: the value is empty", name);
	*(const char **)member(options, row) = value;
	return 0;
}

static bool show_text(const struct mount_options *options, const struct option_row *row, char *buf,
		      size_t size)
{
	const char *text = *(const char **)member(options, row);

	snprintf(buf, size, "%s", text ? text : "");
	return true;
}

static int apply_cache(struct mount_options *options, const struct option_row *row,
		       const char *name, const char *value, struct pst_error *error)
{
	options->ttl_from_timeouts = false;
	if (strncmp(value, "ttl=", 4) != 0)
		return apply_choice(options, row, name, value, error);
	if (!parse_decimal(value + 4, &options->view.ttl_ns))
		return error_set(error, -EINVAL,
				 "option cache=%s: ttl= takes seconds, such as ttl=1 or ttl=0.25",
				 value);
	options->view.cache = PST_CACHE_TTL;
	return 0;
}

static bool show_cache(const struct mount_options *options, const struct option_row *row, char *buf,
		       size_t size)
{
	if (options->view.cache != PST_CACHE_TTL)
		return show_choice(options, row, buf, size);
	snprintf(buf, size, "ttl=%.9g", (double)options->view.ttl_ns / 1000000000);
	return true;
}

static int apply_timeout(struct mount_options *options, const struct option_row *row,
			 const char *name, const char *value, struct pst_error *error)
{
	uint64_t ns;

	if (!parse_decimal(value, &ns))
		return error_set(error, -EINVAL,
				 "option %s=%s: it takes seconds, such as 1 or 0.25", name, value);
	if (!options->ttl_from_timeouts || ns < options->view.ttl_ns)
		options->view.ttl_ns = ns;
	options->view.cache = PST_CACHE_TTL;
	options->ttl_from_timeouts = true;
	return 0;
}

static int apply_filter(struct mount_options *options, const struct option_row *row,
			const char *name, const char *value, struct pst_error *error)
{
	if (!*value)
		return error_set(error, -EINVAL,
				 "option filter: the value is empty; it takes the name or the file "
				 "of a filter, such as hide");
	return option_filter_add(options, value);
}

static int apply_rules(struct mount_options *options, const struct option_row *row,
		       const char *name, const char *value, struct pst_error *error)
{
	return option_rules_add(options, value, error);
}

static int apply_list(struct mount_options *options, const struct option_row *row, const char *name,
		      const char *value, struct pst_error *error)
{
	return option_lists_add(options, row->names, value, error);
}

static int apply_ignored(struct mount_options *options, const struct option_row *row,
			 const char *name, const char *value, struct pst_error *error)
{
	return 0;
}

static int apply_always(struct mount_options *options, const struct option_row *row,
			const char *name, const char *value, struct pst_error *error)
{
	return note(&options->always, name);
}

static int apply_refused(struct mount_options *options, const struct option_row *row,
			 const char *name, const char *value, struct pst_error *error)
{
	return error_set(error, -EINVAL, "option %s: %s", name, row->help);
}

/* Refused at the end, together with all others (option-bindfs.h). */
static int apply_bindfs(struct mount_options *options, const struct option_row *row,
			const char *name, const char *value, struct pst_error *error)
{
	return option_bindfs_add(options, name, row->help, value);
}

/*
 * In fstab "user", "owner" and "group" say who may mount. mount(8) passes user=NAME with the name
 * of the user who mounts. Another name requests a view that acts as that user, or shows that owner,
 * as in old versions of bindfs.
 */
static int apply_user(struct mount_options *options, const struct option_row *row, const char *name,
		      const char *value, struct pst_error *error)
{
	bool is_group = strcmp(name, "group") == 0;
	const struct passwd *self = value ? getpwuid(getuid()) : NULL;

	if (!value || (self && strcmp(name, "user") == 0 && strcmp(self->pw_name, value) == 0))
		return 0;
	return error_set(error, -EINVAL,
			 "option %s=%s: a view acts with the rights of each caller, not as one %s; "
			 "--filter owner,%s=%s shows another %s",
			 name, value, is_group ? "group" : "user", is_group ? "gid" : "uid", value,
			 is_group ? "group" : "owner");
}

static const struct {
	apply_fn apply;
	show_fn show;
	const char *help; /* of options of other programs */
} kinds[] = {
	[OPTION_FLAG] = { apply_flag, show_flag },
	[OPTION_SWITCH] = { apply_switch, show_switch },
	[OPTION_CHOICE] = { apply_choice, show_choice },
	[OPTION_NUMBER] = { apply_number, show_number },
	[OPTION_TEXT] = { apply_text, show_text },
	[OPTION_CACHE] = { apply_cache, show_cache },
	[OPTION_TIMEOUT] = { apply_timeout },
	[OPTION_FILTER] = { apply_filter },
	[OPTION_RULES] = { apply_rules },
	[OPTION_LIST] = { apply_list },
	[OPTION_IGNORED] = { apply_ignored, NULL,
			     "ignored: it is for another program, or always holds" },
	[OPTION_ALWAYS] = { apply_always, NULL, "accepted: every view behaves so" },
	[OPTION_REFUSED] = { apply_refused, NULL, "refused" },
	[OPTION_BINDFS] = { apply_bindfs, NULL, "refused, the filter for it" },
	[OPTION_USER] = { apply_user, NULL, "ignored: it is for mount(8)" },
};

bool option_show(const struct mount_options *options, const struct option_row *row, char *buf,
		 size_t size)
{
	return kinds[row->kind].show && kinds[row->kind].show(options, row, buf, size);
}

const char *option_kind_help(const struct option_row *row)
{
	return kinds[row->kind].help;
}

/* ---- applying ---- */

/*
 * Refuses a part of the filter or the list before it, from which the user has separated it as in
 * other programs.
 */
static int refuse_part(const struct mount_options *options, const char *name, const char *text,
		       struct pst_error *error)
{
	const char *before = options->before_value;
	bool is_list = strcmp(options->before, "filter") != 0;
	/* A part of a list is rarely a word of letters; an option of a filter always is. */
	bool is_option = !is_list && name[strspn(name, "abcdefghijklmnopqrstuvwxyz_")] == '\0';
	char spec[200];

	snprintf(spec, sizeof(spec), "%.80s%c%.80s", before, is_option ? ',' : ':', text);
	for (char *p = spec; !is_list && (p = strchr(p, ','));)
		*p = ';';
	if (!is_option)
		return error_set(error, -EINVAL,
				 "there is no option \"%s\"; ':' separates the parts of a list: "
				 "%s=%s",
				 name, options->before, spec);
	return error_set(error, -EINVAL,
			 "there is no option \"%s\"; an option of a filter is a part of its SPEC: "
			 "--filter %.80s,%.80s (in -o and fstab: filter=%s)",
			 name, before, text, spec);
}

static int unknown(const struct mount_options *options, const char *name, const char *text,
		   struct pst_error *error)
{
	struct suggestion suggestion = SUGGESTION_INIT;
	char word[WORD_SIZE];

	if (options->sloppy)
		return 0;
	for (size_t i = 0; i < option_n_rows; i++) {
		const char *names = option_rows[i].names;

		while (option_rows[i].kind != OPTION_REFUSED &&
		       option_rows[i].kind != OPTION_BINDFS &&
		       option_next_word(&names, ' ', word, sizeof(word)))
			if (!strchr(word, '*'))
				suggest_try(&suggestion, name, word);
	}
	if (*suggestion.word)
		return error_set(error, -EINVAL, "there is no option \"%s\"; did you mean \"%s\"?",
				 name, suggestion.word);
	if (options->before)
		return refuse_part(options, name, text, error);
	return error_set(error, -EINVAL,
			 "there is no option \"%s\"; `penstock mount --help` lists the options",
			 name);
}

/*
 * A remount changes only the flags of the mount. mount(8) also passes the options of the kernel's
 * mount table, which are ignored, and those of fstab, which are noted in options->kept.
 */
static int apply_in_remount(struct mount_options *options, const struct option_row *row,
			    const char *name, struct pst_error *error)
{
	if (row->by_kernel)
		return 0;
	if (row->kind == OPTION_FLAG &&
	    !((row->set | row->clear) & (PST_MOUNT_SYNC | PST_MOUNT_DIRSYNC)))
		return apply_flag(options, row, name, NULL, error);
	if (option_is_own(row))
		return note(&options->kept, name);
	return kinds[row->kind].apply(options, row, name, NULL, error);
}

int option_apply(struct mount_options *options, const char *text, const char *next, bool *ret_used,
		 struct pst_error *error)
{
	size_t len = strcspn(text, "=");
	const char *value = text[len] ? text + len + 1 : NULL;
	const struct option_row *row;
	char name[256];

	snprintf(name, sizeof(name), "%.*s", (int)len, text);
	row = option_find(name);
	if (row && row->values && !value && next) {
		value = next;
		*ret_used = true;
	}
	if (options->scanning) {
		options->remount |= strcmp(name, "remount") == 0;
		return 0;
	}
	if (options->own) {
		int r = options->own(options->own_aux, name, value, error);

		if (r != -ENOENT)
			return r;
	}
	if (!row)
		return unknown(options, name, text, error);
	options->before = row->kind == OPTION_FILTER || row->kind == OPTION_LIST ? row->names :
										   NULL;
	options->before_value = value;
	if (options->remount)
		return apply_in_remount(options, row, name, error);
	if (option_is_own(row) && !row->values && value)
		return error_set(error, -EINVAL, "option %s takes no value, but got \"%s\"", name,
				 value);
	if (row->values && !value)
		return error_set(error, -EINVAL, "option %s needs a value: %s=%s", name, name,
				 row->values);
	if (row->given)
		*((bool *)options + row->given) = true;
	return kinds[row->kind].apply(options, row, name, value, error);
}
