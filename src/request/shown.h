/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Clears set-ID bits beside owners that filters show. */
#include "request/req.h"

/*
 * Clears the set-ID bit in the attributes of a reply whose owner, or group, a filter has replaced.
 * To be called before a reply without error; does nothing where that has no attributes.
 */
void shown_check(struct req *req);
/* As shown_check(), for a LOOKUP of a listing that found a node with the attributes real. */
void shown_check_looked_up(struct node *node, const struct statx *real, struct fuse_attr *attr);
/* As shown_check(), for an entry of READDIRPLUS in req->data that is still listed. */
void shown_check_listed(struct req *req, const struct filter_entry_id *id);
/*
 * Clears set-ID bits in the argument of an operation that creates a file, where a filter makes it
 * create the file for another user: the caller could not set them on files of that user.
 */
void shown_check_made(struct req *req);
