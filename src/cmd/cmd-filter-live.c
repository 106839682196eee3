// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * penstock filter list, stat, add, remove, replace: the filters of a mounted view.
 *
 * The process of the view loads what is added. It runs elsewhere in the tree, so a FILE is given to
 * it by its absolute path.
 */
#include <errno.h>
#include <getopt.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmd/ask.h"
#include "cmd/cmd.h"
#include "cmd/out.h"
#include "ctl/text.h"
#include "util/cleanup.h"

/*
 * Reads the options that all of these have, and wants n words. Answers an exit code; *ret_out is NULL
 * when there is nothing left to do.
 */
static int parse(const struct cmd *cmd, int argc, char **argv, int n, const struct out **ret_out)
{
	static const struct option long_options[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	const struct out *out = &out_text;
	int option;

	*ret_out = NULL;
	while ((option = getopt_long(argc, argv, ":h", long_options, NULL)) != -1) {
		if (option == 'j') {
			out = &out_json;
		} else if (option == 'h') {
			cmd_print_help(cmd);
			return CMD_OK;
		} else {
			return cmd_usage_error(cmd, "there is no option \"%s\"", argv[optind - 1]);
		}
	}
	if (argc - optind != n)
		return cmd_usage_error(cmd, "it takes %d argument%s, not %d", n, n > 1 ? "s" : "",
				       argc - optind);
	*ret_out = out;
	return CMD_OK;
}

/*
 * The spec as another process understands it: what has a '/' or ends in ".o" is a file. Commas of the
 * working directory's path are not those of the spec.
 */
static int make_absolute(const char *spec, char **ret_spec)
{
	_cleanup_(freep) char *directory = NULL;
	_cleanup_(freep) char *escaped = NULL;
	size_t n = strcspn(spec, ","), length = 0;
	int r;

	if (spec[0] == '/' ||
	    (!memchr(spec, '/', n) && (n < 3 || memcmp(spec + n - 2, ".o", 2) != 0))) {
		*ret_spec = strdup(spec);
		return *ret_spec ? 0 : -ENOMEM;
	}
	directory = getcwd(NULL, 0);
	if (!directory)
		return -errno;
	escaped = malloc(2 * strlen(directory) + 1);
	if (!escaped)
		return -ENOMEM;
	for (const char *p = directory; *p; p++) {
		if (*p == ',')
			escaped[length++] = '\\';
		escaped[length++] = *p;
	}
	escaped[length] = '\0';
	while (strncmp(spec, "./", 2) == 0)
		spec += 2;
	r = asprintf(ret_spec, "%s/%s", strcmp(escaped, "/") == 0 ? "" : escaped, spec);
	return r < 0 ? -ENOMEM : 0;
}

static int add_text(struct json_object *arguments, const char *member, const char *text)
{
	struct json_object *value = text_to_json(text);

	return value ? json_object_object_add(arguments, member, value) : -ENOMEM;
}

/* Calls a verb that changes the chain, with a name or a spec or both. */
static int change(const char *path, const char *verb, const char *name, const char *spec,
		  const struct out *out)
{
	struct json_object *arguments = json_object_new_object(), *reply = NULL;
	_cleanup_(freep) char *absolute = NULL;
	int r = arguments ? 0 : -ENOMEM;

	if (r >= 0 && spec)
		r = make_absolute(spec, &absolute);
	if (r >= 0 && name)
		r = add_text(arguments, "name", name);
	if (r >= 0 && absolute)
		r = add_text(arguments, "spec", absolute);
	if (r < 0) {
		cmd_error("%s: %s", spec ? spec : name, strerror(-r));
		json_object_put(arguments);
		return cmd_exit_code(r);
	}
	r = ask(path, verb, arguments, ASK_CHANGE_MS, &reply);
	if (r == CMD_OK)
		out->filter_change(reply);
	json_object_put(arguments);
	json_object_put(reply);
	return r;
}

static int run_list(const struct cmd *cmd, int argc, char **argv)
{
	struct json_object *reply = NULL;
	const struct out *out;
	int r;

	r = parse(cmd, argc, argv, 1, &out);
	if (!out)
		return r;
	r = ask(argv[optind], "filter-list", NULL, ASK_MS, &reply);
	if (r == CMD_OK)
		out->filter_list(reply);
	json_object_put(reply);
	return r;
}

static int run_stat(const struct cmd *cmd, int argc, char **argv)
{
	struct json_object *reply = NULL;
	const struct out *out;
	int r;

	r = parse(cmd, argc, argv, 1, &out);
	if (!out)
		return r;
	r = ask(argv[optind], "filter-stat", NULL, ASK_MS, &reply);
	if (r == CMD_OK)
		out->filter_stat(reply);
	json_object_put(reply);
	return r;
}

static int run_add(const struct cmd *cmd, int argc, char **argv)
{
	const struct out *out;
	int r;

	r = parse(cmd, argc, argv, 2, &out);
	return out ? change(argv[optind], "filter-add", NULL, argv[optind + 1], out) : r;
}

static int run_remove(const struct cmd *cmd, int argc, char **argv)
{
	const struct out *out;
	int r;

	r = parse(cmd, argc, argv, 2, &out);
	return out ? change(argv[optind], "filter-remove", argv[optind + 1], NULL, out) : r;
}

static int run_replace(const struct cmd *cmd, int argc, char **argv)
{
	const struct out *out;
	int r;

	r = parse(cmd, argc, argv, 3, &out);
	if (!out)
		return r;
	return change(argv[optind], "filter-replace", argv[optind + 1], argv[optind + 2], out);
}

const struct cmd cmd_filter_list = {
	.name = "filter list",
	.arguments = "[--json] MOUNTPOINT",
	.summary = "the filters of a view, in the order in which they run",
	.help = "Lists the filters of the view at MOUNTPOINT, in the order in which they run before an\n"
		"operation, and the files that were open when a filter for data came: the kernel goes\n"
		"on reading and writing these by itself until they are closed.\n"
		"\n"
		"  --json   one JSON object\n",
	.run = run_list,
};

const struct cmd cmd_filter_stat = {
	.name = "filter stat",
	.arguments = "[--json] MOUNTPOINT",
	.summary = "how often their programs ran, with what result, and for how long",
	.help = "Prints a line for each program of each filter: how often it ran; how many runs ended\n"
		"in an error that it chose; how many answered the operation; how many were bad, that\n"
		"is, failed or left what may not be, so that the operation failed with EIO; and how\n"
		"long one run took in the mean.\n"
		"\n"
		"  --json   one JSON object\n",
	.run = run_stat,
};

const struct cmd cmd_filter_add = {
	.name = "filter add",
	.arguments = "[--json] MOUNTPOINT SPEC",
	.summary = "add a filter behind those that are there",
	.help = "Adds the filter SPEC to the view at MOUNTPOINT, behind those that are there. It holds\n"
		"for all operations that begin after the command has returned.\n"
		"\n"
		"  --json   what `filter list` prints, as one JSON object\n",
	.run = run_add,
};

const struct cmd cmd_filter_remove = {
	.name = "filter remove",
	.arguments = "[--json] MOUNTPOINT NAME",
	.summary = "take a filter away",
	.help = "Takes the filter NAME (see `filter list`) away from the view at MOUNTPOINT.\n"
		"\n"
		"  --json   what `filter list` prints, as one JSON object\n",
	.run = run_remove,
};

const struct cmd cmd_filter_replace = {
	.name = "filter replace",
	.arguments = "[--json] MOUNTPOINT NAME SPEC",
	.summary = "put another, or the same with other options, in the place of a filter",
	.help = "Puts the filter SPEC in the place of the filter NAME, at once: no operation runs with\n"
		"both or with neither.\n"
		"\n"
		"  --json   what `filter list` prints, as one JSON object\n",
	.run = run_replace,
};
