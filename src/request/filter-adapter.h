/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Connects the filter core with the daemon: struct filter_call with struct req. */
#include "request/req.h"

/*
 * Prepares a new request whose slot lies in a BPF map; slot_number is the index of its slot in the
 * map.
 */
void adapter_init(struct req *req, unsigned int slot_number);

/*
 * Records in req->call which filters of the request's chain apply to the request. If none does, the
 * request needs only place_inherit().
 */
void adapter_begin(struct req *req);
/*
 * Saves names and data of the request where programs cannot change them, runs the pre programs, and
 * adds the delay of filters to req->delay_us. Returns the result of apply_before().
 */
int adapter_before(struct req *req);
/*
 * Replies to a SETATTR to which a filter has replied PST_DONE: with the attributes, which have not
 * changed. Returns APPLY_DONE or -errno.
 */
int adapter_answer_setattr(struct req *req);
/*
 * As apply_found(), for a LOOKUP with the result r and req->entry. Puts the node of the entry if
 * filters refuse its name.
 */
int adapter_found(struct req *req, int r);
/*
 * Writes the attributes of req->changed as they are now to the slot, because other requests may
 * have changed the file while this one was asleep. The caller has locked the file again.
 */
void adapter_look_again(struct req *req);
/* As apply_after(), for the result in req. */
int adapter_after(struct req *req, int r);
/* Records in the node the filters that apply to the name of the request. */
void adapter_place(struct req *req, struct node *node);

/*
 * A RENAME first adds to its file the filters of the new place, and then moves the file. A LOOKUP
 * that began before may have found the file at its old place, and must not remove these filters:
 * adapter_lookup_begin() records the number of RENAMEs, so that the filter core can tell if one has
 * run since. adapter_rename_end() must be called for each request.
 */
void adapter_lookup_begin(struct req *req);
void adapter_rename_end(struct req *req);

/* Adds the delay that filters have set for a call to that of the request, a minute at most. */
void adapter_delay(struct req *req, const struct filter_call *call);
/* Waits in this thread for the delay of a request that cannot be asleep now. */
void adapter_wait(struct req *req);
/* Returns the cell that a filter has for a node. The filter has PST_CELLS. */
port_atomic_u64 *adapter_cell(struct fs *fs, const struct chain_entry *entry, struct node *node);
void adapter_fill_attr(const struct statx *stx, struct pst_attr *ret_attr);
/*
 * Fills *ret_after with the file that the operation has found or created, if a filter declares
 * PST_EXACT. stx has its attributes, or is NULL.
 */
void adapter_fill_after(const struct filter_call *call, struct node *node, const struct statx *stx,
			struct pst_node *ret_after);
