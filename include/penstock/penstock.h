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
 * Every function returns 0 or a negative errno unless its comment says otherwise. An argument
 * "struct pst_error *error" may be NULL unless the comment says otherwise; after a failure *error
 * has the reason. Several threads may use a view at the same time, but pst_view_free() must be the
 * last call on the view, or threads would use freed memory.
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
struct pst_source;

/* An error, written for people: what failed, why, and what to do. */
struct pst_error {
	int code;       /* negative errno */
	char text[512]; /* one line, no newline, always terminated */
};

/* Passthrough: reads and writes run in the kernel on the lower file. */
enum pst_passthrough {
	PST_PASSTHROUGH_AUTO, /* where the kernel and the lower file system have it */
	PST_PASSTHROUGH_ON,   /* as AUTO, but the mount fails if the kernel has no passthrough */
	PST_PASSTHROUGH_OFF,  /* the view serves data, through its own page cache */
};

/* How long the kernel may cache attributes and names. */
enum pst_cache {
	PST_CACHE_AUTO,      /* until the lower file changes, on lower file systems that can be
				watched; for options.ttl_ns on all others */
	PST_CACHE_TTL,       /* for options.ttl_ns */
	PST_CACHE_NONE,      /* not at all: each use reads the lower tree */
	PST_CACHE_EXCLUSIVE, /* without a limit: only the view changes the lower tree */
};

/* The place where flock(2) and fcntl(2) locks take effect. */
enum pst_locks {
	PST_LOCKS_LOCAL, /* in the view only: programs that lock the lower file ignore the locks */
	PST_LOCKS_LOWER, /* on the lower file: programs that lock the lower file respect them */
};

/* Selects whether the kernel sends OPENDIR to the view. */
enum pst_opendir {
	PST_OPENDIR_ON,
	PST_OPENDIR_OFF, /* the kernel lists a cached directory without a request; needs
			    PST_CACHE_AUTO or PST_CACHE_EXCLUSIVE */
};

/* Selects whether the view has extended attributes, and with them ACLs. */
enum pst_xattr {
	PST_XATTR_ON,  /* the view has the extended attributes of the lower files */
	PST_XATTR_OFF, /* the view has none, and the kernel ignores the ACLs of lower files; it
			  sends no requests for extended attributes */
};

/* Selects whether the view shows file systems that are mounted on directories of LOWER. */
enum pst_xdev {
	PST_XDEV_CROSS, /* shows them; all files of the view have the same st_dev */
	PST_XDEV_HIDE,  /* hides them: the view shows the directories that they cover */
};

/*
 * Selects whether the view shows pseudo file systems (proc, sysfs, cgroup, debugfs, ...), whose
 * files are parts of the kernel.
 */
enum pst_pseudo {
	PST_PSEUDO_HIDE, /* hides those that are mounted on directories of LOWER, and refuses
			    the mount if LOWER itself lies on one */
	PST_PSEUDO_SHOW, /* shows them */
};

/* The place where the programs of filters run. */
enum pst_run_filters {
	PST_RUN_FILTERS_AUTO,    /* in the kernel if bpf(2) works, else in the process */
	PST_RUN_FILTERS_KERNEL,  /* verified and compiled by the kernel; needs bpf(2) */
	PST_RUN_FILTERS_PROCESS, /* in the process of the view, without any privilege */
};

/*
 * Selects whether the view has a control socket, by which `penstock stat`, `trace`, `filter` and
 * `rules load` reach it. Only root and the effective user of the process may connect. The socket is
 * in /run/penstock, or in $XDG_RUNTIME_DIR/penstock if the process may not write to the first.
 */
enum pst_control {
	PST_CONTROL_AUTO, /* yes; a warning in the log if the socket cannot be made */
	PST_CONTROL_ON,   /* as AUTO, but the mount fails if the socket cannot be made */
	PST_CONTROL_OFF,
};

/* The engine that carries out the operations of the view (docs/engines.md). */
enum pst_engine {
	PST_ENGINE_FUSE,   /* the threads of the library */
	PST_ENGINE_KERNEL, /* the kernel module penstock, which the kernel loads if it is installed;
			      the mount fails if it cannot do all that is asked for */
	PST_ENGINE_AUTO,   /* KERNEL if the module is loaded and can do all without this process;
			      else FUSE, with the reason in the log */
};

/* How the kernel sends requests to the view. */
enum pst_transport {
	PST_TRANSPORT_AUTO,  /* io_uring if the kernel has it and enable_uring is on in the
				kernel; else /dev/fuse */
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
	PST_MOUNT_SYNC = 1 << 9,     /* each change is on the disk before the system call returns;
					disables passthrough */
	PST_MOUNT_DIRSYNC = 1 << 10, /* as SYNC, but only for changes of names */
};

/* Log levels. A log gets the messages of its level and of lower numbers. */
enum pst_log_level {
	PST_LOG_ERROR,
	PST_LOG_WARNING,
	PST_LOG_INFO,
	PST_LOG_DEBUG,
};

/*
 * Gets a message: one line, without a newline, valid during the call. Any thread of the library may
 * call this function, several at the same time. The function must not call the library or use a
 * view, because the thread may hold locks of the view.
 */
typedef void (*pst_log_fn)(void *aux, enum pst_log_level level, const char *text);

struct statx;
struct pst_node_ops;
struct pst_parsed;

/*
 * A file of the view, for a server and for struct pst_node_ops. The struct, *handle and *key are
 * valid during the call only. A file with a key has no lower inode: only nodeid, type and the key
 * are set. Only the library makes this struct; later versions add members at the end.
 */
struct pst_file {
	uint64_t nodeid;    /* the number of the file in the view, for pst_view_changed() */
	uint64_t ino;       /* of the lower inode */
	uint32_t dev_major; /* of the lower inode */
	uint32_t dev_minor;
	uint32_t type;       /* S_IFMT bits of the mode */
	uint32_t handle_len; /* bytes of *handle; 0 if the file system has no handles */
	const void *handle;  /* name_to_handle_at(2); no two files of a device have the same
				handle, even if one has been removed */
	uint32_t key_len;    /* bytes of *key; 0 for a lower file */
	uint32_t pad;
	const void *key; /* <penstock/node.h> */
};

/*
 * Writes bytes that identify a lower file, for a table of a program: two files have different ones,
 * even if one has been removed, and a file has the same in all views of its file system. Fills all
 * PST_FILE_ID_SIZE bytes, with zeros at the end. A file with a key is identified by that.
 */
#define PST_FILE_ID_SIZE 160
void pst_file_id(const struct pst_file *file, void *ret_id);

/*
 * A server is a part of the program that decides some attributes of some files; all other
 * attributes are those of the lower inode. Size, blocks, link count and data always are those of
 * the lower inode, because the kernel passes reads and writes through to it. A process that writes
 * to the lower file therefore changes what clients of the view read, without the server.
 *
 * Several threads of the view may call these functions at the same time, while a client waits. The
 * functions must return soon. They must not use the view, neither by functions of the library nor
 * by system calls on its files: the thread may hold locks of the view, so using the view can
 * deadlock. A file whose mode the server decides has no ACL.
 *
 * A server that decides the owner or group of a file, but not the mode, cannot make the file a
 * set-ID program: the view shows set-ID bits only with the owner and group of the lower file. A
 * server that decides mode and owner decides which program runs as which user. It must take into
 * account that the owner of the lower file can change the content of that program.
 */
struct pst_server {
	size_t size; /* sizeof(struct pst_server) */
	void *aux;   /* the program's; the first argument of each function */
	/*
	 * Returns which attributes of a file the server decides, as a mask of STATX_MODE,
	 * STATX_UID, STATX_GID, STATX_ATIME, STATX_MTIME and STATX_CTIME. The view calls it once in
	 * the life of a nodeid.
	 */
	uint32_t (*fields)(void *aux, const struct pst_file *file);
	/*
	 * Fills in the attributes that the server decides. *stx has the attributes of the lower
	 * inode before; after, the view takes only the attributes of the mask of fields() from
	 * *stx. Returns 0, or a negative errno for the client.
	 */
	int (*getattr)(void *aux, const struct pst_file *file, struct statx *stx);
	/*
	 * Changes the attributes in stx->stx_mask. The view calls it after the permission checks
	 * and before it changes the attributes of the lower inode. If the owner changes, the view
	 * has cleared the set-ID bits of stx_mode; a write to the file also clears them, by a call
	 * of this function. Returns 0, or a negative errno for the client; then nothing changes.
	 */
	int (*setattr)(void *aux, const struct pst_file *file, const struct statx *stx);
};

/*
 * The options of a view. Programs initialise them with PST_VIEW_OPTIONS_INIT; later versions of the
 * library add members at the end only. The strings belong to the program: pst_view_mount() uses
 * them only during the call.
 */
struct pst_view_options {
	size_t size;              /* sizeof(struct pst_view_options) */
	const char *lower;        /* the directory to show */
	const char *mountpoint;   /* the directory to show it at */
	const char *fsname;       /* first field of /proc/mounts; NULL for the path of lower */
	unsigned int mount_flags; /* PST_MOUNT_* */
	enum pst_passthrough passthrough;
	enum pst_cache cache;
	uint64_t ttl_ns; /* nanoseconds, for PST_CACHE_TTL and for files that cannot be watched */
	enum pst_locks locks;
	enum pst_xdev xdev;
	unsigned int n_workers; /* threads that receive requests; 0 for one for each CPU */
	unsigned int n_pool;    /* threads for operations that may block; 0 for the default, 8 */
	unsigned int max_write; /* bytes of data in one request; 0 for 1 MiB, or less with io_uring
				   and many CPUs (docs/requests.md) */
	unsigned int fd_budget; /* descriptors of lower files that the view keeps open for its
				   nodes; 0 for a quarter of RLIMIT_NOFILE, 4096 at most */
	uint8_t idmap;          /* 1 to allow idmapped mounts of the view */
	uint8_t allow_other;    /* 0 to let only the user who mounts the view use it */
	uint8_t pad0[6];        /* must be 0 */
	/*
	 * Specs "NAME|FILE[,option=value...]" of filters, which run in this order; NULL ends the
	 * list. NULL for a view without filters.
	 */
	const char *const *filters;
	enum pst_transport transport;
	unsigned int uring_depth; /* io_uring: requests at a time for each CPU; 0 for a default */
	uint8_t enable_uring;     /* 1 to switch FUSE over io_uring on in the kernel, which
				     also applies to all later mounts of other programs */
	uint8_t detached;         /* 1: mounted nowhere, for pst_view_take_mount() */
	uint8_t pad1[6];          /* must be 0 */
	/* The functions of a server, or NULL. pst_view_mount() copies the struct. */
	const struct pst_server *server;
	enum pst_xattr xattr;
	enum pst_opendir opendir;
	/*
	 * The path of a file with a key. With it, file handles of the view (name_to_handle_at(2))
	 * stay valid when the view is mounted again with the same file. pst_view_mount() creates
	 * the file if it is absent. With NULL, file handles become invalid when the mount ends.
	 */
	const char *handles;
	enum pst_pseudo pseudo;
	enum pst_run_filters run_filters;
	/*
	 * The log of this view: the function gets log_aux and the messages of log_level and of
	 * lower numbers, until pst_view_free() returns. NULL for the log of pst_log_set().
	 */
	pst_log_fn log;
	void *log_aux;
	enum pst_log_level log_level;
	enum pst_control control;
	/*
	 * The functions that fill LOWER when its files are first needed (<penstock/source.h>), or
	 * NULL. pst_view_mount() copies the struct.
	 */
	const struct pst_source *source;
	/*
	 * The functions with which the program answers operations itself (<penstock/node.h>), or
	 * NULL. pst_view_mount() copies the struct.
	 */
	const struct pst_node_ops *node_ops;
	/* The memory of pst_view_options_parse(), or NULL. */
	struct pst_parsed *parsed;
	enum pst_engine engine;
	/*
	 * pst_main() calls this with its argument aux when the view is mounted. It calls
	 * pst_view_run() and returns its result; before and after, it can start threads that use
	 * the view, or read counters. Must not free the view. NULL: pst_main() calls
	 * pst_view_run(). Other functions ignore this.
	 */
	int (*run)(void *aux, struct pst_view *view);
};

/* The defaults. C++ has designated initialisers only from C++20 on. */
#ifdef __cplusplus
#define PST_VIEW_OPTIONS_INIT                                                                      \
	([] {                                                                                      \
		pst_view_options init = pst_view_options();                                        \
		init.size = sizeof(init);                                                          \
		init.ttl_ns = 1000000000;                                                          \
		init.allow_other = 1;                                                              \
		init.log_level = PST_LOG_WARNING;                                                  \
		return init;                                                                       \
	}())
#else
#define PST_VIEW_OPTIONS_INIT                                                                      \
	{                                                                                          \
		.size = sizeof(struct pst_view_options), .ttl_ns = 1000000000, .allow_other = 1,   \
		.log_level = PST_LOG_WARNING,                                                      \
	}
#endif

/*
 * Gets an option of a list before the library does, so that a program can have options of its own.
 * value is NULL for an option without '='. Returns 0 if the option is the program's; -ENOENT if it
 * is not; or another negative errno, after it has written to error->text why the value is refused.
 */
typedef int (*pst_option_fn)(void *aux, const char *name, const char *value,
			     struct pst_error *error);
/*
 * Sets members of *options by a list "NAME[=VALUE],NAME[=VALUE]...", with the names and words of
 * `penstock mount -o` (penstock(1)). Several lists may follow one another. own gets aux; it may be
 * NULL. The library owns the strings of the lists and the array of filters, to which *options
 * points afterwards, until pst_view_options_free(), which also must be called after a failure. The
 * strings that the program has set before must stay valid until then. Returns 0; -EINVAL if an
 * option is refused; -ENOMEM; or the result of own.
 */
int pst_view_options_parse(struct pst_view_options *options, const char *list, pst_option_fn own,
			   void *aux, struct pst_error *error);
void pst_view_options_free(struct pst_view_options *options);

/*
 * The main() of a program with one view: mounts it by the arguments "[-o LIST]... LOWER
 * MOUNTPOINT", serves it by options->run or pst_view_run(), and frees it. *options has the
 * defaults, and the lists change them by pst_view_options_parse(); pst_main() frees what these have
 * made. Raises the soft limit of descriptors to the hard one. Prints failures, and the log of log=,
 * to standard error. Returns the status for exit(3): 0, 1, or 2 for wrong arguments. A program
 * takes arguments of its own out of argv before.
 */
int pst_main(int argc, char **argv, struct pst_view_options *options, pst_option_fn own, void *aux);

/*
 * Mounts a view, and returns when its threads serve it. The caller must free *ret_view with
 * pst_view_free(). After a failure nothing is mounted, and *ret_view is unchanged.
 */
int pst_view_mount(const struct pst_view_options *options, struct pst_view **ret_view,
		   struct pst_error *error);

/*
 * Returns a descriptor of the mount of a view with options.detached, for the caller to close; -1
 * after the first call. The mount can be attached by move_mount(2), and the view ends when nobody
 * holds the mount any more. Messages call it by options.mountpoint all the same.
 */
int pst_view_take_mount(struct pst_view *view);

/*
 * Waits until the view is unmounted, by umount(2) or by pst_view_unmount(). Returns 0 after that,
 * or the negative errno with which the connection broke.
 */
int pst_view_wait(struct pst_view *view);

/*
 * Unmounts the view. Returns -EBUSY if a process uses the view. If lazy is not 0, the view
 * disappears from the tree immediately, and ends when the last process has closed its files. The
 * caller must still free the view. A signal handler must not call this.
 */
int pst_view_unmount(struct pst_view *view, int lazy);

/*
 * Applies flags of the view's mount (access times, read-only) to the mount by which the view
 * reaches lower files, because passthrough obeys the flags of that one. The program must call this
 * after mount_setattr(2) or mount(2) has changed the PST_MOUNT_* bits in changed to their values in
 * mount_flags. error must not be NULL.
 */
int pst_view_remounted(struct pst_view *view, unsigned int mount_flags, unsigned int changed,
		       struct pst_error *error);

/*
 * Unmounts the view lazily if it is mounted, ends all its threads, and frees it. Waits for requests
 * that run. Accepts NULL. No other thread may use the view or its requests during or after this
 * call. A callback must not call this, because it would wait for itself: the call only logs an
 * error then.
 */
void pst_view_free(struct pst_view *view);

/*
 * Waits until the view is unmounted, and unmounts it when one of SIGTERM, SIGINT and SIGHUP
 * arrives: the first signal leaves a view mounted that is in use, a second one unmounts it lazily.
 * Signals that this thread had blocked before are left to the program. Calls pst_view_dispatch()
 * for a view with `loop`. Other threads of the program should block the signals. Returns as
 * pst_view_wait().
 */
int pst_view_run(struct pst_view *view);

/*
 * Makes the kernel drop the cached attributes of a file. A program with a server calls this when it
 * has changed attributes. May return before the kernel has dropped them. Does nothing if the kernel
 * does not know the file. Functions of struct pst_server must not call this.
 */
void pst_view_changed(struct pst_view *view, uint64_t nodeid);

/*
 * Returns the number of the view in /sys/fs/fuse/connections, the minor number of its st_dev. For a
 * view of the kernel engine: the number that its second tree has there, or 0 if it has none.
 */
unsigned int pst_view_connection(const struct pst_view *view);

/* Facts about a mounted view. The strings belong to the view, and end with it. */
struct pst_view_info {
	size_t size;                 /* the caller sets this to sizeof(struct pst_view_info) */
	const char *lower;           /* absolute path of LOWER at the time of the mount */
	const char *mountpoint;      /* absolute path of the mount point at that time */
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
	uint64_t node_bytes;       /* memory of all nodes and of the tables that find them */
	uint64_t n_watched;        /* lower directories and files that are watched now */
	uint64_t n_events;         /* fanotify events since the mount */
	uint64_t n_own_events;     /* events that the view itself caused */
	uint64_t n_overflows;      /* overflows of the fanotify queue */
	const char *transport_why; /* why the view does not use io_uring, or "" */
	const char *filters_in;    /* "kernel" or "process": where filters run; "" if the view has
				      had none */
	const char *filters_why;   /* why they run in the process, or "" */
	const char *engine;        /* "fuse" or "kernel". Members from transport to n_overflows are
				      those of the second tree in a view of the kernel engine, and
				      0 or "" if it has none */
};
/* Fills *ret_info. Returns -EINVAL if its size is not set. */
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
 * These functions change the filters (docs/filters.md) of a mounted view. A change that fails has
 * no effect. When a function returns 0, the change applies to all operations, except those that a
 * program already kept (PST_LATER) or that already waited for a source, and the kernel has dropped
 * what it had cached before the change. name is a name of pst_view_filters(); -ENOENT if the view
 * has no filter of that name.
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
	char at[512];        /* the directory that it acts on (at=), from the root of the view;
				"" for the whole view */
	uint32_t flags;      /* enum pst_filter_flag of <penstock/filter.h> */
	uint32_t n_bypassed; /* files whose data it does not see yet, see pst_view_bypassed() */
};
/* Fills up to n rows, in the order in which filters run. Sets *ret_n to the number of filters. */
int pst_view_filters(struct pst_view *view, struct pst_filter *rows, size_t n, size_t *ret_n);

/*
 * Lists files whose data a filter should see but does not: they were open with passthrough when the
 * filter was added, and the kernel reads and writes them directly until they are closed. Paths
 * begin at the root of the view. Fills up to n rows, and sets *ret_n to the number of these files.
 * Returns -ENOENT if the view has no filter of that name.
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
 * number of such rows.
 */
int pst_view_filter_stats(struct pst_view *view, struct pst_filter_stat *rows, size_t n,
			  size_t *ret_n);

/*
 * Lists the filters that the NAME of a spec finds: those in the directories of
 * $PENSTOCK_FILTER_PATH, then those that are installed. Fills up to n rows, sorted by name, and
 * sets *ret_n to the number of filters. In a row, spec is the name, and at and n_bypassed are
 * empty; summary is empty if file cannot be read as a filter. Returns 0, or -ENOMEM.
 */
int pst_filter_list(struct pst_filter *rows, size_t n, size_t *ret_n);

/* An option of a filter. */
struct pst_filter_option {
	char name[64];
	char type[32];   /* "integer", "text", "names", "ids", "users", "group", "paths", "switch",
			    "error", ...; or the words it takes, "pass|deny|ignore" */
	char value[128]; /* the default, or the value of the spec */
	char help[160];
};
struct pst_filter_program {
	char name[32];    /* the name in the object: "pre/any" */
	uint32_t n_insns; /* eBPF instructions; 0 if the program can run nowhere */
	uint32_t pad;
};
/* Describes a filter for people who choose or write filters. */
struct pst_filter_report {
	size_t size; /* the caller sets this to sizeof(struct pst_filter_report) */
	char file[512];
	char summary[120];
	uint32_t flags;
	uint32_t n_options, n_programs;
	uint32_t pad;
	struct pst_filter_option options[32];
	struct pst_filter_program programs[80];
	char does[4096];      /* lines that say what the filter does with the options of the spec */
	char kernel_why[512]; /* why the kernel cannot run the filter, or "" */
	char process_why[512]; /* why a process cannot run the filter, or "" */
};
/*
 * Loads a filter, describes it, and unloads it. If bpf(2) does not work for this process, finds out
 * only if a process can run the filter (PST_RUN_FILTERS_PROCESS). If the kernel refuses the object,
 * log (log_size bytes, may be NULL) gets the end of the verifier's log with source lines,
 * zero-terminated. If the object can be read, *ret_report is filled even if the kernel refuses it
 * or an option of the spec is wrong; else it is unchanged.
 */
int pst_filter_check(const char *spec, struct pst_filter_report *ret_report, char *log,
		     size_t log_size, struct pst_error *error);

/*
 * Starts to write a line of JSON to fd, a pipe or socket, for each operation that filters have seen
 * or, if all is not 0, for every operation. Takes ownership of fd, even on failure: the view makes
 * fd non-blocking, and closes it when the reader has closed the other end. The view never waits for
 * the reader: it drops lines for which fd has no room, and the next line has the number of lines
 * that were dropped. Returns -EBUSY if 16 traces run already.
 */
int pst_view_trace(struct pst_view *view, int fd, int all, struct pst_error *error);
/*
 * Writes the events that the view has kept, oldest first, to fd, a pipe or socket: those of filters
 * that were added with the option keep=N, the last N of them. Takes ownership of fd, even on
 * failure, and closes it at the end. Waits for the reader, but returns -ETIMEDOUT if it reads
 * nothing for 5 seconds.
 */
int pst_view_trace_past(struct pst_view *view, int fd, struct pst_error *error);

/*
 * Sets the log of the process, which gets the messages of views without options.log, and those of
 * functions without a view. fn may be NULL for standard error. By default errors and warnings go to
 * standard error. No lock guards these settings, so the program must call this before it mounts a
 * view.
 */
void pst_log_set(enum pst_log_level level, pst_log_fn fn, void *aux);

/* A feature that this machine has or lacks. */
struct pst_probe {
	const char *name; /* "passthrough", "io_uring", ... */
	int on;           /* 1: available */
	char why[256];    /* details, or why the feature is missing and how to get it */
};
/*
 * Finds out which features the kernel has, and which the file system of the directory lower has,
 * unless lower is NULL. Fills up to n rows, and sets *ret_n to the number of features.
 */
int pst_probe(const char *lower, struct pst_probe *rows, size_t n, size_t *ret_n);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif
#endif
