/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Nodes: the files that the kernel has a nodeid of.
 *
 * A node is a record of fixed size in a flat array that lies in a memfd; two indexes lead to it: by
 * nodeid and by file handle. All that identifies a node is in its record.
 *
 * nodeid: 1 for the root; a packed file handle where that fits (bit 31 clear, see fhandle.h);
 * otherwise the index in the array (bits 0 to 30), bit 31 set, and a number that is used once (bits
 * 32 to 63).
 *
 * Life: a record lives while its count is not zero. The count is two numbers in one word, so that
 * one atomic operation tells whether both are zero: nlookup, how often the kernel was told of the
 * node, and the number of references. nlookup changes in node_remember() and node_forget() only.
 */
#include "filter/node.h"
#include "node/fhandle.h"

#include <assert.h>
#include <stdatomic.h>
#include <stddef.h>
#include <sys/types.h>

struct nodetab;

/* -- the record -------------------------------------------------------------------------------- */

/* In node.flags: fd_slot is a descriptor that the node owns for its whole life. */
#define NODE_OWN_FD 1

/* A file handle in a record; the rest of one that is longer lies in tails.c, see node_fhandle(). */
#define FHANDLE_SHORT 24
struct fhandle_kept {
	uint8_t len, type;
	uint16_t mount;
	uint8_t bytes[FHANDLE_SHORT];
};

struct node {
	_Atomic uint64_t count;    /* nlookup << 24 | references */
	_Atomic uint64_t id;       /* constant while count is not 0; 0: the record is free */
	uint64_t ino;              /* constant: the lower inode's number */
	struct filter_node filter; /* which filters hold for the node */
	_Atomic uint64_t parent;   /* hint: id of the directory it was last found in, or 0 */
	_Atomic uint64_t shadow;   /* fs/attr-shadow.c: hash of what the kernel has cached */
	struct fhandle_kept fh;    /* constant; len 0: the node has a descriptor of its own */
	_Atomic uint32_t next;     /* hash chain: next record's index; shard lock to write */
	uint16_t type;             /* constant: S_IFMT bits of the mode */
	uint8_t flags;             /* constant: NODE_* */
	_Atomic uint8_t served;    /* fields that a server owns; fs/authority.c */
	_Atomic uint32_t fd_slot;  /* descriptor cache: entry number, 0 for none (fdcache.c) */
	int32_t backing_id;        /* or 0; fs/passthrough.c, its lock */
	uint32_t n_open;           /* opens in force; fs/passthrough.c, its lock */
	uint8_t io_mode;           /* enum io_mode; fs/passthrough.c, its lock */
	union {
		_Atomic uint8_t casefold; /* directory: enum casefold of fs/casefold.c */
		_Atomic uint8_t foreign;  /* other files: FOREIGN_* of fs/set-id.c */
	};
	uint8_t passthrough_flags;   /* fs/passthrough.c, its lock */
	_Atomic uint8_t watch;       /* enum watch_state; fs/watch.c */
	_Atomic uint32_t attr_state; /* fs/attr.c */
	_Atomic uint32_t n_writers;  /* fs/attr.c: opens for writing */
	_Atomic uint32_t shadow_ms;  /* fs/attr-shadow.c: when it was last recorded */
};
static_assert(sizeof(struct node) == 112, "a million nodes in a hundred megabytes");

/* The node that the filter core knows by its filter member. */
static inline struct node *node_of_filter(struct filter_node *filter)
{
	return (struct node *)((char *)filter - offsetof(struct node, filter));
}

/* Returns NULL for NULL. */
static inline struct filter_node *node_filter(struct node *node)
{
	return node ? &node->filter : NULL;
}

static inline uint64_t node_filters(const struct node *node)
{
	return filter_node_filters(&node->filter);
}

/* A file system that LOWER reaches: LOWER's own is number 0, what is mounted below follows. */
struct lower_mount {
	int mnt_id;                    /* the kernel's number of the mount */
	int fd;                        /* on it, open for reading, for open_by_handle_at() */
	bool handles;                  /* whether its files have handles that we keep */
	bool checks_caller;            /* it checks permissions itself, see util/fstype.h */
	bool checks_ids;               /* ... and data passes through as the owner of a file */
	bool proc;                     /* it shows processes, and to each one itself otherwise */
	bool zero_size;                /* st_size is 0 although reads return data (proc, sysfs) */
	uint32_t dev_major, dev_minor; /* of the file that it was found by */
};

/* -- the table (node-table.c) ------------------------------------------------------------------ */

struct nodetab_stat {
	uint64_t n_nodes;
	uint64_t bytes; /* memory of records, indexes and bitmaps */
};

/* 0 or -errno. */
int nodetab_new(struct nodetab **ret_tab);
struct nodetab *nodetab_free(struct nodetab *tab);
struct nodetab_stat nodetab_stat(struct nodetab *tab);

/*
 * Makes generations from this key and the root's handle, instead of from a random key. Called
 * before the root is set, if at all.
 */
void nodetab_set_key(struct nodetab *tab, const uint64_t key[2]);

/*
 * Makes the root: id 1, own_fd taken (-1: none). Called once, before any other node exists.
 * *ret_node is a reference that the table owns. 0 or -ENOMEM.
 */
int nodetab_set_root(struct nodetab *tab, const struct fhandle *fh, uint64_t ino, int own_fd,
		     struct node **ret_node);

/*
 * Called once for a node that is about to be freed and has no references left, so that the users of
 * the record release what they keep for it.
 */
typedef void (*node_free_fn)(void *aux, struct node *node);
void nodetab_on_free(struct nodetab *tab, node_free_fn fn, void *aux);

/* Calls fn for every living node, with a reference during the call. */
typedef void (*node_walk_fn)(void *aux, struct node *node);
void nodetab_walk(struct nodetab *tab, node_walk_fn fn, void *aux);
/*
 * Calls fn with the nodeid of each regular file that the kernel knows, until fn returns true.
 * Returns that nodeid, 0: fn returned true for none.
 */
uint64_t nodetab_find_file(struct nodetab *tab, bool (*fn)(void *aux, uint64_t nodeid), void *aux);

/* True if handles of the root's kind are packed into nodeids. */
bool nodetab_packs(const struct nodetab *tab);
/* The handle that a packed nodeid stands for, whether or not there is a node; false: it is none. */
bool node_id_unpack(struct nodetab *tab, uint64_t id, struct fhandle *ret_fh);

/* A number that goes with the nodeid and cannot be guessed; 0 for the root. */
uint32_t node_generation(struct nodetab *tab, const struct node *node);
/* A number below NODE_MAX that no other living node has: an index for tables beside this one. */
uint32_t node_number(struct nodetab *tab, const struct node *node);
#define NODE_MAX (1u << 26)

/* -- lower mounts (node-mounts.c) -------------------------------------------------------------- */

/* The number of a mount, or -ENOENT. */
int nodetab_mount_find(struct nodetab *tab, int mnt_id);
/* Adds a mount, or finds it if it is known. Takes mount->fd. Returns its number or -ENFILE. */
int nodetab_mount_add(struct nodetab *tab, const struct lower_mount *mount);
const struct lower_mount *nodetab_mount(struct nodetab *tab, unsigned int number);

/*
 * Returns a strong reference to an alias of the node: another node of the same lower file, which
 * was found through another mount of its file system below LOWER. NULL when there is none.
 */
struct node *node_lookup_alias(struct nodetab *tab, const struct node *node);

/* -- finding and counting (node.c) ------------------------------------------------------------- */

/* Return a strong reference to the node with this nodeid or handle, NULL when there is none. */
struct node *node_lookup_id(struct nodetab *tab, uint64_t id);
struct node *node_lookup_fh(struct nodetab *tab, const struct fhandle *fh);

/* What a new node is made of. */
struct node_key {
	struct fhandle fh;
	uint64_t ino;
	uint16_t type;
	uint16_t flags;
	int own_fd; /* with NODE_OWN_FD: taken if a new node is made */
	uint64_t filters;
};
/*
 * Returns 0 and a strong reference to the node with key->fh, a new one if there is none; *ret_new
 * (may be NULL) tells which. With NODE_OWN_FD, fh is that of node_key_own(). -ENOMEM.
 */
int node_lookup_or_new(struct nodetab *tab, const struct node_key *key, struct node **ret_node,
		       bool *ret_new);
/* The key of a file whose file system has no handles: device and inode number. */
struct fhandle node_key_own(unsigned int mount, uint32_t dev_major, uint32_t dev_minor,
			    uint64_t ino);

/* Returns a strong reference to a node that the caller has a reference to. */
struct node *node_get(struct node *node);
struct node *node_put(struct nodetab *tab, struct node *node);

/* Adds one to nlookup; takes n away from it. */
void node_remember(struct node *node);
void node_forget(struct nodetab *tab, struct node *node, uint64_t n);

/* -- the file handle of a node (node-records.c) ------------------------------------------------ */

void node_fhandle(struct nodetab *tab, const struct node *node, struct fhandle *ret_fh);
/* Opens the file of a node by its handle. Returns the descriptor or -errno. */
int node_open(struct nodetab *tab, const struct node *node, int flags);
