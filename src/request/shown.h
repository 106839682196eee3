/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Clears set-ID bits in replies in which filters show another owner than the lower file has. */
#include "request/req.h"

/*
 * Clears S_ISUID in the attributes of a reply if a filter has replaced the owner, and S_ISGID if a
 * filter has replaced the group. Must be called before each reply without error; does nothing if
 * the reply has no attributes.
 */
void shown_check(struct req *req);
/* As shown_check(), for a LOOKUP of a listing that found a node with the attributes real. */
void shown_check_looked_up(struct node *node, const struct statx *real, struct fuse_attr *attr);
/* As shown_check(), for an entry of READDIRPLUS in req->data that is still listed. */
void shown_check_listed(struct req *req, const struct filter_entry_id *id);
/*
 * Clears set-ID bits in the argument of an operation that creates a file, if a filter makes it
 * create the file for another user: the caller has no permission to set these bits on files of that
 * user.
 */
void shown_check_made(struct req *req);
