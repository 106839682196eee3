// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Lists of mount options, and the memory of all options. No state, no locks.
 *
 * Commas separate options, as in mount(8) and fstab. A backslash before a comma keeps the comma in
 * the value; before a backslash, the backslash. Options with several values separate them by
 * colons.
 *
 * Commas also separate the options of a filter. In an -o list the user writes semicolons for these
 * commas, because libmount splits at each comma, even after a backslash. `--filter SPEC` is used
 * unchanged.
 */
#include "option/options.h"
#include "option/apply.h"
#include "option/bindfs.h"
#include "util/parse.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Replaces the semicolons in filter=SPEC by commas, except those after a backslash. In place. */
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

/* Returns a copy of a list that options_fini() frees, or NULL if there is no memory. */
static char *copy_list(struct mount_options *options, const char *text)
{
	char **copies = reallocarray(options->copies, options->n_copies + 1, sizeof(*copies));

	if (!copies)
		return NULL;
	options->copies = copies;
	copies[options->n_copies] = strdup(text);
	return copies[options->n_copies] ? copies[options->n_copies++] : NULL;
}

int options_apply_list(struct mount_options *options, const char *text, struct pst_error *error)
{
	char *rest = copy_list(options, text), *option;
	int r = rest ? 0 : -ENOMEM;

	while (r == 0 && (option = parse_part(&rest, ',', true))) {
		translate_filter(option);
		if (*option)
			r = option_apply(options, option, NULL, NULL, error);
	}
	return r;
}

void options_fini(struct mount_options *options)
{
	for (size_t i = 0; i < options->n_copies; i++)
		free(options->copies[i]);
	free(options->copies);
	for (size_t i = 0; i < options->n_lists; i++) {
		free(options->lists[i].names);
		free(options->lists[i].paths);
		free(options->lists[i].spec);
	}
	free(options->lists);
	free(options->filters);
	option_bindfs_fini(options);
	free(options->always);
	free(options->kept);
	*options = (struct mount_options)MOUNT_OPTIONS_INIT;
}
