// SPDX-License-Identifier: LGPL-2.1-or-later
#include "filter/listing.h"
#include "filter/apply.h"
#include "filter/call-fill.h"
#include "filter/name-check.h"
#include "filter/place.h"
#include "filter/run-program.h"

bool listing_needs_filters(const struct filter_call *readdir)
{
	const struct chain *chain = readdir->chain;
	uint64_t needed;

	if (!chain || !readdir->filters)
		return false;
	needed = chain->names;
	if (readdir->opcode == FUSE_READDIRPLUS)
		needed |= chain->pre[FUSE_LOOKUP] | chain->post[FUSE_LOOKUP];
	return needed & readdir->filters;
}

/*
 * Returns the only filter with a program that must run before the LOOKUPs of a listing, so that one
 * run handles all names; NULL if there is none, if there are several, or if other programs must run
 * for each name.
 */
static struct chain_entry *together(const struct chain *chain, uint64_t held)
{
	uint64_t asked = chain->pre[FUSE_LOOKUP] & held;
	uint64_t more = chain->names | chain->post[FUSE_LOOKUP] | chain->delays |
			chain->want_child | (chain->cells & asked);

	if (!asked || (asked & (asked - 1)) || (more & held))
		return NULL;
	for (unsigned int i = 0; i < chain->n; i++)
		if (asked == 1ULL << chain->entries[i]->bit)
			return chain->entries[i];
	return NULL;
}

void listing_init(struct listing *listing, const struct filter_call *readdir)
{
	listing->readdir = readdir;
	/* listing_lookup() clears the members that are not constant. */
	listing->call = *readdir;
	listing->call.saved = &listing->saved;
	listing->n = 0;
	listing->together = NULL;
	if (readdir->opcode == FUSE_READDIRPLUS)
		listing->together = together(readdir->chain, filter_node_filters(readdir->node));
}

bool listing_is_one_by_one(const struct listing *listing, const struct filter_call *readdir)
{
	return readdir->opcode == FUSE_READDIRPLUS ? !listing->together :
						     name_check_wants_child(readdir, readdir->node);
}

void listing_lookup(struct listing *listing, const char *name)
{
	const struct filter_call *readdir = listing->readdir;
	struct filter_call *call = &listing->call;

	call_begin(call, readdir->chain, FUSE_LOOKUP);
	call->unique = readdir->unique;
	call->caller = readdir->caller;
	call->uid = readdir->uid;
	call->gid = readdir->gid;
	call->node = readdir->node;
	call->type = readdir->type;
	call->name[0] = name;
	call->filters = chain_asked(call->chain, FUSE_LOOKUP, call->node, NULL);
	call->listed = true;
}

int listing_check(struct listing *listing, const char *name, const struct pst_attr *attr)
{
	int r;

	listing_lookup(listing, name);
	r = name_check(&listing->call, listing->call.node, name, NAME_FIND, attr);
	return r == -ENOENT || r == -EIO ? r : 0;
}

/* -- many names at once ------------------------------------------------------------------------ */

bool listing_add(struct listing *listing, const char *name, uint64_t ino, uint64_t off,
		 uint32_t type)
{
	struct listing_name *own = &listing->names[listing->n];
	size_t len = strlen(name);

	if (len >= PST_LISTED_SIZE)
		return false;
	own->ino = ino;
	own->off = off;
	own->type = type;
	own->hidden = false;
	memcpy(own->text, name, len + 1);
	listing_fill(listing->call.slot, listing->n++, name, len, ino, type);
	return true;
}

/* Runs one filter on the names. If the program could not be run, all names are hidden. */
static uint64_t hidden_by(struct filter_call *call, const struct chain_entry *entry, unsigned int n)
{
	uint64_t hidden = 0;

	if (run_program_names(call, entry, n) < 0)
		return ~0ULL;
	for (unsigned int i = 0; i < n; i++)
		if (port_read_once(call->slot->listed[i].verdict) == -ENOENT)
			hidden |= 1ULL << i;
	return hidden;
}

uint64_t listing_hidden(struct filter_call *call, unsigned int n)
{
	const struct chain *chain = call->chain;
	uint64_t hidden = 0;

	place_inherit(call, call->node);
	call_fill_name(call, call->node, "");
	for (unsigned int i = 0; i < chain->n; i++)
		if (call->filters & chain->names & 1ULL << chain->entries[i]->bit)
			hidden |= hidden_by(call, chain->entries[i], n);
	return hidden;
}

void listing_filter_names(struct listing *listing)
{
	uint64_t hidden;

	if (!listing->n)
		return;
	listing_lookup(listing, "");
	hidden = listing_hidden(&listing->call, listing->n);
	for (unsigned int i = 0; i < listing->n; i++)
		listing->names[i].hidden = hidden >> i & 1;
}

void listing_filter_lookups(struct listing *listing,
			    void (*found)(struct listing *listing, unsigned int i, const char *name,
					  int r))
{
	unsigned int first = 0, at, n = listing->n;

	while (first < n) {
		int r;

		listing_lookup(listing, listing->names[first].text);
		r = apply_before_lookups(&listing->call, listing->together, first, n - first, &at);
		for (unsigned int i = first; i < at; i++)
			found(listing, i, listing->names[i].text, 0);
		/* The program may have changed the name. */
		found(listing, at, listing->saved.name[0], r > 0 ? -EIO : r);
		first = at + 1;
	}
}
