/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Turns lists of names, globs and paths that users write into rows of the map pst_patterns. */
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
 * Adds a list such as "*.key:.env" or "/etc/ssl:src/build-*", and writes to it. Returns 0, with the
 * place of its rows in *ret_names or *ret_paths; or -errno with the wrong part in *error: then call
 * only patterns_fini().
 */
int patterns_add_names(struct patterns *patterns, char *list, struct pst_names *ret_names,
		       struct pst_error *error);
int patterns_add_paths(struct patterns *patterns, char *list, struct pst_paths *ret_paths,
		       struct pst_error *error);
