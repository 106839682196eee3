/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Finds lines that are valid, but most likely not what their author meant. */
#include "rules/rules.h"

/* Gets a finding: the line, and what is wrong with it and what to do. */
typedef void (*rules_found_fn)(void *aux, const struct rule *rule, const char *text);

/* Calls found for each line with syntax of shells and other programs, in order. */
void rules_check_syntax(const struct rules *rules, rules_found_fn found, void *aux);
/* Calls found for each finding, in the order of the lines. */
void rules_check(const struct rules *rules, rules_found_fn found, void *aux);
