/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* The command line of `penstock mount`, parsed. */
#include <stdbool.h>
#include <stddef.h>

#include <penstock/penstock.h>

/* Strings are borrowed from the command line, or from copies. */
struct mount_options {
	struct pst_view_options view;
	const char **filters; /* view.filters, owned; ended by NULL; NULL: none */
	size_t n_filters;
	char **copies; /* owned: -o lists, split */
	size_t n_copies;
	char *always;          /* options that every view has, with commas; NULL: none */
	char *kept;            /* options that a remount cannot change; or NULL */
	const char *namespace; /* -N: a mount namespace, by process or file */
	enum pst_log_level log_level;
	bool log_chosen;        /* log= was given: -v and -d do not change the level */
	bool ttl_from_timeouts; /* the ttl is the least of the *_timeout options so far */
	bool foreground;
	bool verbose;
	bool scanning;                       /* options are not applied yet, see options_parse() */
	bool remount;                        /* change the flags of a mounted view */
	unsigned int flags_set, flags_clear; /* bits of mount_flags that were named */
	bool sloppy;                         /* an unknown option is ignored */
	bool fake;                           /* do all but mount */
	bool print;                          /* with fake: print the options */
	bool syslog;                         /* also in the foreground */
	bool help;
	bool help_all; /* with the options of other programs */
	int subtype;
};

/* The two command lines, which differ in the meaning of -f. */
enum options_dialect {
	OPTIONS_COMMAND, /* penstock mount: -f is foreground */
	OPTIONS_HELPER,  /* mount(8) helper: -f is fake */
};

#define MOUNT_OPTIONS_INIT                                                                         \
	{                                                                                          \
		.view = PST_VIEW_OPTIONS_INIT, .log_level = PST_LOG_WARNING,                       \
	}

void options_init(struct mount_options *options);
void options_fini(struct mount_options *options);

/*
 * Parses argv from argv[1] on. Returns 0; -EINVAL with error->text for the user; -ENOMEM. The
 * options are initialised before, and are for options_fini() in any case; argv must outlive them.
 */
int options_parse(struct mount_options *options, enum options_dialect dialect, int argc,
		  char **argv, struct pst_error *error);
