/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* The command line of `penstock mount`, or of the helper of mount(8). */
#include "option/options.h"

/* The kinds of command lines: -f has two meanings, and in the last a command follows "--". */
enum options_dialect {
	OPTIONS_COMMAND, /* `penstock mount`: -f stays in the foreground */
	OPTIONS_HELPER,  /* the helper of mount(8): -f mounts nothing */
	OPTIONS_RUN,     /* `penstock run`: [DIR] -- COMMAND */
};

/*
 * Parses argv from argv[1] on. The caller initialises *options with MOUNT_OPTIONS_INIT, calls
 * options_fini() in any case, and keeps argv until then. Returns 0; -EINVAL, and error->text for
 * the user; or -ENOMEM.
 */
int options_parse(struct mount_options *options, enum options_dialect dialect, int argc,
		  char **argv, struct pst_error *error);
