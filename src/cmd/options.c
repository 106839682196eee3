// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The command line of a mount.
 *
 * The two spellings of an option, `-o name=value` and `--name=value`, end at the same row of the
 * table. Words and options may come in any order, since mount(8) puts the options last.
 *
 * Commas part options from each other, since mount(8) and fstab leave no choice; a backslash before
 * a comma (or a backslash) keeps it in the value. Options with several values part them by colons.
 *
 * A filter has options of its own, with commas between them. In a list they are written with
 * semicolons, since libmount cuts at commas whatever stands before them; `--filter SPEC` is one word
 * of the command line and taken as it is.
 */
#include "cmd/options.h"
#include "cmd/option-table.h"
#include "util/cleanup.h"
#include "util/log.h"
#include "util/parse.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The semicolons of a filter in a list become its commas; behind a backslash they are themselves. */
static void translate_filter(char *option)
{
	char *out = option;

	if (strncmp(option, "filter=", strlen("filter=")) != 0)
		return;
	for (const char *in = option; *in; in++) {
		if (*in == '\\' && in[1] == ';')
			*out++ = *++in;
		else
			*out++ = *in == ';' ? ',' : *in;
	}
	*out = '\0';
}

static int parse_list(struct mount_options *options, const char *text, struct pst_error *error)
{
	_cleanup_(freep) char *copy = strdup(text);
	char *rest = copy, *option;
	int r;

	if (!copy)
		return -ENOMEM;
	while ((option = parse_part(&rest, ',', true))) {
		if (!*option)
			continue;
		translate_filter(option);
		r = option_apply(options, option, NULL, NULL, error);
		if (r < 0)
			return r;
	}
	return 0;
}

static int parse_long(struct mount_options *options, const char *text, const char *next,
		      bool *ret_used, struct pst_error *error)
{
	_cleanup_(freep) char *copy = NULL;

	if (strcmp(text, "help") == 0) {
		options->help = true;
		return 0;
	}
	if (strcmp(text, "help=all") == 0) {
		options->help = options->help_all = true;
		return 0;
	}
	if (strcmp(text, "dry-run") == 0) {
		options->fake = options->print = true;
		return 0;
	}
	if (strcmp(text, "foreground") == 0) {
		options->foreground = true;
		return 0;
	}
	copy = strdup(text);
	if (!copy)
		return -ENOMEM;
	return option_apply(options, copy, next, ret_used, error);
}

static int parse_type(const char *type, struct pst_error *error)
{
	if (strcmp(type, "penstock") == 0 || strcmp(type, "fuse.penstock") == 0)
		return 0;
	return error_set(error, -EINVAL,
			 "type %s: this is the helper for penstock and fuse.penstock", type);
}

/* A word that needs no value; 1 when it is not one of these. */
static int parse_flag(struct mount_options *options, enum options_dialect dialect, char flag)
{
	switch (flag) {
	case 'f':
		if (dialect == OPTIONS_HELPER)
			options->fake = true;
		else
			options->foreground = true;
		return 0;
	case 'd':
		options->foreground = true;
		if (!options->log_chosen)
			options->log_level = PST_LOG_DEBUG;
		return 0;
	case 'v':
		options->verbose = true;
		if (!options->log_chosen && options->log_level < PST_LOG_INFO)
			options->log_level = PST_LOG_INFO;
		return 0;
	case 's':
		options->sloppy = true;
		return 0;
	case 'h':
		options->help = true;
		return 0;
	case 'n':			/* there is no /etc/mtab of ours to leave alone */
		return 0;
	case 'r':
		option_flags(options, PST_MOUNT_RDONLY, 0);
		return 0;
	case 'w':
		option_flags(options, 0, PST_MOUNT_RDONLY);
		return 0;
	default:
		return 1;
	}
}

/* A bundle of short flags, `-sfn` or `-oro`; the last may take a value from here or from next. */
static int parse_short(struct mount_options *options, enum options_dialect dialect,
		       const char *text, const char *next, bool *ret_used, struct pst_error *error)
{
	for (const char *p = text; *p; p++) {
		const char *value = p[1] ? p + 1 : next;

		if (parse_flag(options, dialect, *p) == 0)
			continue;
		if (*p != 'o' && *p != 'N' && *p != 't')
			return error_set(error, -EINVAL, "there is no option \"-%c\"", *p);
		if (!value)
			return error_set(error, -EINVAL, "option -%c wants a value", *p);
		*ret_used = value == next;
		if (*p == 'o')
			return parse_list(options, value, error);
		if (*p == 't')
			return parse_type(value, error);
		free(options->namespace);
		options->namespace = strdup(value);
		return options->namespace ? 0 : -ENOMEM;
	}
	return 0;
}

static int parse_word(struct mount_options *options, const char *word, struct pst_error *error)
{
	char **target = !options->lower ? &options->lower : &options->mountpoint;

	if (options->mountpoint)
		return error_set(error, -EINVAL, "\"%s\" is one argument too many", word);
	*target = strdup(word);
	return *target ? 0 : -ENOMEM;
}

void options_init(struct mount_options *options)
{
	*options = (struct mount_options){
		.view = PST_VIEW_OPTIONS_INIT,
		.log_level = PST_LOG_WARNING,
	};
}

void options_fini(struct mount_options *options)
{
	free(options->lower);
	free(options->mountpoint);
	free(options->fsname);
	free(options->handles);
	free(options->always);
	free(options->kept);
	free(options->namespace);
	for (size_t i = 0; i < options->n_filters; i++)
		free(options->filters[i]);
	free(options->filters);
	options_init(options);
}

/* -s holds for all options, also for those before it: mount(8) puts it behind the paths. */
static bool has_sloppy(int argc, char **argv)
{
	for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
		if (argv[i][0] == '-' && argv[i][1] != '-' && argv[i][1] != 'o' &&
		    argv[i][1] != 'N' && argv[i][1] != 't' && strchr(argv[i], 's'))
			return true;
		if (strcmp(argv[i], "-o") == 0 || strcmp(argv[i], "-N") == 0 ||
		    strcmp(argv[i], "-t") == 0)
			i++;
	}
	return false;
}

static bool list_has(const char *list, const char *word)
{
	size_t len = strlen(word);

	for (const char *at = list; at; at = strchr(at, ',')) {
		at += *at == ',';
		if (strncmp(at, word, len) == 0 && (!at[len] || at[len] == ','))
			return true;
	}
	return false;
}

/* Like -s, remount says what becomes of all other options. */
static bool has_remount(int argc, char **argv)
{
	for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
		if ((strcmp(argv[i], "-o") == 0 && i + 1 < argc && list_has(argv[i + 1], "remount")) ||
		    (strncmp(argv[i], "-o", 2) == 0 && list_has(argv[i] + 2, "remount")) ||
		    strcmp(argv[i], "--remount") == 0)
			return true;
	return false;
}

int options_parse(struct mount_options *options, enum options_dialect dialect, int argc,
		  char **argv, struct pst_error *error)
{
	bool words_only = false;
	int r;

	*error = (struct pst_error){ 0 };
	options->sloppy = has_sloppy(argc, argv);
	options->remount = has_remount(argc, argv);

	for (int i = 1; i < argc; i++) {
		const char *next = i + 1 < argc ? argv[i + 1] : NULL;
		bool used = false;

		if (words_only || argv[i][0] != '-' || !argv[i][1])
			r = parse_word(options, argv[i], error);
		else if (strcmp(argv[i], "--") == 0)
			r = (words_only = true, 0);
		else if (argv[i][1] == '-')
			r = parse_long(options, argv[i] + 2, next, &used, error);
		else
			r = parse_short(options, dialect, argv[i] + 1, next, &used, error);
		if (r < 0)
			return r;
		i += used;
	}

	if (!options->help && !options->lower)
		return error_set(error, -EINVAL, "LOWER and MOUNTPOINT are missing");
	if (!options->help && !options->mountpoint && !options->remount)
		return error_set(error, -EINVAL, "MOUNTPOINT is missing");
	options->view.lower = options->lower;
	options->view.mountpoint = options->mountpoint;
	options->view.fsname = options->fsname;
	options->view.handles = options->handles;
	options->view.filters = (const char *const *)options->filters;
	return 0;
}
