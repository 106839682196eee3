/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#ifndef PENSTOCK_FILTER_H
#define PENSTOCK_FILTER_H
/*
 * The filter ABI: the structs and numbers that filters (eBPF objects) and the engine share. Filters
 * include <penstock/filter.bpf.h>, which includes this. docs/filters.md is the tutorial,
 * penstock-filters(7) the reference.
 *
 * A program of a filter runs on a struct pst_call, the memory of the request. The engine is the
 * part of the daemon (or of the kernel module) that runs programs. It trusts filters, but filters
 * may have bugs, so the engine checks every member that a program has changed before it uses it.
 */
#include <penstock/fuse.h>

/* The engine refuses an object that was built for another version. */
#define PST_FILTER_ABI 2

/* The results of a program; a negative result is the error that the caller gets. */
enum pst_verdict {
	PST_PASS = 0,  /* the operation goes on, with the changes of the program */
	PST_DONE = 1,  /* pre: the program has filled in the reply, and the operation does not take
			  place; post: the program has filled in a reply that replaces the
			  error of the operation */
	PST_SERVE = 2, /* as PASS, but the program that uses the library carries the operation out
			  (<penstock/node.h>); the operation fails with EIO if there is none that
			  can */
};

/* The properties that a filter declares in PST_FILTER(). */
enum pst_filter_flag {
	PST_BY_CALLER = 1 << 0,   /* its effect depends on the caller: the kernel caches nothing */
	PST_CACHEABLE = 1 << 1,   /* its effect on data is the same for all callers: the kernel may
					   cache data and map it */
	PST_DELAYS = 1 << 2,      /* it may set call->delay_us */
	PST_WANT_ATTR = 1 << 3,   /* all of node.attr is filled, not only ino, type and device */
	PST_WANT_CHILD = 1 << 4,  /* child.attr is filled if there is a file under name[0] */
	PST_WANT_CGROUP = 1 << 5, /* caller.cgroup is filled */
	PST_CELLS = 1 << 6,       /* it uses cells: numbers that it keeps for each file */
	PST_EXACT = 1 << 7,       /* call->after is filled, and operations that change one file run
					   one at a time, see struct pst_call */
	PST_HIDES = 1 << 8,       /* its program for names hides by directory and name alone, so it
				   runs before any lookup in the lower file system */
	PST_JUDGES = 1 << 9,      /* with PST_HIDES: its program for names also looks at the type
				   of the file, or refuses operations on names that it shows */
	PST_ANNOUNCED = 1 << 10,  /* the log says what it will do with its options, as a warning */
	PST_SERVES = 1 << 11,     /* it may return PST_SERVE; in the kernel engine, the operation
				   fails with EIO if a filter without this flag does */
	PST_REPORTS = 1 << 12,    /* its programs for operations only report events, so the engine
				   need not run them while nobody reads events */
	PST_SHOWS = 1 << 13,      /* its programs after operations whose reply has attributes change
				   only owner, group and mode, by these three, the type, and the
				   options, so the engine may keep the result */
	PST_CHOOSES = 1 << 14, /* its program for names begins with pst_choose(&names, &paths), and
				   does nothing else for names that are not chosen, so the
				   engine need not run it for names that match no pattern */
};

/* in.read.read_flags of readdir: the entries have attributes (struct fuse_direntplus). */
#define PST_READ_PLUS (1u << 31)

#define PST_NAME_SIZE   1024 /* bytes of a name, with its NUL */
#define PST_N_EVENTS    4    /* events in one run */
#define PST_EVENT_SIZE  32   /* bytes of an event's word, with its NUL */
#define PST_MAX_FILTERS 63   /* in one view */

/*
 * The caller. A pre program may change uid and gid; the operation then creates files with this
 * owner and group.
 */
struct pst_caller {
	uint32_t uid;
	uint32_t gid;
	uint32_t pid; /* in the PID namespace of the view's process; 0 if the caller is not in it */
	uint32_t pad;
	uint64_t cgroup; /* its ID, with PST_WANT_CGROUP; 0 if it is not known */
};

/* Attributes of a lower file. mode is 0 if there is no file. */
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
	uint64_t nodeid;      /* 0 if the operation has no such node */
	uint64_t parent;      /* nodeid of the directory of its last lookup; 0 if not known */
	struct pst_attr attr; /* ino, type and device; all members with PST_WANT_ATTR */
};

/* The file under name[0], when the name is looked up, created, listed or the target of a rename. */
struct pst_child {
	uint64_t cell;        /* the file's cell of this filter; at first the directory's cell */
	uint64_t known_cell;  /* the cell that the file has had so far, if known is 1 */
	uint32_t held;        /* 1: this filter applies to the file; set to 0 to exclude it */
	uint32_t known;       /* 1: the kernel knows the file already, by this or another name */
	struct pst_attr attr; /* mode is 0 if the file has not been looked up yet */
};

struct pst_name {
	uint32_t len; /* without the NUL; programs that change text need not set it */
	uint32_t pad;
	char text[PST_NAME_SIZE];
};

/* An event, which `penstock trace` prints with the operation, its caller and its path. */
struct pst_event {
	char what[PST_EVENT_SIZE];
	uint64_t value[2];
};

struct pst_create_out {
	struct fuse_entry_out entry;
	struct fuse_open_out open;
};

/*
 * A name of a listing. One run of the program for names, or of the program before LOOKUP, handles
 * many names.
 */
#define PST_LISTED_SIZE 256 /* programs run once for each longer name */
#define PST_N_LISTED    42
struct pst_listed {
	uint64_t ino;
	uint32_t mode;   /* the type; 0 if not known */
	int32_t verdict; /* the result of the program */
	uint32_t len;
	uint32_t pad;
	char text[PST_LISTED_SIZE];
};

/* The argument of the operation, as the kernel's struct. Pre programs may change it. */
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

/* The result of an operation that has succeeded. Post programs may change it. */
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
 * One operation. Filters may change name, in, out, data, data_len, cell, child.cell, child.held,
 * caller.uid, caller.gid, delay_us, note and events. The engine ignores changes of all other
 * members.
 *
 * With PST_EXACT, operations of the view that can change the size, owner or links of a file run one
 * at a time: SETATTR, WRITE, FALLOCATE and OPEN with O_TRUNC of the file, LINK to it, and UNLINK,
 * RMDIR and RENAME that remove one of its names. node.attr (child.attr, replaced, node2.attr) has
 * the attributes before the operation, and after.attr the attributes after it, even if the
 * operation has failed. So the difference is the effect of this operation alone. COPY is not one
 * of these operations, because it fails in views with filters that see data.
 *
 * data: in pre programs the data of SYMLINK (the target), SETXATTR (the value), WRITE and IOCTL; in
 * post programs the answer of READLINK, GETXATTR, LISTXATTR, READ, READDIR and IOCTL.
 */
struct pst_call {
	uint32_t opcode; /* enum fuse_opcode; of two forms the newer one (FUSE_RENAME2) */
	int32_t error;   /* the result so far: 0, or -errno */
	uint64_t unique; /* the request's number */
	struct pst_caller caller;
	struct pst_node node;  /* the file of the operation, or the directory of name[0] */
	struct pst_node node2; /* link: the file; rename: the directory of name[1] */
	uint64_t cell;         /* this filter's cell of node; the engine stores changes */
	uint64_t cell2;        /* this filter's cell of node2; read only */
	struct pst_child child;
	uint32_t n_names;
	uint32_t data_len;  /* bytes of data */
	uint32_t data_size; /* the largest data_len that a program may set */
	uint32_t delay_us;  /* the operation waits this long; with PST_DELAYS */
	uint32_t n_events;
	uint32_t n_asked; /* for the engine and PST_PRE() */
	struct pst_event event[PST_N_EVENTS];
	struct pst_name name[2];
	union pst_in in;
	struct pst_attr replaced;  /* rename: the file under name[1], with PST_WANT_CHILD */
	struct pst_node after;     /* post: the changed or created file, with PST_EXACT; attr.mode
				     is 0 if the attributes are not known */
	uint64_t note[2];          /* this filter's pre program passes these to its post program;
				     0 at first */
	char scratch[4096 - 2792]; /* pst_scratch(), for helpers; other programs
						   overwrite it */
	struct pst_listed listed[PST_N_LISTED]; /* for the engine, PST_NAME(), PST_PRE() */
	char pad0[3 * 4096 - PST_N_LISTED * sizeof(struct pst_listed)];
	union pst_out out;
	char pad1[4096 - 1024];
	char data[];
};
#ifndef __cplusplus
_Static_assert(__builtin_offsetof(struct pst_call, out) == 4 * 4096, "out begins a page");
_Static_assert(__builtin_offsetof(struct pst_call, data) == 5 * 4096, "data begins the next page");
#endif

/* The context of a program. */
struct pst_ctx {
	uint32_t slot;     /* the number of the call in pst_slots */
	uint32_t n_listed; /* names of call->listed to run on; 0 to run on name[0] */
	uint32_t first;    /* the number of the first of them */
	uint32_t pad;
};

/* Facts of an operation, in the third column of PST_OPS. */
enum pst_op_fact {
	PST_OP_CHANGES = 1 << 0, /* changes data, attributes or names; not set for OPEN and
				    IOCTL, whose arguments decide whether they change something */
	PST_OP_ENTRY = 1 << 1,   /* name[0] is an entry of the directory node, and child is the
				    file of that entry */
};

/*
 * The operations: X(name, opcode, facts). The programs of an operation are "pre/NAME" and
 * "post/NAME". Two forms of an operation have one program.
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

/* The sets of operations with a fact, as bits 1 << opcode. */
#define PST_OPS_THAT_CHANGE                  (0 PST_OPS(PST_CHANGES_BIT))
#define PST_CHANGES_BIT(NAME, OPCODE, FACTS) | PST_FACT_BIT(OPCODE, (FACTS)&PST_OP_CHANGES)
#define PST_OPS_ON_ENTRIES                   (0 PST_OPS(PST_ENTRY_BIT))
#define PST_ENTRY_BIT(NAME, OPCODE, FACTS)   | PST_FACT_BIT(OPCODE, (FACTS)&PST_OP_ENTRY)
#define PST_FACT_BIT(OPCODE, FACT)           ((uint64_t) !!(FACT) << (OPCODE))

/*
 * PST_POST(forget, CALL) is a program that runs after no operation, but when the kernel has
 * forgotten the file call->node. The engine fills nodeid, parent, the inode number, type and device
 * of call->node, and call->cell. No process has the file open or mapped any more, and a file
 * without names no longer exists. The engine ignores the result, and all changes of the call.
 */

/*
 * Groups of operations, for programs that handle several: "pre/any" runs for every operation except
 * READ and WRITE, "pre/changes" for every operation with PST_OP_CHANGES except WRITE. If several
 * programs of a filter match an operation, only the program of the smallest group runs.
 */

/* The variable pst_filter of each object, which PST_FILTER() defines. */
struct pst_filter_info {
	uint32_t abi;      /* PST_FILTER_ABI */
	uint32_t flags;    /* PST_BY_CALLER, ... */
	char summary[120]; /* one line: its purpose */
};

/*
 * Types of options besides numbers and texts. The engine fills them from the user's text. A ':'
 * separates the parts of a list.
 */

/* Names and globs (* ? [a-z] [!a-z]), which match in any directory: "*.key:.env:id_[a-z]*". */
struct pst_names {
	uint32_t n;         /* patterns in the list */
	uint32_t begins_at; /* the first row of pst_patterns that matches the beginning of a name */
	uint32_t n_begins;
	uint32_t ends_at; /* the first row that matches the end of a name */
	uint32_t n_ends;
	uint32_t key_words; /* of the longest key of all rows; 0: PST_KEY_WORDS */
};

/*
 * Numbers and ranges, "0:1000-1999"; the path of a cgroup's directory stands for its ID. A filter
 * that needs longer lists defines PST_MAX_RANGES before it includes <penstock/filter.bpf.h>.
 */
#ifndef PST_MAX_RANGES
#define PST_MAX_RANGES 16
#endif
struct pst_ids {
	uint32_t n;
	uint32_t pad;
	struct {
		uint64_t from, to;
	} range[PST_MAX_RANGES];
};

/*
 * Rules that change permissions, applied in this order: "0644:a+X:g-w". D is X for directories
 * only; d and f before the operator restrict a rule to directories or to other files.
 */
#define PST_MAX_PERM_RULES 16
struct pst_perm_rule {
	uint16_t who;  /* the bits that the rule may change: 0700, 0070, 0007 */
	uint16_t bits; /* the permissions: 0444, 0222, 0111 */
	uint8_t op;    /* '=', '+' or '-' */
	uint8_t copy;  /* enum pst_perm_copy: further permissions, which depend on the file */
	uint8_t files; /* 1: the rule applies to files that are no directories */
	uint8_t dirs;  /* 1: the rule applies to directories */
};
enum pst_perm_copy {
	PST_PERM_USER = 1 << 0,  /* those of the owner */
	PST_PERM_GROUP = 1 << 1, /* those of the group */
	PST_PERM_OTHER = 1 << 2, /* those of others */
	PST_PERM_X = 1 << 3,     /* 0111 for directories, and for files that someone may execute */
	PST_PERM_D = 1 << 4,     /* 0111 for directories */
};
struct pst_perms {
	uint32_t n;
	uint32_t pad;
	struct pst_perm_rule rule[PST_MAX_PERM_RULES];
};

/*
 * Pairs of IDs, "1000/2000:3000-3999/5000": the ID of the lower file and the ID that the view
 * shows. Also "+1000" and "-1000", which are added to every ID, and the path of a passwd or group
 * file, whose IDs become those that the names have on this system. The rows of there and of back
 * are sorted by from, and do not overlap.
 */
#define PST_MAX_ID_RANGES 512
struct pst_id_range {
	uint32_t from, last; /* these IDs */
	uint32_t to;         /* the counterpart of from */
};
struct pst_id_map {
	uint32_t n;
	uint32_t strict; /* 1: an ID in no row has no counterpart; 0: it is its own */
	struct pst_id_range there[PST_MAX_ID_RANGES]; /* from lower IDs to those of the view */
	struct pst_id_range back[PST_MAX_ID_RANGES];  /* from IDs of the view to lower ones */
};

/* An error by its name or number: "ENOSPC", "28"; 0 if the option is not given. */
struct pst_errno {
	int32_t number;
};

/*
 * Paths from the root of the view: "/etc/ssl:src/build-*". Each component is a name or a glob. All
 * paths together have at most PST_MAX_STEPS components. The cell of the root is .start;
 * pst_paths_step() computes the cell of a file from the cell of its directory.
 */
#define PST_MAX_STEPS    62
#define PST_PATHS_INSIDE (1ULL << 63) /* in a cell: the file is at or below one of the paths */
struct pst_paths {
	uint32_t patterns_at; /* the row of the first component in pst_patterns */
	uint32_t n_steps;
	uint64_t start; /* bit I: component I is the first of a path */
	uint64_t last;  /* bit I: component I is the last of a path */
};

/*
 * A row of the map pst_patterns: one name or glob. Its key is the text with which matching names
 * begin or end, up to PST_KEY_WORDS words, zero-filled, so that keys can be compared as numbers.
 * The key of an end is stored backwards.
 *
 * The rows of a list are sorted by key. So all rows that may match a name can be reached from the
 * last row whose key is not greater than the name: see pst_rows_find().
 */
#define PST_PATTERN_SIZE 256
#define PST_KEY_WORDS    8
struct pst_pattern {
	uint64_t key[PST_KEY_WORDS];
	uint32_t shorter;     /* the last row whose key is a proper beginning of this key */
#define PST_NO_ROW UINT32_MAX /* the value of shorter if there is no such row */
	uint16_t len;         /* bytes of text */
	uint8_t key_len;      /* bytes of key */
	uint8_t kind;         /* enum pst_pattern_kind */
	char text[PST_PATTERN_SIZE];
};
enum pst_pattern_kind {
	PST_PATTERN_EXACT, /* the key is the whole name */
	PST_PATTERN_OPEN,  /* any text may follow the key */
	PST_PATTERN_GLOB,  /* the whole pattern must be matched */
};

/* -- rules ------------------------------------------------------------------------------------ */

/*
 * A file of rules (docs/rules.md), compiled to an automaton over the names of a path. The cell of a
 * directory is a state; pst_rules_step() of <penstock/filter-rules.bpf.h> computes the state of a
 * file, and what the rules say about it, from its directory's state and its name.
 *
 * Lines of one pair of verbs form a field. Each line has a rank in its field, which grows with the
 * line; an odd rank is a line of the pair's first verb, an even one of the second. The greatest
 * rank of the lines that match decides. So ranks of all fields fit into one number, and the
 * greatest of two sets of ranks is found field by field. The number of a node is in the bits above.
 */
#define PST_RULES_FIELDS  20
#define PST_RULES_UNKNOWN (1ULL << 63) /* a cell: the file's path is not known */
struct pst_rules {
	struct pst_names names; /* the globs of all lines, each once; a row has a pst_rule_row */
	uint32_t n_fields;      /* 0 if no line has a verb of the filter */
	uint32_t rank_bits;     /* the number of a node begins at this bit of a cell */
	uint32_t n_edge_slots;  /* the size of pst_rule_edges, a power of two */
	uint32_t hides;         /* 1: the first field is that of hide */
	uint64_t start;         /* the cell of the root */
	uint64_t all;           /* the values of all lines, joined */
	struct {
		uint64_t mask;     /* the bits of the field's ranks */
		uint32_t shift;    /* the first of them */
		uint32_t value_at; /* the element of pst_rule_values of rank 0 */
	} field[PST_RULES_FIELDS]; /* the first is that of hide, if a line has hide or allow */
};

/* A row of pst_rule_rows: the ranks of lines that are this glob alone, in any directory. */
struct pst_rule_row {
	uint64_t file; /* for a file that is no directory */
	uint64_t dir;
	uint32_t n_edges; /* edges of this glob */
	uint32_t pad;
};

/*
 * An element of pst_rule_nodes. A step begins at the node of the directory. Each glob that the name
 * matches leads to another node if there is such an edge. The last node has the ranks of the lines
 * with directories that match the name.
 */
struct pst_rule_node {
	uint64_t file, dir; /* as in a row */
	uint64_t way;       /* the greatest rank of an allow that may match below */
	uint32_t next;      /* the node at which steps from the name begin, if it is a directory */
	uint32_t pad;
};

/*
 * An element of pst_rule_edges, a hash table: the glob of a row leads from a node to another. The
 * edge is at pst_rule_edge_slot() or up to PST_RULE_PROBES - 1 elements behind it.
 */
#define PST_RULE_PROBES  8
#define PST_RULE_NO_NODE 0xffffffffu /* the value of node in an empty element */
struct pst_rule_edge {
	uint32_t node, row, to;
	uint32_t pad;
};

/* Returns where to begin the search for an edge; the caller takes it modulo n_edge_slots. */
static inline __attribute__((always_inline, unused)) uint32_t pst_rule_edge_slot(uint32_t node,
										 uint32_t row)
{
	uint32_t hash = node * 0x9e3779b1u ^ row * 0x85ebca77u;

	return hash ^ hash >> 15;
}

/* The values of hide, readonly and deny, joined for a file. */
enum pst_rule_effect {
	PST_RULE_HIDE = 1 << 0,
	PST_RULE_READONLY = 1 << 1,
	PST_RULE_CREATE = 1 << 2, /* denied: to create a regular file */
	PST_RULE_MKDIR = 1 << 3,
	PST_RULE_MKNOD = 1 << 4,
	PST_RULE_SYMLINK = 1 << 5,
	PST_RULE_LINK = 1 << 6, /* a hard link to the file, or of this name */
	PST_RULE_UNLINK = 1 << 7,
	PST_RULE_RMDIR = 1 << 8,
	PST_RULE_RENAME = 1 << 9, /* from or to the name */
	PST_RULE_READ = 1 << 10,  /* opening for reading */
	PST_RULE_WRITE = 1 << 11, /* opening for writing, truncating */
	PST_RULE_EXEC = 1 << 12,
	PST_RULE_TRUNCATE = 1 << 13,
	PST_RULE_CHMOD = 1 << 14,
	PST_RULE_CHOWN = 1 << 15,
	PST_RULE_UTIME = 1 << 16,
	PST_RULE_XATTR = 1 << 17, /* setting and removing */
	PST_RULE_IOCTL = 1 << 18,
};

/* The values of mask and audit. The value of owner is uid + 1 | (gid + 1) << 32; 0 for neither. */
enum pst_rule_mask {
	PST_RULE_MASK_BLANK = 1,
	PST_RULE_MASK_VALUES = 2,
	PST_RULE_MASK_EMPTY = 3,
};
enum pst_rule_audit {
	PST_RULE_AUDIT_CHANGES = 1,
	PST_RULE_AUDIT_ALL = 2,
};

#endif
