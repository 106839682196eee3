// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Translates options of bindfs into filters, for the error that refuses them. The error has the
 * filters for all options of the command line at once, in the order in which they have to run. No
 * state, no locks.
 */
#include "option/bindfs.h"
#include "util/cleanup.h"
#include "util/log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The filters that stand for bindfs, those first that have the last word on what files show. */
static const char *const order[BINDFS_FILTERS] = { "mirror",  "owner", "map", "perms",
						   "changes", "attr",  "rate" };

/* Appends a text and, before it, the separator, unless *list is empty. Returns 0 or -ENOMEM. */
static int append(char **list, const char *separator, const char *text)
{
	char *all;

	if (asprintf(&all, "%s%s%s", *list ? *list : "", *list ? separator : "", text) < 0)
		return -ENOMEM;
	free(*list);
	*list = all;
	return 0;
}

/* Writes the options of a SPEC, with value for '*'. */
static void write_options(const char *options, const char *value, char *buf, size_t size)
{
	size_t len = 0;

	for (; *options && len + 1 < size; options++) {
		/* "+*" with a negative number is the number. */
		if (options[0] == '+' && options[1] == '*' && *value == '-')
			continue;
		if (*options == '*')
			len += (size_t)snprintf(buf + len, size - len, "%s", value);
		else
			buf[len++] = *options;
	}
	buf[len < size ? len : size - 1] = '\0';
}

/* Appends the options of a filter that are not in the list yet. Cuts options into parts. */
static int append_options(char **list, char *options)
{
	int r = 0;

	for (char *option; r == 0 && (option = strsep(&options, ","));) {
		const char *found = *list ? strstr(*list, option) : NULL;
		char end = found ? found[strlen(option)] : '\0';

		if (!found || (end && end != ','))
			r = append(list, ",", option);
	}
	return r;
}

int option_bindfs_add(struct mount_options *options, const char *name, const char *filter,
		      const char *value)
{
	char own[256], text[300];
	int r = append(&options->bindfs, ", ", name);

	snprintf(own, sizeof(own), "%.200s", value ? value : "...");
	/* bindfs also takes commas between the parts of a list. */
	for (char *p = own; (p = strchr(p, ','));)
		*p = ':';
	for (size_t i = 0; r == 0 && i < BINDFS_FILTERS; i++) {
		size_t len = strlen(order[i]);

		if (strncmp(filter, order[i], len) != 0 || filter[len] != ',')
			continue;
		write_options(filter + len + 1, own, text, sizeof(text));
		r = append_options(&options->bindfs_filters[i], text);
	}
	return r;
}

int option_bindfs_refuse(const struct mount_options *options, struct pst_error *error)
{
	_cleanup_(freep) char *alone = NULL, *in_list = NULL;

	if (!options->bindfs)
		return 0;
	for (size_t i = 0; i < BINDFS_FILTERS; i++) {
		_cleanup_(freep) char *spec = NULL;

		if (!options->bindfs_filters[i])
			continue;
		if (asprintf(&spec, "--filter '%s,%s'", order[i], options->bindfs_filters[i]) < 0 ||
		    append(&alone, " ", spec) < 0)
			return -ENOMEM;
		/* The SPEC in its quotes, with semicolons. */
		spec[strlen(spec) - 1] = '\0';
		for (char *p = spec; (p = strchr(p, ','));)
			*p = ';';
		if (append(&in_list, ",filter=", spec + strlen("--filter '")) < 0)
			return -ENOMEM;
	}
	return error_set(error, -EINVAL,
			 "%.100s: options of bindfs; use %s (in -o and fstab: filter=%s); "
			 "docs/bindfs.md has all options of bindfs",
			 options->bindfs, alone, in_list);
}

void option_bindfs_fini(struct mount_options *options)
{
	for (size_t i = 0; i < BINDFS_FILTERS; i++)
		free(options->bindfs_filters[i]);
	free(options->bindfs);
}
