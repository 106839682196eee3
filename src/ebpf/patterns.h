/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Converts lists of names, globs and paths into rows of the map pst_patterns. */
#include "filter/facts.h"
#include "util/cleanup.h"

#include <penstock/filter.h>
#include <penstock/penstock.h>
#include <stddef.h>

/* The rows of one filter. Zero-initialised is empty. */
struct patterns {
	struct pst_pattern *rows;
	size_t n, room;
};

void patterns_fini(struct patterns *patterns);

/*
 * Add a list such as "*.key:.env" or "/etc/ssl:src/build-*". They change the text of the list.
 * Return 0, and the position of the rows in *ret_names or *ret_paths; or -errno and *error, which
 * names the wrong part. After a failure the caller may only call patterns_fini().
 */
int patterns_add_names(struct patterns *patterns, char *list, struct pst_names *ret_names,
		       struct pst_error *error);
int patterns_add_paths(struct patterns *patterns, char *list, struct pst_paths *ret_paths,
		       struct pst_error *error);
/*
 * Adds n globs that are right already (rules/pattern.h). Sets ret_row[i] to the row of glob i, from
 * ret_names->begins_at on.
 */
int patterns_add_globs(struct patterns *patterns, char *const *globs, size_t n,
		       struct pst_names *ret_names, uint32_t *ret_row, struct pst_error *error);
/* Sets *ret_choice to what the first and last bytes of names tell of the patterns of a list. */
void patterns_choice(const struct patterns *patterns, const struct pst_names *names,
		     struct filter_choice *ret_choice);
