/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Asks programs for names; what they say is left in call->child. */
#include "filter/call.h"

enum name_use {
	NAME_FIND, /* the name has to be there */
	NAME_MAKE, /* it comes into being */
};

/*
 * Asks about a name; attr: what is known of its file, all or (ino 0) its type alone, or NULL. 0 or
 * -errno (an answer).
 */
int name_check(struct filter_call *call, struct filter_node *dir, const char *name,
	       enum name_use use, const struct pst_attr *attr);

/* Returns whether programs for names of a directory look at the files under the names. */
bool name_check_wants_child(const struct filter_call *call, const struct filter_node *dir);

/*
 * Asks about the names of an operation; whether files may move as it says. 0 or -errno (an answer).
 */
int name_check_call(struct filter_call *call);

/* Asks about a name outside of any operation: 0 or -errno. type: of its file, S_IFMT bits or 0. */
int name_check_alone(struct filter_call *call, const struct chain *chain, struct filter_node *dir,
		     const char *name, uint32_t type);

/*
 * Gives a node that the kernel knows already what a new filter says of it, by its name in a
 * directory that has been treated so: whether the filter holds for it, and its cell.
 */
void name_check_known(struct filter_call *call, const struct chain *chain,
		      const struct chain_entry *entry, struct filter_node *dir, const char *name,
		      struct filter_node *node, uint32_t type);
