/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Declarations that the files of fs/ share, by file. Unless a comment says otherwise, functions
 * return 0 or -errno and leave outputs untouched on failure. They borrow the nodes and handles in
 * their arguments, and return strong references. fd is an O_PATH descriptor of the node, borrowed.
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

/* dir-cursors.c: open directories, each with the offset at which its last READDIR has ended. */
#define CURSORS_MAX 64
struct cursors {
	pthread_mutex_t lock; /* guards all members below */
	unsigned int n;
	struct cursor {
		struct handle *handle; /* counted */
		uint64_t off;
		bool seen; /* a tick has passed since the cursor was put here */
	} at[CURSORS_MAX]; /* the oldest first */
};

/* listings.c: changes and replies of a group of directories. */
#define LISTINGS_N_GROUPS 1024u
struct listing_group {
	_Atomic uint32_t changed_ms; /* clock_ms() of the last change; 0 if that is long ago */
	_Atomic uint32_t n_replies;  /* replies with names that the kernel has not cached yet */
	_Atomic bool crossed;        /* a name changed while n_replies was not 0 */
	_Atomic bool mixed;          /* the kernel may have cached names from before a change */
	_Atomic uint32_t n_changes;
	_Atomic uint32_t n_ends;     /* replies with the end that readers may not have got yet */
	_Atomic uint32_t crossed_ms; /* clock_ms() when a name last changed and n_ends was not 0 */
	_Atomic bool ends_crossed;   /* crossed_ms is valid, and n_ends has not been 0 since */
};

#define INO_MAX_DEVS 4096

struct fs {
	struct fs_config config; /* constant */
	struct nodetab *nodes;
	struct fdcache *fds;
	struct handletab *handles;
	struct passthrough *passthrough;
	struct locks *locks;
	struct watch *watch;          /* watch.c; NULL if nothing is watched */
	struct fair_share open_fds;   /* descriptors of handles, by the user who opened them */
	struct node *root;            /* counted */
	pthread_mutex_t keyed_lock;   /* keyed.c */
	pthread_mutex_t pieces_lock;  /* pieces.c */
	pthread_mutex_t program_lock; /* see fs_program_lock() */
	_Atomic uint32_t *answers;    /* keyed.c; NULL if no lower file has answers of a program */
	struct statx **entry_attrs;   /* entry-attr.c; NULL if the program has getattr() */
	_Atomic bool remote;          /* a lower file system is remote, see fs_is_remote() */
	struct {
		_Atomic uint64_t by_caller, by_name, data, cacheable, forget;
	} filters;                           /* see struct fs_filters */
	_Atomic bool told_unnamed;           /* unnamed.c has logged a warning */
	_Atomic uint64_t devs[INO_MAX_DEVS]; /* ino.c: device + 1, or 0; the first is LOWER's */
	/*
	 * attr-shadow.c: the number of calls of shadow_drop() that run now. Each open reads it, so
	 * no other member is in its cache line. The padding ensures that: calloc() does not align
	 * to cache lines.
	 */
	char before[64];
	_Atomic unsigned int n_shadow_drops;
	char after[60];
	struct listing_group listings[LISTINGS_N_GROUPS];
	struct cursors cursors; /* with no_opendir */
	struct namecache names;
};
/*
 * fs_new() allocates the struct by calloc(). With a larger alignment the compiler may use aligned
 * AVX stores, which fault on memory of calloc().
 */
static_assert(_Alignof(struct fs) <= _Alignof(max_align_t), "calloc() aligns a struct fs");

/* -- lookup.c, lower-mount.c: the node of a lower file ----------------------------------------- */

/* Finds or creates the node of a name in dir; dir_fd is a descriptor of dir. */
int lookup_name(struct fs *fs, struct node *dir, int dir_fd, const char *name,
		struct fs_entry *ret_entry);
/*
 * Finds or creates the node of the file of a descriptor. dir is the directory in which the file was
 * found, or NULL.
 */
int lookup_fd(struct fs *fs, struct node *dir, int fd, struct fs_entry *ret_entry);
/*
 * Computes the key of a file from its descriptor and attributes. Returns 1 if *ret_fh is the file
 * handle of the file, 0 if it is the key of node_key_own(), or -errno.
 */
int lookup_key(struct fs *fs, int fd, const struct statx *stx, struct fhandle *ret_fh);
/*
 * Returns the number of the mount that a file lies on, or -errno. Adds the mount if it is new. fh
 * is the handle of the file, or NULL if it has none.
 */
int lower_mount_of(struct fs *fs, int fd, const struct statx *stx, const struct fhandle *fh);

/* -- lower-open.c: the lower file of a node or handle ------------------------------------------ */

int lower_stat(int fd, struct statx *ret_stx);
/* As lower_stat(), with the caller's identity if the node's file system checks the caller. */
int lower_stat_as_caller(struct fs *fs, struct node *node, int fd, struct statx *ret_stx);
int lower_node_stat(struct fs *fs, struct node *node, struct statx *ret_stx);
/* Changes the mode of a file by an O_PATH descriptor: fchmodat2(2) since Linux 6.6, else /proc. */
int lower_chmod(int fd, uint32_t mode);
/* Returns true if entering the directory would mount a file system on it (NFS, autofs). */
bool lower_is_automount(int fd);

/*
 * As openat(2), but after EMFILE closes descriptors of the cache and tries again. Returns a
 * descriptor, which the caller owns, or -errno.
 */
int lower_openat(struct fs *fs, int dir_fd, const char *name, int flags, uint32_t mode);
/*
 * Opens the file of a node. Returns a descriptor, which the caller owns, or -errno; FS_WOULD_WAIT
 * if the open would wait for the holder of a lease and this thread may not wait.
 */
int lower_open(struct fs *fs, struct node *node, int flags);
/* Returns true if this thread may wait for holders of leases. */
bool lower_may_wait(void);
/* Returns a new O_PATH descriptor of a node, which the caller owns, or -errno. */
int lower_open_path(struct fs *fs, struct node *node);
/*
 * Returns the descriptor of a handle, or -errno. Opens the file if the handle has no descriptor
 * yet. The handle owns the descriptor.
 */
int lower_of_handle(struct fs *fs, struct handle *handle);
/*
 * Makes fd the descriptor of a handle, and counts it for the user who opened the handle. Returns
 * true if the handle has taken ownership of fd; false if the handle has a descriptor already, and
 * the caller keeps fd.
 */
bool lower_to_handle(struct fs *fs, struct handle *handle, int fd);

/* Returns the lower mount on which a node was found. */
static inline const struct lower_mount *lower_mount(struct fs *fs, const struct node *node)
{
	return nodetab_mount(fs->nodes, node->fh.mount);
}
/* Returns true if the node's file system checks the permissions of the caller itself. */
static inline bool lower_checks_caller(struct fs *fs, const struct node *node)
{
	return lower_mount(fs, node)->checks_caller;
}
/*
 * Gives this thread the identity of the request's caller if the node's file system checks the
 * caller; else does nothing. Functions open the descriptors that they need before they call this,
 * because opening by handle takes a capability that the request's caller may lack.
 */
static inline int lower_enter(struct fs *fs, const struct node *node, struct creds_scope *ret_scope)
{
	return lower_checks_caller(fs, node) ? creds_enter_whole(0, ret_scope) : 0;
}
/*
 * As lower_enter(), for operations that create an inode. If the file system does not check the
 * caller, calls creds_enter_caller(), so that the new inode belongs to the caller.
 */
static inline int lower_enter_maker(struct fs *fs, const struct node *dir,
				    const struct fs_caller *caller, struct creds_scope *ret_scope)
{
	return lower_checks_caller(fs, dir) ? creds_enter_whole(0, ret_scope) :
					      creds_enter_caller(caller, ret_scope);
}

/* -- attr.c: attributes in replies, and their timeouts ----------------------------------------- */

/* A timeout that never ends in practice: a year. */
#define ATTR_LONG_NS (86400ULL * 365 * 1000000000)

/* The reply that carries attributes: an entry (LOOKUP, READDIRPLUS, LINK, ...), or another. */
enum attr_reply { REPLY_ENTRY, REPLY_GETATTR, REPLY_SETATTR };

/*
 * Returns true if filters that depend on the caller apply to a node. A reply is then valid for one
 * caller only, so the kernel must not cache it.
 */
static inline bool attr_is_by_caller(struct fs *fs, const struct node *node)
{
	return node_filters(node) &
	       atomic_load_explicit(&fs->filters.by_caller, memory_order_relaxed);
}

/*
 * Completes attributes that were just read from the lower inode: sets the fields that a server
 * decides, the inode number and the timeout. Records the attributes in the shadow.
 */
int attr_complete(struct fs *fs, struct node *node, struct fs_attr *attr, enum attr_reply reply);
/* Reads and completes the attributes of a node that got one more name. */
int attr_complete_link(struct fs *fs, struct node *node, int fd, struct fs_attr *ret_attr);
/* Sets the timeout of an entry's name; dir is NULL for "." and "..". */
void attr_complete_entry(struct fs *fs, struct node *dir, struct fs_entry *entry);
/* Return timeouts in nanoseconds: of the attributes of a node, and of the names in a directory. */
uint64_t attr_timeout(struct fs *fs, struct node *node);
uint64_t attr_name_timeout(struct fs *fs, struct node *dir);
/* Returns true if the kernel may keep a directory's cached listing until the next open. */
bool attr_keep_listing(struct fs *fs, struct node *dir);

/*
 * Sets the timeouts of a new node to 0 if the node has an alias (node.h). The caller calls it
 * before the first reply with this node.
 */
void attr_find_alias(struct fs *fs, struct node *node);
/*
 * attr_node_seen_first() gives *attr a short timeout if another process may have mapped the file of
 * a new node. attr_node_created() records that no process has mapped the file of a new node,
 * because the view has just created the file.
 */
void attr_node_seen_first(struct fs *fs, struct node *node, struct fs_attr *attr);
void attr_node_created(struct node *node);
/* Records that another process may store to the lower file through a mapping. */
void attr_mark_maybe_mapped(struct node *node);
/*
 * A thread calls these two around an open for writing: between them attr.c takes no read lease on
 * the file, which the open would break. attr_opened() and attr_released() need no such calls.
 */
void attr_writer_begins(struct node *node);
void attr_writer_ends(struct node *node);
void attr_opened(struct fs *fs, struct node *node, int flags, enum io_mode mode);
void attr_released(struct node *node, int flags, enum io_mode mode);

/* -- attr-shadow.c: the attributes that the kernel has cached ---------------------------------- */

/*
 * Returns the hash of attributes of the lower inode, for shadow_record(), or 0 if there is nothing
 * to record.
 */
uint64_t shadow_of(struct fs *fs, struct node *node, const struct statx *stx);
/*
 * Records a shadow before the reply with these attributes. watched is true if changes by other
 * processes make fanotify events.
 */
void shadow_record(struct node *node, uint64_t shadow, enum attr_reply reply, bool watched);
/*
 * Records that the kernel may cache the ACLs of a node, or that it has none. The caller calls it
 * before it reads the ACL for the reply.
 */
void shadow_record_acl(struct fs *fs, struct node *node);
/*
 * Returns true if a reply was recorded so recently that the kernel may receive it after an
 * invalidation that is sent now, and so keep old attributes.
 */
#define SHADOW_IN_FLIGHT_MS 30
bool shadow_in_flight(const struct node *node);
/*
 * The kernel has dropped the attributes when these functions return. Only threads that serve a
 * request call them. shadow_drop() invalidates all attributes and ACLs, after an operation of the
 * view that has changed more than the kernel expects. shadow_drop_written() invalidates the
 * attributes that a write changes, of a regular file. shadow_revalidate() compares the shadow with
 * the lower inode at an open, and invalidates the attributes if they differ. shadow_filled() does
 * what the open that waits for a fill would do next, so that this open has nothing left to do.
 */
void shadow_drop(struct fs *fs, struct node *node);
void shadow_drop_written(struct fs *fs, struct node *node);
void shadow_revalidate(struct fs *fs, struct node *node);
void shadow_filled(struct fs *fs, struct node *node);

/* -- invalidate.c: makes the kernel drop what it has cached ------------------------------------ */

/*
 * Invalidates a name. child is the node whose file was removed with the name, or NULL. expire is
 * true if the name may still lead to the same file, or if the view itself has changed it.
 */
void invalidate_name(struct fs *fs, struct node *dir, const char *name, struct node *child,
		     bool expire);
void invalidate_all(struct fs *fs);
/*
 * Records that a node lies in the directory dir, or in an unknown one if dir is NULL, and
 * invalidates its attributes if that directory is not watched.
 */
void invalidate_moved(struct fs *fs, struct node *node, struct node *dir);

/* -- authority.c, set-id.c, ino.c: attributes that differ from the lower ones ------------------ */

/*
 * Replaces the fields of *stx that the server decides by the server's values. *stx has the
 * attributes of the lower inode before.
 */
int authority_apply(struct fs *fs, struct node *node, struct statx *stx);
/* Calls lower_stat() and authority_apply(). */
int authority_stat(struct fs *fs, struct node *node, int fd, struct statx *ret_stx);
/*
 * Calls setattr() of the server for the fields of a change that the server decides, and removes
 * these fields from *change. Returns 0, -errno, or AUTHORITY_DONE if no field is left to change in
 * the lower inode.
 */
#define AUTHORITY_DONE 1
int authority_change(struct fs *fs, const struct fs_caller *caller, struct node *node, int fd,
		     struct fs_change *change);
/*
 * Clears set-ID bits of a mode that the server decides, after a caller without CAP_FSETID has
 * written data.
 */
int authority_written(struct fs *fs, const struct fs_caller *caller, struct node *node, int fd);
/* Returns true if the server is known to decide a field (STATX_*) of a node. */
static inline bool authority_is_served(const struct node *node, uint32_t field)
{
	return atomic_load_explicit(&node->served, memory_order_relaxed) & field;
}

/*
 * Reads the attributes of a set-ID program again until mode, owner and group are those of one
 * moment. Returns 1, 0 if that failed and *stx has no set-ID bits any more, or -errno.
 */
int set_id_settle(struct fs *fs, struct node *node, struct statx *stx);
/*
 * Returns the set-ID bits of the mode that the view hides because it shows another owner or group
 * than the lower file has; 0 if it shows the same.
 */
uint32_t set_id_hidden(const struct node *node);
/*
 * Makes a change of the mode keep the hidden set-ID bits of the lower file. Returns 0, or -EPERM if
 * the change would set such a bit.
 */
int set_id_keep(const struct node *node, int fd, struct fs_change *change);
/*
 * Returns true if xattr is the attribute of file capabilities, and the node's capabilities must not
 * take effect because the view shows another owner.
 */
bool set_id_is_capability(const struct node *node, const char *xattr);

/* Returns the number to xor with inode numbers of a file's device; 0 for the device of LOWER. */
uint64_t ino_mix(struct fs *fs, const struct statx *stx);

/* -- passthrough.c, owner.c: how data is reached ----------------------------------------------- */

int passthrough_new(struct fs *fs, struct passthrough **ret_pt);
/* Frees the registry. The caller has freed all nodes before. Accepts NULL. Returns NULL. */
struct passthrough *passthrough_free(struct passthrough *passthrough);
/*
 * Decides the I/O mode of an open with these flags, and counts the open; passthrough_close() undoes
 * the count. *st has the file's attributes; st_mode is 0 if they are not known. Returns -EBUSY if
 * the file is open by passthrough but this open needs another mode, because filters apply to its
 * data or its owner may not open it with these flags.
 */
int passthrough_open(struct fs *fs, struct node *node, const struct stat *st, int flags,
		     struct fs_open *open);
void passthrough_close(struct fs *fs, struct node *node);
/* Closes the node's backing ID. Returns false and does nothing if an open uses it. */
bool passthrough_close_idle(struct fs *fs, struct node *node);
/* Closes the node's backing ID, because the node is being freed. */
void passthrough_node_gone(struct fs *fs, struct node *node);
/* Closes backing IDs that have been idle for a tick. Returns false if no idle one is left. */
bool passthrough_reap(struct fs *fs);
void passthrough_stat(struct fs *fs, struct fs_stat *stat);

/* The owner with whose credentials the kernel reads and writes a file that is passed through. */
struct file_owner {
	uint32_t uid, gid;
};
/* The nodes of one shard that are registered with an owner. The caller holds the shard's lock. */
struct owned;
/* Finds the owner of a node. Returns false if the file is not registered with an owner. */
bool owned_find(const struct owned *list, const struct node *node, struct file_owner *ret_owner);
/* Records the owner of a node, or removes it if owner is NULL. Returns 0 or -ENOMEM. */
int owned_set(struct owned **list, const struct node *node, const struct file_owner *owner);
/*
 * Opens a program that the caller may execute but not read, with the credentials of its owner.
 * Returns a descriptor, which the caller owns, or -errno.
 */
int owner_open_program(struct fs *fs, struct node *node);
/* Returns true if the owner may open the node's file with these flags. */
bool owner_may(struct fs *fs, struct node *node, const struct file_owner *owner, int flags);

/*
 * As passthrough_open(), for a file that the program reads and writes in this mode. Returns -EBUSY
 * if the file is open by passthrough.
 */
int passthrough_open_served(struct fs *fs, struct node *node, enum io_mode mode,
			    struct fs_open *open);

/* -- keyed.c: files of a program --------------------------------------------------------------- */

int keyed_init(struct fs *fs);
void keyed_fini(struct fs *fs);
/* Tells the program that a node is being freed, if it has a key. */
void keyed_gone(struct fs *fs, struct node *node);
/* As fs_node_revive(), for the key *fh. */
struct node *keyed_revive(struct fs *fs, uint64_t nodeid, const struct fhandle *fh);

/* entry-attr.c: keeps the attributes of a node's entry, if the program has no getattr(). */
int entry_attr_init(struct fs *fs);
void entry_attr_fini(struct fs *fs);
int entry_attr_set(struct fs *fs, struct node *node, const struct statx *stx);
/* The node is being freed. */
void entry_attr_drop(struct fs *fs, struct node *node);

/* -- data.c, lock.c ---------------------------------------------------------------------------- */

/*
 * Closes a duplicate of the handle's descriptor: a remote file system such as NFS then sends
 * written data to its server. Returns 0, or the -errno of the server.
 */
int data_flush(struct fs *fs, struct handle *handle);

int locks_new(struct fs *fs, struct locks **ret_locks);
struct locks *locks_free(struct locks *locks);
/* Interrupts all waiters, and waits until they have ended. */
void locks_shutdown(struct locks *locks);
bool locks_tick(struct locks *locks);
/*
 * Drops locks on a node: those of one lock owner (after close(2)), or of all if owner is NULL. If
 * fh is not NULL, drops only locks of owners that have used this handle last.
 */
void locks_drop(struct fs *fs, const struct node *node, const uint64_t *owner, const uint64_t *fh);

/* -- dir.c, dir-cursors.c, listings.c: directories --------------------------------------------- */

void dir_stream_free(struct fs *fs, struct handle *handle);

/* Removes and returns the handle that stands at this offset, with its reference, or NULL. */
struct handle *cursors_take(struct fs *fs, const struct node *node, uint64_t off);
/* Stores a handle that stands at this offset; takes a reference of its own. */
void cursors_put(struct fs *fs, struct handle *handle, uint64_t off);
/* Closes handles that have been stored for two ticks. Returns false if none is left. */
bool cursors_tick(struct fs *fs);

/* Records that a reply with names follows; begins is true if the reply has the first names. */
void listings_replies(struct fs *fs, const struct node *dir, bool begins);
/*
 * Records that the kernel has cached the names of a reply, or that the reply had no names. The
 * caller calls it once for each listings_replies().
 */
void listings_taken(struct fs *fs, const struct node *dir);
/* Records a reply with the end of a listing. Returns a number for listings_end_taken(). */
uint32_t listings_ends(struct fs *fs, const struct node *dir);
/*
 * Records that the kernel has the end of the listing, number. Returns true if names have changed
 * since the reply, so that the kernel may take a wrong cached listing for complete.
 */
bool listings_end_taken(struct fs *fs, const struct node *dir, uint32_t number);
/*
 * Returns true if a reply with the end of a listing, from before a change, may still be on its way
 * to its reader.
 */
bool listings_end_is_late(struct fs *fs, const struct node *dir);

/* -- watch*.c: changes by others, with cache=auto ---------------------------------------------- */

enum watch_state { WATCH_NONE, WATCH_ON, WATCH_WANTED, WATCH_NOT };
/*
 * Opens a fanotify queue. Returns 0 or -errno. If the kernel refuses fanotify, returns 0, leaves
 * *ret_watch untouched, and logs why.
 */
int watch_new(struct fs *fs, struct watch **ret_watch);
int watch_start(struct watch *watch);
void watch_stop(struct watch *watch);
struct watch *watch_free(struct watch *watch);
/*
 * Watches a node. The caller calls it before it reads the attributes of the node, or the names of
 * the directory: a change after the read then makes an event, and none is missed.
 */
void watch_before_read(struct fs *fs, struct node *node, int fd);
void watch_node_gone(struct fs *fs, struct node *node);
void watch_stat(const struct watch *watch, struct fs_stat *stat);

/* -- unnamed.c: files that are in use and lose their last name --------------------------------- */

/* Prepares the node of a name for the removal of the name. */
void unnamed_before(struct fs *fs, struct node *dir, int dir_fd, const char *name);
/* Keeps a node that was created without a name, or of which a process has removed a name. */
void unnamed_keep(struct fs *fs, struct node *node);
/* Prepares nodes after a rename or, with RENAME_EXCHANGE in flags, an exchange of two names. */
void unnamed_renamed(struct fs *fs, struct node *dir, const char *name, struct node *new_dir,
		     const char *new_name, unsigned int flags);
