/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Parses values of options that contain IDs of users, groups or cgroups. Each function writes the
 * value to *ret and returns 0; or returns -errno, with the reason in *error.
 */
#include "ebpf/takes.h"

#include <penstock/penstock.h>
#include <stddef.h>

/* Returns whether an option takes the names of users, or those of groups. */
static inline bool takes_account(const struct takes *takes)
{
	return takes->users || takes->groups;
}

/* The ID of the user, or of the group, with this name. */
int value_account(const char *name, const struct takes *takes, uint64_t *ret,
		  struct pst_error *error);

/*
 * A struct pst_ids of size bytes, which determine how many ranges it can have: IDs, ranges of IDs,
 * names, @GROUP for the members of a group, paths of cgroups and "*", separated by ':'. Writes to
 * list.
 */
int value_ids(char *list, const struct takes *takes, void *ret, size_t size,
	      struct pst_error *error);
