/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "ebpf/takes.h"

#include <penstock/filter.h>
#include <penstock/penstock.h>

/*
 * Parses pairs of users or groups, separated by ':', as struct pst_id_map describes them. Writes to
 * list. Returns 0, or -errno with the reason in *error.
 */
int value_map(char *list, const struct takes *takes, struct pst_id_map *ret,
	      struct pst_error *error);
