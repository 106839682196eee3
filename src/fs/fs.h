/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * The passthrough file system: what each operation does to the lower tree. It speaks of nodes,
 * handles and struct statx; it knows neither messages nor transports.
 *
 * Operations are answers (util/err.h): 0 or -errno. Nodes and handles that are passed in stay the
 * caller's; those in results are strong references for the caller to put. Names have been checked:
 * one component, no dots (lookup excepted).
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

/* The positive answer of an operation that has kept the request and will answer once, later. */
#define FS_LATER 1
/*
 * The negative answer of an operation that has done nothing yet, and would have to wait until the
 * holder of a lease gives it up: it is to be run again in a thread that may wait. Only in other
 * threads.
 */
#define FS_WOULD_WAIT (-600)

/* What the file system needs from the daemon. Called from any thread. */
struct fs_host {
	void *aux;
	/* Registers a lower file for passthrough; returns the backing id or -errno. */
	int (*backing_open)(void *aux, int fd);
	void (*backing_close)(void *aux, int backing_id);
	/* Asks for fs_tick() to be called about once a second from now on. */
	void (*want_tick)(void *aux);
	/*
	 * Make the kernel drop what it has cached: attributes of a node, and with data its pages; a
	 * name (child: the node that was removed with it, or 0; expire: the name may still lead to
	 * the same file); everything. They return at once, before the kernel has done it. NULL
	 * where the kernel cannot be told: then attributes and names get timeouts that need no
	 * invalidation.
	 */
	void (*invalidate_node)(void *aux, uint64_t nodeid, bool data);
	void (*invalidate_name)(void *aux, uint64_t parent, const char *name, uint64_t child,
				bool expire);
	void (*invalidate_all)(void *aux);
	/*
	 * A process below has moved a directory away that the kernel has cached under this name.
	 * Called before the name is invalidated; reads the mount tables.
	 */
	void (*moved_away)(void *aux, uint64_t parent, const char *name, uint64_t child);
	/*
	 * Make the kernel drop a node's attributes and ACLs, or of a regular file only what a write
	 * changes (size, blocks, mtime, ctime), before they return. May be called from inside a
	 * request. The second one does nothing where the kernel has a size of FS_WRITTEN_LIMIT or
	 * more.
	 */
	void (*invalidate_attr_now)(void *aux, uint64_t nodeid);
	void (*invalidate_written_now)(void *aux, uint64_t nodeid);
	/*
	 * A node with filters of forget (struct fs_filters) is being freed: it must not get
	 * references any more.
	 */
	void (*forgotten)(void *aux, struct node *node);
};

#define FS_WRITTEN_LIMIT (INT64_MAX - 1)

struct fs_config {
	int lower;			/* the root directory, on a mount of our own; taken */
	bool passthrough;
	bool passthrough_asked;		/* also where the lower file system decides by who opens */
	bool pseudo;			/* shows pseudo file systems */
	bool hide_mounts;		/* what is mounted below LOWER is not shown, nor what would be when it is entered */
	bool sync;			/* each write is on the disk before it is answered */
	bool no_opendir;		/* directories are listed without having been opened */
	enum pst_cache cache;
	uint64_t ttl_ns;
	enum pst_locks locks;
	unsigned int n_waiting_locks;	/* that may wait at a time; 0: a good default */
	unsigned int fd_budget;
	unsigned int open_budget;	/* descriptors for open files and directories; 0: no limit */
	bool keyed;			/* the node's generations are made with this key */
	uint64_t key[2];
	bool own_fds;			/* a descriptor for each node: without CAP_DAC_READ_SEARCH */
	struct fs_host host;
	struct pst_server server;	/* fields is NULL: there is none */
};

int fs_new(const struct fs_config *config, struct fs **ret_fs);
struct fs *fs_free(struct fs *fs);

/*
 * Tells whether cache=auto can watch the file system of a directory (fd: open for reading). If it
 * cannot, a view uses a timeout of ttl_ns there; *ret_support says why.
 */
struct fs_watch_support {
	bool watchable;
	bool refused;	/* the kernel refused the watch although the kind of file system allows it */
	char why[96];	/* if not watchable */
};
void fs_watch_support(int fd, struct fs_watch_support *ret_support);
/* Opens and closes a queue for events below, as a view with cache=auto does: 0 or -errno. */
int fs_watch_try(void);

/*
 * Whether files beside one that is open for reading are kept by handles, as a view of it would: 0,
 * or -errno where each node keeps a descriptor. *ret_len is the length of its handle; 0: it has
 * none.
 */
int fs_handles_try(int fd, unsigned int *ret_len);

/*
 * Opens the directory of a descriptor for reading: as ourselves, or where a server of files lets
 * its owner alone, as the owner. Another descriptor or -errno.
 */
int fs_open_dir(int fd);

struct fs_stat {
	struct nodetab_stat nodes;
	uint64_t n_handles, n_fds, n_backings, n_registered, n_refused;
	uint64_t n_watched, n_events, n_own_events, n_overflows;
};
void fs_stat(struct fs *fs, struct fs_stat *ret_stat);
/* True if any lower file system is remote or FUSE: calls on it may block for long. */
bool fs_is_remote(const struct fs *fs);

/* Lets go of what has been idle; false when there is nothing left to wait for. */
bool fs_tick(struct fs *fs);
/* Starts what runs by itself; to be called once, when the host can be called. */
int fs_start(struct fs *fs);
/* Nothing more will be answered: whoever waits is woken. */
void fs_shutdown(struct fs *fs);
/* To be called by every thread before it runs operations. */
int fs_thread_init(void);
/* Whether this thread may wait for the holders of leases; at first it may not. */
void fs_thread_may_wait(bool may);

/* Check-in: what numbers from the kernel stand for. Strong references, or NULL. */
struct node *fs_node(struct fs *fs, uint64_t nodeid);
struct handle *fs_handle(struct fs *fs, uint64_t fh, const struct node *node);
void fs_node_put(struct fs *fs, struct node *node);
void fs_handle_put(struct fs *fs, struct handle *handle);
/* Whether numbers that were forgotten can be found again, of LOWER's own file system. */
bool fs_revives(const struct fs *fs);
/* As fs_node(), for a number that was forgotten and is asked for by a file handle of the view. */
struct node *fs_node_revive(struct fs *fs, uint64_t nodeid);
void fs_forget(struct fs *fs, uint64_t nodeid, uint64_t n);
uint32_t fs_generation(struct fs *fs, const struct node *node);

/*
 * What is to be known of filters: bits as in node.filters. Data: they see reads and writes; of
 * these cacheable: they do the same for every caller. By name: what they do depends on names.
 * Forget: they are told of nodes that go.
 */
struct fs_filters {
	uint64_t by_caller, by_name, data, cacheable, forget;
};
void fs_set_filters(struct fs *fs, const struct fs_filters *filters);
/*
 * The bits of changed are others in node_filters() now: pages that the kernel keeps of it may be
 * wrong.
 */
void fs_filters_changed(struct fs *fs, struct node *node, uint64_t changed);
/* Whether the node is open in a way that filters which hold for its data do not see. */
bool fs_bypasses(struct fs *fs, struct node *node);
/*
 * What is under a name below, without a node being made: its attributes, and its node if there is
 * one (strong; left alone otherwise).
 */
int fs_peek(struct fs *fs, struct node *dir, const char *name, struct statx *ret_stx,
	    struct node **ret_node);
/*
 * The name that a directory has for the file under a name that is written otherwise: some
 * directories do not tell case apart. 0, or -ENOENT where it is written so.
 */
#define FS_NAME_SIZE 1024
int fs_real_name(struct fs *fs, struct node *dir, const char *name, char real[FS_NAME_SIZE]);
/*
 * Makes the kernel ask again for a node's attributes, and for a name in it (or NULL), because the
 * reply to a request will not say what the request did. Called before the reply: attributes are
 * dropped when this returns, names soon after.
 */
void fs_invalidate(struct fs *fs, struct node *node, const char *name);
/* A server has changed attributes of a node. From any thread; returns at once. */
void fs_invalidate_attr(struct fs *fs, struct node *node);
/* The node of a path below the root (strong), with no link followed on the way; "": the root. */
int fs_walk_path(struct fs *fs, const char *path, struct node **ret_node);
/* The path below, as far as it is known; for people. */
void fs_node_path(struct fs *fs, struct node *node, char *buf, size_t size);
/*
 * Likewise, but of a directory whose path is too long for the kernel to tell, that of the nearest
 * directory above that has one, and "/?". True: it is such a path.
 */
bool fs_node_path_cut(struct fs *fs, struct node *node, char *buf, size_t size);
uint32_t fs_node_number(struct fs *fs, const struct node *node);
void fs_node_device(struct fs *fs, const struct node *node, uint32_t *ret_major,
		    uint32_t *ret_minor);
void fs_walk(struct fs *fs, node_walk_fn fn, void *aux);
/*
 * Calls fn with the nodeid of each regular file that the kernel knows, until fn returns true.
 * Returns that nodeid, 0: fn returned true for none.
 */
uint64_t fs_find_file(struct fs *fs, bool (*fn)(void *aux, uint64_t nodeid), void *aux);
/* Calls fn for each name that a directory has below, type as in S_IFMT; nothing for other nodes. */
typedef void (*fs_name_fn)(void *aux, struct node *dir, const char *name, uint64_t ino,
			   uint32_t type);
void fs_each_name(struct fs *fs, struct node *node, fs_name_fn fn, void *aux);
/* A descriptor of a node that stays, whatever becomes of its names; what fs_pin_stat() looks at. */
void fs_pin(struct fs *fs, struct node *node, struct fdref *ret_pin);
int fs_pin_stat(struct fs *fs, struct node *node, const struct fdref *pin, struct statx *ret_stx);
/* Its attributes as the view has them. */
int fs_node_stat(struct fs *fs, struct node *node, struct statx *ret_stx);

/* No filter shows another owner of the node any more. */
void fs_show_real(struct fs *fs, struct node *node);
/*
 * A filter shows a node's attributes with another owner (other_uid) or group (other_gid) than it
 * has: returns the mode without the set-ID bits that would take effect for these, see fs/set-id.c.
 * Of mode only the permissions and set-ID bits count.
 */
uint32_t fs_show_mode(struct node *node, uint32_t mode, bool other_uid, bool other_gid);

/* Who asks. */
struct fs_caller {
	uint32_t uid, gid;
	uint32_t pid;
	bool unknown;			/* the kernel does not say (idmapped mounts): uid is nobody's */
	uint32_t umask;
	bool has_group;			/* group: a supplementary group that a new file's mode needs */
	uint32_t group;
	uint64_t filters;		/* CREATE and TMPFILE: what shall hold for the file */
	uint64_t known_filters;		/* ... out of these */
};

/*
 * Says for whom this thread runs operations from now on (NULL: for itself): where the lower file
 * system decides by who asks, they run as that caller. The struct stays the caller's, and
 * unchanged, until the next call.
 */
void fs_serve(const struct fs_caller *caller);

/* Attributes, read from the lower inode just now, and how long they may be believed. */
struct fs_attr {
	struct statx stx;
	uint64_t attr_ns;
};

/* A name's file. */
struct fs_entry {
	struct node *node;		/* NULL: the name is absent, which holds for entry_ns */
	struct fs_attr attr;
	uint64_t entry_ns;
};

int fs_lookup(struct fs *fs, struct node *dir, const char *name, struct fs_entry *ret_entry);
int fs_getattr(struct fs *fs, struct node *node, struct handle *handle, struct fs_attr *ret_attr);

enum fs_set {
	FS_SET_MODE	= 1 << 0,
	FS_SET_UID	= 1 << 1,
	FS_SET_GID	= 1 << 2,
	FS_SET_SIZE	= 1 << 3,
	FS_SET_ATIME	= 1 << 4,
	FS_SET_MTIME	= 1 << 5,
	FS_KILL_SUIDGID	= 1 << 6,	/* with owner or size: the caller lacks CAP_FSETID */
};
/* set 0 is a change as well: what chown(-1, -1) does, or the beginning of a write. */
struct fs_change {
	unsigned int set;
	uint32_t mode, uid, gid;
	uint64_t size;
	struct timespec times[2];	/* access, modification; tv_nsec may be UTIME_NOW */
};
int fs_setattr(struct fs *fs, const struct fs_caller *caller, struct node *node,
	       struct handle *handle, const struct fs_change *change, struct fs_attr *ret_attr);

/* Returns the length of the text, which is not terminated. */
int fs_readlink(struct fs *fs, struct node *node, char *buf, size_t size);
int fs_symlink(struct fs *fs, const struct fs_caller *caller, struct node *dir, const char *name,
	       const char *target, struct fs_entry *ret_entry);
int fs_mknod(struct fs *fs, const struct fs_caller *caller, struct node *dir, const char *name,
	     uint32_t mode, uint32_t major_nr, uint32_t minor_nr, struct fs_entry *ret_entry);
int fs_mkdir(struct fs *fs, const struct fs_caller *caller, struct node *dir, const char *name,
	     uint32_t mode, struct fs_entry *ret_entry);
int fs_link(struct fs *fs, struct node *node, struct node *dir, const char *name,
	    struct fs_entry *ret_entry);
int fs_unlink(struct fs *fs, struct node *dir, const char *name, bool rmdir);
int fs_rename(struct fs *fs, const struct fs_caller *caller, struct node *dir, const char *name,
	      struct node *new_dir, const char *new_name, unsigned int flags);

/* How reads and writes of an open file reach the lower file. */
enum io_mode {
	IO_NONE,			/* the file is not open */
	IO_CACHED,			/* requests, through the page cache of the view */
	IO_PASSTHROUGH,			/* the kernel, on the lower file; no requests */
	IO_DIRECT,			/* requests, each as the caller made it */
};

struct fs_open {
	struct handle *handle;
	enum io_mode mode;
	int backing_id;
	bool no_flush;			/* closing needs no message */
	bool keep_cache;		/* what the view has cached of the file still holds */
	bool cache_dir;			/* the kernel may keep the listing */
};
/* flags are those of open(2); kill: O_TRUNC clears set-user-ID and set-group-ID. */
int fs_open(struct fs *fs, const struct fs_caller *caller, struct node *node, int flags, bool kill,
	    struct fs_open *ret_open);
int fs_create(struct fs *fs, const struct fs_caller *caller, struct node *dir, const char *name,
	      int flags, uint32_t mode, struct fs_entry *ret_entry, struct fs_open *ret_open);
int fs_tmpfile(struct fs *fs, const struct fs_caller *caller, struct node *dir, int flags,
	       uint32_t mode, struct fs_entry *ret_entry, struct fs_open *ret_open);
/*
 * The kernel closes the handle: takes back what opening gave, once. The handle's reference stays.
 */
int fs_release(struct fs *fs, struct handle *handle);

/* Data of served files. Return the bytes done. */
ssize_t fs_read(struct fs *fs, struct handle *handle, char *buf, size_t size, uint64_t off,
		int flags, bool nowait);
struct fs_write {
	const char *buf;
	size_t size;
	uint64_t off;
	int flags;			/* of the open file, as they are now */
	bool from_cache;		/* from the page cache, not from a caller */
	bool kill;			/* clear set-user-ID and set-group-ID */
};
ssize_t fs_write(struct fs *fs, const struct fs_caller *caller, struct handle *handle,
		 const struct fs_write *write);
int fs_flush(struct fs *fs, struct handle *handle, uint64_t owner);
int fs_fsync(struct fs *fs, struct handle *handle, bool data_only);
int fs_fallocate(struct fs *fs, const struct fs_caller *caller, struct handle *handle, int mode,
		 uint64_t off, uint64_t len);
int fs_lseek(struct fs *fs, struct handle *handle, int64_t off, int whence, int64_t *ret_off);
ssize_t fs_copy(struct fs *fs, const struct fs_caller *caller, struct handle *from,
		uint64_t from_off, struct handle *to, uint64_t to_off, uint64_t len,
		unsigned int flags);
int fs_statfs(struct fs *fs, struct node *node, struct statvfs *ret_st);
int fs_syncfs(struct fs *fs, struct node *node);
/* Waits until a change of a node, or of names in it, is on the disk. */
int fs_sync_change(struct fs *fs, struct node *node);
/* in and out are the command's data; *ret_len is how much of out it filled. */
int fs_ioctl(struct fs *fs, struct handle *handle, uint32_t cmd, const void *in, size_t in_len,
	     void *out, size_t out_len, size_t *ret_len);

/* Directories. */
struct fs_dirent {
	const char *name;
	size_t name_len;
	uint64_t ino, off;
	uint32_t type;			/* DT_* */
};
/*
 * Where a listing goes: fits() before add(). add() takes over entry->node (counted, remembered).
 * room() says how many bytes of getdents64(2)'s records have room, whatever the names in them are.
 */
struct fs_dirsink {
	size_t (*room)(struct fs_dirsink *sink);
	bool (*fits)(struct fs_dirsink *sink, size_t name_len);
	void (*add)(struct fs_dirsink *sink, const struct fs_dirent *dirent,
		    struct fs_entry *entry);
	bool entries;			/* looks every name up and gives add() an entry */
};
int fs_opendir(struct fs *fs, struct node *node, struct fs_open *ret_open);
/*
 * Before an open or a create: -EMFILE where the caller has his share of descriptors for open files,
 * so that others find some.
 */
int fs_may_open(struct fs *fs, const struct fs_caller *caller);
/*
 * With no_opendir: a directory that stands at an offset, or that was opened for this. A strong
 * reference.
 */
int fs_dir_at(struct fs *fs, struct node *node, uint64_t off, struct handle **ret_handle);
int fs_readdir(struct fs *fs, struct handle *handle, uint64_t off, struct fs_dirsink *sink);
/*
 * Whether what the kernel was told of the names of a directory makes one listing that may be
 * cached.
 */
bool fs_listing_is_settled(struct fs *fs, const struct node *dir);

/* Extended attributes. size 0 asks for the length. Return lengths. */
int fs_getxattr(struct fs *fs, struct node *node, const char *name, char *buf, size_t size);
int fs_listxattr(struct fs *fs, const struct fs_caller *caller, struct node *node, char *buf,
		 size_t size);
int fs_setxattr(struct fs *fs, struct node *node, const char *name, const void *value, size_t size,
		int flags, bool kill_sgid);
int fs_removexattr(struct fs *fs, struct node *node, const char *name);

/* Locks (locks=lower). */
struct fs_lock {
	uint64_t owner;
	uint64_t start, end;		/* end is the last byte */
	int type;			/* F_RDLCK, F_WRLCK, F_UNLCK */
	uint32_t pid;
	bool flock;
};
int fs_getlk(struct fs *fs, struct handle *handle, struct fs_lock *lock);
/* Where a waiting request is answered. done() is called once, from a thread of fs. */
struct fs_waiter {
	void (*done)(struct fs_waiter *waiter, int answer);
	uint64_t unique;		/* what fs_interrupt() knows the request by */
};
/*
 * Without a waiter the lock is taken at once or refused with -EAGAIN. With one the answer may be
 * FS_LATER: then the waiter belongs to fs until it is done.
 */
int fs_setlk(struct fs *fs, struct handle *handle, const struct fs_lock *lock,
	     struct fs_waiter *waiter);
void fs_interrupt(struct fs *fs, uint64_t unique);
