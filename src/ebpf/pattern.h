/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * One name or glob, taken apart: the text before its first character that stands for others is what
 * names have to begin with, that behind the last what they have to end with. By one of these it is
 * found among many.
 */
#include <penstock/filter.h>
#include <penstock/penstock.h>
#include <stddef.h>

/* As in struct pst_pattern, which says what it is. */
struct pattern_key {
	uint64_t word[PST_KEY_WORDS];
	size_t len;
};

struct pattern {
	struct pattern_key begin, end;
	enum pst_pattern_kind begin_kind,
		end_kind;      /* found by one or the other: what is left to do */
	size_t n_begin, n_end; /* of a list: how many patterns have this key */
	size_t len;
	char text[PST_PATTERN_SIZE]; /* as it was written */
};

/*
 * Refuses what other programs give a meaning to, and what would match nothing here: "!x", "@file",
 * "**", blanks that are not behind a backslash; of a name, slashes. text is a name or glob of a
 * list, or one whole path of a list of these. 0, or -EINVAL with what to write in *error.
 */
int pattern_check_name(const char *text, struct pst_error *error);
int pattern_check_path(const char *text, struct pst_error *error);

/* On failure *error says what is wrong with it. */
int pattern_parse(const char *text, struct pattern *ret_pattern, struct pst_error *error);
