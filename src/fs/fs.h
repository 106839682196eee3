/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * The passthrough file system: carries out each operation on the lower tree. It works on nodes,
 * handles and struct statx, and knows neither messages nor transports. Sections name the file of
 * each function.
 *
 * Unless its comment says otherwise, a function
 *  - returns 0 or -errno, which the caller of the view gets (util/err.h), and leaves its outputs
 *    untouched on failure;
 *  - borrows the nodes and handles in its arguments; those in results are strong references, for
 *    fs_node_put() and fs_handle_put();
 *  - takes a NUL-terminated name of one component, but not "." or ".." (except fs_lookup());
 *  - may be called from any thread that has called fs_thread_init().
 *
 * Times that end in _ns are in nanoseconds, sizes and offsets in bytes.
 */
#include "node/fdcache.h"
#include "node/handle.h"
#include "node/node.h"

#include <linux/stat.h>
#include <penstock/penstock.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

struct fs;

/* Instead of 0: the operation keeps the request and will call fs_waiter.done(). */
#define FS_LATER 1
/*
 * Instead of -errno: the operation has done nothing yet, because it would wait for the holder of a
 * lease. The caller runs it again in a thread that may wait, see fs_thread_may_wait().
 */
#define FS_WOULD_WAIT (-600)

/* -- the file system as a whole (fs.c) --------------------------------------------------------- */

/* Services that the file system needs from the daemon. All are set; called from any thread. */
struct fs_host {
	void *aux;
	/* Registers a lower file for passthrough. Returns the backing id or -errno. */
	int (*backing_open)(void *aux, int fd);
	void (*backing_close)(void *aux, int backing_id);
	/* Asks for fs_tick() to be called about once a second from now on. */
	void (*want_tick)(void *aux);
	/*
	 * Make the kernel drop what it has cached: attributes of a node, and with data its pages; a
	 * name (child: the node that was removed with it, or 0; expire: the name may still lead to
	 * the same file); everything. They return at once, before the kernel has done it.
	 */
	void (*invalidate_node)(void *aux, uint64_t nodeid, bool data);
	void (*invalidate_name)(void *aux, uint64_t parent, const char *name, uint64_t child,
				bool expire);
	void (*invalidate_all)(void *aux);
	/*
	 * Another process has moved a directory away that the kernel has cached under this name.
	 * Called before the name is invalidated; reads the mount tables.
	 */
	void (*moved_away)(void *aux, uint64_t parent, const char *name, uint64_t child);
	/*
	 * Make the kernel drop a node's attributes and ACLs, or of a regular file only what a write
	 * changes (size, blocks, mtime, ctime), before they return. May be called from inside a
	 * request. The second one does nothing if the kernel has cached a size of FS_WRITTEN_LIMIT
	 * or more.
	 */
	void (*invalidate_attr_now)(void *aux, uint64_t nodeid);
	void (*invalidate_written_now)(void *aux, uint64_t nodeid);
	/*
	 * A node with filters of fs_filters.forget is being freed. The callback must not take
	 * references to it.
	 */
	void (*forgotten)(void *aux, struct node *node);
};

#define FS_WRITTEN_LIMIT (INT64_MAX - 1)

struct fs_config {
	int lower; /* the root directory, on a private mount; taken */
	bool passthrough;
	bool passthrough_asked; /* passthrough also if the lower file system checks the caller */
	bool pseudo;            /* shows pseudo file systems */
	bool hide_mounts;       /* hides mounts below LOWER, and does not trigger automounts */
	bool sync;              /* each write is on the disk before its reply */
	bool no_opendir;        /* the kernel sends READDIR without OPENDIR */
	enum pst_cache cache;
	uint64_t ttl_ns; /* timeout with cache=ttl, and if auto cannot watch */
	enum pst_locks locks;
	unsigned int n_waiting_locks; /* locks that may wait at a time; 0: a good default */
	unsigned int fd_budget;       /* descriptors in the descriptor cache */
	unsigned int open_budget;     /* descriptors of open files and directories; 0: no limit */
	bool keyed;                   /* generations of nodes are made with key */
	uint64_t key[2];
	bool own_fds; /* a descriptor for each node: no CAP_DAC_READ_SEARCH */
	struct fs_host host;
	struct pst_server server; /* fields is NULL: no server */
};

int fs_new(const struct fs_config *config, struct fs **ret_fs);
struct fs *fs_free(struct fs *fs);
/* Starts the threads of the file system. Called once, after the host is ready. */
int fs_start(struct fs *fs);
/* Ends the threads and interrupts waits for locks, because the view ends. */
void fs_shutdown(struct fs *fs);
/* Closes idle descriptors and backing ids; false: none are left that a later call could close. */
bool fs_tick(struct fs *fs);

struct fs_stat {
	struct nodetab_stat nodes;
	uint64_t n_handles, n_fds, n_backings, n_registered, n_refused;
	uint64_t n_watched, n_events, n_own_events, n_overflows;
};
void fs_stat(struct fs *fs, struct fs_stat *ret_stat);

/* -- threads and callers (creds.c, lower-open.c) ----------------------------------------------- */

/* The caller of the view for whom an operation runs. */
struct fs_caller {
	uint32_t uid, gid;
	uint32_t pid;
	bool unknown; /* the kernel does not say who (idmapped mounts): uid is 65534 */
	uint32_t umask;
	bool has_group; /* group is a supplementary group, which the new mode needs */
	uint32_t group;
	uint64_t filters;       /* CREATE and TMPFILE: filters of the new file */
	uint64_t known_filters; /* ... of these filters */
};

/* Drops capabilities, groups and umask of a new thread. Called before it runs operations. */
int fs_thread_init(void);
/*
 * Makes this thread run operations for a caller (NULL: for itself). If the lower file system checks
 * the caller, they run with the caller's identity. The struct is borrowed, and must not change,
 * until the next call.
 */
void fs_serve(const struct fs_caller *caller);
/* Sets whether this thread may wait for holders of leases; a new thread may not. */
void fs_thread_may_wait(bool may);

/* -- nodes and handles by number (fs.c, lookup.c) ---------------------------------------------- */

/* Return a strong reference to the node or handle of a number from the kernel, or NULL. */
struct node *fs_node(struct fs *fs, uint64_t nodeid);
struct handle *fs_handle(struct fs *fs, uint64_t fh, const struct node *node);
void fs_node_put(struct fs *fs, struct node *node);
void fs_handle_put(struct fs *fs, struct handle *handle);
/* True if fs_node_revive() can find nodes on LOWER's own mount. */
bool fs_revives(const struct fs *fs);
/* As fs_node(), for a forgotten nodeid that is part of a file handle of the view. */
struct node *fs_node_revive(struct fs *fs, uint64_t nodeid);
/* Subtracts n from the node's nlookup. */
void fs_forget(struct fs *fs, uint64_t nodeid, uint64_t n);
/* See node_generation() and node_number(). */
uint32_t fs_generation(struct fs *fs, const struct node *node);
uint32_t fs_node_number(struct fs *fs, const struct node *node);
/* Calls fn for every living node, with a reference during the call. */
void fs_walk(struct fs *fs, node_walk_fn fn, void *aux);
/*
 * Calls fn with the nodeid of each regular file that the kernel knows, until fn returns true.
 * Returns that nodeid, 0: fn returned true for none.
 */
uint64_t fs_find_file(struct fs *fs, bool (*fn)(void *aux, uint64_t nodeid), void *aux);
/* Reads the attributes of a node as the view shows them. */
int fs_node_stat(struct fs *fs, struct node *node, struct statx *ret_stx);
/*
 * Pins a descriptor of a node, so that it can be read after the node loses its names. *ret_pin is
 * for fdref_putp(). If the node has no descriptor, fs_pin_stat() fails with -ESTALE.
 */
void fs_pin(struct fs *fs, struct node *node, struct fdref *ret_pin);
/* As fs_node_stat(), through the descriptor of fs_pin(). */
int fs_pin_stat(struct fs *fs, struct node *node, const struct fdref *pin, struct statx *ret_stx);

/* -- paths and names (node-path.c, lookup.c, casefold.c, dir.c) -------------------------------- */

/* Finds the node of a path below the root; fails if it has a symbolic link. "": the root. */
int fs_walk_path(struct fs *fs, const char *path, struct node **ret_node);
/* Writes the path of a node below the root, or "?" if it is not known. */
void fs_node_path(struct fs *fs, struct node *node, char *buf, size_t size);
/*
 * As fs_node_path(). For a directory whose path is too long for the kernel, gives the path of its
 * nearest ancestor that has one, with "/?" appended, and returns true.
 */
bool fs_node_path_cut(struct fs *fs, struct node *node, char *buf, size_t size);
/*
 * Reads the attributes of a lower name without making a node. *ret_node is its node if one exists,
 * else it is untouched.
 */
int fs_peek(struct fs *fs, struct node *dir, const char *name, struct statx *ret_stx,
	    struct node **ret_node);
/*
 * Finds the spelling on disk of a name in a case-insensitive directory. -ENOENT: it is the given
 * one, or the name does not exist.
 */
#define FS_NAME_SIZE 1024
int fs_real_name(struct fs *fs, struct node *dir, const char *name, char real[FS_NAME_SIZE]);
/* Calls fn for each lower name of a directory (type: S_IFMT); does nothing for other nodes. */
typedef void (*fs_name_fn)(void *aux, struct node *dir, const char *name, uint64_t ino,
			   uint32_t type);
void fs_each_name(struct fs *fs, struct node *node, fs_name_fn fn, void *aux);

/* -- lower file systems (lower-mount.c, watch-support.c, owner.c) ------------------------------ */

/* True if any lower file system is remote or FUSE: calls on it may block for long. */
bool fs_is_remote(const struct fs *fs);
/* Returns the device number of the lower mount of a node. */
void fs_node_device(struct fs *fs, const struct node *node, uint32_t *ret_major,
		    uint32_t *ret_minor);

/*
 * Checks if cache=auto can watch the file system of a directory (fd: open for reading). If not, a
 * view uses a timeout of ttl_ns there, and *ret_support says why.
 */
struct fs_watch_support {
	bool watchable;
	bool refused; /* by the kernel, although the type of file system allows it */
	char why[96]; /* if not watchable */
};
void fs_watch_support(int fd, struct fs_watch_support *ret_support);
/* Opens and closes a fanotify queue, as a view with cache=auto does. Returns 0 or -errno. */
int fs_watch_try(void);
/*
 * Checks if a view could open files by handle on the file system of fd (open for reading). -errno:
 * each node would keep a descriptor. *ret_len is the length of fd's handle; 0: it has none.
 */
int fs_handles_try(int fd, unsigned int *ret_len);
/*
 * Opens the directory of a descriptor for reading: as this process, or as the directory's owner if
 * a server refuses this process. Returns a new descriptor or -errno.
 */
int fs_open_dir(int fd);

/* -- filters (fs.c, passthrough.c, set-id.c) --------------------------------------------------- */

/* Properties of filters, each a set of bits as in node_filters(). */
struct fs_filters {
	uint64_t by_caller; /* results depend on the caller */
	uint64_t by_name;   /* results depend on names */
	uint64_t data;      /* see reads and writes */
	uint64_t cacheable; /* of these: do the same for every caller */
	uint64_t forget;    /* have programs for nodes that are freed */
};
void fs_set_filters(struct fs *fs, const struct fs_filters *filters);
/*
 * Called after node_filters() has changed in the bits of changed: if one of these filters sees
 * data, the next open drops the pages that the kernel has cached.
 */
void fs_filters_changed(struct fs *fs, struct node *node, uint64_t changed);
/* True if the node is open by passthrough although filters that see data hold for it. */
bool fs_bypasses(struct fs *fs, struct node *node);
/*
 * A filter shows a node with another owner (other_uid) or group (other_gid) than the lower file
 * has: returns mode without the set-ID bits that would take effect for these.
 */
uint32_t fs_show_mode(struct node *node, uint32_t mode, bool other_uid, bool other_gid);
/* Called when no filter shows another owner of the node any more. */
void fs_show_real(struct fs *fs, struct node *node);

/* -- invalidation (invalidate.c) --------------------------------------------------------------- */

/*
 * Makes the kernel ask again for a node's attributes, and for a name in it (or NULL), because the
 * reply to a request will not say what the request did. Called before the reply: attributes are
 * dropped when this returns, names soon after.
 */
void fs_invalidate(struct fs *fs, struct node *node, const char *name);
/* Makes the kernel drop a node's attributes, and with data its cached pages. Returns at once. */
void fs_invalidate_node(struct fs *fs, struct node *node, bool data);

/* -- names (lookup.c, create.c) ---------------------------------------------------------------- */

/* Attributes, just read from the lower inode, and their timeout. */
struct fs_attr {
	struct statx stx;
	uint64_t attr_ns;
};

/* The result of a lookup or a create. */
struct fs_entry {
	struct node *node; /* NULL: the name does not exist; the kernel may cache that */
	struct fs_attr attr;
	uint64_t entry_ns;
};

int fs_lookup(struct fs *fs, struct node *dir, const char *name, struct fs_entry *ret_entry);
/* A file to create: any but a regular file that is opened at once, for which see fs_create(). */
struct fs_new_file {
	uint32_t mode;      /* type and permissions */
	dev_t rdev;         /* device */
	const char *target; /* symbolic link */
};
int fs_make(struct fs *fs, const struct fs_caller *caller, struct node *dir, const char *name,
	    const struct fs_new_file *file, struct fs_entry *ret_entry);
int fs_link(struct fs *fs, struct node *node, struct node *dir, const char *name,
	    struct fs_entry *ret_entry);
int fs_unlink(struct fs *fs, struct node *dir, const char *name, bool rmdir);
/* flags: RENAME_* of renameat2(2). */
int fs_rename(struct fs *fs, const struct fs_caller *caller, struct node *dir, const char *name,
	      struct node *new_dir, const char *new_name, unsigned int flags);

/* -- attributes (setattr.c, xattr.c, sync.c) --------------------------------------------------- */

/* handle: an open handle of the node, or NULL. */
int fs_getattr(struct fs *fs, struct node *node, struct handle *handle, struct fs_attr *ret_attr);

enum fs_set {
	FS_SET_MODE = 1 << 0,
	FS_SET_UID = 1 << 1,
	FS_SET_GID = 1 << 2,
	FS_SET_SIZE = 1 << 3,
	FS_SET_ATIME = 1 << 4,
	FS_SET_MTIME = 1 << 5,
	FS_KILL_SUIDGID = 1 << 6, /* with owner or size: the caller lacks CAP_FSETID */
};
/* set 0 is a change, too: chown(-1, -1), or a write is about to come. */
struct fs_change {
	unsigned int set; /* enum fs_set */
	uint32_t mode, uid, gid;
	uint64_t size;
	struct timespec times[2]; /* access, modification; tv_nsec may be UTIME_NOW */
};
int fs_setattr(struct fs *fs, const struct fs_caller *caller, struct node *node,
	       struct handle *handle, const struct fs_change *change, struct fs_attr *ret_attr);

/* Returns the length of the text, which is not terminated, or -errno. */
int fs_readlink(struct fs *fs, struct node *node, char *buf, size_t size);
int fs_statfs(struct fs *fs, struct node *node, struct statvfs *ret_st);
int fs_syncfs(struct fs *fs, struct node *node);
/* Writes a change of a node, or of names in it, to the disk. */
int fs_sync_change(struct fs *fs, struct node *node);

/* Return the length of the value or list, or -errno. size 0: copy nothing. */
int fs_getxattr(struct fs *fs, struct node *node, const char *name, char *buf, size_t size);
int fs_listxattr(struct fs *fs, const struct fs_caller *caller, struct node *node, char *buf,
		 size_t size);
/* flags: XATTR_* of setxattr(2). kill_sgid: clears the set-group-ID bit. */
int fs_setxattr(struct fs *fs, struct node *node, const char *name, const void *value, size_t size,
		int flags, bool kill_sgid);
int fs_removexattr(struct fs *fs, struct node *node, const char *name);

/* -- open files (open.c, passthrough.c) -------------------------------------------------------- */

/* How reads and writes of an open file reach the lower file. */
enum io_mode {
	IO_NONE,        /* the file is not open */
	IO_CACHED,      /* requests, through the page cache of the view */
	IO_PASSTHROUGH, /* the kernel, on the lower file; no requests */
	IO_DIRECT,      /* requests, each as the caller made it */
};

struct fs_open {
	struct handle *handle;
	enum io_mode mode;
	int backing_id;  /* with IO_PASSTHROUGH */
	bool no_flush;   /* the kernel need not send FLUSH */
	bool keep_cache; /* the kernel may keep the pages that it has cached */
	bool cache_dir;  /* the kernel may cache the listing */
};
/*
 * Called before an open or a create. -EMFILE: the caller's user has the largest share of
 * descriptors that one user may have.
 */
int fs_may_open(struct fs *fs, const struct fs_caller *caller);
/*
 * flags: those of open(2). kill: O_TRUNC clears the set-ID bits. -EBUSY: the file is open by
 * passthrough, and filters hold for its data.
 */
int fs_open(struct fs *fs, const struct fs_caller *caller, struct node *node, int flags, bool kill,
	    struct fs_open *ret_open);
int fs_create(struct fs *fs, const struct fs_caller *caller, struct node *dir, const char *name,
	      int flags, uint32_t mode, struct fs_entry *ret_entry, struct fs_open *ret_open);
int fs_tmpfile(struct fs *fs, const struct fs_caller *caller, struct node *dir, int flags,
	       uint32_t mode, struct fs_entry *ret_entry, struct fs_open *ret_open);
/* RELEASE: closes the handle, once. The reference stays the caller's. */
int fs_release(struct fs *fs, struct handle *handle);

/* -- data of files that are not passed through (data.c, ioctl.c) ------------------------------- */

/* Return the bytes done or -errno. nowait: -EAGAIN instead of waiting for the disk. */
ssize_t fs_read(struct fs *fs, struct handle *handle, char *buf, size_t size, uint64_t off,
		int flags, bool nowait);
struct fs_write {
	const char *buf;
	size_t size;
	uint64_t off;
	int flags;       /* of the open file, as they are now */
	bool from_cache; /* from the page cache, not from a caller */
	bool kill;       /* clear set-user-ID and set-group-ID */
};
ssize_t fs_write(struct fs *fs, const struct fs_caller *caller, struct handle *handle,
		 const struct fs_write *write);
int fs_fsync(struct fs *fs, struct handle *handle, bool data_only);
int fs_fallocate(struct fs *fs, const struct fs_caller *caller, struct handle *handle, int mode,
		 uint64_t off, uint64_t len);
int fs_lseek(struct fs *fs, struct handle *handle, int64_t off, int whence, int64_t *ret_off);
ssize_t fs_copy(struct fs *fs, const struct fs_caller *caller, struct handle *from,
		uint64_t from_off, struct handle *to, uint64_t to_off, uint64_t len,
		unsigned int flags);
/* in and out are the command's data; *ret_len is the length of the result in out. */
int fs_ioctl(struct fs *fs, struct handle *handle, uint32_t cmd, const void *in, size_t in_len,
	     void *out, size_t out_len, size_t *ret_len);

/* -- directories (dir.c, dir-cursors.c, listings.c) -------------------------------------------- */

struct fs_dirent {
	const char *name;
	size_t name_len;
	uint64_t ino, off;
	uint32_t type; /* DT_* */
};
/*
 * The reply that fs_readdir() fills. room() returns the bytes of getdents64(2) records that surely
 * fit. fits() returns true if one more name fits; called before add(). add() takes entry->node.
 */
struct fs_dirsink {
	size_t (*room)(struct fs_dirsink *sink);
	bool (*fits)(struct fs_dirsink *sink, size_t name_len);
	void (*add)(struct fs_dirsink *sink, const struct fs_dirent *dirent,
		    struct fs_entry *entry);
	bool entries; /* fs_readdir() looks up each name for add() */
};
int fs_opendir(struct fs *fs, struct node *node, struct fs_open *ret_open);
/* With no_opendir: finds a handle at an offset, or makes one. */
int fs_dir_at(struct fs *fs, struct node *node, uint64_t off, struct handle **ret_handle);
int fs_readdir(struct fs *fs, struct handle *handle, uint64_t off, struct fs_dirsink *sink);
/* True if the kernel may take its cached listing of the directory for complete. */
bool fs_listing_is_settled(struct fs *fs, const struct node *dir);
/* Called after a name in the directory, or the names that filters show, changed. */
void fs_listing_changed(struct fs *fs, const struct node *dir);

/* -- locks, with locks=lower (lock.c, lock-holder.c) ------------------------------------------- */

/* FLUSH: drops the locks of an owner, which calls close(2), and sends written data to a server. */
int fs_flush(struct fs *fs, struct handle *handle, uint64_t owner);

struct fs_lock {
	uint64_t owner;
	uint64_t start, end; /* end is the last byte */
	int type;            /* F_RDLCK, F_WRLCK, F_UNLCK */
	uint32_t pid;
	bool flock;
};
int fs_getlk(struct fs *fs, struct handle *handle, struct fs_lock *lock);
/* A request that waits for a lock. done() is called once, from a thread of fs. */
struct fs_waiter {
	void (*done)(struct fs_waiter *waiter, int result);
	uint64_t unique; /* the request's number, for fs_interrupt() */
};
/*
 * Takes a lock. -EAGAIN: there is no waiter, and the lock is held by another owner. FS_LATER: fs
 * borrows the waiter until it calls done().
 */
int fs_setlk(struct fs *fs, struct handle *handle, const struct fs_lock *lock,
	     struct fs_waiter *waiter);
/* Ends the wait of a request with -EINTR, now or when the request comes. */
void fs_interrupt(struct fs *fs, uint64_t unique);
