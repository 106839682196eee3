/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Declarations that the files of fs/ share, by file. Unless a comment says otherwise, functions
 * return 0 or
 * -errno and leave outputs untouched on failure; nodes and handles that are passed in are borrowed,
 * results are strong references; fd is an O_PATH descriptor of the node, borrowed.
 */
#include "fs/creds.h"
#include "fs/fs.h"
#include "node/namecache.h"
#include "util/fair-share.h"

#include <pthread.h>

#define STX_MASK (STATX_BASIC_STATS | STATX_BTIME | STATX_MNT_ID)

struct passthrough;
struct locks;
struct devs;
struct watch;
struct cursors;
struct listings;

struct fs {
	struct fs_config config; /* constant */
	struct nodetab *nodes;
	struct fdcache *fds;
	struct handletab *handles;
	struct passthrough *passthrough;
	struct locks *locks;
	struct devs *devs;          /* ino.c */
	struct cursors *cursors;    /* dir-cursors.c; NULL: directories are opened */
	struct watch *watch;        /* watch.c; NULL: nothing is watched */
	struct fair_share open_fds; /* descriptors of handles, by who opened them */
	struct node *root;          /* counted */
	_Atomic bool remote;        /* one of the mounts is, see fs_is_remote() */
	struct {
		_Atomic uint64_t by_caller, by_name, data, cacheable, forget;
	} filters;                 /* what fs_set_filters() said */
	struct listings *listings; /* listings.c */
	struct namecache *names;   /* node/namecache.h */
	_Atomic bool told_unnamed; /* that there are too many has been logged */
	/* attr-shadow.c: calls of shadow_drop() under way; in a cache line of its own. */
	_Alignas(64) _Atomic unsigned int n_shadow_drops;
};

/* -- lookup.c, lower-mount.c: the node of a lower file ----------------------------------------- */

/* Finds or makes the node of a name in dir, whose descriptor is dir_fd. */
int lookup_name(struct fs *fs, struct node *dir, int dir_fd, const char *name,
		struct fs_entry *ret_entry);
/* Finds or makes the node of a descriptor; dir: the directory it was found in, or NULL. */
int lookup_fd(struct fs *fs, struct node *dir, int fd, struct fs_entry *ret_entry);
/*
 * Returns the number of the mount that a file lies on, which is added if it is new, or -errno. fh
 * is the file's handle, NULL if it has none.
 */
int lower_mount_of(struct fs *fs, int fd, int mnt_id, const struct statx *stx,
		   const struct fhandle *fh);

/* -- lower-open.c: the lower file of a node or handle ------------------------------------------ */

int lower_stat(int fd, struct statx *ret_stx);
int lower_node_stat(struct fs *fs, struct node *node, struct statx *ret_stx);
/* chmod by an O_PATH descriptor: one call since Linux 6.6, through /proc before. */
int lower_chmod(int fd, uint32_t mode);
/* True if entering the directory mounts something on it (NFS, autofs). */
bool lower_is_entered_elsewhere(int fd);

/* openat(2). Returns the descriptor or -errno; trims the descriptor cache after EMFILE. */
int lower_openat(struct fs *fs, int dir_fd, const char *name, int flags, uint32_t mode);
/*
 * Opens a node's file. Returns the descriptor or -errno; FS_WOULD_WAIT if the open would wait for a
 * lease and this thread may not wait.
 */
int lower_open(struct fs *fs, struct node *node, int flags);
/* Returns whether this thread may wait for holders of leases. */
bool lower_may_wait(void);
/* Returns an O_PATH descriptor of a node, outside the cache, or -errno. */
int lower_open_path(struct fs *fs, struct node *node);
/* Returns the descriptor of a handle, opened if it has none yet, or -errno. Borrowed. */
int lower_of_handle(struct fs *fs, struct handle *handle);
/*
 * Gives a handle its descriptor, and counts that for the user who opened it. False: the handle has
 * one already, and fd stays the caller's.
 */
bool lower_to_handle(struct fs *fs, struct handle *handle, int fd);

/* True if the node's file system checks what the caller may do. */
static inline bool lower_checks_caller(struct fs *fs, const struct node *node)
{
	return nodetab_mount(fs->nodes, node->fh.mount)->checks_caller;
}
/*
 * Takes the caller's identity for operations on a node's lower file if its file system checks it;
 * else does nothing, at no cost. Descriptors must be opened before, because opening by handle takes
 * a capability that the caller may lack.
 */
static inline int lower_enter(struct fs *fs, const struct node *node, struct creds_scope *ret_scope)
{
	return lower_checks_caller(fs, node) ? creds_enter_whole(ret_scope) : 0;
}
/* The same for operations that create an inode; else takes creds_enter_caller(). */
static inline int lower_enter_maker(struct fs *fs, const struct node *dir,
				    const struct fs_caller *caller, struct creds_scope *ret_scope)
{
	return lower_checks_caller(fs, dir) ? creds_enter_whole(ret_scope) :
					      creds_enter_caller(caller, ret_scope);
}

/* -- attr.c: attributes in replies, and their timeouts ----------------------------------------- */

/* The reply that carries attributes: an entry (LOOKUP, READDIRPLUS, LINK, ...), or another. */
enum attr_reply { REPLY_ENTRY, REPLY_GETATTR, REPLY_SETATTR };

/*
 * True if filters that depend on the caller hold for a node: an answer is good for one caller only.
 */
static inline bool attr_is_by_caller(struct fs *fs, const struct node *node)
{
	return node_filters(node) &
	       atomic_load_explicit(&fs->filters.by_caller, memory_order_relaxed);
}

/*
 * Completes attributes that were just read below: fields of a server, inode number, timeout;
 * records them in the shadow.
 */
int attr_complete(struct fs *fs, struct node *node, struct fs_attr *attr, enum attr_reply reply);
/* Reads and completes the attributes of a node that got one more name. */
int attr_complete_link(struct fs *fs, struct node *node, int fd, struct fs_attr *ret_attr);
/* Sets the timeout of an entry's name; dir is NULL for "." and "..". */
void attr_complete_entry(struct fs *fs, struct node *dir, struct fs_entry *entry);
/* Timeouts in nanoseconds: of a node's attributes; of names that a directory does not have. */
uint64_t attr_timeout(struct fs *fs, struct node *node);
uint64_t attr_absent_ns(struct fs *fs, struct node *dir);
/* Return whether the kernel may keep cached pages, or a directory's listing, over the next open. */
bool attr_keep_data(struct fs *fs);
bool attr_keep_listing(struct fs *fs, struct node *dir);

/*
 * For a new node, before its attributes are returned: limits caching if the node has an alias
 * (node.h).
 */
void attr_find_alias(struct fs *fs, struct node *node);
/*
 * For a new node: a process below may have the file mapped, so *attr gets a short timeout. For a
 * node of a file that was just created: no process has.
 */
void attr_node_seen_first(struct fs *fs, struct node *node, struct fs_attr *attr);
void attr_node_created(struct node *node);
/* A process below may store to the file through a mapping. */
void attr_mark_maybe_mapped(struct node *node);
/*
 * Around an open for writing that is under way: no lease is held meanwhile, see attr.c.
 * attr_opened() and attr_released() count opens themselves.
 */
void attr_writer_begins(struct node *node);
void attr_writer_ends(struct node *node);
void attr_opened(struct fs *fs, struct node *node, int flags, enum io_mode mode);
void attr_released(struct node *node, int flags, enum io_mode mode);
bool attr_has_writers(const struct node *node);

/* -- attr-shadow.c, invalidate.c: what the kernel has cached ----------------------------------- */

/*
 * attr-shadow.c: what the kernel has cached of a node's attributes.
 *
 * shadow_of(): the hash of attributes that were read below, for shadow_record(); 0 where nothing is
 * compared. shadow_record(): a reply is about to carry them; watched: changes by others make
 * events. shadow_record_acl(): a reply is about to carry an ACL, or that there is none; before that
 * is read.
 */
uint64_t shadow_of(struct fs *fs, struct node *node, const struct statx *stx);
void shadow_record(struct node *node, uint64_t shadow, enum attr_reply reply, bool watched);
void shadow_record_acl(struct fs *fs, struct node *node);
/*
 * True if a reply was recorded so recently that the kernel may get it after an invalidation sent
 * now.
 */
#define SHADOW_IN_FLIGHT_MS 30
bool shadow_in_flight(const struct node *node);
/*
 * Invalidate what the kernel has cached, before they return; only from inside a request.
 * shadow_drop(): all attributes and ACLs, after an operation of the view that changed more than the
 * kernel expects. shadow_drop_written(): of a regular file, what a write changes.
 * shadow_revalidate(): at open, what differs from the lower inode.
 */
void shadow_drop(struct fs *fs, struct node *node);
void shadow_drop_written(struct fs *fs, struct node *node);
void shadow_revalidate(struct fs *fs, struct node *node);

/*
 * invalidate.c: the kernel drops what it has cached. Only where the host has these callbacks.
 *
 * invalidate_node(): attributes, and with data the pages. invalidate_name(): a name; child: the
 * node whose file was removed with it, or NULL; expire: the name may still lead to the same file,
 * or the view itself has changed it. invalidate_all(): everything. invalidate_moved(): records that
 * a node lies in another directory (NULL: not known which), and invalidates its attributes if that
 * one is not watched.
 */
void invalidate_node(struct fs *fs, struct node *node, bool data);
void invalidate_name(struct fs *fs, struct node *dir, const char *name, struct node *child,
		     bool expire);
void invalidate_all(struct fs *fs);
void invalidate_moved(struct fs *fs, struct node *node, struct node *dir);

/* -- authority.c, set-id.c, ino.c: attributes that differ from the lower ones ------------------ */

/* Replaces the fields of *stx, read from the lower inode, that the server owns. */
int authority_apply(struct fs *fs, struct node *node, struct statx *stx);
/*
 * Gives the server its part of a change; what is left for the lower inode stays in *change. Returns
 * AUTHORITY_DONE if nothing is.
 */
#define AUTHORITY_DONE 1
int authority_change(struct fs *fs, const struct fs_caller *caller, struct node *node, int fd,
		     struct fs_change *change);
/*
 * Clears set-ID bits of a mode that the server owns, after a caller without CAP_FSETID wrote data.
 */
int authority_written(struct fs *fs, const struct fs_caller *caller, struct node *node, int fd);
/* True if a field (STATX_*) is known to be the server's. */
static inline bool authority_is_served(const struct node *node, uint32_t field)
{
	return atomic_load_explicit(&node->served, memory_order_relaxed) & field;
}

/* The set-ID bits of a node that the view does not show, see set-id.c. */
uint32_t set_id_hidden(const struct node *node);
/* Keeps those bits in a change of the mode; -EPERM if the change would set one. */
int set_id_keep(const struct node *node, int fd, struct fs_change *change);
/* True if the view shows another owner or group than the lower file has. */
bool set_id_is_foreign(const struct node *node);
/* True if xattr is that of file capabilities, and the node's must not take effect. */
bool set_id_is_capability(const struct node *node, const char *xattr);

/* Returns the number to mix (xor) into inode numbers of a file's device; 0 for LOWER's own. */
uint64_t ino_mix(struct fs *fs, const struct statx *stx);
int ino_devs_new(struct devs **ret_devs);
struct devs *ino_devs_free(struct devs *devs);

/* -- passthrough.c, owner.c: how data is reached ----------------------------------------------- */

int passthrough_new(struct fs *fs, struct passthrough **ret_pt);
struct passthrough *passthrough_free(struct passthrough *passthrough);
/*
 * Decides the I/O mode of an open with these flags, and counts the open; st: the file's attributes,
 * or st_mode is 0. -EBUSY: the file is open by passthrough, and filters hold for its data, or its
 * owner may not open it so.
 */
int passthrough_open(struct fs *fs, struct node *node, const struct stat *st, int flags,
		     struct fs_open *open);
void passthrough_close(struct fs *fs, struct node *node);
/* Closes the node's backing id if no open uses it; false where the node is open. */
bool passthrough_close_idle(struct fs *fs, struct node *node);
void passthrough_node_gone(struct fs *fs, struct node *node);
/* Closes backing ids that have been idle for a tick; false when none are left. */
bool passthrough_reap(struct fs *fs);
void passthrough_stat(struct fs *fs, struct fs_stat *stat);

struct owners;
struct file_owner {
	uint32_t uid, gid;
};
int owners_new(struct owners **ret_owners);
struct owners *owners_free(struct owners *owners);
/* The owner that a node's file is registered as; false: as an unprivileged user. */
bool owners_find(struct owners *owners, const struct node *node, struct file_owner *ret_owner);
/* Records it; owner NULL: the file is not registered as its owner any more. */
int owners_set(struct owners *owners, const struct node *node, const struct file_owner *owner);
/* Opens, as its owner, a program that the caller may execute and not read. The fd or -errno. */
int owner_open_program(struct fs *fs, struct node *node);
/* True if that owner may open the node's file with these flags. */
bool owner_may(struct fs *fs, struct node *node, const struct file_owner *owner, int flags);

/* -- data.c, lock.c ---------------------------------------------------------------------------- */

/*
 * Closes a descriptor of the handle's file, so that a server reports errors of written data (NFS
 * sends the data then).
 */
int data_flush(struct fs *fs, struct handle *handle);

int locks_new(struct fs *fs, struct locks **ret_locks);
struct locks *locks_free(struct locks *locks);
/* Interrupts all waiters, and waits until they have ended. */
void locks_shutdown(struct locks *locks);
bool locks_tick(struct locks *locks);
/* Drop all locks of an owner on a node (close(2)), or all that were taken through a handle. */
void locks_drop_owner(struct fs *fs, struct node *node, uint64_t owner);
void locks_drop_handle(struct fs *fs, struct handle *handle);

/* -- dir.c, dir-cursors.c, listings.c: directories --------------------------------------------- */

void dir_stream_free(struct fs *fs, struct handle *handle);

/* Cursors: handles of directories between two requests of a listing (no_opendir). */
int cursors_new(struct cursors **ret_cursors);
struct cursors *cursors_free(struct fs *fs);
/* Takes the cursor at this offset out. Returns a strong reference; NULL if there is none. */
struct handle *cursors_take(struct fs *fs, const struct node *node, uint64_t off);
/* Leaves a cursor at this offset; takes a reference of its own. */
void cursors_put(struct fs *fs, struct handle *handle, uint64_t off);
/* Closes cursors that have seen two ticks; false when none are left. */
bool cursors_tick(struct fs *fs);

/* When directories were changed and read. */
int listings_new(struct listings **ret_listings);
struct listings *listings_free(struct listings *listings);
/* A name in the directory has changed. */
void listings_changed(struct fs *fs, const struct node *dir);
/*
 * A request for names will be answered (begins: for the first ones); and the kernel has taken the
 * reply, or it had no names, once for each.
 */
void listings_replies(struct fs *fs, const struct node *dir, bool begins);
void listings_taken(struct fs *fs, const struct node *dir);

/* -- watch*.c: changes by others, with cache=auto ---------------------------------------------- */

enum watch_state { WATCH_NONE, WATCH_ON, WATCH_WANTED, WATCH_NOT };
/* If nothing can be watched, leaves *ret_watch untouched and logs why. */
int watch_new(struct fs *fs, struct watch **ret_watch);
int watch_start(struct watch *watch);
void watch_stop(struct watch *watch);
struct watch *watch_free(struct watch *watch);
/*
 * Called before the attributes of a node, or the names of a directory, are read, so that changes
 * after the read make an event; fd is an O_PATH descriptor of the node.
 */
void watch_before_read(struct fs *fs, struct node *node, int fd);
void watch_node_gone(struct fs *fs, struct node *node);
void watch_stat(const struct watch *watch, struct fs_stat *stat);

/* -- unnamed.c: files that are in use and lose their last name --------------------------------- */

/*
 * A name is about to be removed; another process has removed a name of a node; a node was created
 * without a name; a name was renamed to another one, or the two were exchanged (flags: RENAME_*).
 */
void unnamed_before(struct fs *fs, struct node *dir, int dir_fd, const char *name);
void unnamed_below(struct fs *fs, struct node *node);
void unnamed_made(struct fs *fs, struct node *node);
void unnamed_renamed(struct fs *fs, struct node *dir, const char *name, struct node *new_dir,
		     const char *new_name, unsigned int flags);
