/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Nodes: the lower files that the kernel has a nodeid of.
 *
 * A node is a record of fixed size in a flat array in a memfd. The table finds it by nodeid and by
 * file handle. The record has everything that identifies the node.
 *
 * nodeid: 1 for the root; a packed file handle where one fits (bit 31 clear, see fhandle.h);
 * otherwise the index in the array (bits 0 to 30), bit 31 set, and a number that is used once (bits
 * 32 to 63).
 *
 * Life: a record lives while its count is not zero. The count is two numbers in one word, so that
 * one atomic operation shows if both are zero: nlookup, the number of replies with this node that
 * the kernel has not forgotten, and the number of references. Only node_remember() and
 * node_forget() change nlookup.
 */
#include "filter/node.h"
#include "node/fhandle.h"

#include <assert.h>
#include <stdatomic.h>
#include <stddef.h>
#include <sys/types.h>

struct nodetab;

/* -- the record -------------------------------------------------------------------------------- */

/* In node.flags: fd_slot is a descriptor, which the node owns for its whole life. */
#define NODE_OWN_FD 1
/* In node.flags: the file is known not to be hollow; fs/hollow.c. */
#define NODE_WHOLE 2
/*
 * The node has no lower file but a key of the program (node_key_named()). With NODE_OWN_FD; fd_slot
 * is -1 until the program gives it a lower file.
 */
#define NODE_KEYED 4
/* In node.flags: a client may have changed the content; fs/evict.c. */
#define NODE_CHANGED 8
/*
 * In node.flags, with NODE_WHOLE: the file still has the mark, because its content may not be on
 * the disk yet; and a syncfs(2) has begun since. fs/settle.c.
 */
#define NODE_UNSETTLED 16
#define NODE_SYNCED    32
/* In node.flags: the file, or the files in the directory, are fetched in the background. */
#define NODE_AHEAD 64

/* A file handle in a record. tails.c stores the rest of a longer one, see node_fhandle(). */
#define FHANDLE_SHORT 24
struct fhandle_kept {
	uint8_t len, type;
	uint16_t mount;
	uint8_t bytes[FHANDLE_SHORT];
};

struct node {
	_Atomic uint64_t count;    /* nlookup << 24 | references */
	_Atomic uint64_t id;       /* constant while count is not 0; 0 if the record is free */
	uint64_t ino;              /* constant: the lower inode's number */
	struct filter_node filter; /* the filters that apply to the node */
	_Atomic uint64_t parent;   /* hint: id of the directory where it was last found, or 0 */
	_Atomic uint64_t shadow;   /* fs/attr-shadow.c: attributes that the kernel has cached */
	struct fhandle_kept fh;    /* constant */
	_Atomic uint32_t next;     /* hash chain: next record's index; shard lock to write */
	uint16_t type;             /* constant: S_IFMT bits of the mode */
	_Atomic uint8_t flags;     /* NODE_*; NODE_OWN_FD is constant */
	_Atomic uint8_t served;    /* fields that a server decides; fs/authority.c */
	_Atomic uint32_t fd_slot;  /* descriptor cache: entry number, 0 for none (fdcache.c) */
	int32_t backing_id;        /* or 0; fs/passthrough.c, its lock */
	uint32_t n_open;           /* number of opens; fs/passthrough.c, its lock */
	uint8_t io_mode;           /* enum io_mode; fs/passthrough.c, its lock */
	union {
		_Atomic uint8_t casefold; /* directory: enum casefold of fs/casefold.c */
		_Atomic uint8_t foreign;  /* other files: fs/set-id.c */
	};
	uint8_t passthrough_flags;   /* fs/passthrough.c, its lock */
	_Atomic uint8_t watch;       /* enum watch_state; fs/watch.c */
	_Atomic uint32_t attr_state; /* fs/attr.c */
	_Atomic uint32_t n_writers;  /* fs/attr.c: opens for writing */
	_Atomic uint32_t shadow_ms;  /* fs/attr-shadow.c: when it was last recorded */
};
static_assert(sizeof(struct node) == 112, "a million nodes in a hundred megabytes");

/* Returns the node of its member filter, by which the filter core identifies nodes. */
static inline struct node *node_of_filter(struct filter_node *filter)
{
	return (struct node *)((char *)filter - offsetof(struct node, filter));
}

/* Returns the filter member of a node; NULL for NULL. */
static inline struct filter_node *node_filter(struct node *node)
{
	return node ? &node->filter : NULL;
}

static inline uint64_t node_filters(const struct node *node)
{
	return filter_node_filters(&node->filter);
}

/* A lower mount. Number 0 is that of LOWER; the others are mounts below LOWER. */
struct lower_mount {
	int mnt_id;                    /* the kernel's number of the mount */
	int fd;                        /* owned; a file on it, for open_by_handle_at(2); or -1 */
	bool handles;                  /* nodes of its files have file handles */
	bool checks_caller;            /* it checks permissions itself, see util/fstype.h */
	bool checks_ids;               /* it checks user and group IDs alone, see util/fstype.h */
	bool proc;                     /* it is a proc file system */
	bool zero_size;                /* st_size is 0 although reads return data (proc, sysfs) */
	uint32_t dev_major, dev_minor; /* of the file by which it was found */
};

/* -- the table (node-table.c) ------------------------------------------------------------------ */

struct nodetab_stat {
	uint64_t n_nodes;
	uint64_t bytes; /* memory of records, indexes and bitmaps */
};

/*
 * Creates a table. Computes the generations of nodeids from the key, or from a random key if key is
 * NULL, and the root's handle. Returns 0 or -errno.
 */
int nodetab_new(const uint64_t key[2], struct nodetab **ret_tab);
struct nodetab *nodetab_free(struct nodetab *tab);
struct nodetab_stat nodetab_stat(struct nodetab *tab);

/*
 * Creates the root, with nodeid 1, before any other node exists. Takes ownership of own_fd, which
 * may be -1, except on failure. The table owns the reference *ret_node. Returns 0 or -ENOMEM.
 */
int nodetab_set_root(struct nodetab *tab, const struct fhandle *fh, uint64_t ino, int own_fd,
		     struct node **ret_node);

/*
 * The table calls it once for each node before it frees the node, when no references are left. It
 * releases the objects of other modules for the node, and must not take references.
 */
typedef void (*node_free_fn)(void *aux, struct node *node);
void nodetab_on_free(struct nodetab *tab, node_free_fn fn, void *aux);

/* Calls fn for every living node, with a reference during the call. */
typedef void (*node_walk_fn)(void *aux, struct node *node);
void nodetab_walk(struct nodetab *tab, node_walk_fn fn, void *aux);
/*
 * Calls fn with the nodeid of each regular file that the kernel knows, until fn returns true.
 * Returns the nodeid for which fn returned true, or 0.
 */
uint64_t nodetab_find_file(struct nodetab *tab, bool (*fn)(void *aux, uint64_t nodeid), void *aux);

/* Returns true if handles of the root's layout are packed into nodeids. */
bool nodetab_packs(const struct nodetab *tab);
/* Restores the handle of a packed nodeid, even without a node. Returns false for other nodeids. */
bool node_id_unpack(struct nodetab *tab, uint64_t id, struct fhandle *ret_fh);

/* Returns an unguessable number that belongs to the nodeid; 0 for the root. */
uint32_t node_generation(struct nodetab *tab, const struct node *node);
/* Returns a number below NODE_MAX that no other living node has: an index for other tables. */
uint32_t node_number(struct nodetab *tab, const struct node *node);
#define NODE_MAX (1u << 26)

/* -- lower mounts (node-mounts.c) -------------------------------------------------------------- */

/* Returns the number of the mount that the kernel calls mnt_id, or -ENOENT. */
int nodetab_mount_find(struct nodetab *tab, int mnt_id);
/*
 * Adds a mount, or finds it if it was added already. Takes ownership of mount->fd, even on failure.
 * Returns its number or -ENFILE.
 */
int nodetab_mount_add(struct nodetab *tab, const struct lower_mount *mount);
const struct lower_mount *nodetab_mount(struct nodetab *tab, unsigned int number);

/*
 * Returns a strong reference to an alias of the node, or NULL: another node of the same lower file,
 * found through another mount of its file system. *mount is 0 for the first alias; the function
 * sets it to the value for the next one.
 */
struct node *node_lookup_alias(struct nodetab *tab, const struct node *node, unsigned int *mount);

/* -- finding and counting (node.c) ------------------------------------------------------------- */

/* Return a strong reference to the node with this nodeid or handle, or NULL if there is none. */
struct node *node_lookup_id(struct nodetab *tab, uint64_t id);
struct node *node_lookup_fh(struct nodetab *tab, const struct fhandle *fh);
/*
 * Returns a strong reference to the node of a key of a program, or NULL if there is none, or if
 * node_lookup_or_new() has to search for it: the key is long, or other threads change the table.
 * Takes no lock.
 */
struct node *node_lookup_key(struct nodetab *tab, const void *name, size_t len);

/* Describes a node to find or make. */
struct node_key {
	struct fhandle fh;
	uint64_t ino;
	uint16_t type;
	uint16_t flags;
	int own_fd; /* with NODE_OWN_FD: a new node takes ownership */
	uint64_t filters;
};
/*
 * Finds the node with key->fh, or creates it and sets *ret_new (may be NULL) to true. *ret_node is
 * a strong reference. With NODE_OWN_FD, fh is the key of node_key_own(). Returns 0 or -ENOMEM.
 */
int node_lookup_or_new(struct nodetab *tab, const struct node_key *key, struct node **ret_node,
		       bool *ret_new);
/* Returns a key for a file whose file system has no handles: device and inode number. */
struct fhandle node_key_own(unsigned int mount, uint32_t dev_major, uint32_t dev_minor,
			    uint64_t ino);
/*
 * Returns a key for a file that a program identifies by len bytes (1 to 64), with NODE_KEYED.
 * node_key_name() returns these bytes in *fh, and their number.
 */
struct fhandle node_key_named(const void *name, size_t len);
const void *node_key_name(const struct fhandle *fh, size_t *ret_len);

static inline bool node_is_keyed(const struct node *node)
{
	return node->flags & NODE_KEYED;
}
/* Returns true if the node has no lower file now. */
static inline bool node_has_no_lower(const struct node *node)
{
	return node_is_keyed(node) &&
	       (int)atomic_load_explicit(&node->fd_slot, memory_order_acquire) < 0;
}

/* Takes one more reference to a node of which the caller has a reference. Returns the node. */
struct node *node_get(struct node *node);
/* Puts a reference; putting the last one may free the node. Accepts NULL. Returns NULL. */
struct node *node_put(struct nodetab *tab, struct node *node);

/*
 * node_remember() adds one to nlookup; node_remember_ref() also puts the caller's reference.
 * node_forget() subtracts n, but not more than nlookup.
 */
void node_remember(struct node *node);
void node_remember_ref(struct node *node);
void node_forget(struct nodetab *tab, struct node *node, uint64_t n);

/* -- the file handle of a node (node-records.c) ------------------------------------------------ */

/* Copies the file handle of a node. */
void node_fhandle(struct nodetab *tab, const struct node *node, struct fhandle *ret_fh);
/* Opens the file of a node by its handle. Returns a new descriptor or -errno. */
int node_open(struct nodetab *tab, const struct node *node, int flags);
