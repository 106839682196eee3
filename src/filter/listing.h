/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * The names of a listing before filters: each as if somebody had looked it up.
 *
 * Names are collected, asked about together, and then shown by the engine in their order. A listing
 * is large: the engine allocates it for as long as one READDIR takes. It uses the slot of that
 * operation, so call_fill_again() comes after it.
 */
#include "filter/call.h"

struct listing_name {
	uint64_t ino, off;
	uint32_t type; /* DT_REG, ... */
	bool hidden;   /* said by listing_ask() */
	char text[PST_LISTED_SIZE];
};

struct listing {
	const struct filter_call *readdir; /* borrowed */
	struct filter_call call;           /* LOOKUP of a name of the directory */
	struct filter_saved saved;         /* of that */
	struct chain_entry *together;      /* the one filter to ask before LOOKUP; or NULL */
	unsigned int n;                    /* that were added; the engine sets it to 0 again */
	struct listing_name names[PST_N_LISTED];
};

/* Returns whether filters have to be asked about the names of a listing. */
bool listing_asks(const struct filter_call *readdir);
/* Begins with a READDIR, or READDIRPLUS, that filters have let pass. */
void listing_init(struct listing *listing, const struct filter_call *readdir);
/*
 * Returns whether filters have to be asked about each name by itself, with listing_check(), or with
 * listing_lookup() in a listing with entries.
 */
bool listing_is_one_by_one(const struct listing *listing, const struct filter_call *readdir);

/* Asks about one name: 0, or -ENOENT or -EIO where it is hidden. */
int listing_check(struct listing *listing, const char *name, uint32_t type);
/* Makes listing->call the LOOKUP of a name, which the engine runs like others. */
void listing_lookup(struct listing *listing, const char *name);

/*
 * Adds a name to those that are asked about together. false: it is too long, ask about it by
 * itself.
 */
bool listing_add(struct listing *listing, const char *name, uint64_t ino, uint64_t off,
		 uint32_t type);
/*
 * Asks about the names that were added, if any, in a listing without entries: sets hidden of each.
 */
void listing_ask(struct listing *listing);
/*
 * Asks about the names of a listing with entries, if listing->together is set. Calls found() for
 * each name in order: r is 0, and name the one to look up (a program may have put another one
 * there), or
 * -errno.
 */
void listing_ask_lookups(struct listing *listing,
			 void (*found)(struct listing *listing, unsigned int i, const char *name,
				       int r));
