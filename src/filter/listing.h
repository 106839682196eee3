/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* The names of a listing on their way through the filters. */
#include "filter/apply.h"

/* Whether filters have to be asked about the names of a listing. */
bool listed_asks(const struct req *req);

/* A name in a listing: 0, or -ENOENT where it is hidden. */
int listed_name(struct req *req, const char *name, uint32_t type);
/* The first n names that frame_list() has put before the filters: sets hidden[i]. */
void listed_names(struct req *req, unsigned int n, bool hidden[PST_N_LISTED]);

/*
 * The filter that names of a listing with entries are put before together, where only one has to be
 * asked and only before LOOKUP; NULL: each is looked up by itself.
 */
struct link *listed_together(const struct req *req);
/* LOOKUP of n names, which frame_list() has put before that filter, too. */
struct listed_found {
	int r;				/* 0 or -errno */
	struct fuse_entry_out out;	/* what the kernel is told */
};
void listed_lookups(struct req *req, struct link *link, unsigned int n, const char *const names[],
		    struct listed_found found[]);

/* LOOKUP of a name in a listing with entries. *ret_out is what the kernel is told. */
int listed_lookup(struct req *req, const char *name, struct fuse_entry_out *ret_out);
