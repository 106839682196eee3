/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * The table of operations: a row (op-rows.h) has everything that is constant for an operation. The
 * decoder, check-in, the pool, filters and counters read it; besides the row an operation has only
 * its function (request/dispatch.c). docs/hacking.md shows how to add an operation.
 *
 * This file includes only <penstock/filter.h>, because every folder above util may use it.
 */
#include <penstock/filter.h>

/* Opcodes are below this number, so that arrays can be indexed by opcode. */
#define OP_MAX 64

/* op.flags */
enum op_flag {
	OP_NO_REPLY = 1 << 0,  /* the kernel expects no reply */
	OP_CHANGES = 1 << 1,   /* changes the tree: data, attributes or names */
	OP_EXTENDED = 1 << 2,  /* request extensions may follow */
	OP_DOTS = 1 << 3,      /* "." and ".." are valid names (NFS export) */
	OP_CLOSES = 1 << 4,    /* closes a file, so it runs even if a filter refuses it */
	OP_TRUNCATES = 1 << 5, /* changes something only if the open flags have O_TRUNC */
	OP_EXACT = 1 << 6,     /* changes size or owner of its node, see PST_EXACT */
};

/* The threads that run the operation. */
enum op_pool {
	OP_POOL_IF_SLOW, /* a worker, or the pool if the lower file system is slow */
	OP_POOL_ALWAYS,  /* the pool: the operation may wait for a disk or a lock */
	OP_POOL_NEVER,   /* a worker: the operation needs no lower file system, or other requests
			     wait for it */
};

/* The nodes and handles that check-in finds before the operation runs. */
enum op_check_in {
	OP_NEEDS_NOTHING,
	OP_NEEDS_NODE,
	OP_NEEDS_HANDLE, /* the node, and the open file or directory of op.fh */
	OP_NEEDS_FILE,
	OP_NEEDS_DIR,
	OP_MAY_HAVE_HANDLE, /* the node, and a handle if the argument has op.fh_given */
};

/* The effect of the operation on the name of an entry, or on a file that it creates. */
enum op_effect {
	OP_NO_EFFECT,
	OP_FINDS,
	OP_CREATES, /* a file of type op.creates */
	OP_LINKS,   /* the file op.node2 gets one more name */
	OP_REMOVES,
	OP_RENAMES, /* to name 1 in the directory op.node2 */
};

/* The fixed part of the reply. Only the engine can fill in node IDs and file handles. */
enum op_result {
	OP_RESULT_NONE,
	OP_RESULT_PLAIN,    /* any value is valid */
	OP_RESULT_ATTR,     /* struct fuse_attr_out */
	OP_RESULT_STATX,    /* struct fuse_statx_out */
	OP_RESULT_COUNT,    /* struct fuse_write_out: at most the bytes of the request */
	OP_RESULT_COUNT_64, /* struct fuse_copy_file_range_out: at most the bytes of the request */
	OP_RESULT_ENTRY,    /* struct fuse_entry_out */
	OP_RESULT_OPEN,     /* struct fuse_open_out */
	OP_RESULT_CREATE,   /* struct pst_create_out: an entry and an opened file */
};

/* The variable part of the reply. It is written over the data of the request. */
enum op_answer {
	OP_ANSWER_NONE,
	OP_ANSWER_BYTES,   /* of an ioctl */
	OP_ANSWER_CONTENT, /* of a file */
	OP_ANSWER_TEXT,    /* without NUL, not empty */
	OP_ANSWER_LIST,    /* struct fuse_dirent, or fuse_direntplus */
	OP_ANSWER_VALUE,   /* if there is no room, its size as struct fuse_getxattr_out */
};

/* A member of the argument: its offset and size in bytes. Size 0: there is no such member. */
struct op_member {
	uint8_t at, len;
};

struct op {
	const char *name;        /* the kernel's name; NULL if the opcode has no row */
	const char *filter_name; /* the name for filters and users; NULL if filters do not see the
				    operation, or see it as filter_opcode */
	uint8_t filter_opcode;   /* the opcode that filters see, if it is another one; else 0 */
	uint8_t flags;
	uint8_t pool;     /* enum op_pool */
	uint8_t check_in; /* enum op_check_in */
	uint8_t effect;   /* enum op_effect */
	uint16_t creates; /* file type (S_IFREG, ...); 0: the argument's mode */

	/* The request. */
	uint8_t arg_size;          /* of the fixed argument */
	uint8_t n_names;           /* NUL-terminated strings after the argument */
	uint8_t n_entries;         /* how many of the strings are names of directory entries */
	uint8_t n_call_names;      /* how many of the strings are names in struct pst_call */
	uint8_t data_unit;         /* bytes of data for each 1 in data_len; 0: no data */
	struct op_member data_len; /* how much data follows */
	uint32_t data_max; /* bytes of data that a filter may leave; 0: filters see no data */
	struct op_member fh, node2, fh2; /* found by check-in */
	struct op_member mode;           /* of the file that is created */
	uint32_t fh_given;               /* the bit of the argument's first word that says that fh
					    is set */

	/* A filter must not change fh, node2, fh2 and fixed; of the word at bits_at only bits. */
	struct op_member fixed;
	uint8_t bits_at; /* an offset; ignored if bits is 0 */
	uint32_t bits;

	/* The reply. */
	uint8_t result; /* enum op_result */
	uint8_t answer; /* enum op_answer */
	uint16_t result_size;
	uint16_t room_max;     /* bytes of data that the kernel has room for, if room has no len */
	struct op_member room; /* the member of the argument with these bytes */
};

/* Values of op.data_max: the size of the request's data; the size of slot->data. */
#define OP_SAME_SIZE UINT32_MAX
#define OP_ANY_SIZE  (UINT32_MAX - 1)

extern const struct op op_table[OP_MAX];

/* Returns the row of an opcode; NULL if it has none. */
static inline const struct op *op_find(uint32_t opcode)
{
	return opcode < OP_MAX && op_table[opcode].name ? &op_table[opcode] : 0;
}

/* Returns the opcode that filters see: RENAME and RENAME2, for example, run the same programs. */
static inline uint32_t op_filter_opcode(uint32_t opcode)
{
	const struct op *op = op_find(opcode);

	return op && op->filter_opcode ? op->filter_opcode : opcode;
}

/* Returns the name that filters use ("rename"); NULL if they do not see this opcode. */
static inline const char *op_filter_name(uint32_t opcode)
{
	const struct op *op = op_find(opcode);

	return op ? op->filter_name : 0;
}
