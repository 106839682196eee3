// SPDX-License-Identifier: LGPL-2.1-or-later
/* Explains decisions about files, for people. No state. */
#include "rules/explain.h"
#include "util/cleanup.h"
#include "util/name.h"

#include <errno.h>
#include <penstock/filter.h>
#include <stdio.h>
#include <string.h>

static struct rule_reason *add(struct rule_explanation *to, const char *what, const struct rule *by,
			       const char *means)
{
	struct rule_reason *row = &to->row[to->n++];

	*row = (struct rule_reason){ .by = by, .means = means };
	snprintf(row->what, sizeof(row->what), "%s", what);
	return row;
}

static void explain_name(const struct decided *decided, struct rule_explanation *to)
{
	const struct rule *by = decided->by[RULE_HIDE];

	if (decided->hidden)
		add(to, "hidden", by,
		    "callers find no such file (ENOENT), and cannot create it (EPERM)");
	else if (decided->on_way)
		add(to, "shown as a directory on the way", by,
		    "the line hides it, but a later allow may show a file below; all else in it "
		    "is hidden");
	else
		add(to, "shown", by, by ? NULL : "no line hides it");
}

static void explain_denied(const struct decided *decided, struct rule_explanation *to)
{
	for (unsigned int bit = 0; bit < 32; bit++) {
		const struct rule *by = decided->by[DECIDE_DENY(bit)];
		struct rule one;
		char verb[64];
		size_t i;

		if (!by || by->opposite)
			continue;
		one = *by;
		one.value = 1ULL << bit;
		rule_verb(&one, verb, sizeof(verb));
		/* The operations that one line denies are one fact. */
		for (i = 0; i < to->n && to->row[i].by != by; i++)
			;
		if (i == to->n) {
			add(to, "denied:", by, "these operations fail with EPERM");
		} else {
			size_t len = strlen(to->row[i].what);

			snprintf(to->row[i].what + len, sizeof(to->row[i].what) - len, ",");
		}
		/* The part between the parentheses: "unlink". */
		snprintf(to->row[i].what + strlen(to->row[i].what),
			 sizeof(to->row[i].what) - strlen(to->row[i].what), " %.*s",
			 (int)strcspn(strchr(verb, '(') + 1, ")"), strchr(verb, '(') + 1);
	}
}

/* Writes an ID of an owner, which has 1 added; 0 is the file's own. */
static void print_id(char *buf, size_t size, uint64_t id)
{
	if (id)
		snprintf(buf, size, "%llu", (unsigned long long)id - 1);
	else
		snprintf(buf, size, "as below");
}

static void explain_rest(const struct decided *decided, struct rule_explanation *to)
{
	static const char *const hows[] = { "", "each byte reads as x",
					    "keys are shown, values read as x",
					    "it reads as empty" };
	static const char *const audits[] = { "", "penstock trace reports its changes",
					      "penstock trace reports all operations on it" };
	const struct rule *mask = decided->by[RULE_MASK], *owner = decided->by[RULE_OWNER];
	const struct rule *audit = decided->by[RULE_AUDIT];
	char what[100], uid[16], gid[16];

	if (decided->by[RULE_READONLY])
		add(to, decided->by[RULE_READONLY]->opposite ? "writable" : "read-only",
		    decided->by[RULE_READONLY],
		    decided->by[RULE_READONLY]->opposite ? NULL : "changes fail with EROFS");
	if (mask && !mask->opposite)
		add(to, "masked", mask, hows[mask->value & 3]);
	if (owner && !owner->opposite) {
		print_id(uid, sizeof(uid), owner->value & UINT32_MAX);
		print_id(gid, sizeof(gid), owner->value >> 32);
		snprintf(what, sizeof(what), "owner %s, group %s", uid, gid);
		add(to, what, owner, "shown, and checked for permissions");
	}
	if (audit && !audit->opposite)
		add(to, "audited", audit, audits[audit->value % 3]);
}

int rules_explain(const struct rules *rules, const char *path, struct rule_explanation *ret)
{
	struct rule_explanation explanation = { 0 };
	_cleanup_(freep) const char **names = calloc(strlen(path) + 1, sizeof(*names));
	_cleanup_(freep) char *copy = strdup(path);
	struct rule_path split = { .name = names };
	struct decided decided;
	char *rest = copy, *name;

	if (!names || !copy)
		return -ENOMEM;
	split.is_dir = !*path || path[strlen(path) - 1] == '/';
	while ((name = strsep(&rest, "/"))) {
		if (name_is_dots(name) && strcmp(name, ".") != 0)
			return -EINVAL;
		if (*name && strcmp(name, ".") != 0)
			names[split.n++] = name;
	}
	split.is_dir |= !split.n;
	rules_decide(rules, &split, &decided);
	explain_name(&decided, &explanation);
	explanation.n_hidden = decided.hidden ? decided.n_hidden : 0;
	if (!decided.hidden) {
		explain_rest(&decided, &explanation);
		explain_denied(&decided, &explanation);
	}
	*ret = explanation;
	return 0;
}
