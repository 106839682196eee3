// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Fuzzes files of rules. The text before the first NUL are the rules, each text behind it is a name
 * of one path. The automaton and the lines must agree about the path.
 */
#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "rules/automaton.h"
#include "rules/decide.h"
#include "util/cleanup.h"

#define MAX_NAMES 6
#define PAIRS     (1u << RULE_HIDE | 1u << RULE_READONLY | 1u << RULE_DENY)

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void compare(const struct rules *rules, const struct automaton *automaton, const char *name,
		    const char *end)
{
	const char *names[MAX_NAMES];
	struct rule_path path = { names, 0, false };
	uint64_t cell = automaton->facts.start;

	for (; name < end && path.n < MAX_NAMES; name += strlen(name) + 1) {
		struct automaton_file file;
		struct decided decided;

		if (!*name || strchr(name, '/'))
			return;
		names[path.n++] = name;
		path.is_dir = name + strlen(name) + 1 < end;
		automaton_step(automaton, cell, name, path.is_dir, &file);
		rules_decide(rules, &path, &decided);
		assert(decided.hidden == ((file.value & PST_RULE_HIDE) && !file.on_way));
		if (decided.hidden)
			return;
		assert(decided_value(&decided, PAIRS) == file.value);
		cell = file.cell;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	_cleanup_(rules_fini) struct rules rules = { 0 };
	_cleanup_(automaton_fini) struct automaton automaton = { 0 };
	_cleanup_(freep) char *text = malloc(len + 1);
	struct pst_error error;
	int r;

	memcpy(text, bytes, len);
	text[len] = '\0';
	r = rules_parse("fuzz", text, strlen(text), &rules, &error);
	assert(r == 0 || error.text[0]);
	if (r < 0)
		return 0;
	/* More patterns can make an automaton that takes a second to refuse. */
	if (rules.n > 12)
		return 0;
	r = automaton_compile(&rules, PAIRS, &automaton, &error);
	assert(r == 0 || (r == -E2BIG && error.text[0]));
	if (r == 0)
		compare(&rules, &automaton, text + strlen(text) + 1, text + len);
	return 0;
}
