// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Commands that send one request to the process of a view and print the reply: penstock stat, and
 * filter list, stat, add, remove and replace. The row of the command has the verb, and the names of
 * its arguments in the request.
 *
 * The process of the view opens the object of a filter, from a working directory of its own, so a
 * FILE is sent as an absolute path.
 */
#include "cmd/ask.h"
#include "cmd/cmd.h"
#include "ctl/flags.h"
#include "ctl/json.h"
#include "util/cleanup.h"

#include <penstock/penstock.h>

#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Returns the length of the NAME or FILE of a spec. It ends at a comma without a backslash. */
static size_t file_length(const char *spec)
{
	size_t n = 0;

	while (spec[n] && spec[n] != ',')
		n += spec[n] == '\\' && spec[n + 1] ? 2 : 1;
	return n;
}

/*
 * Makes the FILE of a spec absolute; a spec that begins with a NAME stays as it is. A FILE has a
 * '/' or ends in ".o". Escapes commas in the path of the working directory, because a comma ends
 * the FILE. Returns 0 or -errno; *ret_spec is the caller's.
 */
static int make_absolute(const char *spec, char **ret_spec)
{
	_cleanup_(freep) char *directory = NULL;
	_cleanup_(freep) char *escaped = NULL;
	size_t n = file_length(spec), length = 0;
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

static int add_member(struct json_object *arguments, const char *member, const char *word)
{
	_cleanup_(freep) char *absolute = NULL;
	int r = 0;

	if (strcmp(member, "spec") == 0)
		r = make_absolute(word, &absolute);
	if (r == 0)
		json_add_text(arguments, member, absolute ? absolute : word);
	return r;
}

int cmd_view(struct cmd_call *call)
{
	struct json_object *arguments = json_object_new_object(), *reply = NULL;
	const struct cmd *cmd = call->cmd;
	int code = CMD_OK, n;

	for (n = 0; n < 2 && cmd->members[n] && code == CMD_OK; n++) {
		const char *word = call->words[1 + n];
		int r = add_member(arguments, cmd->members[n], word);

		if (r < 0)
			cmd_error("%s: %s", word, strerror(-r));
		code = cmd_exit_code(r);
	}
	if (code == CMD_OK)
		code = ask(call->words[0], cmd->verb, arguments, n ? ASK_CHANGE_MS : ASK_MS, &reply,
			   NULL);
	if (code == CMD_OK)
		cmd_answer(call, reply);
	json_object_put(arguments);
	return code;
}

int cmd_installed_filters(struct pst_filter **ret_rows, size_t *ret_n)
{
	struct pst_filter *rows;
	size_t n, n_now;
	int r = pst_filter_list(NULL, 0, &n);

	if (r < 0)
		return r;
	rows = calloc(n + 1, sizeof(*rows));
	r = rows ? pst_filter_list(rows, n, &n_now) : -ENOMEM;
	if (r < 0) {
		free(rows);
		return r;
	}
	*ret_rows = rows;
	*ret_n = n_now < n ? n_now : n;
	return 0;
}

static int list_installed(struct cmd_call *call)
{
	_cleanup_(freep) struct pst_filter *rows = NULL;
	struct json_object *answer, *filters;
	size_t n;
	int r = cmd_installed_filters(&rows, &n);

	if (r < 0) {
		cmd_error("cannot list the installed filters: %s", strerror(-r));
		return cmd_exit_code(r);
	}
	answer = json_object_new_object();
	json_add_number(answer, "version", 1);
	filters = json_add_array(answer, "installed");
	for (size_t i = 0; i < n; i++) {
		struct json_object *filter = json_append_object(filters);

		json_add_text(filter, "name", rows[i].name);
		json_add_text(filter, "file", rows[i].file);
		json_add_text(filter, "summary", rows[i].summary);
		json_object_object_add(filter, "flags", flags_to_json(rows[i].flags));
	}
	cmd_answer(call, answer);
	return CMD_OK;
}

int cmd_filter_list(struct cmd_call *call)
{
	return call->words[0] ? cmd_view(call) : list_installed(call);
}
