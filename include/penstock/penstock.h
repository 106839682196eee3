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
 * Every function answers 0 or a negative errno unless it says otherwise. A view may be used from
 * several threads at once; pst_view_free() must be the last call on it.
 */
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The library is built with hidden visibility: what is declared here is what it exports. */
#pragma GCC visibility push(default)

#define PST_VERSION "0.1.0"

struct pst_view;

/* What went wrong, written for the person who reads it: what was refused, why, what to do. */
struct pst_error {
	int code;       /* negative errno */
	char text[512]; /* one line, no newline, always terminated */
};

/* Whether reads and writes run in the kernel on the lower file. */
enum pst_passthrough {
	PST_PASSTHROUGH_AUTO, /* where the kernel and the lower file system have it */
	PST_PASSTHROUGH_ON,   /* as AUTO, but the mount is refused where the kernel lacks it */
	PST_PASSTHROUGH_OFF,  /* data is served through the page cache of the view */
};

/* How long the kernel may believe what it was told about attributes and names. */
enum pst_cache {
	PST_CACHE_AUTO,      /* until others change it below, where that is heard of; else as TTL */
	PST_CACHE_TTL,       /* for options.ttl_ns */
	PST_CACHE_NONE,      /* never: every look asks the lower tree */
	PST_CACHE_EXCLUSIVE, /* for long: nobody else changes the lower tree */
};

/* Where flock(2) and fcntl(2) locks are kept. */
enum pst_locks {
	PST_LOCKS_LOCAL, /* in the view: programs that lock the same files below do not see them */
	PST_LOCKS_LOWER, /* on the lower file: they exclude its users below, too */
};

/* Whether the view is told of directories that are opened. */
enum pst_opendir {
	PST_OPENDIR_ON,
	PST_OPENDIR_OFF, /* with PST_CACHE_AUTO and _EXCLUSIVE: what the kernel keeps costs nothing */
};

/* Whether the view has extended attributes, and ACLs, which are some of them. */
enum pst_xattr {
	PST_XATTR_ON,  /* those of the lower files */
	PST_XATTR_OFF, /* none: nothing is asked for them, and ACLs below are not seen */
};

/* What becomes of file systems that are mounted below LOWER. */
enum pst_xdev {
	PST_XDEV_CROSS, /* shown; all of the view has one st_dev */
	PST_XDEV_HIDE,  /* not entered: the directories under them are shown */
};

/*
 * What becomes of pseudo file systems (proc, sysfs, cgroup, debugfs, ...), whose files are parts of the kernel.
 * HIDE: the directories under them are shown, and LOWER must not lie on one.
 */
enum pst_pseudo {
	PST_PSEUDO_HIDE,
	PST_PSEUDO_SHOW,
};

/* How the kernel and the view talk to each other. */
enum pst_transport {
	PST_TRANSPORT_AUTO,  /* io_uring where the kernel has it and it is switched on */
	PST_TRANSPORT_URING, /* as AUTO, but the mount is refused where that cannot be */
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
	PST_MOUNT_RELATIME = 1 << 8, /* asked for by name: it overrides the lower mount's noatime */
	/* Changes are on the disk before they are answered: all of them, those of names alone. */
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

/* A file of the lower tree, as a server is told of it. Pointers hold for the time of the call. */
struct pst_file {
	uint64_t nodeid;    /* its number in the view, for pst_view_changed() */
	uint64_t ino;       /* of the lower inode */
	uint32_t dev_major; /* of the lower inode */
	uint32_t dev_minor;
	uint32_t type;       /* S_IFMT bits of its mode */
	uint32_t handle_len; /* bytes; 0: its file system has no handles */
	const void *handle; /* tells it from every other file of its device, earlier ones included */
};

/*
 * A server has the authority for some attributes of some files; the lower inode has it for all others.
 * Size, blocks, links and data are always the lower inode's, so a file may be passed through, and what
 * is written to it is seen at once, whoever owns its mode.
 *
 * These are called by the threads of the view, from several at once, while somebody waits: they answer
 * soon, and never touch the view themselves. Where the mode of a file is the server's, so is its ACL:
 * it has none.
 *
 * A server that has the owner or group of a file, and not its mode, cannot make a set-ID program of it:
 * the view shows set-ID bits only beside the lower file's own owner and group. A server that has both
 * decides itself which program runs as whom. It has to know that whoever owns the lower file can change
 * that program.
 */
struct pst_server {
	size_t size; /* sizeof(struct pst_server) */
	void *aux;   /* the first argument of each */
	/*
	 * Which attributes of a file are the server's: a mask of STATX_MODE, STATX_UID, STATX_GID,
	 * STATX_ATIME, STATX_MTIME and STATX_CTIME. Asked once in the life of a nodeid.
	 */
	uint32_t (*fields)(void *aux, const struct pst_file *file);
	/*
	 * What they are. *stx holds what the lower inode says; of what is changed, the server's fields
	 * are taken. 0, or a negative errno, which is the answer to whoever asked for the file.
	 */
	int (*getattr)(void *aux, const struct pst_file *file, struct statx *stx);
	/*
	 * Somebody who may do so changes them: stx->stx_mask says which. The owner comes with the mode
	 * that is left of it, and whoever writes to a file takes set-user-ID bits off its mode. Called
	 * before the lower inode's part of the same change. 0, or a negative errno, which refuses it.
	 */
	int (*setattr)(void *aux, const struct pst_file *file, const struct statx *stx);
};

/*
 * All that can be chosen about a view. Strings are borrowed for the call of pst_view_mount() only.
 * Initialise with PST_VIEW_OPTIONS_INIT; members are added at the end only.
 */
struct pst_view_options {
	size_t size;              /* sizeof(struct pst_view_options) */
	const char *lower;        /* the directory to show */
	const char *mountpoint;   /* the directory to show it at */
	const char *fsname;       /* first field of /proc/mounts; NULL: lower */
	unsigned int mount_flags; /* PST_MOUNT_* */
	enum pst_passthrough passthrough;
	enum pst_cache cache;
	uint64_t ttl_ns; /* for PST_CACHE_TTL, and what cannot be watched; nanoseconds */
	enum pst_locks locks;
	enum pst_xdev xdev;
	unsigned int n_workers; /* 0: one for each CPU */
	unsigned int n_pool;    /* threads for what may block; 0: a good default */
	unsigned int max_write; /* bytes of data in one request; 0: 1 MiB, with io_uring and
					   many CPUs less: docs/requests.md */
	unsigned int fd_budget; /* lower descriptors to keep for nodes; 0: from RLIMIT_NOFILE */
	uint8_t idmap;          /* 1: allow idmapped mounts of the view */
	uint8_t allow_other;    /* 0: only the mounting user may enter the view */
	uint8_t pad0[6];        /* 0 */
	/* "NAME|FILE[,option=value...]" each, ended by NULL; run in this order. NULL: none. */
	const char *const *filters;
	enum pst_transport transport;
	unsigned int uring_depth; /* io_uring: requests at a time for each CPU; 0: a good default */
	uint8_t enable_uring;     /* 1: switch it on in the kernel first, for all mounts to come */
	uint8_t pad1[7];          /* 0 */
	const struct pst_server *server; /* answers for part of the view; copied. NULL: none */
	enum pst_xattr xattr;
	enum pst_opendir opendir;
	/*
	 * A file with the key that file handles of the view are made with, so that they outlive the mount;
	 * made if it is absent. NULL: they end with the mount.
	 */
	const char *handles;
	enum pst_pseudo pseudo;
};

#define PST_VIEW_OPTIONS_INIT                                                                      \
	{                                                                                          \
		.size = sizeof(struct pst_view_options), .ttl_ns = 1000000000, .allow_other = 1,   \
	}

/*
 * Mounts a view and returns when it answers: then its threads serve it. On failure nothing is left
 * behind and *error (may be NULL) says why. The view belongs to the caller: pst_view_free().
 */
int pst_view_mount(const struct pst_view_options *options, struct pst_view **ret_view,
		   struct pst_error *error);

/*
 * Waits until the view is gone: unmounted by anybody, or stopped by pst_view_unmount(). Returns 0
 * after an orderly end, the negative errno of what broke the connection otherwise.
 */
int pst_view_wait(struct pst_view *view);

/*
 * Unmounts the view; -EBUSY while it is in use, unless lazy is not zero: then it disappears from
 * the tree at once and ends with its last user. Safe from any thread, not from a signal handler.
 */
int pst_view_unmount(struct pst_view *view, int lazy);

/*
 * The flags of the view's mount have been changed by mount_setattr(2) or mount(2): of the bits of PST_MOUNT_* in
 * changed to those in mount_flags. What is passed through follows them (access times, read-only). Returns 0 or
 * -errno, and says why in *error.
 */
int pst_view_remounted(struct pst_view *view, unsigned int mount_flags, unsigned int changed,
		       struct pst_error *error);

/* Ends all threads of the view, unmounts it lazily if it is still mounted, and frees it. NULL is fine. */
void pst_view_free(struct pst_view *view);

/*
 * The server has changed what it says of a file: the kernel forgets what it was told. Returns before
 * it has; a file that the kernel does not know is fine. Not from inside a call of the server.
 */
void pst_view_changed(struct pst_view *view, uint64_t nodeid);

/* The number under which the kernel lists the view in /sys/fs/fuse/connections (st_dev's minor). */
unsigned int pst_view_connection(const struct pst_view *view);

/* Facts about a mounted view. Strings live as long as the view. */
struct pst_view_info {
	size_t size;                 /* in: sizeof(struct pst_view_info) */
	const char *lower;           /* absolute path of LOWER when it was mounted */
	const char *mountpoint;      /* absolute path of the mount point when it was mounted */
	const char *transport;       /* "uring" or "dev" */
	int passthrough;             /* 1: on */
	const char *passthrough_why; /* why it is off, or "" */
	unsigned int kernel_major;   /* FUSE protocol version of the kernel */
	unsigned int kernel_minor;
	unsigned int n_workers;
	uint64_t kernel_flags;     /* FUSE_INIT features that were negotiated */
	uint64_t n_nodes;          /* nodes that the kernel knows now, the root included */
	uint64_t n_handles;        /* files and directories open now */
	uint64_t n_fds;            /* lower descriptors kept for nodes now */
	uint64_t n_backings;       /* files registered for passthrough now */
	uint64_t n_registered;     /* files registered for passthrough ever */
	uint64_t n_refused;        /* registrations that the kernel refused ever */
	uint64_t node_bytes;       /* memory of the node table, all counted */
	uint64_t n_watched;        /* directories and files that are watched below now */
	uint64_t n_events;         /* events that were read ... */
	uint64_t n_own_events;     /* ... of these, those that the view itself caused ... */
	uint64_t n_overflows;      /* ... and times that there were too many to hear of */
	const char *transport_why; /* why it is not io_uring, or "" */
};
int pst_view_info(struct pst_view *view, struct pst_view_info *ret_info);

/* Counters of one operation, by its protocol name ("LOOKUP", ...). */
struct pst_op_stat {
	const char *name;
	uint32_t opcode;
	uint32_t pad;
	uint64_t n_requests; /* requests that the kernel sent */
	uint64_t n_errors;   /* of these, answered with an error */
};
/*
 * Fills up to n rows, one for each operation the kernel has sent so far; *ret_n is how many there
 * are. Rows are ordered by opcode.
 */
int pst_view_op_stats(struct pst_view *view, struct pst_op_stat *rows, size_t n, size_t *ret_n);

/*
 * Filters (docs/filters.md) of a mounted view. A change holds at once for all or, where it fails, not
 * at all; before these return, what the kernel had cached under the old filters is invalidated. Names
 * are those of pst_view_filters().
 */
int pst_view_filter_add(struct pst_view *view, const char *spec, struct pst_error *error);
int pst_view_filter_remove(struct pst_view *view, const char *name, struct pst_error *error);
/* In the place of a filter, another or the same with other options. */
int pst_view_filter_replace(struct pst_view *view, const char *name, const char *spec,
			    struct pst_error *error);

struct pst_filter {
	char name[64];
	char spec[1024];     /* as it was given */
	char file[512];      /* the object's path */
	char summary[120];   /* what it says of itself */
	char at[512];        /* path below the root where it is attached; "": the root */
	uint32_t flags;      /* enum pst_filter_flag of <penstock/filter.h> */
	uint32_t n_bypassed; /* files it cannot see the data of yet, see pst_view_bypassed() */
};
/* Fills up to n rows, in the order in which they run; *ret_n is how many there are. */
int pst_view_filters(struct pst_view *view, struct pst_filter *rows, size_t n, size_t *ret_n);

/*
 * Files that a filter with programs for data holds for, but that were open by passthrough when it
 * came: the kernel goes on reading and writing them by itself until they are closed. Paths begin at
 * the root of the view.
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
	uint64_t n_errors; /* of these, runs that answered an errno */
	uint64_t n_done;   /* ... that answered the operation themselves */
	uint64_t n_bad;    /* ... that failed, or whose result was refused */
	uint64_t ns;       /* in all runs */
};
/* Fills up to n rows, one for each operation with a program, runs or not. */
int pst_view_filter_stats(struct pst_view *view, struct pst_filter_stat *rows, size_t n,
			  size_t *ret_n);

/* What an object is: for people who choose or write one. */
struct pst_filter_option {
	char name[64];
	char type[32];   /* "integer", "text", "names", "ids", "paths", "switch", "error" */
	char value[128]; /* the default, or what it was set to */
	char help[160];
};
struct pst_filter_program {
	char name[32];    /* as the object has it: "pre/any" */
	uint32_t n_insns; /* instructions of eBPF; 0: it was not loaded */
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
	char does[4096]; /* lines: what it will do with the options that were given */
};
/*
 * Loads a filter and lets go of it again. On failure *error has the short of it, and log (may be
 * NULL) what the verifier said, with the source lines; log is zero-terminated, its end is what is kept.
 * What only the kernel refuses, the caller without the right to load for one, has a report yet; else
 * the report is left alone.
 */
int pst_filter_check(const char *spec, struct pst_filter_report *ret_report, char *log,
		     size_t log_size, struct pst_error *error);

/*
 * Writes what happens in a view to fd, a line of JSON for each operation that filters saw or, with
 * all not 0, for each operation, until nobody reads there any more. fd is taken. Never waits for the
 * reader: what it does not take in time is counted, and the next line says how many were lost.
 */
int pst_view_trace(struct pst_view *view, int fd, int all, struct pst_error *error);

/*
 * Where log messages go; called from any thread, must not call back into the library. The default
 * prints warnings and errors to standard error.
 */
typedef void (*pst_log_fn)(void *aux, enum pst_log_level level, const char *text);
void pst_log_set(enum pst_log_level level, pst_log_fn fn, void *aux);

/* One row of what this machine offers. */
struct pst_probe {
	const char *name; /* "passthrough", "io_uring", ... */
	int on;           /* 1: available */
	char why[256];    /* what was found, or why it is missing and how to get it */
};
/*
 * Finds out what the kernel and, where lower is not NULL, that directory's file system offer. Fills
 * up to n rows and says in *ret_n how many there are.
 */
int pst_probe(const char *lower, struct pst_probe *rows, size_t n, size_t *ret_n);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif
#endif
