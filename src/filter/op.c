// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Makes the table of operations out of its rows (op-rows.h), with the names that filters use out
 * of PST_OPS. The rows are a macro, so the assertions below compare them with PST_OPS while this
 * file is compiled.
 */
#include "filter/op.h"
#include "filter/op-rows.h"
#include "filter/port.h"

/* clang-format off */
/* The fixed argument, and its members that a filter must not change, or only in some bits. */
#define AT(TYPE, NAME) __builtin_offsetof(struct TYPE, NAME)
#define MEMBER(TYPE, NAME) { AT(TYPE, NAME), sizeof(((struct TYPE *)0)->NAME) }
#define ARG(TYPE) .arg_size = sizeof(struct TYPE)
#define FIXED(TYPE, NAME) .fixed = MEMBER(TYPE, NAME)
#define BITS(TYPE, NAME, MASK) .bits_at = AT(TYPE, NAME), .bits = (MASK)
/* With other flags, such as O_PATH, the daemon would open another kind of file than expected. */
#define OPEN_FLAGS (O_TRUNC | O_EXCL)

/* The nodes and handles that check-in finds. */
#define ON_NODE .check_in = OP_NEEDS_NODE
#define NODE2(TYPE, NAME) .node2 = MEMBER(TYPE, NAME)
#define ON(NEEDS, TYPE) ARG(TYPE), .check_in = OP_##NEEDS, .fh = MEMBER(TYPE, fh)
#define ON_OPEN(TYPE) ON(NEEDS_HANDLE, TYPE)
#define ON_FILE(TYPE) ON(NEEDS_FILE, TYPE)
#define ON_DIR(TYPE) ON(NEEDS_DIR, TYPE)
#define ON_NODE_OR_OPEN(TYPE, BIT) ON(MAY_HAVE_HANDLE, TYPE), .fh_given = (BIT)

/* The numbers of strings behind the argument, of names of entries, of names in struct pst_call. */
#define NAMES(ALL, ENTRIES, IN_CALL) .n_names = ALL, .n_entries = ENTRIES, .n_call_names = IN_CALL
#define ENTRY NAMES(1, 1, 1)
#define TWO_ENTRIES NAMES(2, 2, 2)
/* The text of a link is data to filters. */
#define ENTRY_AND_TEXT NAMES(2, 1, 1), DATA_MAX(4095)
#define XATTR_NAME NAMES(1, 0, 1)
/* The kernel sends a name with TMPFILE that means nothing. */
#define NAME_UNUSED NAMES(1, 0, 0)

/*
 * Data after the names of the request, and data of the reply, whose largest size the request has.
 */
#define DATA_IN(TYPE, LENGTH) .data_unit = 1, .data_len = MEMBER(TYPE, LENGTH)
#define DATA_IN_OF(RECORD, TYPE, COUNT)                                                            \
	.data_unit = sizeof(struct RECORD), .data_len = MEMBER(TYPE, COUNT)
#define DATA_MAX(SIZE) .data_max = (SIZE)
#define DATA_OUT(KIND, TYPE, SIZE) .answer = OP_ANSWER_##KIND, .room = MEMBER(TYPE, SIZE)

#define RESULT(KIND, TYPE) .result = OP_RESULT_##KIND, .result_size = sizeof(struct TYPE)
#define ATTR_OUT RESULT(ATTR, fuse_attr_out)
#define ENTRY_OUT RESULT(ENTRY, fuse_entry_out)
#define OPEN_OUT RESULT(OPEN, fuse_open_out)
#define CREATE_OUT RESULT(CREATE, pst_create_out)

#define EFFECT(KIND) .effect = OP_##KIND
#define CREATES(TYPE) .effect = OP_CREATES, .creates = (TYPE)
#define MODE(TYPE) .mode = MEMBER(TYPE, mode)
#define POOL(WHEN) .pool = OP_POOL_##WHEN

/* Rows that two opcodes share: filters see both as one operation. */
#define SEEN_AS(NAME) .filter_opcode = FUSE_##NAME
#define RENAME_ROW                                                                                 \
	ON_NODE, NODE2(fuse_rename2_in, newdir), TWO_ENTRIES, EFFECT(RENAMES),                     \
	BITS(fuse_rename2_in, flags, RENAME_NOREPLACE), SEEN_AS(RENAME2)
#define SETLK_ROW ON_FILE(fuse_lk_in), FIXED(fuse_lk_in, owner), SEEN_AS(SETLK)
#define READDIR_ROW                                                                                \
	ON_DIR(fuse_read_in), DATA_OUT(LIST, fuse_read_in, size), SEEN_AS(READDIR)
#define COPY_ROW                                                                                   \
	ARG(fuse_copy_file_range_in), .check_in = OP_NEEDS_FILE,                                   \
	.fh = MEMBER(fuse_copy_file_range_in, fh_in), NODE2(fuse_copy_file_range_in, nodeid_out),  \
	.fh2 = MEMBER(fuse_copy_file_range_in, fh_out), POOL(ALWAYS), SEEN_AS(COPY_FILE_RANGE)

#define ROW(NAME, FUNCTION, FLAGS, ...)                                                            \
	[FUSE_##NAME] = { .name = #NAME, .flags = (FLAGS), __VA_ARGS__ },
#define FILTER_NAME(NAME, OPCODE, FACTS) [OPCODE].filter_name = #NAME,
/* clang-format on */

const struct op op_table[OP_MAX] = {
	OP_ROWS(ROW) PST_OPS(FILTER_NAME)
		/* Not in PST_OPS: only post programs can see it. */
		[FUSE_FORGET]
			.filter_name = "forget",
};

/* Sets of opcodes, a bit each: of all rows, of rows with OP_CHANGES, of PST_OPS. */
#define BIT(OPCODE)                             (1ULL << (OPCODE))
#define ROW_BIT(NAME, ...)                      | BIT(FUSE_##NAME)
#define CHANGES_BIT(NAME, FUNCTION, FLAGS, ...) | ((FLAGS)&OP_CHANGES ? BIT(FUSE_##NAME) : 0)
#define SEEN_BIT(NAME, OPCODE, FACTS)           | BIT(OPCODE)
#define SEEN                                    (0 PST_OPS(SEEN_BIT))

_Static_assert((SEEN & (0 OP_ROWS(ROW_BIT))) == SEEN, "an operation of PST_OPS has no row");
_Static_assert((SEEN & (0 OP_ROWS(CHANGES_BIT))) == PST_OPS_THAT_CHANGE,
	       "PST_OPS and the rows differ in which operations change something");
