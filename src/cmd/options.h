/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* The command line of `penstock mount`, parsed. */
#include <stdbool.h>
#include <stddef.h>

#include <penstock/penstock.h>

/* The engine that does the operations of a view. */
enum engine {
	ENGINE_FUSE,   /* a process */
	ENGINE_KERNEL, /* the module penstock */
	ENGINE_AUTO,   /* the module where it is loaded and fits, else a process */
};

/* Strings are borrowed from the command line, or from copies. */
struct mount_options {
	struct pst_view_options view;
	const char **filters; /* view.filters, owned; ended by NULL; NULL: none */
	size_t n_filters;
	char **copies; /* owned: -o lists, split */
	size_t n_copies;
	char *always;          /* names of OPTION_ALWAYS that were given, with commas; or NULL */
	char *kept;            /* names of options that a remount does not change; or NULL */
	const char *namespace; /* -N: a mount namespace, by process or file */
	enum pst_log_level log_level;
	bool log_chosen;        /* log= was given: -v and -d do not change the level */
	bool ttl_from_timeouts; /* view.ttl_ns is the least of the *_timeout options so far */
	bool foreground;
	bool verbose;
	bool scanning;                       /* options are not applied yet, see options_parse() */
	bool remount;                        /* change the flags of a mounted view */
	unsigned int flags_set, flags_clear; /* bits of mount_flags that options set and clear */
	bool sloppy;                         /* an unknown option is ignored */
	bool fake;                           /* do all but mount */
	bool print;                          /* with fake: print the options */
	bool syslog;                         /* log to syslog, also in the foreground */
	bool help;
	bool help_all; /* with the options of other programs */
	int subtype;
	int engine; /* enum engine */
};

/* The two kinds of command lines: -f has two meanings. */
enum options_dialect {
	OPTIONS_COMMAND, /* penstock mount: -f is foreground */
	OPTIONS_HELPER,  /* mount(8) helper: -f is fake */
};

#define MOUNT_OPTIONS_INIT                                                                         \
	{                                                                                          \
		.view = PST_VIEW_OPTIONS_INIT, .log_level = PST_LOG_WARNING,                       \
	}

/* Frees what the options own, and sets the defaults. */
void options_fini(struct mount_options *options);

/*
 * Parses argv from argv[1] on. Returns 0; -EINVAL with error->text for the user; -ENOMEM. The
 * options are MOUNT_OPTIONS_INIT before, and are for options_fini() in any case. argv must outlive
 * them.
 */
int options_parse(struct mount_options *options, enum options_dialect dialect, int argc,
		  char **argv, struct pst_error *error);
