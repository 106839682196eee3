// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Parses the command line of a mount. No state, no locks.
 *
 * Both spellings of an option, `-o name=value` and `--name=value`, are applied by the same row of
 * the table. Words and options may come in any order, because mount(8) puts the options last.
 */
#include "cmd/options.h"
#include "option/apply.h"
#include "option/bindfs.h"
#include "option/paths.h"
#include "util/log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int parse_long(struct mount_options *options, const char *text, const char *next,
		      bool *ret_used, struct pst_error *error)
{
	if (strcmp(text, "help") == 0 || strcmp(text, "help=all") == 0) {
		options->help = true;
		options->help_all |= text[4] != '\0';
	} else if (strcmp(text, "dry-run") == 0) {
		options->fake = options->print = true;
	} else if (strcmp(text, "foreground") == 0) {
		options->foreground = true;
	} else {
		return option_apply(options, text, next, ret_used, error);
	}
	return 0;
}

/* Applies --audit=FILE, --audit FILE or --changes. Returns false for another option. */
static bool parse_run(struct mount_options *options, const char *text, const char *next,
		      bool *ret_used)
{
	if (strncmp(text, "audit=", 6) == 0) {
		options->audit = text + 6;
		return true;
	}
	if (strcmp(text, "changes") == 0)
		return options->changes = true;
	*ret_used = strcmp(text, "audit") == 0 && next;
	if (*ret_used)
		options->audit = next;
	return *ret_used;
}

static int parse_type(const char *type, struct pst_error *error)
{
	if (strcmp(type, "penstock") == 0 || strcmp(type, "fuse.penstock") == 0)
		return 0;
	return error_set(error, -EINVAL,
			 "type %s: this helper mounts the types penstock and fuse.penstock", type);
}

/* Applies a short option without a value. Returns 1 if no such option has this letter. */
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
	case 'n': /* "do not write /etc/mtab", which no program writes today */
		return 0;
	case 'r':
		return option_apply(options, "ro", NULL, NULL, NULL);
	case 'w':
		return option_apply(options, "rw", NULL, NULL, NULL);
	default:
		return 1;
	}
}

/* Returns the long name of a short option of bindfs, or NULL. */
static const char *bindfs_name(char flag)
{
	switch (flag) {
	case 'u':
		return "force-user";
	case 'g':
		return "force-group";
	case 'p':
		return "perms";
	case 'm':
		return "mirror";
	case 'M':
		return "mirror-only";
	default:
		return NULL;
	}
}

static int apply_bindfs(struct mount_options *options, const char *name, const char *value,
			struct pst_error *error)
{
	char text[256];

	snprintf(text, sizeof(text), "%s=%.200s", name, value ? value : "...");
	return option_apply(options, text, NULL, NULL, error);
}

/* Parses short options, `-sfn` or `-oro`; the value of the last is the rest of text, or next. */
static int parse_short(struct mount_options *options, enum options_dialect dialect,
		       const char *text, const char *next, bool *ret_used, struct pst_error *error)
{
	for (const char *p = text; *p; p++) {
		const char *value = p[1] ? p + 1 : next;

		if (parse_flag(options, dialect, *p) == 0)
			continue;
		*ret_used = value == next && value;
		if (bindfs_name(*p))
			return apply_bindfs(options, bindfs_name(*p), value, error);
		if (*p != 'o' && *p != 'N' && *p != 't')
			return error_set(error, -EINVAL, "there is no option \"-%c\"", *p);
		if (!value)
			return error_set(error, -EINVAL, "option -%c needs a value", *p);
		if (*p == 'o')
			return options_apply_list(options, value, error);
		if (*p == 't')
			return parse_type(value, error);
		options->namespace = value;
		return 0;
	}
	return 0;
}

static int parse_word(struct mount_options *options, enum options_dialect dialect, const char *word,
		      struct pst_error *error)
{
	if (options->scanning)
		return 0;
	if (dialect == OPTIONS_RUN && options->view.lower)
		return error_set(error, -EINVAL,
				 "\"%s\" is one argument too many: give one directory, and the "
				 "command after \"--\"",
				 word);
	if (options->view.mountpoint)
		return error_set(error, -EINVAL,
				 "\"%s\" is one argument too many: give LOWER and MOUNTPOINT",
				 word);
	*(options->view.lower ? &options->view.mountpoint : &options->view.lower) = word;
	return 0;
}

static int parse_all(struct mount_options *options, enum options_dialect dialect, int argc,
		     char **argv, struct pst_error *error)
{
	bool words_only = false;
	int r = 0;

	for (int i = 1; i < argc && r == 0; i++) {
		const char *next = i + 1 < argc ? argv[i + 1] : NULL;
		bool used = false;

		if (words_only || argv[i][0] != '-' || !argv[i][1])
			r = parse_word(options, dialect, argv[i], error);
		else if (strcmp(argv[i], "--") == 0 && dialect == OPTIONS_RUN) {
			options->command = argv + i + 1;
			return 0;
		} else if (strcmp(argv[i], "--") == 0)
			words_only = true;
		else if (dialect == OPTIONS_RUN && argv[i][1] == '-' &&
			 parse_run(options, argv[i] + 2, next, &used))
			;
		else if (argv[i][1] == '-')
			r = parse_long(options, argv[i] + 2, next, &used, error);
		else
			r = parse_short(options, dialect, argv[i] + 1, next, &used, error);
		i += used;
	}
	return r;
}

/* Returns 0, or -EINVAL and *error, if an argument is missing. */
static int check_words(const struct mount_options *options, enum options_dialect dialect,
		       struct pst_error *error)
{
	if (options->help)
		return 0;
	if (dialect == OPTIONS_RUN && (!options->command || !options->command[0]))
		return error_set(error, -EINVAL, "give the command after \"--\"");
	if (dialect == OPTIONS_RUN)
		return 0;
	if (!options->view.lower)
		return error_set(error, -EINVAL, "give LOWER and MOUNTPOINT");
	if (!options->view.mountpoint && !options->remount)
		return error_set(error, -EINVAL, "give MOUNTPOINT, too");
	return 0;
}

/*
 * Parses twice: the first time only for -s and remount, which change how all options are applied,
 * also the options before them. mount(8) puts -s last.
 */
int options_parse(struct mount_options *options, enum options_dialect dialect, int argc,
		  char **argv, struct pst_error *error)
{
	int r;

	*error = (struct pst_error){ 0 };
	options->scanning = true;
	r = parse_all(options, dialect, argc, argv, error);
	options->scanning = false;
	if (r == 0)
		r = parse_all(options, dialect, argc, argv, error);
	if (r == 0)
		r = option_bindfs_refuse(options, error);
	if (r == 0)
		r = check_words(options, dialect, error);
	/* -N: LOWER is in another namespace. */
	return r < 0 || options->help || options->namespace ? r :
							      option_paths_check(options, error);
}
