/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Runs the programs for names. Sets call->child to the filters that apply to the file, and its
 * cells.
 */
#include "filter/call.h"

enum name_use {
	NAME_FIND, /* the name must exist */
	NAME_MAKE, /* the operation creates the name */
};

/*
 * Checks a name. attr has all attributes of its file, or only the type (ino is 0), or is NULL.
 * Returns 0, or -errno for the reply.
 */
int name_check(struct filter_call *call, struct filter_node *dir, const char *name,
	       enum name_use use, const struct pst_attr *attr);

/*
 * Checks name[0] before it is looked up in the lower file system: runs the filters that hide names
 * by the name alone (PST_HIDES). Changes call->child. Returns 0, or -errno for the reply.
 */
int name_check_hidden(struct filter_call *call);

/* Returns whether programs for names of a directory need the attributes of the files. */
bool name_check_wants_child(const struct filter_call *call, const struct filter_node *dir);

/*
 * Checks the names of an operation, and if the operation may move its files. The engine has called
 * call_fill_save() before. Returns 0, or -errno for the reply.
 */
int name_check_call(struct filter_call *call);

/*
 * Checks a name outside of any operation. type is the S_IFMT bits of its file, or 0. Returns 0 or
 * -errno.
 */
int name_check_alone(struct filter_call *call, const struct chain *chain, struct filter_node *dir,
		     const char *name, uint32_t type);

/*
 * Applies a new filter to a node that the kernel knows, by its name in a directory that has been
 * handled so before: sets or clears the filter's bit in the node, and sets the cell.
 */
void name_check_known(struct filter_call *call, const struct chain *chain,
		      const struct chain_entry *entry, struct filter_node *dir, const char *name,
		      struct filter_node *node, uint32_t type);
