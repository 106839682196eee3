/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PENSTOCK_PENSTOCK_H
#define PENSTOCK_PENSTOCK_H
/*
 * libpenstock: mount a view of a directory tree.
 *
 * A view shows the tree LOWER at a mount point. Reads and writes run in the kernel on the lower
 * file wherever the kernel has FUSE passthrough; every other operation is served by the threads of
 * this library.
 *
 *	struct pst_view_options options = PST_VIEW_OPTIONS_INIT;
 *	struct pst_view *view = NULL;
 *	struct pst_error error;
 *
 *	options.lower = "/srv/tree";
 *	options.mountpoint = "/mnt/view";
 *	if (pst_view_mount(&options, &view, &error) < 0)
 *		errx(1, "%s", error.text);
 *	pst_view_wait(view);
 *	pst_view_free(view);
 *
 * Every function returns 0 or a negative errno unless its comment says otherwise. Several threads
 * may use a view at once; pst_view_free() must be the last call on it.
 */
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The library exports the functions that are declared here, and no others. */
#pragma GCC visibility push(default)

#define PST_VERSION "0.1.0"

struct pst_view;

/* An error, written for people: what failed, why, and what to do. */
struct pst_error {
	int code;       /* negative errno */
	char text[512]; /* one line, no newline, always terminated */
};

/* Passthrough: reads and writes run in the kernel on the lower file. */
enum pst_passthrough {
	PST_PASSTHROUGH_AUTO, /* where the kernel and the lower file system have it */
	PST_PASSTHROUGH_ON,   /* as AUTO, but the mount fails where the kernel lacks it */
	PST_PASSTHROUGH_OFF,  /* the view serves data, through its own page cache */
};

/* How long the kernel may cache attributes and names. */
enum pst_cache {
	PST_CACHE_AUTO,      /* until they change below, where that can be watched; else as TTL */
	PST_CACHE_TTL,       /* for options.ttl_ns */
	PST_CACHE_NONE,      /* not at all: each use reads the lower tree */
	PST_CACHE_EXCLUSIVE, /* without a limit: only the view changes the lower tree */
};

/* The place where flock(2) and fcntl(2) locks take effect. */
enum pst_locks {
	PST_LOCKS_LOCAL, /* in the view: programs that lock the lower files do not see them */
	PST_LOCKS_LOWER, /* on the lower file: they also exclude programs that lock that */
};

/* Selects whether the kernel sends OPENDIR to the view. */
enum pst_opendir {
	PST_OPENDIR_ON,
	PST_OPENDIR_OFF, /* with PST_CACHE_AUTO and _EXCLUSIVE: cached listings need no request */
};

/* Selects whether the view has extended attributes, and with them ACLs. */
enum pst_xattr {
	PST_XATTR_ON,  /* those of the lower files */
	PST_XATTR_OFF, /* none: the kernel sends no requests for them, and ignores ACLs below */
};

/* File systems that are mounted below LOWER. */
enum pst_xdev {
	PST_XDEV_CROSS, /* shown; all of the view has one st_dev */
	PST_XDEV_HIDE,  /* hidden: the view has the directories that they are mounted on */
};

/*
 * Pseudo file systems (proc, sysfs, cgroup, debugfs, ...), whose files are parts of the kernel, as
 * LOWER or mounted below it. HIDE: the view has the directories that they are mounted on, and LOWER
 * must not lie on one.
 */
enum pst_pseudo {
	PST_PSEUDO_HIDE,
	PST_PSEUDO_SHOW,
};

/* How the kernel sends requests to the view. */
enum pst_transport {
	PST_TRANSPORT_AUTO,  /* io_uring where the kernel has it and it is switched on */
	PST_TRANSPORT_URING, /* as AUTO, but the mount fails without io_uring */
	PST_TRANSPORT_DEV,   /* /dev/fuse */
};

/* Mount flags of the view, combined in options.mount_flags. */
enum {
	PST_MOUNT_RDONLY = 1 << 0,
	PST_MOUNT_NOSUID = 1 << 1,
	PST_MOUNT_NODEV = 1 << 2,
	PST_MOUNT_NOEXEC = 1 << 3,
	PST_MOUNT_NOATIME = 1 << 4,
	PST_MOUNT_NODIRATIME = 1 << 5,
	PST_MOUNT_STRICTATIME = 1 << 6,
	PST_MOUNT_NOSYMFOLLOW = 1 << 7,
	PST_MOUNT_RELATIME = 1 << 8, /* overrides noatime of the lower mount */
	/* Changes are on the disk before the reply: all changes, or only changes of names. */
	PST_MOUNT_SYNC = 1 << 9,
	PST_MOUNT_DIRSYNC = 1 << 10,
};

/* Log levels: a message is printed when its level is at most the chosen one. */
enum pst_log_level {
	PST_LOG_ERROR,
	PST_LOG_WARNING,
	PST_LOG_INFO,
	PST_LOG_DEBUG,
};

struct statx;

/* A file of the lower tree, for a server. Pointers are valid during the call. */
struct pst_file {
	uint64_t nodeid;    /* its number in the view, for pst_view_changed() */
	uint64_t ino;       /* of the lower inode */
	uint32_t dev_major; /* of the lower inode */
	uint32_t dev_minor;
	uint32_t type;       /* S_IFMT bits of its mode */
	uint32_t handle_len; /* bytes; 0: its file system has no handles */
	const void *handle;  /* differs for all files of a device, also for removed ones */
};

/*
 * A server is the authority for some attributes of some files; the lower inode is the authority for
 * all others. Size, blocks, link count and data are always those of the lower inode: so the kernel
 * can pass the file through, and data that is written below is visible at once.
 *
 * Several threads of the view may call these functions at once, while a client waits: they must
 * return soon, and must not use the view. If the server has the mode of a file, the file has no
 * ACL.
 *
 * A server that has the owner or group of a file, but not its mode, cannot make it a set-ID
 * program: the view shows set-ID bits only beside the owner and group of the lower file. A server
 * that has mode and owner decides which program runs as which user. It must take into account that
 * the owner of the lower file can change that program.
 */
struct pst_server {
	size_t size; /* sizeof(struct pst_server) */
	void *aux;   /* the first argument of each function */
	/*
	 * Returns the attributes of a file that are the server's, as a mask of STATX_MODE,
	 * STATX_UID, STATX_GID, STATX_ATIME, STATX_MTIME and STATX_CTIME. Called once in the life
	 * of a nodeid.
	 */
	uint32_t (*fields)(void *aux, const struct pst_file *file);
	/*
	 * Fills in these attributes. *stx has the attributes of the lower inode; the view takes
	 * only the server's ones from *stx afterwards. Returns 0, or a negative errno for the
	 * client.
	 */
	int (*getattr)(void *aux, const struct pst_file *file, struct statx *stx);
	/*
	 * Changes the attributes in stx->stx_mask, after the permission checks, and before the
	 * attributes of the lower inode change. With a new owner, stx_mode has its set-ID bits
	 * cleared already; a write to the file also clears them, by a call of this function.
	 * Returns 0, or a negative errno, which refuses the change.
	 */
	int (*setattr)(void *aux, const struct pst_file *file, const struct statx *stx);
};

/*
 * The options of a view. pst_view_mount() borrows the strings during the call only. Initialise with
 * PST_VIEW_OPTIONS_INIT; later versions add members at the end only.
 */
struct pst_view_options {
	size_t size;              /* sizeof(struct pst_view_options) */
	const char *lower;        /* the directory to show */
	const char *mountpoint;   /* the directory to show it at */
	const char *fsname;       /* first field of /proc/mounts; NULL: lower */
	unsigned int mount_flags; /* PST_MOUNT_* */
	enum pst_passthrough passthrough;
	enum pst_cache cache;
	uint64_t ttl_ns; /* for PST_CACHE_TTL, and files that cannot be watched; nanoseconds */
	enum pst_locks locks;
	enum pst_xdev xdev;
	unsigned int n_workers; /* 0: one for each CPU */
	unsigned int n_pool;    /* threads for operations that may block; 0: a default */
	unsigned int max_write; /* bytes of data in one request; 0: 1 MiB, or less with io_uring
					   and many CPUs (docs/requests.md) */
	unsigned int fd_budget; /* lower descriptors to keep for nodes; 0: by RLIMIT_NOFILE */
	uint8_t idmap;          /* 1: allow idmapped mounts of the view */
	uint8_t allow_other;    /* 0: only the mounting user may enter the view */
	uint8_t pad0[6];        /* 0 */
	/* Specs "NAME|FILE[,option=value...]" up to NULL, which run in this order. NULL: none. */
	const char *const *filters;
	enum pst_transport transport;
	unsigned int uring_depth; /* io_uring: requests at a time for each CPU; 0: a default */
	uint8_t enable_uring;     /* 1: switch io_uring on in the kernel, for all later mounts */
	uint8_t pad1[7];          /* 0 */
	const struct pst_server *server; /* copied. NULL: none */
	enum pst_xattr xattr;
	enum pst_opendir opendir;
	/*
	 * A file with the key for file handles of the view, which outlive the mount then; the file
	 * is created if it is absent. NULL: file handles end with the mount.
	 */
	const char *handles;
	enum pst_pseudo pseudo;
};

#define PST_VIEW_OPTIONS_INIT                                                                      \
	{                                                                                          \
		.size = sizeof(struct pst_view_options), .ttl_ns = 1000000000, .allow_other = 1,   \
	}

/*
 * Mounts a view, and returns when its threads serve it. On failure nothing is left behind, and
 * *error (may be NULL) says why. The caller frees the view: pst_view_free().
 */
int pst_view_mount(const struct pst_view_options *options, struct pst_view **ret_view,
		   struct pst_error *error);

/*
 * Waits until the view is unmounted, by umount(2) or by pst_view_unmount(). Returns 0 after that,
 * or the negative errno with which the connection broke.
 */
int pst_view_wait(struct pst_view *view);

/*
 * Unmounts the view; -EBUSY while it is in use. With lazy not 0 it disappears from the tree at
 * once, and ends with its last user. Any thread may call this, but no signal handler.
 */
int pst_view_unmount(struct pst_view *view, int lazy);

/*
 * Makes passthrough follow the flags of the mount (access times, read-only). To be called when
 * mount_setattr(2) or mount(2) has changed these: the PST_MOUNT_* bits in changed, to their values
 * in mount_flags. Returns 0, or -errno and *error.
 */
int pst_view_remounted(struct pst_view *view, unsigned int mount_flags, unsigned int changed,
		       struct pst_error *error);

/* Unmounts the view lazily if it is mounted, ends all its threads, and frees it. Takes NULL. */
void pst_view_free(struct pst_view *view);

/*
 * Makes the kernel drop the attributes of a file that it has cached, because the server has changed
 * them. May return before the kernel has; does nothing for a file that the kernel does not know.
 * Must not be called from a function of the server.
 */
void pst_view_changed(struct pst_view *view, uint64_t nodeid);

/* Returns the number of the view in /sys/fs/fuse/connections, the minor number of its st_dev. */
unsigned int pst_view_connection(const struct pst_view *view);

/* Facts about a mounted view. Strings live as long as the view. */
struct pst_view_info {
	size_t size;                 /* in: sizeof(struct pst_view_info) */
	const char *lower;           /* absolute path of LOWER when it was mounted */
	const char *mountpoint;      /* absolute path of the mount point when it was mounted */
	const char *transport;       /* "uring" or "dev" */
	int passthrough;             /* 1: on */
	const char *passthrough_why; /* why passthrough is off, or "" */
	unsigned int kernel_major;   /* FUSE protocol version of the kernel */
	unsigned int kernel_minor;
	unsigned int n_workers;
	uint64_t kernel_flags;     /* FUSE_INIT features that were negotiated */
	uint64_t n_nodes;          /* nodes that the kernel knows now, with the root */
	uint64_t n_handles;        /* files and directories open now */
	uint64_t n_fds;            /* lower descriptors kept for nodes now */
	uint64_t n_backings;       /* files registered for passthrough now */
	uint64_t n_registered;     /* registrations for passthrough since the mount */
	uint64_t n_refused;        /* refusals to pass a file through since the mount: by the
				      kernel, or because of the owner's rights or set-ID bits */
	uint64_t node_bytes;       /* memory of the node table, with all that belongs to it */
	uint64_t n_watched;        /* lower directories and files that are watched now */
	uint64_t n_events;         /* fanotify events since the mount */
	uint64_t n_own_events;     /* events that the view itself caused */
	uint64_t n_overflows;      /* overflows of the fanotify queue */
	const char *transport_why; /* why the view does not use io_uring, or "" */
};
int pst_view_info(struct pst_view *view, struct pst_view_info *ret_info);

/* Counters of one operation, by its protocol name ("LOOKUP", ...). */
struct pst_op_stat {
	const char *name;
	uint32_t opcode;
	uint32_t pad;
	uint64_t n_requests; /* requests that the kernel sent */
	uint64_t n_errors;   /* replies with an error */
};
/*
 * Fills up to n rows, one for each operation that the kernel has sent so far, in the order of
 * opcodes. Sets *ret_n to the number of these operations.
 */
int pst_view_op_stats(struct pst_view *view, struct pst_op_stat *rows, size_t n, size_t *ret_n);

/*
 * Change the filters (docs/filters.md) of a mounted view. A change that fails has no effect. When
 * these functions return, the change holds for all operations, and the kernel has nothing cached
 * from before. name: a name of pst_view_filters().
 */
int pst_view_filter_add(struct pst_view *view, const char *spec, struct pst_error *error);
int pst_view_filter_remove(struct pst_view *view, const char *name, struct pst_error *error);
/* Puts another filter, or the same one with other options, in the place of a filter. */
int pst_view_filter_replace(struct pst_view *view, const char *name, const char *spec,
			    struct pst_error *error);

struct pst_filter {
	char name[64];
	char spec[1024];     /* the spec by which it was added */
	char file[512];      /* the path of the object */
	char summary[120];   /* the object's description of itself */
	char at[512];        /* the path below the root where it is attached; "": the root */
	uint32_t flags;      /* enum pst_filter_flag of <penstock/filter.h> */
	uint32_t n_bypassed; /* files whose data it does not see yet, see pst_view_bypassed() */
};
/* Fills up to n rows, in the order in which filters run. Sets *ret_n to the number of filters. */
int pst_view_filters(struct pst_view *view, struct pst_filter *rows, size_t n, size_t *ret_n);

/*
 * Lists files whose data a filter should see but does not: they were open with passthrough when the
 * filter was added, and the kernel reads and writes them directly until they are closed. Paths
 * begin at the root of the view. Sets *ret_n to the number of these files.
 */
struct pst_bypassed {
	char path[512];
};
int pst_view_bypassed(struct pst_view *view, const char *name, struct pst_bypassed *rows, size_t n,
		      size_t *ret_n);

/* Counters of one program of one filter. */
struct pst_filter_stat {
	char filter[64];
	char program[32]; /* "pre/lookup", "post/getattr", "name" */
	uint64_t n_runs;
	uint64_t n_errors; /* runs that returned an errno */
	uint64_t n_done;   /* runs that made the reply themselves */
	uint64_t n_bad;    /* runs that failed, or whose result was refused */
	uint64_t ns;       /* time of all runs */
};
/*
 * Fills up to n rows, one for each operation that a filter has a program for. Sets *ret_n to the
 * number of these.
 */
int pst_view_filter_stats(struct pst_view *view, struct pst_filter_stat *rows, size_t n,
			  size_t *ret_n);

/* Describes an object, for people who choose or write filters. */
struct pst_filter_option {
	char name[64];
	char type[32];   /* "integer", "text", "names", "ids", "paths", "switch", "error" */
	char value[128]; /* the default, or the value of the spec */
	char help[160];
};
struct pst_filter_program {
	char name[32];    /* the name in the object: "pre/any" */
	uint32_t n_insns; /* eBPF instructions; 0: the program was not loaded */
	uint32_t pad;
};
struct pst_filter_report {
	size_t size; /* in: sizeof(struct pst_filter_report) */
	char file[512];
	char summary[120];
	uint32_t flags;
	uint32_t n_options, n_programs;
	uint32_t pad;
	struct pst_filter_option options[32];
	struct pst_filter_program programs[80];
	char does[4096]; /* lines that say what the filter does with the options of the spec */
};
/*
 * Loads a filter, describes it, and unloads it. On failure *error has a short reason, and log (may
 * be NULL) the end of the verifier's log with source lines, zero-terminated. If only the kernel
 * refuses the object, for one because the caller may not load programs, *ret_report is filled all
 * the same; after other failures it is unchanged.
 */
int pst_filter_check(const char *spec, struct pst_filter_report *ret_report, char *log,
		     size_t log_size, struct pst_error *error);

/*
 * Writes a line of JSON to fd (taken) for each operation that filters saw or, with all not 0, for
 * each operation, until the reader ends. The view never waits for the reader: it counts lines that
 * the reader does not take in time, and the next line has their number.
 */
int pst_view_trace(struct pst_view *view, int fd, int all, struct pst_error *error);

/*
 * Sets the function that gets log messages up to a level. Any thread may call fn, which must not
 * call the library. By default the library prints errors and warnings to standard error.
 */
typedef void (*pst_log_fn)(void *aux, enum pst_log_level level, const char *text);
void pst_log_set(enum pst_log_level level, pst_log_fn fn, void *aux);

/* A feature that this machine has or lacks. */
struct pst_probe {
	const char *name; /* "passthrough", "io_uring", ... */
	int on;           /* 1: available */
	char why[256];    /* details, or why the feature is missing and how to get it */
};
/*
 * Finds out which features the kernel has, and the file system of the directory lower, unless that
 * is NULL. Fills up to n rows, and sets *ret_n to the number of features.
 */
int pst_probe(const char *lower, struct pst_probe *rows, size_t n, size_t *ret_n);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif
#endif
