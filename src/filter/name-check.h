/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Asking programs for names; what they say is left in req->child. */
#include "filter/chain.h"
#include "request/req.h"

enum judge_use {
	JUDGE_FIND,			/* the name has to be there */
	JUDGE_MAKE,			/* it comes into being */
};

/* What a file inherits from its directory, until programs say otherwise. */
void judge_inherit(struct req *req, struct node *dir);

/*
 * Asks about a name; stx: what is known of its file, all (stx_mask) or its type alone, or NULL. 0 or
 * -errno (an answer).
 */
int judge_name(struct req *req, struct node *dir, const char *name, enum judge_use use,
	       const struct statx *stx);

/* Whether programs for names of a directory look at what is under them. */
bool judge_wants_child(const struct req *req, const struct node *dir);

/* Asks about the names of a request; whether files may move as it says. 0 or -errno (an answer). */
int judge_request(struct req *req);

/*
 * Whether a request leaves alone what filters are attached to (at=), and the directories above. 0 or -EPERM.
 * For views that have such filters, whether or not any holds for the request.
 */
int judge_attached(struct req *req);

/*
 * What a new filter thinks of a node that the kernel knows already, by the path that the node has
 * below: whether the filter holds for it, and its cell. seen: a bit for each node number, nodes are
 * judged once; NULL: they are judged anyway. false: no such path is known.
 */
bool judge_path(struct req *req, const struct link *link, struct node *node, uint64_t *seen);

/* Asks about a name outside of any request: 0 or -errno. type: of the name's file, S_IFMT bits or 0. */
int judge_alone(struct req *req, struct node *dir, const char *name, uint32_t type);
