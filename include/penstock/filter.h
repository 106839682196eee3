/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#ifndef PENSTOCK_FILTER_H
#define PENSTOCK_FILTER_H
/*
 * The filter ABI: what a filter (an eBPF object) and the engine share. Filters include
 * <penstock/filter.bpf.h>, which includes this; docs/filters.md teaches it, penstock-filters(7) is
 * the reference.
 *
 * A filter runs on a struct pst_call, which is the memory that the request lies in. Filters are
 * trusted but may be wrong: whatever they leave in a call is checked before it is used.
 */
#include <penstock/fuse.h>

/* An object that was built for another number is refused. */
#define PST_FILTER_ABI 2

/* What a program returns; negative: that errno is the answer. */
enum pst_verdict {
	PST_PASS = 0,  /* go on, with what the program changed */
	PST_DONE = 1,  /* pre: the program has filled the answer, nobody else is asked;
				   post: it has filled one in the place of an error */
	PST_SERVE = 2, /* pre only: a server shall answer */
};

/* What a filter declares about itself. */
enum pst_filter_flag {
	PST_BY_CALLER = 1 << 0, /* what it does depends on who asks: nothing is cached */
	PST_CACHEABLE = 1 << 1, /* what it does to data does not: page cache and mmap are allowed */
	PST_DELAYS = 1 << 2,    /* it may set call->delay_us */
	PST_WANT_ATTR = 1 << 3, /* node.attr is filled, not only ino, type and device */
	PST_WANT_CHILD = 1 << 4, /* child.attr is that of the file under name[0], if there is one */
	PST_WANT_CGROUP = 1 << 5, /* caller.cgroup is filled */
	PST_CELLS = 1 << 6,       /* it uses cells */
	PST_EXACT = 1 << 7,       /* call->after is filled, and a file is changed by one operation
					   at a time, see struct pst_call */
	PST_HIDES = 1 << 8,       /* its program for names hides by directory and name alone: it is
				   asked before anything is looked at below */
};

/* In in.read.read_flags of readdir: the entries come with attributes (struct fuse_direntplus). */
#define PST_READ_PLUS (1u << 31)

#define PST_NAME_SIZE   1024 /* bytes of a name, its NUL included */
#define PST_N_EVENTS    4    /* events in one run */
#define PST_EVENT_SIZE  32   /* bytes of an event's word, its NUL included */
#define PST_MAX_FILTERS 63   /* in one view */

/* Who asks. A pre program may change uid and gid: what is created then belongs to these. */
struct pst_caller {
	uint32_t uid;
	uint32_t gid;
	uint32_t pid; /* in the pid namespace of the view's process; 0: none there */
	uint32_t pad;
	uint64_t cgroup; /* id, with PST_WANT_CGROUP; 0: not known */
};

/* A lower file. Of a node ino, type and device are always there; mode 0: there is no file. */
struct pst_attr {
	uint64_t ino;
	uint64_t size;
	uint64_t blocks; /* of 512 bytes */
	uint32_t mode;   /* type and permissions; only the type without PST_WANT_ATTR */
	uint32_t nlink;
	uint32_t uid;
	uint32_t gid;
	uint32_t dev_major;
	uint32_t dev_minor;
};

struct pst_node {
	uint64_t nodeid; /* 0: the operation has no such node */
	uint64_t parent; /* nodeid of the directory it was last found in; 0: not known */
	struct pst_attr attr;
};

/* The file that a name is for, while the name is looked up, made, listed or renamed to. */
struct pst_child {
	uint64_t cell;        /* its cell of this filter; at first a copy of its directory's */
	uint64_t known_cell;  /* what its cell is now, where known */
	uint32_t held;        /* 1: this filter holds for it; 0 takes the filter off */
	uint32_t known;       /* 1: the kernel knows the file already, by this or another name */
	struct pst_attr attr; /* mode 0: not known yet */
};

struct pst_name {
	uint32_t len; /* without the NUL; the text counts, not this, after a change */
	uint32_t pad;
	char text[PST_NAME_SIZE];
};

/* What `penstock trace` prints beside the operation, its caller and its path. */
struct pst_event {
	char what[PST_EVENT_SIZE];
	uint64_t value[2];
};

struct pst_create_out {
	struct fuse_entry_out entry;
	struct fuse_open_out open;
};

/* A name of a listing: programs for names, and those before LOOKUP, are run on many of them at once. */
#define PST_LISTED_SIZE 256 /* longer names are asked about one by one */
#define PST_N_LISTED    42
struct pst_listed {
	uint64_t ino;
	uint32_t mode;   /* the type; 0: not known */
	int32_t verdict; /* what the program returned */
	uint32_t len;
	uint32_t pad;
	char text[PST_LISTED_SIZE];
};

/* The argument of the operation: the kernel's struct. What a pre program changes is honoured. */
union pst_in {
	struct fuse_getattr_in getattr;
	struct fuse_statx_in statx;
	struct fuse_setattr_in setattr;
	struct fuse_mknod_in mknod;
	struct fuse_mkdir_in mkdir;
	struct fuse_rename2_in rename;
	struct fuse_link_in link;
	struct fuse_open_in open;     /* open, opendir */
	struct fuse_create_in create; /* create, tmpfile */
	struct fuse_read_in read;     /* read, readdir */
	struct fuse_write_in write;
	struct fuse_release_in release; /* release, releasedir */
	struct fuse_flush_in flush;
	struct fuse_fsync_in fsync; /* fsync, fsyncdir */
	struct fuse_setxattr_in setxattr;
	struct fuse_getxattr_in getxattr; /* getxattr, listxattr */
	struct fuse_lk_in lk;             /* getlk, setlk */
	struct fuse_fallocate_in fallocate;
	struct fuse_lseek_in lseek;
	struct fuse_copy_file_range_in copy;
	struct fuse_ioctl_in ioctl;
	char bytes[128];
};

/* The result of the operation, where it was a success. What a post program changes is honoured. */
union pst_out {
	struct fuse_entry_out entry;  /* lookup, mknod, mkdir, symlink, link */
	struct pst_create_out create; /* create, tmpfile */
	struct fuse_attr_out attr;    /* getattr, setattr */
	struct fuse_statx_out statx;
	struct fuse_open_out open; /* open, opendir */
	struct fuse_write_out write;
	struct fuse_statfs_out statfs;
	struct fuse_getxattr_out getxattr; /* getxattr, listxattr: with in.getxattr.size 0 */
	struct fuse_lk_out lk;
	struct fuse_lseek_out lseek;
	struct fuse_copy_file_range_out copy;
	struct fuse_ioctl_out ioctl;
	char bytes[1024];
};

/*
 * One operation under way. Filters change name, in, out, data, data_len, cell, child.cell,
 * child.held, caller.uid, caller.gid, delay_us, note and events, and read the rest.
 *
 * With PST_EXACT, operations of the view that can change the size, owner or links of one file run one
 * after the other: SETATTR, WRITE, FALLOCATE, OPEN with O_TRUNC on the file, LINK of it, UNLINK, RMDIR
 * and RENAME of what has its name. node.attr (child.attr, replaced, node2.attr) is what it was before,
 * after.attr what it is after, also where the operation failed. So the difference is what this operation
 * has done. COPY is not among them: it is refused where filters see data.
 *
 * data: what SYMLINK (the target), SETXATTR (the value), WRITE and IOCTL bring, before; what
 * READLINK, GETXATTR, LISTXATTR, READ, READDIR and IOCTL answer, after.
 */
struct pst_call {
	uint32_t opcode; /* enum fuse_opcode; of two forms the newer (FUSE_RENAME2) */
	int32_t error;   /* the result so far: 0, or -errno */
	uint64_t unique; /* the request's number */
	struct pst_caller caller;
	struct pst_node node;  /* what is operated on; the directory of name[0] */
	struct pst_node node2; /* link: the file; rename: the directory of name[1] */
	uint64_t cell;         /* this filter's cell of node; what is left in it is kept */
	uint64_t cell2;        /* of node2; read only */
	struct pst_child child;
	uint32_t n_names;
	uint32_t data_len;  /* bytes of data */
	uint32_t data_size; /* bytes that data may become */
	uint32_t delay_us;  /* the operation waits for so long; with PST_DELAYS */
	uint32_t n_events;
	uint32_t n_asked; /* the engine's and PST_PRE()'s */
	struct pst_event event[PST_N_EVENTS];
	struct pst_name name[2];
	union pst_in in;
	struct pst_attr replaced; /* rename: the file under name[1], with PST_WANT_CHILD */
	struct pst_node after; /* after: the file that was changed or made, with PST_EXACT; attr.mode
					   0: not known */
	uint64_t note[2];      /* this filter's own: what it leaves before the operation it finds
					   after it; 0 at first */
	char scratch[4096 - 2792];              /* of pst_scratch(), for helpers; lost between
					   programs */
	struct pst_listed listed[PST_N_LISTED]; /* the engine's and PST_NAME()'s, PST_PRE()'s */
	char pad0[3 * 4096 - PST_N_LISTED * sizeof(struct pst_listed)];
	union pst_out out;
	char pad1[4096 - 1024];
	char data[];
};
_Static_assert(__builtin_offsetof(struct pst_call, out) == 4 * 4096, "out begins a page");
_Static_assert(__builtin_offsetof(struct pst_call, data) == 5 * 4096, "data begins the next page");

/* What a program is started with. */
struct pst_ctx {
	uint32_t slot;     /* which call */
	uint32_t n_listed; /* 0, or how many of call->listed are asked about ... */
	uint32_t first;    /* ... from this one on */
	uint32_t pad;
};

/* Facts of an operation, in the third column of PST_OPS. */
enum pst_op_fact {
	PST_OP_CHANGES = 1 << 0, /* changes data, attributes or names. OPEN (O_TRUNC) and
					   IOCTL do so by their arguments, and are not marked */
	PST_OP_ENTRY = 1 << 1,   /* name[0] is an entry of the directory node, and child is
					   its file */
};

/*
 * The operations: X(name, opcode, facts). A program is called "pre/NAME" or "post/NAME". Two forms of
 * one operation have one program.
 */
#define PST_OPS(X)                                                                                 \
	X(lookup, FUSE_LOOKUP, PST_OP_ENTRY)                                                       \
	X(getattr, FUSE_GETATTR, 0)                                                                \
	X(statx, FUSE_STATX, 0)                                                                    \
	X(setattr, FUSE_SETATTR, PST_OP_CHANGES)                                                   \
	X(readlink, FUSE_READLINK, 0)                                                              \
	X(symlink, FUSE_SYMLINK, PST_OP_CHANGES | PST_OP_ENTRY)                                    \
	X(mknod, FUSE_MKNOD, PST_OP_CHANGES | PST_OP_ENTRY)                                        \
	X(mkdir, FUSE_MKDIR, PST_OP_CHANGES | PST_OP_ENTRY)                                        \
	X(unlink, FUSE_UNLINK, PST_OP_CHANGES | PST_OP_ENTRY)                                      \
	X(rmdir, FUSE_RMDIR, PST_OP_CHANGES | PST_OP_ENTRY)                                        \
	X(rename, FUSE_RENAME2, PST_OP_CHANGES | PST_OP_ENTRY)                                     \
	X(link, FUSE_LINK, PST_OP_CHANGES | PST_OP_ENTRY)                                          \
	X(open, FUSE_OPEN, 0)                                                                      \
	X(create, FUSE_CREATE, PST_OP_CHANGES | PST_OP_ENTRY)                                      \
	X(tmpfile, FUSE_TMPFILE, PST_OP_CHANGES)                                                   \
	X(read, FUSE_READ, 0)                                                                      \
	X(write, FUSE_WRITE, PST_OP_CHANGES)                                                       \
	X(flush, FUSE_FLUSH, 0)                                                                    \
	X(release, FUSE_RELEASE, 0)                                                                \
	X(fsync, FUSE_FSYNC, 0)                                                                    \
	X(opendir, FUSE_OPENDIR, 0)                                                                \
	X(readdir, FUSE_READDIR, 0)                                                                \
	X(releasedir, FUSE_RELEASEDIR, 0)                                                          \
	X(fsyncdir, FUSE_FSYNCDIR, 0)                                                              \
	X(statfs, FUSE_STATFS, 0)                                                                  \
	X(syncfs, FUSE_SYNCFS, 0)                                                                  \
	X(setxattr, FUSE_SETXATTR, PST_OP_CHANGES)                                                 \
	X(getxattr, FUSE_GETXATTR, 0)                                                              \
	X(listxattr, FUSE_LISTXATTR, 0)                                                            \
	X(removexattr, FUSE_REMOVEXATTR, PST_OP_CHANGES)                                           \
	X(getlk, FUSE_GETLK, 0)                                                                    \
	X(setlk, FUSE_SETLK, 0)                                                                    \
	X(fallocate, FUSE_FALLOCATE, PST_OP_CHANGES)                                               \
	X(lseek, FUSE_LSEEK, 0)                                                                    \
	X(copy, FUSE_COPY_FILE_RANGE, PST_OP_CHANGES)                                              \
	X(ioctl, FUSE_IOCTL, 0)

/* The bits, by opcode, of the operations of which a fact holds. */
#define PST_OPS_THAT_CHANGE                  (0 PST_OPS(PST_CHANGES_BIT))
#define PST_CHANGES_BIT(NAME, OPCODE, FACTS) | PST_FACT_BIT(OPCODE, (FACTS)&PST_OP_CHANGES)
#define PST_OPS_ON_ENTRIES                   (0 PST_OPS(PST_ENTRY_BIT))
#define PST_ENTRY_BIT(NAME, OPCODE, FACTS)   | PST_FACT_BIT(OPCODE, (FACTS)&PST_OP_ENTRY)
#define PST_FACT_BIT(OPCODE, FACT)           ((uint64_t) !!(FACT) << (OPCODE))

/*
 * PST_POST(forget, CALL) is no operation: the kernel has forgotten the file call->node, of which nodeid,
 * parent and the inode number, type and device are filled, and the filter's cell. Nobody has it open or
 * mapped any more. A file that lost its last name is gone then. Nothing can be refused or changed.
 */

/*
 * Groups of operations, for programs that serve several: "pre/any" is run for every operation but
 * read and write, "pre/changes" for those that change something, write excepted. Of several programs
 * that fit, the most particular is run.
 */

/* Every object has one of these, called pst_filter: PST_FILTER() makes it. */
struct pst_filter_info {
	uint32_t abi;      /* PST_FILTER_ABI */
	uint32_t flags;    /* PST_BY_CALLER, ... */
	char summary[120]; /* one line: what it is for */
};

/*
 * Types of options that are more than numbers and texts; the engine fills them from what the user
 * wrote. All lists are separated by ':'.
 */

/* Names and globs (* ? [a-z] [!a-z]), of names in any directory: "*.key:.env:id_[a-z]*". */
struct pst_names {
	uint32_t n;         /* patterns; 0: the list is empty */
	uint32_t begins_at; /* rows of pst_patterns that are found by how a name begins ... */
	uint32_t n_begins;
	uint32_t ends_at; /* ... and by how it ends */
	uint32_t n_ends;
	uint32_t pad;
};

/* Numbers and ranges, "0:1000-1999"; a path of a cgroup's directory stands for its id. */
#define PST_MAX_RANGES 16
struct pst_ids {
	uint32_t n;
	uint32_t pad;
	struct {
		uint64_t from, to;
	} range[PST_MAX_RANGES];
};

/* An error, by its name or its number: "ENOSPC", "28"; 0 where none is given. */
struct pst_errno {
	int32_t number;
};

/*
 * Paths below the root of the view, each component a name or a glob: "/etc/ssl:src/build-*". All of
 * them together have at most PST_MAX_STEPS components. A cell that starts as .start and takes a step
 * for every name shows what of the list leads here, see pst_paths_step().
 */
#define PST_MAX_STEPS    62
#define PST_PATHS_INSIDE (1ULL << 63) /* in a cell: at or below one of the paths */
struct pst_paths {
	uint32_t patterns_at; /* where the components begin in pst_patterns */
	uint32_t n_steps;
	uint64_t start; /* bit I: component I is the first of a path */
	uint64_t last;  /* bit I: component I is the last of a path */
};

/*
 * A row of the map pst_patterns: one name or glob. Its key is what names have to begin with, or end
 * with, as far as that is text: up to PST_KEY_WORDS words, zero-filled, so that comparing them as
 * numbers puts keys in order. The key of an end is read backwards.
 *
 * Rows of a list are sorted by their keys. So from the last row whose key is not behind a name, all
 * rows whose keys fit the name can be reached: see pst_rows_find().
 */
#define PST_PATTERN_SIZE 256
#define PST_KEY_WORDS    8
struct pst_pattern {
	uint64_t key[PST_KEY_WORDS];
	uint32_t shorter;     /* the last row whose key is a shorter beginning of this key; */
#define PST_NO_ROW UINT32_MAX /* ... there is none */
	uint16_t len;         /* bytes of text */
	uint8_t key_len;      /* bytes of key */
	uint8_t kind;         /* enum pst_pattern_kind */
	char text[PST_PATTERN_SIZE];
};
enum pst_pattern_kind {
	PST_PATTERN_EXACT, /* the key is the whole name */
	PST_PATTERN_OPEN,  /* what follows the key is of no matter */
	PST_PATTERN_GLOB,  /* the text has to be tried */
};

#endif
