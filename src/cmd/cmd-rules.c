// SPDX-License-Identifier: LGPL-2.1-or-later
/* penstock rules check, explain: reads files of rules, and needs no view. No state, no locks. */
#include "cmd/cmd.h"
#include "rules/filters.h"
#include "ctl/json.h"
#include "rules/check.h"
#include "rules/explain.h"
#include "util/cleanup.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

/* Reads the rules for a command, and prints an error. Returns an exit code. */
static int read_rules(const char *path, struct rules *ret_rules)
{
	struct pst_error error;
	int r = rules_read(path, ret_rules, &error);

	if (r == 0)
		return CMD_OK;
	cmd_error("%s", error.text);
	return r == -ENOMEM ? CMD_SYSTEM : CMD_FAILED;
}

/* Adds the place and the text of a line. */
static void add_line(struct json_object *object, const struct rules *rules, const struct rule *rule)
{
	_cleanup_(freep) char *text = NULL;
	char verb[200];

	json_add_text(object, "file", rules->file[rule->file]);
	json_add_number(object, "line", rule->line);
	if (asprintf(&text, "%s %s", rule_verb(rule, verb, sizeof(verb)), rule->pattern.text) > 0)
		json_add_text(object, "rule", text);
}

/* -- check ------------------------------------------------------------------------------------- */

struct findings {
	const struct rules *rules;
	struct json_object *list;
};

static void add_wrong(void *aux, const char *file, unsigned int line, const char *text)
{
	struct findings *findings = aux;
	struct json_object *finding = json_append_object(findings->list);

	json_add_text(finding, "file", file);
	json_add_number(finding, "line", line);
	json_add_text(finding, "text", text);
}

static void add_finding(void *aux, const struct rule *rule, const char *text)
{
	struct findings *findings = aux;
	struct json_object *finding = json_append_object(findings->list);

	add_line(finding, findings->rules, rule);
	json_add_text(finding, "text", text);
}

/* Adds what is wrong with the rules in a file. Returns 0, or -errno and *error. */
static int find_mistakes(const char *path, struct findings *findings, struct rules *rules,
			 struct pst_error *error)
{
	_cleanup_(rules_filters_fini) struct rules_filters filters = { 0 };
	int r = rules_read_all(path, rules, add_wrong, findings, error);

	/* Other findings would be about lines that are missing. */
	if (r < 0 || json_object_array_length(findings->list))
		return r;
	rules_check(rules, add_finding, findings);
	return rules_filters_make(path, &filters, error);
}

int cmd_rules_check(struct cmd_call *call)
{
	_cleanup_(rules_fini) struct rules rules = { 0 };
	struct json_object *answer = json_object_new_object();
	struct findings findings = { .rules = &rules };
	struct pst_error error;
	int r, n;

	json_add_number(answer, "version", 1);
	json_add_text(answer, "file", call->words[0]);
	findings.list = json_add_array(answer, "findings");
	r = find_mistakes(call->words[0], &findings, &rules, &error);
	if (r < 0) {
		cmd_error("%s", error.text);
		json_object_put(answer);
		return r == -ENOMEM ? CMD_SYSTEM : CMD_FAILED;
	}
	json_add_number(answer, "patterns", rules.n);
	n = (int)json_object_array_length(findings.list);
	cmd_answer(call, answer);
	return n ? CMD_FAILED : CMD_OK;
}

static void warn(void *aux, const struct rule *rule, const char *text)
{
	const struct rules *rules = aux;

	cmd_error("warning: %s:%u: the line %s", rules->file[rule->file], rule->line, text);
}

void cmd_warn_rules(const char *path)
{
	_cleanup_(rules_fini) struct rules rules = { 0 };
	struct pst_error error;

	if (path && rules_read(path, &rules, &error) == 0)
		rules_check_syntax(&rules, warn, &rules);
}

/* -- explain ----------------------------------------------------------------------------------- */

int cmd_rules_explain(struct cmd_call *call)
{
	_cleanup_(rules_fini) struct rules rules = { 0 };
	struct rule_explanation explanation;
	const char *path = call->words[1];
	struct json_object *answer, *reasons;
	int code = read_rules(call->words[0], &rules), r;

	if (code != CMD_OK)
		return code;
	r = rules_explain(&rules, path, &explanation);
	if (r < 0) {
		cmd_error("%s: %s", path,
			  r == -EINVAL ? "write the path from the root of the view, without .." :
					 strerror(-r));
		return r == -EINVAL ? CMD_USAGE : CMD_SYSTEM;
	}
	answer = json_object_new_object();
	json_add_number(answer, "version", 1);
	json_add_text(answer, "path", path);
	/* The names of the path up to the hidden one; 0 if the file is shown. */
	json_add_number(answer, "n_hidden", explanation.n_hidden);
	reasons = json_add_array(answer, "reasons");
	for (size_t i = 0; i < explanation.n; i++) {
		const struct rule_reason *row = &explanation.row[i];
		struct json_object *reason = json_append_object(reasons);

		json_add_text(reason, "what", row->what);
		if (row->by)
			add_line(reason, &rules, row->by);
		if (row->means)
			json_add_text(reason, "means", row->means);
	}
	cmd_answer(call, answer);
	return CMD_OK;
}
