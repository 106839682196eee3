/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Declarations that the files of fs/ share, by file. Unless a comment says otherwise, functions
 * return 0 or -errno and leave outputs untouched on failure; nodes and handles in arguments are
 * borrowed, those in results are strong references; fd is an O_PATH descriptor of the node,
 * borrowed.
 */
#include "fs/creds.h"
#include "fs/fs.h"
#include "node/namecache.h"
#include "util/fair-share.h"

#include <pthread.h>

#define STX_MASK (STATX_BASIC_STATS | STATX_BTIME | STATX_MNT_ID)

struct passthrough;
struct locks;
struct watch;

/* dir-cursors.c: directories that stand at an offset between two requests. */
#define CURSORS_MAX 64
struct cursors {
	pthread_mutex_t lock; /* guards what follows */
	unsigned int n;
	struct cursor {
		struct handle *handle; /* counted */
		uint64_t off;
		bool seen; /* has seen a tick */
	} at[CURSORS_MAX]; /* the oldest first */
};

/* listings.c: changes and readers of a group of directories. */
#define LISTINGS_N_GROUPS 1024u
struct listing_group {
	_Atomic uint32_t changed_ms; /* of the last change; 0: long ago */
	_Atomic uint32_t n_replies;  /* replies with names that are under way */
	_Atomic bool crossed;        /* a change came while a reply was under way */
	_Atomic bool mixed;          /* names from before a change may have the new version */
};

#define INO_MAX_DEVS 4096

struct fs {
	struct fs_config config; /* constant */
	struct nodetab *nodes;
	struct fdcache *fds;
	struct handletab *handles;
	struct passthrough *passthrough;
	struct locks *locks;
	struct watch *watch;        /* watch.c; NULL: nothing is watched */
	struct fair_share open_fds; /* descriptors of handles, by the user who opened them */
	struct node *root;          /* counted */
	_Atomic bool remote;        /* a lower file system is remote, see fs_is_remote() */
	struct {
		_Atomic uint64_t by_caller, by_name, data, cacheable, forget;
	} filters;                           /* see struct fs_filters */
	_Atomic bool told_unnamed;           /* unnamed.c has logged a warning */
	_Atomic uint64_t devs[INO_MAX_DEVS]; /* ino.c: device + 1; 0: free; the first is LOWER's */
	/*
	 * attr-shadow.c: calls of shadow_drop() under way. Each open reads it, so it has a cache
	 * line of its own: by its distance from the others, because calloc() does not align to
	 * cache lines.
	 */
	char before[64];
	_Atomic unsigned int n_shadow_drops;
	char after[60];
	struct listing_group listings[LISTINGS_N_GROUPS];
	struct cursors cursors; /* with no_opendir */
	struct namecache names;
};
/* Else calloc() would not be enough, and a compiler for AVX would store to unaligned memory. */
static_assert(_Alignof(struct fs) <= _Alignof(max_align_t), "calloc() aligns a struct fs");

/* -- lookup.c, lower-mount.c: the node of a lower file ----------------------------------------- */

/* Finds or makes the node of a name in dir; dir_fd is the directory's descriptor. */
int lookup_name(struct fs *fs, struct node *dir, int dir_fd, const char *name,
		struct fs_entry *ret_entry);
/* Finds or makes the node of a descriptor; dir: the directory where it was found, or NULL. */
int lookup_fd(struct fs *fs, struct node *dir, int fd, struct fs_entry *ret_entry);
/*
 * Makes the key of a file from its descriptor and attributes. Returns 1: *ret_fh is its file
 * handle; 0: it is that of node_key_own(); -errno.
 */
int lookup_key(struct fs *fs, int fd, const struct statx *stx, struct fhandle *ret_fh);
/*
 * Returns the number of the mount that a file lies on, which is added if it is new, or -errno. fh
 * is the file's handle, NULL if it has none.
 */
int lower_mount_of(struct fs *fs, int fd, const struct statx *stx, const struct fhandle *fh);

/* -- lower-open.c: the lower file of a node or handle ------------------------------------------ */

int lower_stat(int fd, struct statx *ret_stx);
/* As lower_stat(), with the caller's identity if the node's file system checks the caller. */
int lower_stat_as_caller(struct fs *fs, struct node *node, int fd, struct statx *ret_stx);
int lower_node_stat(struct fs *fs, struct node *node, struct statx *ret_stx);
/* chmod(2) by an O_PATH descriptor: by fchmodat2(2) since Linux 6.6, by /proc before. */
int lower_chmod(int fd, uint32_t mode);
/* True if entering the directory mounts a file system on it (NFS, autofs). */
bool lower_is_automount(int fd);

/* openat(2). Returns the descriptor or -errno; trims the descriptor cache after EMFILE. */
int lower_openat(struct fs *fs, int dir_fd, const char *name, int flags, uint32_t mode);
/*
 * Opens a node's file. Returns the descriptor or -errno; FS_WOULD_WAIT if the open would wait for a
 * lease and this thread may not wait.
 */
int lower_open(struct fs *fs, struct node *node, int flags);
/* Returns true if this thread may wait for holders of leases. */
bool lower_may_wait(void);
/* Returns an O_PATH descriptor of a node, outside the cache, or -errno. */
int lower_open_path(struct fs *fs, struct node *node);
/* Returns the descriptor of a handle, which it opens if there is none yet, or -errno. Borrowed. */
int lower_of_handle(struct fs *fs, struct handle *handle);
/*
 * Gives a handle its descriptor, and counts that for the user who opened it. False: the handle has
 * a descriptor already, and fd stays the caller's.
 */
bool lower_to_handle(struct fs *fs, struct handle *handle, int fd);

/* The lower mount that a node was found on. */
static inline const struct lower_mount *lower_mount(struct fs *fs, const struct node *node)
{
	return nodetab_mount(fs->nodes, node->fh.mount);
}
/* True if the node's file system checks permissions of the caller itself. */
static inline bool lower_checks_caller(struct fs *fs, const struct node *node)
{
	return lower_mount(fs, node)->checks_caller;
}
/*
 * Takes the caller's identity for operations on a node's lower file if its file system checks it;
 * else does nothing, at no cost. The function's caller opens descriptors before, because opening by
 * handle takes a capability that the request's caller may lack.
 */
static inline int lower_enter(struct fs *fs, const struct node *node, struct creds_scope *ret_scope)
{
	return lower_checks_caller(fs, node) ? creds_enter_whole(0, ret_scope) : 0;
}
/* As lower_enter(), for operations that create an inode: else takes creds_enter_caller(). */
static inline int lower_enter_maker(struct fs *fs, const struct node *dir,
				    const struct fs_caller *caller, struct creds_scope *ret_scope)
{
	return lower_checks_caller(fs, dir) ? creds_enter_whole(0, ret_scope) :
					      creds_enter_caller(caller, ret_scope);
}

/* -- attr.c: attributes in replies, and their timeouts ----------------------------------------- */

/* A timeout without an end. */
#define ATTR_LONG_NS (86400ULL * 365 * 1000000000)

/* The reply that carries attributes: an entry (LOOKUP, READDIRPLUS, LINK, ...), or another. */
enum attr_reply { REPLY_ENTRY, REPLY_GETATTR, REPLY_SETATTR };

/*
 * True if filters that depend on the caller hold for a node: a reply is valid for one caller only.
 */
static inline bool attr_is_by_caller(struct fs *fs, const struct node *node)
{
	return node_filters(node) &
	       atomic_load_explicit(&fs->filters.by_caller, memory_order_relaxed);
}

/*
 * Completes attributes that were just read from the lower inode: sets the fields that a server
 * owns, the inode number and the timeout. Records them in the shadow.
 */
int attr_complete(struct fs *fs, struct node *node, struct fs_attr *attr, enum attr_reply reply);
/* Reads and completes the attributes of a node that got one more name. */
int attr_complete_link(struct fs *fs, struct node *node, int fd, struct fs_attr *ret_attr);
/* Sets the timeout of an entry's name; dir is NULL for "." and "..". */
void attr_complete_entry(struct fs *fs, struct node *dir, struct fs_entry *entry);
/* Return timeouts in nanoseconds: of a node's attributes; of a directory's names. */
uint64_t attr_timeout(struct fs *fs, struct node *node);
uint64_t attr_name_timeout(struct fs *fs, struct node *dir);
/* Returns true if the kernel may keep a directory's cached listing until the next open. */
bool attr_keep_listing(struct fs *fs, struct node *dir);

/* Called for a new node, before its reply: sets timeouts to 0 if the node has an alias (node.h). */
void attr_find_alias(struct fs *fs, struct node *node);
/*
 * For a new node: gives *attr a short timeout if another process may have mapped the file. For a
 * node of a file that was just created: no process has mapped it.
 */
void attr_node_seen_first(struct fs *fs, struct node *node, struct fs_attr *attr);
void attr_node_created(struct node *node);
/* Another process may store to the lower file through a mapping. */
void attr_mark_maybe_mapped(struct node *node);
/*
 * Called around an open for writing that is under way: no lease is held meanwhile, see attr.c.
 * attr_opened() and attr_released() count opens by themselves.
 */
void attr_writer_begins(struct node *node);
void attr_writer_ends(struct node *node);
void attr_opened(struct fs *fs, struct node *node, int flags, enum io_mode mode);
void attr_released(struct node *node, int flags, enum io_mode mode);

/* -- attr-shadow.c: the attributes that the kernel has cached ---------------------------------- */

/* Returns the hash of attributes of the lower inode, for shadow_record(); 0: nothing to record. */
uint64_t shadow_of(struct fs *fs, struct node *node, const struct statx *stx);
/* Called before a reply with these attributes; watched: changes by others make events. */
void shadow_record(struct node *node, uint64_t shadow, enum attr_reply reply, bool watched);
/* Called before an ACL is read for a reply, which may also say that there is none. */
void shadow_record_acl(struct fs *fs, struct node *node);
/*
 * True if a reply was recorded so recently that the kernel may receive it after an invalidation
 * that is sent now.
 */
#define SHADOW_IN_FLIGHT_MS 30
bool shadow_in_flight(const struct node *node);
/*
 * Invalidate what the kernel has cached, before they return. Called only from inside a request.
 * shadow_drop(): all attributes and ACLs, because an operation of the view changed more than the
 * kernel expects. shadow_drop_written(): of a regular file, the attributes that a write changes.
 * shadow_revalidate(): at open, those that differ from the lower inode.
 */
void shadow_drop(struct fs *fs, struct node *node);
void shadow_drop_written(struct fs *fs, struct node *node);
void shadow_revalidate(struct fs *fs, struct node *node);

/* -- invalidate.c: makes the kernel drop what it has cached ------------------------------------ */

/*
 * Invalidates a name. child: the node whose file was removed with it, or NULL; expire: the name may
 * still lead to the same file, or the view itself has changed it.
 */
void invalidate_name(struct fs *fs, struct node *dir, const char *name, struct node *child,
		     bool expire);
void invalidate_all(struct fs *fs);
/*
 * Records that a node lies in another directory (NULL: unknown), and invalidates its attributes if
 * that directory is not watched.
 */
void invalidate_moved(struct fs *fs, struct node *node, struct node *dir);

/* -- authority.c, set-id.c, ino.c: attributes that differ from the lower ones ------------------ */

/* Replaces the fields of *stx, read from the lower inode, that the server owns. */
int authority_apply(struct fs *fs, struct node *node, struct statx *stx);
/* lower_stat() and authority_apply(). */
int authority_stat(struct fs *fs, struct node *node, int fd, struct statx *ret_stx);
/*
 * Sends the server its part of a change, and removes that part from *change. Returns AUTHORITY_DONE
 * if nothing is left for the lower inode.
 */
#define AUTHORITY_DONE 1
int authority_change(struct fs *fs, const struct fs_caller *caller, struct node *node, int fd,
		     struct fs_change *change);
/*
 * Clears set-ID bits of a mode that the server owns, after a caller without CAP_FSETID wrote data.
 */
int authority_written(struct fs *fs, const struct fs_caller *caller, struct node *node, int fd);
/* True if the server is known to own a field (STATX_*). */
static inline bool authority_is_served(const struct node *node, uint32_t field)
{
	return atomic_load_explicit(&node->served, memory_order_relaxed) & field;
}

/*
 * Returns the set-ID bits of the mode that the view hides, because it shows another owner or group
 * than the lower file has; 0: it shows the lower ones.
 */
uint32_t set_id_hidden(const struct node *node);
/* Keeps these bits in a change of the mode; -EPERM if the change would set one. */
int set_id_keep(const struct node *node, int fd, struct fs_change *change);
/* True if xattr is that of file capabilities, and the node's must not take effect. */
bool set_id_is_capability(const struct node *node, const char *xattr);

/* Returns the number to mix (xor) into inode numbers of a file's device; 0 for LOWER's own. */
uint64_t ino_mix(struct fs *fs, const struct statx *stx);

/* -- passthrough.c, owner.c: how data is reached ----------------------------------------------- */

int passthrough_new(struct fs *fs, struct passthrough **ret_pt);
/* Called after all nodes are freed. */
struct passthrough *passthrough_free(struct passthrough *passthrough);
/*
 * Decides the I/O mode of an open with these flags, and counts the open. st: the file's attributes,
 * or st_mode is 0. -EBUSY: the file is open by passthrough, and filters hold for its data, or its
 * owner may not open it so.
 */
int passthrough_open(struct fs *fs, struct node *node, const struct stat *st, int flags,
		     struct fs_open *open);
void passthrough_close(struct fs *fs, struct node *node);
/* Closes the node's backing id if no open uses it; false: the node is open. */
bool passthrough_close_idle(struct fs *fs, struct node *node);
void passthrough_node_gone(struct fs *fs, struct node *node);
/* Closes backing ids that have been idle for a tick; false: none are left. */
bool passthrough_reap(struct fs *fs);
void passthrough_stat(struct fs *fs, struct fs_stat *stat);

/* The owner that a node's file is registered as. */
struct file_owner {
	uint32_t uid, gid;
};
/* The list of one shard, whose lock the caller holds. */
struct owned;
/* Finds a node's owner; false: the file is not registered as an owner. */
bool owned_find(const struct owned *list, const struct node *node, struct file_owner *ret_owner);
/* Records a node's owner; NULL: removes it. */
int owned_set(struct owned **list, const struct node *node, const struct file_owner *owner);
/*
 * Opens, as its owner, a program that the caller may execute but not read. Returns the descriptor
 * or -errno.
 */
int owner_open_program(struct fs *fs, struct node *node);
/* True if that owner may open the node's file with these flags. */
bool owner_may(struct fs *fs, struct node *node, const struct file_owner *owner, int flags);

/* -- data.c, lock.c ---------------------------------------------------------------------------- */

/*
 * Closes a duplicate of the handle's descriptor, so that a server reports errors of written data
 * (NFS sends the data then).
 */
int data_flush(struct fs *fs, struct handle *handle);

int locks_new(struct fs *fs, struct locks **ret_locks);
struct locks *locks_free(struct locks *locks);
/* Interrupts all waiters, and waits until they have ended. */
void locks_shutdown(struct locks *locks);
bool locks_tick(struct locks *locks);
/*
 * Drops the locks on a node of an owner (close(2)), or of all owners (NULL); fh: of those only that
 * used this handle last, or NULL.
 */
void locks_drop(struct fs *fs, const struct node *node, const uint64_t *owner, const uint64_t *fh);

/* -- dir.c, dir-cursors.c, listings.c: directories --------------------------------------------- */

void dir_stream_free(struct fs *fs, struct handle *handle);

/* Takes the cursor at this offset out. Returns a strong reference; NULL: there is none. */
struct handle *cursors_take(struct fs *fs, const struct node *node, uint64_t off);
/* Leaves a cursor at this offset; takes a reference of its own. */
void cursors_put(struct fs *fs, struct handle *handle, uint64_t off);
/* Closes cursors that have seen two ticks; false: none are left. */
bool cursors_tick(struct fs *fs);

/* Called before a reply to a request for names; begins: for the first ones. */
void listings_replies(struct fs *fs, const struct node *dir, bool begins);
/* Called once for each such reply: it had no names, or the kernel has cached its names. */
void listings_taken(struct fs *fs, const struct node *dir);

/* -- watch*.c: changes by others, with cache=auto ---------------------------------------------- */

enum watch_state { WATCH_NONE, WATCH_ON, WATCH_WANTED, WATCH_NOT };
/* If fanotify does not work, leaves *ret_watch untouched and logs why. */
int watch_new(struct fs *fs, struct watch **ret_watch);
int watch_start(struct watch *watch);
void watch_stop(struct watch *watch);
struct watch *watch_free(struct watch *watch);
/*
 * Called before the attributes of a node, or the names of a directory, are read, so that changes
 * after the read make an event.
 */
void watch_before_read(struct fs *fs, struct node *node, int fd);
void watch_node_gone(struct fs *fs, struct node *node);
void watch_stat(const struct watch *watch, struct fs_stat *stat);

/* -- unnamed.c: files that are in use and lose their last name --------------------------------- */

/* Called before a name is removed. */
void unnamed_before(struct fs *fs, struct node *dir, int dir_fd, const char *name);
/* A node was created without a name, or another process has removed a name of it. */
void unnamed_keep(struct fs *fs, struct node *node);
/* A name was renamed to another one, or the two were exchanged (flags: RENAME_*). */
void unnamed_renamed(struct fs *fs, struct node *dir, const char *name, struct node *new_dir,
		     const char *new_name, unsigned int flags);
