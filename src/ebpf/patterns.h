/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Lists of names, globs and paths: what users write, as rows of the map pst_patterns. */
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
 * Adds the list, which is written to: "*.key:.env", "/etc/ssl:src/build-*". The result says where
 * its rows are. On failure *error says which part is wrong, and the patterns are only good for
 * patterns_fini().
 */
int patterns_add_names(struct patterns *patterns, char *list, struct pst_names *ret_names,
		       struct pst_error *error);
int patterns_add_paths(struct patterns *patterns, char *list, struct pst_paths *ret_paths,
		       struct pst_error *error);
