// SPDX-License-Identifier: LGPL-2.1-or-later
/* Rules: what their lines mean, errors in them, and the automaton. */
#include "../test.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "random-rules.h"
#include "rules/automaton.h"
#include "rules/check.h"
#include "rules/decide.h"
#include "rules/explain.h"
#include "util/cleanup.h"

#define ALL_PAIRS ((1u << _RULE_PAIRS) - 1)

static void parse(struct rules *rules, const char *text)
{
	struct pst_error error;

	if (rules_parse("rules", text, strlen(text), rules, &error) < 0)
		fail_msg("%s in\n%s", error.text, text);
}

#define MAX_NAMES 8

/* A path of a test, "src/main.c" or "src/". */
struct names {
	char text[256];
	const char *name[MAX_NAMES];
	struct rule_path path;
};

static void split(struct names *names, const char *text)
{
	char *rest = names->text, *name;
	size_t len = strlen(text), n = 0;

	strcpy(names->text, text);
	names->path.is_dir = len && text[len - 1] == '/';
	while ((name = strsep(&rest, "/")))
		if (*name)
			names->name[n++] = name;
	names->path.n = n;
	names->path.name = names->name;
}

/* -- meaning ----------------------------------------------------------------------------------- */

/* Describes a file: hidden, way, and the values of its lines. */
static void describe(const struct rules *rules, const char *text, char *buf, size_t size)
{
	struct decided decided;
	struct names names;

	split(&names, text);
	rules_decide(rules, &names.path, &decided);
	snprintf(buf, size, "%s%s%s",
		 decided.hidden ? "hidden" :
		 decided.on_way ? "way" :
				  "shown",
		 decided.by[RULE_READONLY] && !decided.by[RULE_READONLY]->opposite ? " ro" : "",
		 decided.by[RULE_MASK] && !decided.by[RULE_MASK]->opposite ? " masked" : "");
}

TEST(last_line_that_matches_decides, state)
{
	static const struct {
		const char *rules, *path, *result;
	} rows[] = {
		{ "hide *.key", "a.key", "hidden" },
		{ "hide *.key", "src/a.key", "hidden" },
		{ "hide *.key\nallow test.key", "test.key", "shown" },
		{ "allow test.key\nhide *.key", "test.key", "hidden" },
		{ "hide *.key !test.key", "test.key", "shown" },
		{ "hide /a", "b/a", "shown" },
		{ "hide a/b", "x/a/b", "shown" },
		{ "hide **/a/b", "x/a/b", "hidden" },
		{ "hide build/", "build", "shown" },
		{ "hide build/", "build/", "hidden" },
		{ "hide build/", "build/x", "hidden" },
		/* An allow-list. */
		{ "hide *\nallow src/**", "src/", "way" },
		{ "hide *\nallow src/**", "src/a/b.c", "shown" },
		{ "hide *\nallow src/**", "doc/", "hidden" },
		{ "hide *\nallow src/**", "src", "hidden" },
		{ "hide *\nallow /src/lib/*.c", "src/lib/", "way" },
		{ "hide *\nallow /src/lib/*.c", "src/lib/x.h", "hidden" },
		{ "hide *\nallow /src/lib/*.c", "src/lib/x.c", "shown" },
		{ "hide *\nallow /src/lib/*.c", "src/other/", "hidden" },
		{ "hide *\nallow **/*.c", "any/where/x.c", "shown" },
		/* A name alone names no way. */
		{ "hide secret/\nallow *.md", "secret/", "hidden" },
		{ "hide secret/\nallow **/*.md", "secret/", "way" },
		{ "hide secret/\nallow **/*.md", "secret/a.md", "shown" },
		{ "hide secret/\nallow **/*.md", "secret/a.txt", "hidden" },
		/* A directory of a first verb holds for all below, unless a later line matches. */
		{ "allow /a/b\nhide /a", "a/b", "hidden" },
		{ "readonly vendor/", "vendor/x/y", "shown ro" },
		{ "readonly vendor/\nwritable vendor/x", "vendor/x/y", "shown" },
		{ "writable *.log\nreadonly /srv", "srv/a.log", "shown ro" },
		{ "readonly /\nwritable /tmp", "tmp/x", "shown" },
		{ "readonly /\nwritable /tmp", "src/x", "shown ro" },
		{ "readonly /", "", "shown ro" },
		/* A second verb holds for what is below only if no other line matches. */
		{ "readonly *.c\nwritable src/", "src/a.c", "shown ro" },
		{ "readonly *.c\nwritable src/**", "src/a.c", "shown" },
		/* Pairs are apart. */
		{ "mask .env\nreadonly .env\nunmask .env", ".env", "shown ro" },
		{ "mask(values) .env # secrets\n\n# readonly .env", "a/.env", "shown masked" },
		{ "hide a\\ b \\#c \\!d", "a b", "hidden" },
		{ "hide a\\ b \\#c \\!d", "#c", "hidden" },
		{ "hide a\\ b \\#c \\!d", "!d", "hidden" },
		{ "hide [[:digit:]]*", "1x", "hidden" },
		{ "hide [!a-c]", "d", "hidden" },
		{ "hide [!a-c]", "b", "shown" },
		{ "hide a**b", "axxb", "hidden" },
		{ "hide \\**", "*x", "hidden" },
		{ "hide \\**", "xx", "shown" },
		{ "hide ???", "\xc3\xa4x", "hidden" },
	};

	for (size_t i = 0; i < N(rows); i++) {
		_cleanup_(rules_fini) struct rules rules = { 0 };
		char result[64];

		parse(&rules, rows[i].rules);
		describe(&rules, rows[i].path, result, sizeof(result));
		if (strcmp(result, rows[i].result) != 0)
			fail_msg("%s is %s, not %s, by\n%s", rows[i].path, result, rows[i].result,
				 rows[i].rules);
	}
}

TEST(values_of_lines_are_those_of_filters, state)
{
	static const struct {
		const char *rules;
		unsigned int pair;
		uint64_t value;
	} rows[] = {
		{ "hide x", RULE_HIDE, PST_RULE_HIDE },
		{ "readonly x", RULE_READONLY, PST_RULE_READONLY },
		{ "deny(unlink, rename) x", RULE_DENY, PST_RULE_UNLINK | PST_RULE_RENAME },
		{ "deny(unlink,rename) x\ndeny(rename) !x", RULE_DENY, PST_RULE_UNLINK },
		{ "deny(unlink) x\ndeny(exec) /", RULE_DENY, PST_RULE_UNLINK | PST_RULE_EXEC },
		{ "mask x", RULE_MASK, PST_RULE_MASK_BLANK },
		{ "mask(values) x", RULE_MASK, PST_RULE_MASK_VALUES },
		{ "mask(values) x\nmask(empty) ?", RULE_MASK, PST_RULE_MASK_EMPTY },
		{ "owner 1000:100", RULE_OWNER, 1001 | 101ULL << 32 },
		{ "owner 1000 x", RULE_OWNER, 1001 },
		{ "owner :0 x", RULE_OWNER, 1ULL << 32 },
		{ "owner 7:7 !x", RULE_OWNER, 0 },
		{ "audit changes", RULE_AUDIT, PST_RULE_AUDIT_CHANGES },
		{ "audit all x\naudit changes !x", RULE_AUDIT, 0 },
	};

	for (size_t i = 0; i < N(rows); i++) {
		_cleanup_(rules_fini) struct rules rules = { 0 };
		struct decided decided;
		struct names names;

		parse(&rules, rows[i].rules);
		split(&names, "x");
		rules_decide(&rules, &names.path, &decided);
		assert_int_equal(decided_value(&decided, 1u << rows[i].pair), rows[i].value);
	}
}

/* -- errors ------------------------------------------------------------------------------------ */

TEST(errors_name_file_line_and_remedy, state)
{
	static const struct {
		const char *text, *error;
	} rows[] = {
		{ "hide a\nhidden b\n",
		  "rules:2: there is no verb 'hidden': did you mean 'hide'?" },
		{ "permit a", "rules:1: there is no verb 'permit'" },
		{ "hide", "rules:1: the line has no pattern" },
		{ "hide # a", "rules:1: the line has no pattern" },
		{ "hide a\r\n", "dos2unix" },
		{ "hide \xff\n", "0xff) that is not UTF-8" },
		{ "\xef\xbb\xbfhide a", "byte order mark" },
		{ "hide [a", "write \\[ for the character" },
		{ "hide []", "write \\[ for the character" },
		{ "hide [a/b]", "write \\[ for the character" },
		{ "hide [[:foo:]]", "class that does not exist" },
		{ "hide [\xc3\xa4]", "not ASCII" },
		{ "hide a\\", "ends in a backslash" },
		{ "hide a\\/b", "backslash before a '/'" },
		{ "hide a//b", "two '/' in a row" },
		{ "hide ./a", "has the component '.'" },
		{ "hide ../a", "has the component '..'" },
		{ "hide !", "a '!' stands alone" },
		{ "deny a", "deny takes operations in parentheses" },
		{ "deny(unlnk) a", "did you mean 'unlink'?" },
		{ "deny(unlink a", "close the parenthesis" },
		{ "deny(unlink)a", "close the parenthesis" },
		{ "mask(value) a", "did you mean 'values'?" },
		{ "hide(x) a", "takes nothing in parentheses" },
		{ "owner root /", "owner takes the numbers" },
		{ "owner 4294967295", "owner takes the numbers" },
		{ "audit", "audit takes the word changes or all" },
		{ "audit /src", "'/src' is none of changes, all" },
		{ "include x", "include has no meaning here" },
	};

	for (size_t i = 0; i < N(rows); i++) {
		struct rules rules;
		struct pst_error error = { 0 };

		assert_true(rules_parse("rules", rows[i].text, strlen(rows[i].text), &rules,
					&error) < 0);
		if (!strstr(error.text, rows[i].error) &&
		    !(strcmp(rows[i].error, "dos2unix") == 0 && strstr(error.text, "CR LF")))
			fail_msg("'%s' in: %s", rows[i].error, error.text);
	}
}

static char folder[64];

static int make_folder(void **state)
{
	strcpy(folder, "/tmp/penstock-rules-XXXXXX");
	return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command);
}

/* Writes a file of the folder, and returns its path. */
static const char *file_with(const char *name, const char *text, size_t size)
{
	static char path[128];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	file = fopen(path, "w");
	assert_non_null(file);
	assert_int_equal(fwrite(text, 1, size, file), size);
	fclose(file);
	return path;
}

static void refuse_file(const char *path, const char *why)
{
	struct rules rules;
	struct pst_error error = { 0 };

	assert_true(rules_read(path, &rules, &error) < 0);
	if (!strstr(error.text, why))
		fail_msg("'%s' in: %s", why, error.text);
}

TEST_WITH(included_files_are_read_in_place, state, make_folder, remove_folder)
{
	static const char text[] = "hide a\ninclude sub\\ 1.rules\nhide c\n";
	_cleanup_(rules_fini) struct rules rules = { 0 };
	struct pst_error error;

	file_with("sub 1.rules", "allow b\n", 8);
	if (rules_read(file_with("main", text, strlen(text)), &rules, &error) < 0)
		fail_msg("%s", error.text);
	assert_int_equal(rules.n, 3);
	assert_string_equal(rules.row[1].pattern.text, "b");
	assert_non_null(strstr(rules.file[rules.row[1].file], "/sub 1.rules"));
	assert_int_equal(rules.row[1].line, 1);
	assert_int_equal(rules.row[2].line, 3);
}

TEST_WITH(files_that_cannot_be_rules_are_refused, state, make_folder, remove_folder)
{
	_cleanup_(freep) char *large = calloc(1, (1 << 20) + 1);

	memset(large, '\n', (1 << 20) + 1);
	refuse_file(file_with("large", large, (1 << 20) + 1), "rules at most 1048576");
	refuse_file(file_with("nul", "hide a\0b\n", 9), "nul:1: the line has a NUL byte");
	refuse_file(folder, "is not a regular file");
	file_with("b", "\ninclude a\n", 11);
	refuse_file(file_with("a", "include b\n", 10), "a:1: ");
	refuse_file(file_with("a", "include b\n", 10), "b:2: ");
	refuse_file(file_with("a", "include b\n", 10), "is included by itself");
	refuse_file(file_with("a", "include none\n", 13), "cannot read the rules");
}

/* -- findings and explanations ---------------------------------------------------------------- */

static void collect(void *aux, const struct rule *rule, const char *text)
{
	char *all = aux;

	sprintf(all + strlen(all), "%u: %.300s\n", rule->line, text);
}

TEST(check_finds_likely_mistakes, state)
{
	static const struct {
		const char *rules, *finding; /* "": none */
	} rows[] = {
		{ "hide *.key\nallow test.key\nreadonly vendor/\n", "" },
		{ "hide *\nallow src/**\nallow README\n", "" },
		{ "hide a\nallow a\n", "1: contradicts 'allow a' in line 2" },
		{ "hide a\nhide b\nhide a\n", "1: is there again in line 3" },
		{ "hide a.key\nhide *.key\n", "1: never decides, because 'hide *.key' in line 2" },
		{ "hide /src/a\nhide /src\n", "1: never decides" },
		{ "hide /src/a\nallow /src\n", "" },
		{ "readonly /src/a\nreadonly /src\nwritable /src/a\n", "1: contradicts" },
		{ "deny(unlink) a\ndeny(rename) a\n", "" },
		{ "deny(unlink) a\ndeny(unlink,rename) a\n", "1: is there again" },
		{ "allow a\nhide *.key\n", "1: has no effect, because no line before it" },
		{ "deny(unlink) !a\n", "1: has no effect" },
		{ "hide *\nallow src/\n", "2: holds for the directory only" },
		{ "hide *\nallow *.c\n", "2: shows files in the root of the view only" },
		{ "hide /a\nreadonly /a/b\n", "2: has no effect, because line 1 hides" },
		{ "hide \"a\"\n", "1: has a quotation mark" },
		{ "hide a, b\n", "blanks separate patterns here, not ','" },
		{ "hide .env:*.key\n", "blanks separate patterns here, not ':'" },
		{ "hide ~/.ssh\n", "neither ~ nor variables" },
		{ "hide *.{a,b}\n", "has braces" },
		{ "hide .env,*.key\n",
		  "1: has '.env,*.key': blanks separate patterns here, not ','" },
		{ "hide a;b\n", "not ';'; write '\\;'" },
		{ "hide a\\,b\n", "" },
		{ "mask (values) .env\n", "write it directly behind the verb" },
		{ "hide .env:.git\n", "not ':'" },
	};

	for (size_t i = 0; i < N(rows); i++) {
		_cleanup_(rules_fini) struct rules rules = { 0 };
		char all[4096] = "";

		parse(&rules, rows[i].rules);
		rules_check(&rules, collect, all);
		if (*rows[i].finding ? !strstr(all, rows[i].finding) : *all)
			fail_msg("'%s' found in\n%s, not '%s'", all, rows[i].rules,
				 rows[i].finding);
	}
}

static void collect_wrong(void *aux, const char *file, unsigned int line, const char *text)
{
	char *all = aux;

	sprintf(all + strlen(all), "%s:%u: %.300s\n", strrchr(file, '/') + 1, line, text);
}

/* A reader of all lines gets each wrong line, and the rules of the others. */
TEST_WITH(each_wrong_line_is_found, state, make_folder, remove_folder)
{
	static const char text[] =
		"hied a\nhide b\n.env\nmask(x) c\ninclude sub\nhide d\n!hide e\n";
	static const char sub[] = "hide\nhide e\n";
	_cleanup_(rules_fini) struct rules rules = { 0 };
	struct pst_error error;
	char all[4096] = "";

	file_with("sub", sub, sizeof(sub) - 1);
	assert_int_equal(rules_read_all(file_with("top", text, sizeof(text) - 1), &rules,
					collect_wrong, all, &error),
			 0);
	assert_int_equal(rules.n, 3);
	assert_non_null(strstr(all, "top:1: there is no verb 'hied'"));
	assert_non_null(strstr(all, "top:3: '.env' is no verb"));
	assert_non_null(strstr(all, "top:4: 'x' is none of"));
	assert_non_null(strstr(all, "sub:1: the line has no pattern"));
	assert_non_null(strstr(all, "top:7: there is no verb '!hide'"));
}

TEST(explanation_names_lines_and_effects, state)
{
	static const struct {
		const char *path, *what;
		unsigned int line; /* 0: none */
	} rows[] = {
		{ "a.key", "hidden", 1 },
		{ "src/a.key", "hidden", 1 },
		{ "test.key", "shown", 2 },
		{ "main.c", "shown", 0 },
		{ "sec/", "shown as a directory on the way", 3 },
		{ "sec/x/y", "hidden", 3 },
		{ "vendor/x", "read-only", 5 },
		{ "vendor/x", "denied: unlink, rename", 6 },
		{ ".env", "masked", 7 },
		{ "/", "owner 1000, group as below", 8 },
		{ "vendor/x", "audited", 9 },
	};
	_cleanup_(rules_fini) struct rules rules = { 0 };

	parse(&rules,
	      "hide *.key\nallow test.key\nhide /sec\nallow /sec/pub/**\nreadonly vendor/\n"
	      "deny(unlink,rename) /vendor\nmask(values) .env\nowner 1000\naudit changes\n");
	for (size_t i = 0; i < N(rows); i++) {
		struct rule_explanation explanation;
		bool found = false;

		assert_int_equal(rules_explain(&rules, rows[i].path, &explanation), 0);
		for (size_t k = 0; k < explanation.n; k++) {
			const struct rule_reason *row = &explanation.row[k];

			if (strcmp(row->what, rows[i].what) == 0)
				found |= (row->by ? row->by->line : 0) == rows[i].line;
		}
		if (!found)
			fail_msg("%s: not '%s' by line %u, but '%s'", rows[i].path, rows[i].what,
				 rows[i].line, explanation.row[0].what);
	}
}

/* -- the automaton ----------------------------------------------------------------------------- */

static void compile(const struct rules *rules, unsigned int pairs, struct automaton *automaton)
{
	struct pst_error error;

	if (automaton_compile(rules, pairs, automaton, &error) < 0)
		fail_msg("%s", error.text);
}

/* Compares the automaton with the lines, on each directory of a path that is not hidden. */
static void compare(const struct rules *rules, const struct automaton *automaton,
		    unsigned int pairs, const struct rule_path *path)
{
	uint64_t cell = automaton->facts.start;

	for (size_t n = 1; n <= path->n; n++) {
		struct rule_path part = *path;
		struct automaton_file file;
		struct decided decided;

		part.n = n;
		part.is_dir = n < path->n || path->is_dir;
		automaton_step(automaton, cell, path->name[n - 1], part.is_dir, &file);
		rules_decide(rules, &part, &decided);
		assert_int_equal(decided.hidden, (file.value & PST_RULE_HIDE) && !file.on_way &&
							 (pairs & 1u << RULE_HIDE));
		if (decided.hidden)
			return;
		assert_int_equal(decided_value(&decided, pairs), file.value);
		cell = file.cell;
	}
}

static void random_rules(struct random *random, struct rules *rules)
{
	static const char *const verbs[] = {
		"hide",          "hide",     "allow",        "allow",
		"readonly",      "writable", "deny(unlink)", "deny(unlink,rename)",
		"deny(exec) !x",
	};
	char text[4096], pattern[256];
	unsigned int n = 1 + random_below(random, 12);
	size_t len = 0;

	while (n--) {
		random_pattern(random, pattern);
		len += (size_t)sprintf(text + len, "%s %s\n", verbs[random_below(random, N(verbs))],
				       pattern);
	}
	text[len] = '\0';
	parse(rules, text);
}

TEST(automaton_decides_as_lines_do, state)
{
	static const unsigned int pairs = 1u << RULE_HIDE | 1u << RULE_READONLY | 1u << RULE_DENY;
	struct random random = { .state = 7 };

	for (int i = 0; i < 1500; i++) {
		_cleanup_(rules_fini) struct rules rules = { 0 };
		_cleanup_(automaton_fini) struct automaton automaton = { 0 };

		random_rules(&random, &rules);
		compile(&rules, pairs, &automaton);
		for (int k = 0; k < 50; k++) {
			const char *name[5];
			struct rule_path path = { name, 1 + random_below(&random, 5), k & 1 };

			for (size_t n = 0; n < path.n; n++)
				name[n] = random_names[random_below(&random, N(random_names))];
			compare(&rules, &automaton, pairs, &path);
		}
	}
}

TEST(automaton_of_mask_knows_how, state)
{
	_cleanup_(rules_fini) struct rules rules = { 0 };
	_cleanup_(automaton_fini) struct automaton automaton = { 0 };
	struct automaton_file file;

	parse(&rules, "hide .env\nmask *\nmask(values) /x\nunmask *.c\nmask(empty) e\n");
	compile(&rules, 1u << RULE_MASK, &automaton);
	automaton_step(&automaton, automaton.facts.start, ".env", false, &file);
	assert_int_equal(file.value, PST_RULE_MASK_BLANK);
	automaton_step(&automaton, automaton.facts.start, "a.c", false, &file);
	assert_int_equal(file.value, 0);
	automaton_step(&automaton, automaton.facts.start, "e", false, &file);
	assert_int_equal(file.value, PST_RULE_MASK_EMPTY);
	automaton_step(&automaton, automaton.facts.start, "x", true, &file);
	assert_int_equal(file.value, PST_RULE_MASK_VALUES);
	automaton_step(&automaton, file.cell, "a.c", false, &file);
	assert_int_equal(file.value, 0);
}

/* Writes n lines with a format that takes the number of the line three times. */
static char *many_lines(unsigned int n, const char *format)
{
	char *text = malloc(n * 100 + 1);
	size_t len = 0;

	assert_non_null(text);
	for (unsigned int i = 0; i < n; i++)
		len += (size_t)snprintf(text + len, 100, format, i, i, i);
	return text;
}

TEST(thousands_of_lines_make_a_small_automaton, state)
{
	static const char *const formats[] = {
		"hide name-%u.c\n",       "hide *.%u.key\n",     "hide /src/dir-%u/x/*.%u\n",
		"hide */a/%u\n",          "readonly %u-*/x\n",   "hide /a/b/c/%u\nallow /a/%u/%u\n",
		"hide a%u*\nhide *b%u\n", "hide **/.cache/%u\n", "deny(unlink) /var/**/%u.db\n",
	};

	for (size_t i = 0; i < N(formats); i++) {
		_cleanup_(rules_fini) struct rules rules = { 0 };
		_cleanup_(automaton_fini) struct automaton automaton = { 0 };
		_cleanup_(freep) char *text = many_lines(3000, formats[i]);

		parse(&rules, text);
		compile(&rules, ALL_PAIRS, &automaton);
		assert_true(automaton.n_nodes < 20000);
	}
}

TEST(rules_that_are_too_large_name_the_line, state)
{
	_cleanup_(rules_fini) struct rules rules = { 0 };
	_cleanup_(automaton_fini) struct automaton automaton = { 0 };
	_cleanup_(freep) char *text = many_lines(40, "hide /*%u*/x%u\n");
	struct pst_error error;

	parse(&rules, text);
	assert_int_equal(automaton_compile(&rules, ALL_PAIRS, &automaton, &error), -E2BIG);
	assert_non_null(strstr(error.text, "rules:1"));
	assert_non_null(strstr(error.text, "the rules are too large"));
}

TEST_MAIN(NULL, NULL)
