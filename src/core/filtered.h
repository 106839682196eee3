/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * A request on its way through the filters: names, pre programs, post programs. core/frame.c puts it
 * before them and checks what they leave.
 */
#include "core/chain.h"
#include "core/req.h"

/* filtered_before(): the answer is there, the operation is not to be run. */
#define FILTERED_DONE 3

/* What holds for the request's nodes and has to do with it: one AND of two masks. */
uint64_t filtered_by(const struct req *req);

/*
 * Asks about the names, then runs the pre programs. 0: go on, with what they have changed; -errno:
 * that is the answer; FILTERED_DONE.
 */
int filtered_before(struct req *req);

/* LOOKUP has come to r: asks about the name, now that it is known what it leads to. */
int filtered_found(struct req *req, int r);

/* Runs the post programs on the result r, which is complete in the answer. Returns what it becomes. */
int filtered_after(struct req *req, int r);

/* The answer holds a file under a name: what holds for that file from now on. */
void filtered_place(struct req *req, struct node *node);

/* What a file inherits from its directory, until programs say otherwise. */
void filtered_inherit(struct req *req, struct node *dir);

/* Whether filters have to be asked about the names of a listing. */
bool filtered_names(const struct req *req);

/*
 * What a new filter thinks of a node that the kernel knows already, by the path that the node has
 * below: whether the filter holds for it, and its cell. seen: a bit for each node number; nodes are
 * judged once. false: no such path is known.
 */
bool filtered_judge_path(struct req *req, const struct link *link, struct node *node,
			 uint64_t *seen);

/* A name in a listing: 0, or -ENOENT where it is hidden. */
int filtered_listed(struct req *req, const char *name, uint32_t type);
/* The first n names that frame_list() has put before the filters: sets hidden[i]. */
void filtered_listed_many(struct req *req, unsigned int n, bool hidden[PST_N_LISTED]);

/* LOOKUP of a name in a listing with entries. *ret_out is what the kernel is told. */
int filtered_lookup(struct req *req, const char *name, struct fuse_entry_out *ret_out);
