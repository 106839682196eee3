/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * The passthrough file system carries out each operation on the lower tree. It works on nodes,
 * handles and struct statx, and knows neither messages nor transports. The title of each section
 * names the files that define its functions.
 *
 * Unless its comment says otherwise, a function
 *  - returns 0 or -errno, which the caller of the view gets (util/err.h), and leaves its outputs
 *    untouched on failure;
 *  - borrows the nodes and handles in its arguments, and returns strong references, which the
 *    caller drops by fs_node_put() and fs_handle_put();
 *  - takes a NUL-terminated name of one component, but not "." or ".." (except fs_lookup());
 *  - may be called from any thread that has called fs_thread_init().
 *
 * Times that end in _ns are in nanoseconds, sizes and offsets in bytes.
 */
#include "node/fdcache.h"
#include "node/handle.h"
#include "node/node.h"

#include <linux/stat.h>
#include <penstock/node.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

struct fs;

/* An operation returns this if it keeps the request and will call fs_waiter.done() later. */
#define FS_LATER 1
/*
 * An operation returns this if it has done nothing yet, because it would wait for the holder of a
 * lease. The caller runs the operation again in a thread that may wait (fs_thread_may_wait()): if
 * the thread that receives requests waited, the request by which the holder gives the lease up
 * might never be served.
 */
#define FS_WOULD_WAIT (-600)

/* -- the file system as a whole (fs.c) --------------------------------------------------------- */

/* Services that the file system needs from the daemon. All are set. Any thread may call them. */
struct fs_host {
	void *aux;
	/* Registers a lower file; the caller keeps fd. Returns the backing ID or -errno. */
	int (*backing_open)(void *aux, int fd);
	void (*backing_close)(void *aux, int backing_id);
	/* Makes the daemon call fs_tick() about once a second until fs_tick() returns false. */
	void (*want_tick)(void *aux);
	/*
	 * These functions only queue an invalidation, and return before the kernel has dropped
	 * anything. invalidate_node: the attributes of a node, and its cached pages if data is
	 * true. invalidate_name: a name; child is the node that was removed with it, or 0; expire
	 * is true if the name may still lead to the same file. invalidate_all: everything.
	 */
	void (*invalidate_node)(void *aux, uint64_t nodeid, bool data);
	void (*invalidate_name)(void *aux, uint64_t parent, const char *name, uint64_t child,
				bool expire);
	void (*invalidate_all)(void *aux);
	/*
	 * Reports that another process has moved a directory away that the kernel has cached under
	 * this name. The file system calls it before it invalidates the name; it reads the mount
	 * tables.
	 */
	void (*moved_away)(void *aux, uint64_t parent, const char *name, uint64_t child);
	/*
	 * The kernel has dropped the attributes when these functions return. invalidate_attr_now:
	 * all attributes and ACLs of a node. invalidate_written_now: only the attributes that a
	 * write changes (size, blocks, mtime, ctime), for regular files; does nothing if the kernel
	 * has cached a size of FS_WRITTEN_LIMIT or more. A thread that serves a request may call
	 * them: they take no locks of the kernel for which the request could wait.
	 */
	void (*invalidate_attr_now)(void *aux, uint64_t nodeid);
	void (*invalidate_written_now)(void *aux, uint64_t nodeid);
	/* Called before a node with filters of fs_filters.forget is freed. Takes no reference. */
	void (*forgotten)(void *aux, struct node *node);
};

#define FS_WRITTEN_LIMIT (INT64_MAX - 1)

struct fs_config {
	int lower; /* LOWER, on the clone of its mount */
	bool passthrough;
	bool passthrough_asked; /* passthrough even if the lower file system checks the caller */
	bool pseudo;            /* shows pseudo file systems */
	bool hide_mounts;       /* hides mounts below LOWER, and does not trigger automounts */
	bool sync;              /* each write is on the disk before its reply */
	bool no_opendir;        /* the kernel sends READDIR without OPENDIR */
	enum pst_cache cache;
	uint64_t ttl_ns; /* timeout for cache=ttl, and for cache=auto on unwatchable file systems */
	enum pst_locks locks;
	unsigned int n_waiting_locks; /* locks that may wait at the same time; 0 for a default */
	unsigned int fd_budget;       /* descriptors in the descriptor cache */
	unsigned int open_budget;     /* descriptors of open files and directories; 0: no limit */
	bool keyed;                   /* generations of nodes are computed from key */
	uint64_t key[2];
	bool own_fds; /* keep a descriptor for each node: CAP_DAC_READ_SEARCH is missing */
	struct fs_host host;
	struct pst_server server;     /* fields is NULL if there is no server */
	struct pst_node_ops node_ops; /* all zeros if the program answers no operations */
	/* With a source, else 0: fs_instance() of LOWER, and the size of a piece, a power of 2. */
	uint64_t instance, piece;
};

/*
 * Creates the file system. Copies *config. Takes ownership of config->lower, even on failure.
 * Returns 0 or -errno.
 */
int fs_new(const struct fs_config *config, struct fs **ret_fs);
/* Frees the file system after all its nodes and handles were put. Accepts NULL. Returns NULL. */
struct fs *fs_free(struct fs *fs);
/* Starts the threads of the file system. The daemon calls it once, when its host is ready. */
int fs_start(struct fs *fs);
/* Ends the threads and interrupts waits for locks, because the view ends. */
void fs_shutdown(struct fs *fs);
/* Closes idle descriptors and backing IDs. Returns false if none is left to close later. */
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
	bool unknown; /* the kernel does not name the caller (idmapped mounts); uid is 65534 */
	uint32_t umask;
	bool has_group; /* group is a supplementary group, which the new mode needs */
	uint32_t group;
	/* CREATE and TMPFILE: which of the filters in known_filters apply to the new file. */
	uint64_t filters;
	uint64_t known_filters;
};

/* Drops capabilities, groups and umask of a new thread. Each thread calls it before all others. */
int fs_thread_init(void);
/* The same, but the thread keeps these capabilities (CAP_BIT()) besides those for serving. */
int fs_thread_init_keeping(uint64_t caps);
/*
 * Makes this thread run operations for a caller, or for the daemon itself if caller is NULL. If the
 * lower file system checks the caller, the operations run with the caller's identity. Borrows the
 * struct until the next call; until then it must not change.
 */
void fs_serve(const struct fs_caller *caller);
/* Sets whether this thread may wait for holders of leases; a new thread may not. */
void fs_thread_may_wait(bool may);

/* -- nodes and handles by number (fs.c, lookup.c) ---------------------------------------------- */

/*
 * Return a strong reference to the node of a nodeid, or to the open handle of a file handle number,
 * or NULL if the number is invalid. fs_handle() also returns NULL for a handle of another node,
 * unless node is NULL.
 */
struct node *fs_node(struct fs *fs, uint64_t nodeid);
struct handle *fs_handle(struct fs *fs, uint64_t fh, const struct node *node);
void fs_node_put(struct fs *fs, struct node *node);
void fs_handle_put(struct fs *fs, struct handle *handle);
/* Returns true if fs_node_revive() can find nodes on LOWER's own mount. */
bool fs_revives(const struct fs *fs);
/*
 * As fs_node(), but also finds the file of a nodeid that the kernel has forgotten, when a client
 * opens a file handle of the view that has this nodeid.
 */
struct node *fs_node_revive(struct fs *fs, uint64_t nodeid);
/* Subtracts n from the node's nlookup. */
void fs_forget(struct fs *fs, uint64_t nodeid, uint64_t n);
/* As node_generation() and node_number() of node/node.h. */
uint32_t fs_generation(struct fs *fs, const struct node *node);
uint32_t fs_node_number(struct fs *fs, const struct node *node);
/* Calls fn for every living node, with a reference during the call. */
void fs_walk(struct fs *fs, node_walk_fn fn, void *aux);
/*
 * Calls fn with the nodeid of each regular file that the kernel knows, until fn returns true.
 * Returns the nodeid for which fn returned true, or 0.
 */
uint64_t fs_find_file(struct fs *fs, bool (*fn)(void *aux, uint64_t nodeid), void *aux);
/* Reads the attributes of a node as the view shows them. */
int fs_node_stat(struct fs *fs, struct node *node, struct statx *ret_stx);
/*
 * Pins a descriptor of a node, so that fs_pin_stat() can read its attributes after the node has
 * lost its last name. The caller passes *ret_pin to fdref_putp(). If no descriptor can be opened,
 * fs_pin_stat() fails with -ESTALE.
 */
void fs_pin(struct fs *fs, struct node *node, struct fdref *ret_pin);
/* As fs_node_stat(), through the descriptor of fs_pin(). */
int fs_pin_stat(struct fs *fs, struct node *node, const struct fdref *pin, struct statx *ret_stx);

/* -- paths and names (node-path.c, lookup.c, casefold.c, dir.c) -------------------------------- */

/*
 * Finds the node of a path below the root; "" is the root. Returns -ELOOP if a directory of the
 * path is a symbolic link.
 */
int fs_walk_path(struct fs *fs, const char *path, struct node **ret_node);
/* Writes the path of a node below the root, or "?" if the path is not known. */
void fs_node_path(struct fs *fs, struct node *node, char *buf, size_t size);
/*
 * As fs_node_path(). If the path of a directory is too long for the kernel, writes the path of its
 * nearest ancestor whose path is not, with "/?" appended, and returns true.
 */
bool fs_node_path_cut(struct fs *fs, struct node *node, char *buf, size_t size);
/*
 * Reads the attributes of a lower name without creating a node. Sets *ret_node to the node of the
 * file if one exists; else leaves *ret_node untouched.
 */
int fs_peek(struct fs *fs, struct node *dir, const char *name, struct statx *ret_stx,
	    struct node **ret_node);
/*
 * Finds the spelling on disk of a name in a case-insensitive directory. Returns -ENOENT if the
 * spelling is that of name, or if the name does not exist.
 */
#define FS_NAME_SIZE 1024
int fs_real_name(struct fs *fs, struct node *dir, const char *name, char real[FS_NAME_SIZE]);
/* Calls fn for each lower name of a directory; type is S_IFMT bits. Ignores other nodes. */
typedef void (*fs_name_fn)(void *aux, struct node *dir, const char *name, uint64_t ino,
			   uint32_t type);
void fs_each_name(struct fs *fs, struct node *node, fs_name_fn fn, void *aux);

/* -- lower file systems (lower-mount.c, watch-support.c, owner.c) ------------------------------ */

/* Returns true if any lower file system is remote or FUSE: calls on it may block for long. */
bool fs_is_remote(const struct fs *fs);
/* Returns the device number of the lower mount of a node. */
void fs_node_device(struct fs *fs, const struct node *node, uint32_t *ret_major,
		    uint32_t *ret_minor);

/*
 * Checks if cache=auto can watch the file system of fd, a directory that is open for reading. If
 * not, a view uses the timeout ttl_ns there, and ret_support->why has the reason.
 */
struct fs_watch_support {
	bool watchable;
	bool refused; /* the kernel refused the watch, although this type can be watched */
	char why[96]; /* the reason if watchable is false */
};
void fs_watch_support(int fd, struct fs_watch_support *ret_support);
/* Opens and closes a fanotify queue, as a view with cache=auto does. Returns 0 or -errno. */
int fs_watch_try(void);
/*
 * Checks if a view could open files by handle on the file system of fd, which is open for reading.
 * Returns 0, or -errno if not: the view would then keep a descriptor open for each file that the
 * kernel knows. Sets *ret_len to the length of fd's handle in bytes, or 0 if it has none.
 */
int fs_handles_try(int fd, unsigned int *ret_len);
/*
 * Opens the directory of fd for reading, or as its owner if a file server refuses root (NFS
 * root_squash). The caller keeps fd. Returns a new descriptor or -errno.
 */
int fs_open_dir(int fd);

/* -- filters (fs.c, passthrough.c, set-id.c) --------------------------------------------------- */

/* Properties of filters, each a set of bits as in node_filters(). */
struct fs_filters {
	uint64_t by_caller; /* results depend on the caller */
	uint64_t by_name;   /* results depend on names */
	uint64_t data;      /* see reads and writes */
	uint64_t cacheable; /* see data, and have the same effect for every caller */
	uint64_t forget;    /* have programs for nodes that are freed */
};
void fs_set_filters(struct fs *fs, const struct fs_filters *filters);
/*
 * Called after node_filters() has changed in the bits of changed: if one of these filters sees
 * data, the next open drops the pages that the kernel has cached.
 */
void fs_filters_changed(struct fs *fs, struct node *node, uint64_t changed);
/* Returns true if the node is open by passthrough although filters that see data apply to it. */
bool fs_bypasses(struct fs *fs, struct node *node);
/*
 * Returns mode without the set-ID bits that would run a program as another user or group than the
 * owner and group of the lower file. other_uid and other_gid: a filter shows another owner or
 * another group than the lower file has.
 */
uint32_t fs_show_mode(struct node *node, uint32_t mode, bool other_uid, bool other_gid);
/* Called when no filter shows another owner of the node any more. */
void fs_show_real(struct fs *fs, struct node *node);

/* -- invalidation (invalidate.c) --------------------------------------------------------------- */

/*
 * Makes the kernel drop a node's attributes, and a name in it (may be NULL), because the reply to a
 * request does not tell the kernel what the request has changed. The caller calls this before it
 * replies: the kernel has dropped the attributes when this returns, and the name soon after.
 */
void fs_invalidate(struct fs *fs, struct node *node, const char *name);
/*
 * Makes the kernel drop a node's attributes, and also its cached pages if data is true. Returns
 * before the kernel has dropped them.
 */
void fs_invalidate_node(struct fs *fs, struct node *node, bool data);

/* -- names (lookup.c, create.c) ---------------------------------------------------------------- */

/* Attributes, just read from the lower inode, and their timeout. */
struct fs_attr {
	struct statx stx;
	uint64_t attr_ns;
};

/* The result of a lookup or a create. The caller owns the reference to node. */
struct fs_entry {
	struct node *node; /* NULL if the name does not exist, which the kernel may cache */
	struct fs_attr attr;
	uint64_t entry_ns;
};

int fs_lookup(struct fs *fs, struct node *dir, const char *name, struct fs_entry *ret_entry);
/* A file to create without opening it. fs_create() creates and opens a regular file. */
struct fs_new_file {
	uint32_t mode;      /* type and permissions */
	dev_t rdev;         /* the number of a device */
	const char *target; /* the text of a symbolic link */
};
int fs_make(struct fs *fs, const struct fs_caller *caller, struct node *dir, const char *name,
	    const struct fs_new_file *file, struct fs_entry *ret_entry);
int fs_link(struct fs *fs, struct node *node, struct node *dir, const char *name,
	    struct fs_entry *ret_entry);
int fs_unlink(struct fs *fs, struct node *dir, const char *name, bool rmdir);
/* Renames a name. flags are RENAME_* of renameat2(2). */
int fs_rename(struct fs *fs, const struct fs_caller *caller, struct node *dir, const char *name,
	      struct node *new_dir, const char *new_name, unsigned int flags);

/* -- attributes (setattr.c, xattr.c, sync.c) --------------------------------------------------- */

/* Reads the attributes of a node. handle is an open handle of the node, or NULL. */
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
	struct timespec times[2]; /* atime, mtime; tv_nsec may be UTIME_NOW */
};
int fs_setattr(struct fs *fs, const struct fs_caller *caller, struct node *node,
	       struct handle *handle, const struct fs_change *change, struct fs_attr *ret_attr);

/* Reads the text of a symbolic link, without a NUL. Returns its length or -errno. */
int fs_readlink(struct fs *fs, struct node *node, char *buf, size_t size);
int fs_statfs(struct fs *fs, struct node *node, struct statvfs *ret_st);
int fs_syncfs(struct fs *fs, struct node *node);
/* Writes a change of a node, or of names in a directory, to the disk. */
int fs_sync_change(struct fs *fs, struct node *node);

/* Return the length of the value or list, or -errno. With size 0 they copy nothing to buf. */
int fs_getxattr(struct fs *fs, struct node *node, const char *name, char *buf, size_t size);
int fs_listxattr(struct fs *fs, const struct fs_caller *caller, struct node *node, char *buf,
		 size_t size);
/*
 * Sets an extended attribute. flags are XATTR_* of setxattr(2). If kill_sgid is true, also clears
 * the set-group-ID bit of the file.
 */
int fs_setxattr(struct fs *fs, struct node *node, const char *name, const void *value, size_t size,
		int flags, bool kill_sgid);
int fs_removexattr(struct fs *fs, struct node *node, const char *name);

/* -- open files (open.c, passthrough.c) -------------------------------------------------------- */

/* How reads and writes of an open file reach the lower file. */
enum io_mode {
	IO_NONE,        /* the file is not open */
	IO_CACHED,      /* the page cache of the view sends requests */
	IO_PASSTHROUGH, /* the kernel reads and writes the lower file, and sends no requests */
	IO_DIRECT,      /* each read(2) or write(2) is a request, without the page cache */
};

/* The result of an open. The caller owns the reference to handle. */
struct fs_open {
	struct handle *handle;
	enum io_mode mode;
	int backing_id;  /* with IO_PASSTHROUGH */
	bool no_flush;   /* the kernel need not send FLUSH */
	bool keep_cache; /* the kernel may keep the pages that it has cached */
	bool cache_dir;  /* the kernel may cache the listing */
};
/*
 * Checks the limit of open files. The daemon calls it before an open or a create. Returns 0, or
 * -EMFILE if the caller's user has as many descriptors as one user may have.
 */
int fs_may_open(struct fs *fs, const struct fs_caller *caller);
/*
 * Opens a file. flags are those of open(2). If kill is true, O_TRUNC clears the set-ID bits.
 * Returns -EBUSY if the file is open by passthrough, and filters apply to its data: the kernel
 * allows only one of the two at a time.
 */
int fs_open(struct fs *fs, const struct fs_caller *caller, struct node *node, int flags, bool kill,
	    struct fs_open *ret_open);
int fs_create(struct fs *fs, const struct fs_caller *caller, struct node *dir, const char *name,
	      int flags, uint32_t mode, struct fs_entry *ret_entry, struct fs_open *ret_open);
int fs_tmpfile(struct fs *fs, const struct fs_caller *caller, struct node *dir, int flags,
	       uint32_t mode, struct fs_entry *ret_entry, struct fs_open *ret_open);
/*
 * Closes the handle, for RELEASE. The caller keeps its reference, and the descriptor stays open
 * until the last reference is put. A second call for the same handle returns -EBADF.
 */
int fs_release(struct fs *fs, struct handle *handle);

/* -- data of files that are not passed through (data.c, ioctl.c) ------------------------------- */
/* Return the number of bytes or -errno; with nowait -EAGAIN instead of waiting for the disk. */
ssize_t fs_read(struct fs *fs, struct handle *handle, char *buf, size_t size, uint64_t off,
		int flags, bool nowait);
struct fs_write {
	const char *buf;
	size_t size;
	uint64_t off;
	int flags;       /* of the open file; fcntl(2) may have changed them after the open */
	bool from_cache; /* the page cache writes, not a caller */
	bool kill, all;  /* clear the set-ID bits; an incomplete write is an error */
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
/*
 * Runs an ioctl on the lower file. in is the data of the command (in_len bytes). Writes the result
 * to out (out_len bytes at most), and sets *ret_len to its length.
 */
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
 * The reply that fs_readdir() fills. room() returns how many bytes of getdents64(2) records surely
 * fit. fits() returns true if one more name fits; fs_readdir() calls it before add(). add() takes
 * ownership of the reference to entry->node.
 */
struct fs_dirsink {
	size_t (*room)(struct fs_dirsink *sink);
	bool (*fits)(struct fs_dirsink *sink, size_t name_len);
	void (*add)(struct fs_dirsink *sink, const struct fs_dirent *dirent,
		    struct fs_entry *entry);
	bool entries; /* fs_readdir() looks up each name for add() */
};
int fs_opendir(struct fs *fs, struct node *node, struct fs_open *ret_open);
/* Finds a handle that stands at an offset of a directory, or opens one. For no_opendir. */
int fs_dir_at(struct fs *fs, struct node *node, uint64_t off, struct handle **ret_handle);
int fs_readdir(struct fs *fs, struct handle *handle, uint64_t off, struct fs_dirsink *sink);
/* Returns true if the kernel may use its cached listing of the directory as complete. */
bool fs_listing_is_settled(struct fs *fs, const struct node *dir);
/* Records that a name in the directory has changed, or the set of names that filters show. */
void fs_listing_changed(struct fs *fs, const struct node *dir);

/* -- locks, with locks=lower (lock.c, lock-holder.c) ------------------------------------------- */

/*
 * Carries out FLUSH, which the kernel sends at close(2): drops the POSIX locks of the lock owner,
 * and makes a remote file system send written data to its server.
 */
int fs_flush(struct fs *fs, struct handle *handle, uint64_t owner);

struct fs_lock {
	uint64_t owner;
	uint64_t start, end; /* end is the last byte */
	int type;            /* F_RDLCK, F_WRLCK, F_UNLCK */
	uint32_t pid;
	bool flock;
};
int fs_getlk(struct fs *fs, struct handle *handle, struct fs_lock *lock);
/* A request that waits for a lock. A thread of fs calls done() exactly once. */
struct fs_waiter {
	void (*done)(struct fs_waiter *waiter, int result);
	uint64_t unique; /* the request's number, for fs_interrupt() */
};
/*
 * Takes a lock. If another owner has the lock, returns -EAGAIN if waiter is NULL, else FS_LATER: fs
 * then borrows the waiter until it calls waiter->done().
 */
int fs_setlk(struct fs *fs, struct handle *handle, const struct fs_lock *lock,
	     struct fs_waiter *waiter);
/* Ends the wait of a request for a lock with -EINTR, now or as soon as the wait begins. */
void fs_interrupt(struct fs *fs, uint64_t unique);
