/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owners that filters show: set-ID bits do not go with them. */
#include "request/req.h"

/*
 * A good answer with attributes is about to go out: takes the set-ID bits away whose owner, or
 * group, a filter has replaced. Does nothing for other operations.
 */
void shown_check(struct req *req);
/* Takes set-ID bits away in a LOOKUP for a listing that found a node with the attributes real. */
void shown_check_looked_up(struct node *node, const struct statx *real, struct fuse_attr *attr);
/* Takes set-ID bits away in an entry of READDIRPLUS that is still listed, in req->data. */
void shown_check_listed(struct req *req, const struct filter_entry_id *id);
/*
 * A filter before the operation may make what is created another user's: then it is created without
 * set-ID bits, which the caller could not have set on that user's files.
 */
void shown_check_made(struct req *req);
