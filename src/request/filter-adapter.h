/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* The filter core in the daemon: between struct req and struct filter_call. */
#include "request/req.h"

/*
 * Once for each request whose slot filters can reach: slot_number is that of its slot in the set.
 */
void adapter_init(struct req *req, unsigned int slot_number);

/*
 * The request runs under a chain: notes in req->call which filters have to do with it. If none
 * has, nothing else is needed but what holds for a file that it makes.
 */
void adapter_begin(struct req *req);
/* As apply_before(), after what came has been taken out of reach; waits as long as filters want. */
int adapter_before(struct req *req);
/*
 * LOOKUP has come to r and req->entry: as apply_found(). A file whose name is refused is let go of.
 */
int adapter_found(struct req *req, int r);
/* As apply_after(), on the result in req. */
int adapter_after(struct req *req, int r);
/* Gives the node the filters that hold for the name of the request. */
void adapter_place(struct req *req, struct node *node);

/*
 * For LOOKUPs of names of a listing: waits as long as filters want; fills in what is known of a
 * file.
 */
void adapter_wait(const struct filter_call *call);
/* Returns the cell that a filter has for a node. The filter has PST_CELLS. */
port_atomic_u64 *adapter_cell(struct fs *fs, const struct chain_entry *entry, struct node *node);
void adapter_fill_attr(const struct statx *stx, struct pst_attr *ret_attr);
/* Fills in the file, as PST_EXACT shows it, after an operation that has found or created it. */
void adapter_fill_after(const struct filter_call *call, struct node *node, const struct statx *stx,
			struct pst_node *ret_after);
