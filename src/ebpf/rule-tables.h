/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* The tables of an option for a file of rules (struct pst_rules): the content of its maps. */
#include "ebpf/patterns.h"

#include <penstock/filter.h>
#include <penstock/penstock.h>
#include <stddef.h>
#include <stdint.h>

/* The content of one map, an array. */
struct rule_table {
	void *rows; /* owned */
	size_t n, row_size;
};

enum rule_table_kind { RULE_ROWS, RULE_NODES, RULE_EDGES, RULE_VALUES, _RULE_TABLES };

/* Zero-initialised is empty. A filter has one such option at most. */
struct rule_tables {
	struct rule_table table[_RULE_TABLES];
};

void rule_tables_fini(struct rule_tables *tables);

/*
 * Reads the rules of a file, and compiles the lines whose verbs are in verbs, such as "hide
 * readonly" (the first of each pair). Adds their globs to *patterns. Returns 0, or -errno and
 * *error.
 */
int rule_tables_read(struct rule_tables *tables, const char *path, const char *verbs,
		     struct patterns *patterns, struct pst_rules *ret_rules,
		     struct pst_error *error);

/* Returns the table of the map with this name, or NULL if it is no map of rules. */
const struct rule_table *rule_tables_find(const struct rule_tables *tables, const char *map);
/* The names of the maps. */
extern const char *const rule_table_maps[_RULE_TABLES];
