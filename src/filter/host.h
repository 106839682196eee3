/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * The functions of an engine that the filter core calls. Each engine has one such table. The core
 * calls them in the thread that runs the operation, which may sleep, and holds no lock.
 */
#include "filter/chain.h"

struct filter_call;

struct filter_host {
	/*
	 * Sets the members that the engine knows without a system call: nodeid, parent, attr.ino,
	 * the type in attr.mode, the device; and the others to 0. If want_attr is true, sets all of
	 * attr, unless the engine cannot read the attributes.
	 */
	void (*fill_node)(const struct filter_call *call, struct filter_node *node, bool want_attr,
			  struct pst_node *ret_node);
	/*
	 * Looks up a name without creating a node. Returns 0 or -errno. Sets *ret_attr to the
	 * attributes of the file. If the kernel knows the file, sets *ret_node to its node, with a
	 * reference that the caller passes to put_node(); else leaves *ret_node unchanged.
	 */
	int (*peek)(const struct filter_call *call, struct filter_node *dir, const char *name,
		    struct pst_attr *ret_attr, struct filter_node **ret_node);
	void (*put_node)(const struct filter_call *call, struct filter_node *node);
	/*
	 * Finds the spelling of a name in a case-insensitive directory. Returns 0, or -ENOENT if
	 * the spelling is that of name, or if the name is absent.
	 */
	int (*real_name)(const struct filter_call *call, struct filter_node *dir, const char *name,
			 char ret_real[PST_NAME_SIZE]);
	/*
	 * Returns the cell of a node, for an entry with cells; it lives as long as the node. If
	 * make is false, returns NULL for a cell that nothing was stored in, whose value is 0.
	 */
	port_atomic_u64 *(*cell)(const struct filter_call *call, const struct chain_entry *entry,
				 struct filter_node *node, bool make);
	/*
	 * Reports that the filters of a node have changed after FILTERS_SET, so pages in the
	 * kernel's cache may be wrong.
	 */
	void (*filters_changed)(const struct filter_call *call, struct filter_node *node,
				uint64_t changed);

	/*
	 * rename_begins() records that a RENAME adds to its file the filters of the new place, and
	 * runs until the end of the operation. renamed_since() returns whether such a RENAME has
	 * run at any time since this operation, a LOOKUP, began.
	 */
	void (*rename_begins)(struct filter_call *call);
	bool (*renamed_since)(const struct filter_call *call);

	/*
	 * Runs the program of a kind for an opcode (0 for names) on slot ctx->slot, which may
	 * change ctx. Returns 0 with its verdict, or -errno if it could not be run. Counts both.
	 */
	int (*run)(struct filter_call *call, const struct chain_entry *entry, enum filter_kind kind,
		   uint32_t opcode, struct pst_ctx *ctx, int *ret_verdict);
	/*
	 * Reports that a program has made the operation fail with EIO. It could not be run (error
	 * is -errno, already counted), or has done wrong (error is 0). what continues a sentence
	 * that begins with the program's name: "changed ...".
	 */
	void (*bad)(struct filter_call *call, const struct chain_entry *entry,
		    enum filter_kind kind, uint32_t opcode, const char *what, int error);
	/*
	 * Returns true if a server can carry the operation out to which this filter has answered
	 * PST_SERVE. NULL in an engine without servers.
	 */
	bool (*may_serve)(const struct filter_call *call, const struct chain_entry *entry);
	/* Reports an event of a program. error is the result so far for a post program. */
	void (*event)(struct filter_call *call, const struct chain_entry *entry,
		      enum filter_kind kind, const struct pst_event *event, int error);
};
