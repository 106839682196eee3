/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Connects the filter core with the daemon: struct filter_call with struct req. */
#include "request/req.h"

/*
 * Prepares a request whose slot filters can reach. slot_number: of its slot in the set. To be
 * called once.
 */
void adapter_init(struct req *req, unsigned int slot_number);

/*
 * Notes in req->call which filters hold for the request, which runs under a chain. If none does,
 * the request needs place_inherit() only.
 */
void adapter_begin(struct req *req);
/*
 * Saves names and data of the request where programs cannot reach them, runs the pre programs, and
 * waits as long as filters want. Returns what apply_before() returns.
 */
int adapter_before(struct req *req);
/*
 * As apply_found(), for a LOOKUP with the result r and req->entry. Drops the file where filters
 * refuse its name.
 */
int adapter_found(struct req *req, int r);
/* As apply_after(), for the result in req. */
int adapter_after(struct req *req, int r);
/* Gives the node the filters that hold for the name of the request. */
void adapter_place(struct req *req, struct node *node);

/*
 * A RENAME gives its file the filters that it gains, and then moves it. A LOOKUP that began before
 * may have found the file at its old place: after adapter_lookup_begin(), the filter core learns
 * whether a RENAME has run since. adapter_rename_end() is called for all requests.
 */
void adapter_lookup_begin(struct req *req);
void adapter_rename_end(struct req *req);

/* Waits as long as filters want, or until the view ends. */
void adapter_wait(const struct filter_call *call);
/* Returns the cell that a filter has for a node. The filter has PST_CELLS. */
port_atomic_u64 *adapter_cell(struct fs *fs, const struct chain_entry *entry, struct node *node);
void adapter_fill_attr(const struct statx *stx, struct pst_attr *ret_attr);
/*
 * Fills *ret_after with the file that the operation has found or created, if a filter declares
 * PST_EXACT. stx: its attributes, or NULL.
 */
void adapter_fill_after(const struct filter_call *call, struct node *node, const struct statx *stx,
			struct pst_node *ret_after);
