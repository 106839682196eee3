/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * The services that the filter core needs from its engine. Each engine has one such table. The core
 * calls all of them in the thread that runs the operation, which may sleep, and holds no lock.
 */
#include "filter/chain.h"

struct filter_call;

struct filter_host {
	/*
	 * Fills what is known of a node without a look at its file: nodeid, parent, attr.ino, the
	 * type in attr.mode, device; with want_attr all of attr, if the file can be looked at.
	 */
	void (*fill_node)(const struct filter_call *call, struct filter_node *node, bool want_attr,
			  struct pst_node *ret_node);
	/*
	 * Finds out what is under a name, without a node being made: 0 with its attributes and, if
	 * it has a node, that (counted, for put_node(); else untouched); or -errno.
	 */
	int (*peek)(const struct filter_call *call, struct filter_node *dir, const char *name,
		    struct pst_attr *ret_attr, struct filter_node **ret_node);
	void (*put_node)(const struct filter_call *call, struct filter_node *node);
	/*
	 * Finds the name that a directory has for the file under a name that is written otherwise:
	 * some directories do not tell case apart. 0, or -ENOENT if it is written so.
	 */
	int (*real_name)(const struct filter_call *call, struct filter_node *dir, const char *name,
			 char ret_real[PST_NAME_SIZE]);
	/*
	 * Returns the cell of a node, for an entry that uses cells. It lives as long as the node.
	 */
	port_atomic_u64 *(*cell)(const struct filter_call *call, const struct chain_entry *entry,
				 struct filter_node *node);
	/*
	 * The filters of a node that had been set are others now: pages of it in a cache may be
	 * wrong.
	 */
	void (*filters_changed)(const struct filter_call *call, struct filter_node *node,
				uint64_t changed);

	/*
	 * A RENAME is about to give its file the filters that it gains; this lasts until the
	 * operation ends. Returns whether one has, or has ended, since the operation (a LOOKUP)
	 * began.
	 */
	void (*rename_begins)(struct filter_call *call);
	bool (*renamed_since)(const struct filter_call *call);

	/*
	 * Runs the program of a kind for an opcode (0 for names) on the slot that ctx names.
	 * Returns 0 with its verdict, or -errno if it could not be run. Counts both.
	 */
	int (*run)(struct filter_call *call, const struct chain_entry *entry, enum filter_kind kind,
		   uint32_t opcode, const struct pst_ctx *ctx, int *ret_verdict);
	/*
	 * A program is at fault, and the operation fails with EIO: it could not be run (error,
	 * already counted), or did what cannot be, in words that follow its name ("changed ...";
	 * error 0).
	 */
	void (*bad)(struct filter_call *call, const struct chain_entry *entry,
		    enum filter_kind kind, uint32_t opcode, const char *what, int error);
	/* A program has left an event. error is the result so far, for one that ran after. */
	void (*event)(struct filter_call *call, const struct chain_entry *entry,
		      enum filter_kind kind, const struct pst_event *event, int error);
};
