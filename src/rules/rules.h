/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Rules: lines of a file that say which files of a view are hidden, read-only, masked and so on
 * (docs/rules.md). This folder reads rules, explains them, and compiles them for filters.
 *
 * Each line belongs to a pair of verbs, such as hide and allow. The last line of each pair that
 * matches a file decides, apart from the other pairs. A line that matches a directory also holds
 * for all below it: if its verb is the first of its pair, unless a later line matches; if it is the
 * second, unless any line matches.
 */
#include "rules/pattern.h"

#include <stdint.h>

enum rule_pair {
	RULE_HIDE,     /* hide, allow */
	RULE_READONLY, /* readonly, writable */
	RULE_DENY,  /* deny(OPERATIONS), with "!" permitted; each operation is a pair of its own */
	RULE_MASK,  /* mask(HOW), unmask */
	RULE_OWNER, /* owner UID:GID, with "!" the real owner */
	RULE_AUDIT, /* audit, with "!" unreported */
	_RULE_PAIRS,
};

/* One pattern of one line. */
struct rule {
	enum rule_pair pair;
	bool opposite;  /* the second verb of the pair */
	uint64_t value; /* what the line does, as filters get it; 0 if opposite and not RULE_DENY */
	struct rule_pattern pattern;
	unsigned int file; /* the number of its file in rules.file */
	unsigned int line; /* from 1 on */
};

/* Zero-initialised is empty. */
struct rules {
	struct rule *row; /* in order */
	size_t n;
	char **file; /* the paths of the files, as the user has written them */
	size_t n_files;
};

/*
 * Reads a file and the files that it includes. Returns 0, or -errno and *error: the file, the line
 * and what to write instead. After 0 the caller must call rules_fini().
 */
int rules_read(const char *path, struct rules *ret_rules, struct pst_error *error);
/* Gets a wrong line, from 1 on, and what to write instead. */
typedef void (*rules_wrong_fn)(void *aux, const char *file, unsigned int line, const char *text);
/*
 * As rules_read(), but reads on after a wrong line, which is left out, and calls wrong for each.
 * Returns 0 also then.
 */
int rules_read_all(const char *path, struct rules *ret_rules, rules_wrong_fn wrong, void *aux,
		   struct pst_error *error);
/*
 * Parses the text of a file that includes no other, for tests and for rules on a command line. name
 * stands for the path in errors. Otherwise as rules_read().
 */
int rules_parse(const char *name, const char *text, size_t size, struct rules *ret_rules,
		struct pst_error *error);
void rules_fini(struct rules *rules);

/* Returns whether a line has a verb of the pair. */
bool rules_have(const struct rules *rules, enum rule_pair pair);

/* Returns the verb of a rule as users write it, such as "allow" or "deny(unlink,rename)". */
const char *rule_verb(const struct rule *rule, char *buf, size_t size);

/* Sets *error to "FILE:LINE: " and the text. Returns code. */
int rule_error(const struct rules *rules, const struct rule *rule, struct pst_error *error,
	       int code, const char *format, ...) __attribute__((format(printf, 5, 6)));
