/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * The options of a mount: those of a command line, or of pst_view_options_parse(). The members that
 * are not view belong to one of the two, or to both.
 */
#include <stdbool.h>
#include <stddef.h>

#include <penstock/penstock.h>

/* The lists of a short form of a filter (option/lists.h). */
struct option_list {
	const char *filter;
	size_t index;               /* of the filter in filters */
	char *names, *paths, *spec; /* owned */
};

#define BINDFS_FILTERS 7 /* filters that stand for options of bindfs (option/bindfs.h) */

/* The strings lie in the command line, which is borrowed, or in copies. */
struct mount_options {
	struct pst_view_options view;
	pst_option_fn own; /* gets each option before the table; or NULL */
	void *own_aux;
	const char **filters; /* view.filters, owned; NULL ends the list; or NULL */
	size_t n_filters;
	struct option_list *lists; /* owned */
	size_t n_lists;
	const char *rules; /* the file of rules=; NULL: none */
	char **copies;     /* owned: the -o lists, split at commas */
	size_t n_copies;
	char *bindfs; /* names of options of bindfs that were given, with commas; or NULL */
	char *bindfs_filters[BINDFS_FILTERS]; /* options of the filters that do the same; or NULL */
	char *always;          /* names of OPTION_ALWAYS that were given, with commas; or NULL */
	char *kept;            /* names of options that a remount does not change; or NULL */
	const char *namespace; /* -N: a mount namespace, by process or file */
	enum pst_log_level log_level;
	bool log_chosen;        /* log= was given, so -v and -d do not change the level */
	bool ttl_from_timeouts; /* view.ttl_ns is the least of the *_timeout options so far */
	bool foreground;
	bool verbose;
	bool scanning;                       /* the first of two passes, see options_parse() */
	bool remount;                        /* change the flags of a mounted view */
	unsigned int flags_set, flags_clear; /* bits of mount_flags that options set and clear */
	bool sloppy;                         /* unknown options are ignored */
	bool fake;                           /* check everything, but do not mount */
	bool print;                          /* with fake: print the options */
	bool syslog;                         /* log to syslog, also in the foreground */
	bool help;
	bool help_all;                     /* with the options of other programs */
	const char *before, *before_value; /* the last option, if it was a filter or a list */
	int subtype;
	char **command;    /* of penstock run; ended by NULL */
	const char *audit; /* of penstock run: a file; or NULL */
	bool changes;      /* of penstock run */
};

#define MOUNT_OPTIONS_INIT                                                                         \
	{                                                                                          \
		.view = PST_VIEW_OPTIONS_INIT, .log_level = PST_LOG_WARNING,                       \
	}

/* Frees the memory that the options own, and sets the defaults. */
void options_fini(struct mount_options *options);

/*
 * Applies a list NAME[=VALUE],NAME[=VALUE]... as after -o. Commas separate options; a backslash
 * before a comma keeps the comma in the value. Returns 0, -EINVAL with *error, or -ENOMEM.
 */
int options_apply_list(struct mount_options *options, const char *text, struct pst_error *error);
