// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Parses rules for permissions: octal numbers, and words as chmod(1) and bindfs(1) take them. No
 * state, no locks.
 */
#include "ebpf/value-perms.h"
#include "util/log.h"
#include "util/parse.h"

#include <errno.h>
#include <string.h>

#define WHO  "ugoadf"
#define OPS  "=+-"
#define WHAT "rwxXDugo"

static int refuse_rule(const char *rule, const char *why, struct pst_error *error)
{
	return error_set(error, -EINVAL,
			 "the rule '%.60s' %s: write rules such as 0644, go-w, a+X (x for "
			 "directories and programs), u=rwD (x for directories only) or fg-x (files "
			 "only), separated by ':'",
			 rule, why);
}

/* "0644": at most three digits that count, because set-ID and sticky bits do not change. */
static int parse_octal(const char *text, struct pst_perm_rule *ret_rule, struct pst_error *error)
{
	unsigned int bits = 0;

	for (const char *p = text; *p; p++) {
		if (*p < '0' || *p > '7')
			return refuse_rule(text, "is no octal number", error);
		bits = bits << 3 | (unsigned int)(*p - '0');
		if (bits > 07777)
			break;
	}
	if (bits > 0777)
		return refuse_rule(text,
				   "is greater than 0777, and set-ID and sticky bits stay "
				   "those of the file",
				   error);
	*ret_rule = (struct pst_perm_rule){
		.who = 0777, .bits = (uint16_t)bits, .op = '=', .files = 1, .dirs = 1
	};
	return 0;
}

static uint16_t who_of(char c)
{
	switch (c) {
	case 'u':
		return 0700;
	case 'g':
		return 0070;
	case 'o':
		return 0007;
	case 'a':
		return 0777;
	default:
		return 0;
	}
}

static void add_what(struct pst_perm_rule *rule, char c)
{
	static const char copies[] = "ugoXD"; /* in the order of enum pst_perm_copy */
	const char *copy = strchr(copies, c);

	if (copy)
		rule->copy |= (uint8_t)(1 << (copy - copies));
	else
		rule->bits |= c == 'r' ? 0444 : c == 'w' ? 0222 : 0111;
}

/* "go-w": whom it concerns, an operator, permissions. */
static int parse_words(const char *text, struct pst_perm_rule *ret_rule, struct pst_error *error)
{
	size_t n_who = strspn(text, WHO);
	const char *what = text + n_who + 1;
	struct pst_perm_rule rule = { 0 };

	if (!text[n_who] || !strchr(OPS, text[n_who]))
		return refuse_rule(text, "has no =, + or - behind u, g, o, a, d or f", error);
	for (size_t i = 0; i < n_who; i++) {
		rule.who |= who_of(text[i]);
		rule.dirs |= text[i] == 'd';
		rule.files |= text[i] == 'f';
	}
	if (!rule.who)
		rule.who = 0777;
	if (!rule.dirs && !rule.files)
		rule.dirs = rule.files = 1;
	rule.op = (uint8_t)text[n_who];
	if (what[strspn(what, "st" WHAT)] == '\0' && what[strspn(what, WHAT)])
		return refuse_rule(text,
				   "changes set-ID or sticky bits, which stay those of the "
				   "file",
				   error);
	if (what[strspn(what, WHAT)])
		return refuse_rule(text, "has a permission other than r, w, x, X, D, u, g and o",
				   error);
	for (const char *p = what; *p; p++)
		add_what(&rule, *p);
	*ret_rule = rule;
	return 0;
}

int value_perms(char *list, struct pst_perms *ret, struct pst_error *error)
{
	struct pst_perms perms = { 0 };
	char *rest = list;

	while (rest) {
		const char *text = parse_part(&rest, ':', false);
		int r;

		if (perms.n == PST_MAX_PERM_RULES)
			return error_set(error, -E2BIG, "there are too many rules: give at most %d",
					 PST_MAX_PERM_RULES);
		if (!*text)
			return refuse_rule(text, "is empty", error);
		r = (*text >= '0' && *text <= '9' ? parse_octal : parse_words)(
			text, &perms.rule[perms.n++], error);
		if (r < 0)
			return r;
	}
	*ret = perms;
	return 0;
}
