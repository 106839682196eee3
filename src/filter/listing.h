/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Runs filters on the names of a listing, as if each name were looked up.
 *
 * The engine collects names, lets the filters run on all of them in one run, and then lists the
 * names that are not hidden, in their order. A struct listing is large: the engine allocates one
 * for each READDIR. It overwrites the call in the slot, so the engine must call call_fill_again()
 * after.
 */
#include "filter/call.h"

struct listing_name {
	uint64_t ino, off;
	uint32_t type; /* DT_REG, ... */
	bool hidden;   /* set by listing_filter_names() */
	char text[PST_LISTED_SIZE];
};

struct listing {
	const struct filter_call *readdir; /* borrowed */
	struct filter_call call;           /* the LOOKUP of a name of the directory */
	struct filter_saved saved;         /* of call */
	struct chain_entry *together;      /* the only filter to run before LOOKUP; or NULL */
	unsigned int n;                    /* names that were added; the engine sets it back to 0 */
	struct listing_name names[PST_N_LISTED];
};

/* Returns true if the directory has filters that may hide or change names of its listing. */
bool listing_needs_filters(const struct filter_call *readdir);
/* Begins with a READDIR, or READDIRPLUS, whose pre programs have returned PST_PASS. */
void listing_init(struct listing *listing, const struct filter_call *readdir);
/*
 * Returns whether filters must run on each name by itself: by listing_check(), or for READDIRPLUS
 * by listing_lookup().
 */
bool listing_is_one_by_one(const struct listing *listing, const struct filter_call *readdir);

/*
 * Runs the filters on one name. attr has at least the type; if it has no inode number, filters that
 * want the other attributes get those of filter_host.peek(). Returns 0; or -ENOENT or -EIO if the
 * name is hidden.
 */
int listing_check(struct listing *listing, const char *name, const struct pst_attr *attr);
/* Makes listing->call the LOOKUP of a name, which the engine then runs like any other. */
void listing_lookup(struct listing *listing, const char *name);

/* Fills name I of a listing in a slot; len is below PST_LISTED_SIZE, type is DT_REG, ... */
static inline void listing_fill(struct pst_call *slot, unsigned int i, const char *name, size_t len,
				uint64_t ino, uint32_t type)
{
	struct pst_listed *listed = &slot->listed[i];

	/* DT_* are the bits of S_IFMT, shifted. */
	listed->mode = type << 12;
	listed->ino = ino;
	listed->verdict = 0;
	listed->len = (uint32_t)len;
	memcpy(listed->text, name, len);
	listed->text[len] = '\0';
}

/*
 * Runs the programs for names, each once, on the n names of a listing that the slot of a LOOKUP
 * has. Returns a bit for each name that is hidden.
 */
uint64_t listing_hidden(struct filter_call *lookup, unsigned int n);

/*
 * Adds a name to the names of the next run. Returns false if the name is too long; the engine must
 * then call listing_check() or listing_lookup().
 */
bool listing_add(struct listing *listing, const char *name, uint64_t ino, uint64_t off,
		 uint32_t type);
/*
 * Runs the programs for names on the added names of a READDIR, each program once for all names.
 * Sets hidden of each name.
 */
void listing_filter_names(struct listing *listing);
/*
 * Runs the program before LOOKUP of listing->together, which is not NULL, on the added names of a
 * READDIRPLUS. Calls found() for name I, in order: with r 0 and the name to look up, which the
 * program may have changed; or with r -errno if the program refuses the LOOKUP.
 */
void listing_filter_lookups(struct listing *listing,
			    void (*found)(struct listing *listing, unsigned int i, const char *name,
					  int r));
