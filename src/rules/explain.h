/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Says which lines decide about a file, and what its callers see and may do. */
#include "rules/decide.h"

/* One fact about a file. */
struct rule_reason {
	char what[200];        /* "hidden", "denied: unlink, rename" */
	const struct rule *by; /* the line that decides; NULL: no line does */
	const char *means;     /* for callers */
};
#define RULE_MAX_REASONS (_RULE_PAIRS + 32)

struct rule_explanation {
	struct rule_reason row[RULE_MAX_REASONS];
	size_t n;
	size_t n_hidden; /* as in struct decided; 0 if the file is shown */
};

/*
 * Explains the decision about a path, such as "src/main.c", or "src/" for a directory. Returns 0;
 * -EINVAL if it is no path; or -ENOMEM.
 */
int rules_explain(const struct rules *rules, const char *path, struct rule_explanation *ret);
