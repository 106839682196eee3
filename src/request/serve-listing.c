// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Listings with names of a program.
 *
 * The program adds its names to the memory of the request, because it may do so long after its
 * callback has returned (PST_LATER). The reply is made out of them afterwards.
 *
 * Offsets. A program's number n of a name has the offset base + 2 + n; base + 1 is that of ".", and
 * base + 2 that of "..". In a directory with a key base is 0. In a lower directory base lies above
 * the offsets that lower file systems use: ext4 has 63 bits of a hash, but never this value of its
 * upper half, except in INT64_MAX, which there and on btrfs is the end. No locks.
 */
#include "request/served.h"
#include "util/log.h"
#include "util/name.h"

#include <dirent.h>
#include <errno.h>

#define LOWER_BASE (0x7fffffffULL << 32)
#define LOWER_MAX  (UINT32_MAX - 4)
#define N_DOTS     2

/*
 * A name in the memory of a listing. If it has a key, a struct statx and the key follow. The name
 * follows these.
 */
struct listed_name {
	uint64_t next, ino;
	uint32_t key_len; /* as the program gave it; 0 if the listing keeps no entries */
	uint16_t name_len;
	uint8_t type;
};

/* Returns the bytes of a key in the memory. A program may give a length that no key can have. */
static size_t key_size(const struct listed_name *listed)
{
	return listed->key_len < PST_KEY_MAX ? listed->key_len : PST_KEY_MAX;
}

/* Returns the bytes of a name in the memory of the listing. */
static size_t listed_size(const struct listed_name *listed)
{
	size_t entry = listed->key_len ? sizeof(struct statx) + key_size(listed) : 0;

	return (sizeof(*listed) + entry + listed->name_len + 1 + 7) / 8 * 8;
}

static uint64_t base_of(const struct node *dir)
{
	return node_is_keyed(dir) ? 0 : LOWER_BASE;
}

/* Returns true for an offset of a lower directory, or its start. */
static bool is_lower(const struct node *dir, uint64_t off)
{
	return off < base_of(dir) || (off == INT64_MAX && !node_is_keyed(dir));
}

uint64_t serve_list_offset(const struct node *dir, uint64_t off)
{
	uint64_t base = base_of(dir);

	return !is_lower(dir, off) && off > base + N_DOTS ? off - base - N_DOTS : 0;
}

/* -- adding names ------------------------------------------------------------------------------ */

static int grow(struct pst_listing *listing, size_t need)
{
	size_t size = listing->size ? listing->size : 4096;
	char *memory;

	while (size - listing->len < need)
		size *= 2;
	if (size == listing->size)
		return 0;
	memory = realloc(listing->memory, size);
	if (!memory)
		return -ENOMEM;
	listing->memory = memory;
	listing->size = size;
	return 0;
}

/* Compares a name of readdir() with that of a LOOKUP. Returns 1 if it is the same. */
static int compare(struct pst_listing *listing, const char *name, const struct pst_entry *entry)
{
	if (!listing->found && strcmp(name, listing->wanted) == 0) {
		*listing->entry = *entry;
		listing->found = true;
	}
	return listing->found;
}

/* Copies a name to the memory of the listing, which has room for it. */
static void keep(struct pst_listing *listing, const struct listed_name *listed, const char *name,
		 const struct pst_entry *entry)
{
	char *at = listing->memory + listing->len;

	memcpy(at, listed, sizeof(*listed));
	at += sizeof(*listed);
	if (listed->key_len) {
		memcpy(at, &entry->stx, sizeof(entry->stx));
		at += sizeof(entry->stx);
		memcpy(at, entry->key, key_size(listed));
		at += key_size(listed);
	}
	memcpy(at, name, listed->name_len + 1u);
	listing->len += listed_size(listed);
}

int pst_listing_add(struct pst_listing *listing, const char *name, uint64_t next,
		    const struct pst_entry *entry)
{
	size_t len = strnlen(name, 256);
	struct listed_name listed = {
		.next = next,
		.ino = entry->stx.stx_ino,
		.type = IFTODT(entry->stx.stx_mode),
		.name_len = (uint16_t)len,
		.key_len = listing->entries ? entry->key_len : 0,
	};
	/* Bytes of the reply, at least. */
	size_t takes =
		FUSE_NAME_OFFSET + len + (listing->entries ? sizeof(struct fuse_entry_out) : 0);

	if (!len || len > 255 || name_is_dots(name) || memchr(name, '/', len)) {
		log_error("the program listed the name \"%.256s\", which no file can have: it is "
			  "left out",
			  name);
		return -EINVAL;
	}
	if (listing->wanted)
		return compare(listing, name, entry);
	if (!next && ++listing->n_numbered <= listing->n_before)
		return 0;
	if (!next)
		listed.next = next = listing->n_numbered;
	if (listing->room < takes || grow(listing, listed_size(&listed)) < 0)
		return 1;
	listing->room -= takes;
	listing->last = next;
	keep(listing, &listed, name, entry);
	return 0;
}

/* -- the reply --------------------------------------------------------------------------------- */

/* Returns the inode number of a directory, or that of its parent. */
static uint64_t dot_ino(struct req *req, bool parent)
{
	struct node *dir = parent ? fs_node(req->fs, req->node->parent) : NULL;
	uint64_t ino = dir ? dir->ino : req->node->ino;

	fs_node_put(req->fs, dir);
	return ino;
}

/* Adds "." and "..", those that come after off. Returns false if one has no room. */
static bool add_dots(struct req *req, uint64_t off, struct fs_dirsink *sink)
{
	uint64_t base = base_of(req->node);

	for (uint64_t n = is_lower(req->node, off) ? 0 : off - base; n < N_DOTS; n++) {
		struct fs_dirent dirent = {
			.name = n ? ".." : ".",
			.name_len = n + 1,
			.ino = dot_ino(req, n),
			.off = base + n + 1,
			.type = DT_DIR,
		};
		struct fs_entry entry = { 0 };

		if (!sink->fits(sink, dirent.name_len))
			return false;
		sink->add(sink, &dirent, &entry);
	}
	return true;
}

/* Returns true if the offset of a name is a number that the program may use. */
static bool is_offset(struct req *req, uint64_t next)
{
	if (next && next < (node_is_keyed(req->node) ? INT64_MAX - N_DOTS : LOWER_MAX))
		return true;
	log_error("the program listed a name with the number %llu, expected 1 to 2^32 - 4 in a "
		  "lower directory, and less than 2^63 - 2 in others: the listing ends there",
		  (unsigned long long)next);
	return false;
}

/*
 * Returns true if the names in the listing end with the one after which the listing begins: the
 * program does not go on where it is told to, and the listing would never end.
 */
static bool is_circle(struct req *req, uint64_t off)
{
	const struct pst_listing *listing = &req->serving->listing;

	if (!listing->len || base_of(req->node) + N_DOTS + listing->last != off)
		return false;
	log_error("the program's readdir() listed the name with the number %llu again, after which "
		  "it had to go on: the caller gets EIO",
		  (unsigned long long)listing->last);
	return true;
}

/*
 * Adds the names in the listing. Returns false if one has no room or a wrong number; sets *ret_off
 * to the offset of the last one that was added.
 */
static bool add_names(struct req *req, struct fs_dirsink *sink, uint64_t *ret_off)
{
	const struct pst_listing *listing = &req->serving->listing;

	for (size_t at = 0; at < listing->len;) {
		const struct listed_name *listed = (const void *)(listing->memory + at);
		const struct statx *stx = (const void *)(listed + 1);
		const char *key = (const char *)(listed->key_len ? stx + 1 : stx);
		struct fs_dirent dirent = {
			.name = key + key_size(listed),
			.name_len = listed->name_len,
			.ino = listed->ino,
			.off = base_of(req->node) + N_DOTS + listed->next,
			.type = listed->type,
		};
		struct fs_entry entry;

		/* Its other members are those of a node. */
		entry.node = NULL;
		if (!is_offset(req, listed->next) || !sink->fits(sink, dirent.name_len))
			return false;
		if (sink->entries && listed->key_len)
			fs_keyed_entry(req->fs, req->node, key, listed->key_len, stx, &entry);
		if (!dirent.ino)
			dirent.ino = entry.node ? entry.attr.stx.stx_ino : UINT32_MAX;
		sink->add(sink, &dirent, &entry);
		*ret_off = dirent.off;
		at += listed_size(listed);
	}
	return true;
}

/* Asks the program for the names after off, while the reply is made. */
static int ask_again(struct req *req, uint64_t off)
{
	struct serving *serving = req->serving;
	int64_t result;

	((struct fuse_read_in *)req->msg.arg)->offset = off;
	result = serving_call(serving);
	if (result == PST_LATER)
		log_error("the program kept a READDIR whose first names filters have hidden: the "
			  "caller gets EIO");
	return result == 0 || result == PST_BACKING ? 0 : -EIO;
}

int serve_list(struct req *req, uint64_t off, struct fs_dirsink *sink)
{
	struct serving *serving = req->serving;
	size_t all = sink->room(sink);
	bool with_lower = serving->asked_below && !node_has_no_lower(req->node);
	int r = 0;

	if (is_lower(req->node, off) && with_lower) {
		r = fs_readdir(req->fs, req->handle, off, sink);
		/* The lower names go on, or their end is known only after one more READDIR. */
		if (r < 0 || sink->room(sink) != all)
			return r;
	} else if (!add_dots(req, off, sink)) {
		return 0;
	}
	if (serving->listing.off != off)
		r = ask_again(req, off);
	/* Filters may hide all names of a reply, and an empty reply would be the end. */
	while (r == 0 && serving->listing.len) {
		if (is_circle(req, off))
			return -EIO;
		if (!add_names(req, sink, &off) || sink->room(sink) != all)
			return 0;
		r = ask_again(req, off);
	}
	return r;
}
