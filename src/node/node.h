/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Nodes: the files that the kernel holds numbers for.
 *
 * A node is a record of fixed size in a flat array that lies in a memfd; two indexes lead to it:
 * nodeid and file handle. All that identifies a node is in its record.
 *
 * nodeid: 1 for the root; a packed file handle where that fits (bit 31 clear, see fhandle.h);
 * otherwise index in the array (bits 0 to 30), bit 31 set, and a number that is used once (bits 32
 * to 63).
 *
 * Life: a record lives while its count is not zero. The count is two numbers in one word, so that
 * one atomic operation tells whether the last of both has gone: how often the kernel was told of
 * the node (nlookup), and how many pointers of ours are out. nlookup changes in node_remember() and
 * node_forget() only.
 */
#include "node/fhandle.h"

#include <assert.h>
#include <stdatomic.h>
#include <stddef.h>
#include <sys/types.h>

struct nodetab;
struct fdcache;
struct fdent;

enum node_flag {
	NODE_OWN_FD	= 1 << 0,	/* fd_slot is a descriptor kept for the node's whole life */
};

/* A file's handle in its record: the rest of one that is longer lies in the table, see node_fhandle(). */
#define FHANDLE_SHORT 24
struct fhandle_kept {
	uint8_t len, type;
	uint16_t mount;
	uint8_t bytes[FHANDLE_SHORT];
};

struct node {
	_Atomic uint64_t count;		/* nlookup << 24 | references */
	_Atomic uint64_t id;		/* constant while count is not 0; 0: the record is free */
	uint64_t ino;			/* constant: the lower inode's number */
	_Atomic uint64_t filters;	/* that hold for the node, a bit each; NODE_FILTERS_SET */
	_Atomic uint64_t parent;	/* id of the directory it was last found in; 0: not known */
	_Atomic uint64_t shadow;	/* fs/attr-shadow.c: hash of what the kernel has cached */
	struct fhandle_kept fh;		/* constant; len 0 for nodes with a descriptor of their own */
	_Atomic uint32_t next;		/* hash chain: index of the next record; shard lock to write */
	uint16_t type;			/* constant: S_IFMT bits of the mode */
	uint8_t flags;			/* constant: NODE_* */
	_Atomic uint8_t served;		/* fields that a server has the authority for; fs/authority.c */
	_Atomic uint32_t fd_slot;	/* descriptor cache: entry number, 0 for none (fdcache.c) */
	int32_t backing_id;		/* the kernel's number of the backing file; fs/passthrough.c, its lock */
	uint32_t n_open;		/* opens in force; fs/passthrough.c, its lock */
	uint8_t io_mode;		/* enum io_mode; fs/passthrough.c, its lock */
	union {
		_Atomic uint8_t casefold;	/* directory: enum casefold of fs/casefold.c */
		_Atomic uint8_t foreign; /* other files: whose owner is not shown; fs/set-id.c */
	};
	uint8_t passthrough_flags;		/* fs/passthrough.c, its lock */
	_Atomic uint8_t watch;		/* enum watch_state; fs/watch.c */
	_Atomic uint32_t attr_state;	/* fs/attr.c */
	_Atomic uint32_t n_writers;	/* fs/attr.c: opens for writing */
	_Atomic uint32_t shadow_ms;	/* fs/attr-shadow.c: when it was last recorded */
};
static_assert(sizeof(struct node) == 112, "a million nodes in a hundred megabytes");

/* In node.filters: decided for a name of this node, not only inherited from its directory. */
#define NODE_FILTERS_SET (1ULL << 63)

/* A file system that LOWER reaches: LOWER's own is number 0, what is mounted below follows. */
struct lower_mount {
	int mnt_id;			/* the kernel's number of the mount */
	int fd;				/* on it, open for reading, for open_by_handle_at(); or -1 */
	bool handles;			/* whether its files have handles that we keep */
	bool asks;			/* it decides by itself what the caller of an operation may do */
	bool owners;			/* ... and data passes through as the owner of a file */
	bool proc;			/* it shows processes, and this one to itself in other ways */
	bool zero_size;			/* st_size is 0 although reading returns data (proc, sysfs) */
	uint32_t dev_major, dev_minor;	/* of the file that it was found by */
};

struct nodetab_stat {
	uint64_t n_nodes;
	uint64_t bytes;			/* records, indexes and bitmaps, as far as memory holds them */
};

int nodetab_new(struct nodetab **ret_tab);
struct nodetab *nodetab_free(struct nodetab *tab);
struct nodetab_stat nodetab_stat(struct nodetab *tab);

/* The mounts. nodetab_mount_add() takes mount->fd; adding a known mount returns its number. */
int nodetab_mount_find(struct nodetab *tab, int mnt_id);
int nodetab_mount_add(struct nodetab *tab, const struct lower_mount *mount);
const struct lower_mount *nodetab_mount(struct nodetab *tab, unsigned int number);

/* Generations are made with this key and the root's handle. Called before the root is set, if at all. */
void nodetab_set_key(struct nodetab *tab, const uint64_t key[2]);

/* Says which record is the root: id 1. Called once, before any other node exists. */
int nodetab_set_root(struct nodetab *tab, const struct fhandle *fh, uint64_t ino, int own_fd,
		     struct node **ret_node);

/* Returns a strong reference to the node with this nodeid, NULL when there is none. */
struct node *node_lookup_id(struct nodetab *tab, uint64_t id);

/* The whole handle of a node. */
void node_fhandle(struct nodetab *tab, const struct node *node, struct fhandle *ret_fh);
/* Opens the file of a node by its handle. Returns the descriptor or -errno. */
int node_open(struct nodetab *tab, const struct node *node, int flags);

/* Returns a strong reference to the node with this handle, NULL when there is none. */
struct node *node_lookup_fh(struct nodetab *tab, const struct fhandle *fh);

/*
 * Returns a strong reference to an alias of the node: another node of the same lower file, which was found
 * through another mount of its file system below LOWER. NULL when there is none.
 */
struct node *node_lookup_alias(struct nodetab *tab, const struct node *node);

/* What a new node is made of. */
struct node_key {
	struct fhandle fh;
	uint64_t ino;
	uint16_t type;
	uint16_t flags;
	int own_fd;			/* with NODE_OWN_FD: taken when a node is made of it */
	uint64_t filters;
};
/*
 * Returns a strong reference to the node with key->fh, made now if need be; *ret_new (may be NULL)
 * says so. With NODE_OWN_FD, fh holds device and inode number (node_key_own()).
 */
int node_lookup_or_new(struct nodetab *tab, const struct node_key *key, struct node **ret_node,
		       bool *ret_new);
/* The stand-in for a handle of files that have none. */
struct fhandle node_key_own(unsigned int mount, uint32_t dev_major, uint32_t dev_minor,
			    uint64_t ino);

/* Returns a strong reference to a node that the caller knows to be alive. */
struct node *node_get(struct node *node);
struct node *node_put(struct nodetab *tab, struct node *node);

/* The kernel has been told of the node once more, or gives n of these back. */
void node_remember(struct node *node);
void node_forget(struct nodetab *tab, struct node *node, uint64_t n);

/* A number that goes with the nodeid and cannot be guessed; 0 for the root. */
uint32_t node_generation(struct nodetab *tab, const struct node *node);

/*
 * Adds filters to node->filters after the filters of one of its names were decided, and sets
 * NODE_FILTERS_SET. A file with several names has the filters of all of them, so that a hard link does not
 * evade one. Filters that the node only inherited (NODE_FILTERS_SET is not set) are replaced. Bits outside
 * of known, of filters that are being added or removed, stay; with NODE_FILTERS_SET in known earlier
 * decisions are replaced, too.
 */
void node_set_filters(struct node *node, uint64_t filters, uint64_t known);
/* Replaces earlier decisions if node->filters is still seen; else changes nothing and returns false. */
bool node_reset_filters(struct node *node, uint64_t filters, uint64_t known, uint64_t seen);
/* A number below NODE_MAX that no other living node has: for tables beside this one. */
uint32_t node_number(struct nodetab *tab, const struct node *node);
#define NODE_MAX (1u << 26)
/* Calls fn for every node that is alive, with a reference for the time of the call. */
typedef void (*node_walk_fn)(void *aux, struct node *node);
void nodetab_walk(struct nodetab *tab, node_walk_fn fn, void *aux);

/* Whether handles of the root's kind are packed. */
bool nodetab_packs(const struct nodetab *tab);
/* The handle that a packed nodeid stands for, whether or not there is a node. */
bool node_id_unpack(struct nodetab *tab, uint64_t id, struct fhandle *ret_fh);

/* Called when a node is about to be freed, once, with no reference left: the time to let go of
 * what the record's users keep for it. */
typedef void (*node_free_fn)(void *aux, struct node *node);
void nodetab_on_free(struct nodetab *tab, node_free_fn fn, void *aux);

/*
 * The descriptor cache: O_PATH descriptors of nodes, as many as the budget allows. A reference pins
 * the descriptor; the cache closes the least recently used ones, and those of plain files when they
 * have been idle for a second, so that space of files deleted below is not held.
 */
struct fdref {
	int fd;
	struct fdent *ent;		/* NULL: not in the cache, closed by fdref_put() */
};
/* Who calls fdcache_reap() about once a second, from now on, until it says that none are left. */
struct fdcache_host {
	void *aux;
	void (*want_tick)(void *aux);
};
int fdcache_new(unsigned int budget, struct nodetab *tab, const struct fdcache_host *host,
		struct fdcache **ret_cache);
struct fdcache *fdcache_free(struct fdcache *cache);
/* Returns 0 and a pinned descriptor of the node, or -errno (-ESTALE: the file is gone). */
int fdref_get(struct fdcache *cache, struct node *node, struct fdref *ret_ref);
/* Offers a descriptor for the cache to keep; takes it in any case. */
void fdcache_offer(struct fdcache *cache, struct node *node, int fd);
void fdref_putp(struct fdref *ref);
/* The node's descriptor is closed unless somebody uses it just now. */
void fdcache_let_go(struct fdcache *cache, struct node *node);
/* The node goes: its descriptor is closed. */
void fdcache_drop(struct fdcache *cache, struct node *node);
/* Closes descriptors of plain files not used since the last call; true while any are left. */
bool fdcache_reap(struct fdcache *cache);
/* Closes what is not pinned: for when the process runs out of descriptors. */
void fdcache_trim(struct fdcache *cache);
unsigned int fdcache_count(struct fdcache *cache);
/*
 * A name of the node is about to be removed, or was: if that was the last one, the node keeps a descriptor
 * until it goes, because a file without a name cannot be opened by its handle once nobody has it open. What
 * has a name all the same is found out by fdcache_reap(). Half of the budget is kept at most: returns false
 * where that is used up.
 */
bool fdcache_keep(struct fdcache *cache, struct node *node);

/* seen.c: the node that a name led to when it was last noted; may be out of date, or be forgotten. */
struct seen;
#define SEEN_ABSENT 0ULL
#define SEEN_UNKNOWN UINT64_MAX
int seen_new(struct seen **ret_seen);
struct seen *seen_free(struct seen *seen);
/* id: of the node, or one of the above. */
void seen_note(struct seen *seen, const struct node *dir, const char *name, uint64_t id);
/* Returns whether the name is known; *ret_id may be SEEN_ABSENT. */
bool seen_find(struct seen *seen, const struct node *dir, const char *name, uint64_t *ret_id);
#define FDREF_NONE ((struct fdref){ .fd = -1 })
