// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Checks the table of operations (filter/op.c) against facts of the protocol that are written here,
 * and columns that depend on each other. test-wire.c decodes a request of every operation and so
 * checks arguments and names.
 */
#include "../test.h"

#include <string.h>
#include <sys/stat.h>

#include "filter/op.h"

#define BIT(opcode) (1ULL << (opcode))

static uint64_t rows_with_flag(uint8_t flag)
{
	uint64_t found = 0;

	for (uint32_t opcode = 0; opcode < OP_MAX; opcode++)
		if (op_find(opcode) && (op_find(opcode)->flags & flag))
			found |= BIT(opcode);
	return found;
}

TEST(filters_see_the_operations_of_the_public_list, state)
{
	static const struct {
		const char *name;
		uint32_t opcode;
	} seen[] = {
#define SEEN(name, opcode, facts) { #name, opcode },
		PST_OPS(SEEN){ "forget", FUSE_FORGET }
	};
	size_t n = 0;

	for (size_t i = 0; i < N(seen); i++) {
		assert_non_null(op_find(seen[i].opcode));
		assert_string_equal(op_filter_name(seen[i].opcode), seen[i].name);
		assert_int_equal(op_filter_opcode(seen[i].opcode), seen[i].opcode);
	}
	for (uint32_t opcode = 0; opcode < OP_MAX; opcode++)
		n += !!op_filter_name(opcode);
	assert_int_equal(n, N(seen));
	assert_null(op_filter_name(~0U));
	assert_int_equal(op_filter_opcode(~0U), ~0U);
}

/* Results may differ: COPY_FILE_RANGE_64 returns a count of 64 bits. */
TEST(two_forms_of_an_operation_agree, state)
{
	static const uint32_t forms[][2] = {
		{ FUSE_RENAME, FUSE_RENAME2 },
		{ FUSE_SETLKW, FUSE_SETLK },
		{ FUSE_READDIRPLUS, FUSE_READDIR },
		{ FUSE_COPY_FILE_RANGE_64, FUSE_COPY_FILE_RANGE },
	};
	uint64_t other = 0;

	for (size_t i = 0; i < N(forms); i++) {
		struct op a = *op_find(forms[i][0]), b = *op_find(forms[i][1]);

		assert_int_equal(op_filter_opcode(forms[i][0]), forms[i][1]);
		assert_true(a.arg_size <= b.arg_size);
		a.arg_size = b.arg_size;
		a.result = b.result;
		a.result_size = b.result_size;
		a.name = b.name;
		a.filter_name = b.filter_name;
		assert_memory_equal(&a, &b, sizeof(a));
		other |= BIT(forms[i][0]);
	}
	for (uint32_t opcode = 0; opcode < OP_MAX; opcode++)
		if (!(other & BIT(opcode)))
			assert_int_equal(op_filter_opcode(opcode), opcode);
}

TEST(operations_that_change_something_are_flagged, state)
{
	static const uint32_t changing[] = {
		FUSE_SETATTR,
		FUSE_SYMLINK,
		FUSE_MKNOD,
		FUSE_MKDIR,
		FUSE_UNLINK,
		FUSE_RMDIR,
		FUSE_RENAME,
		FUSE_RENAME2,
		FUSE_LINK,
		FUSE_CREATE,
		FUSE_TMPFILE,
		FUSE_WRITE,
		FUSE_SETXATTR,
		FUSE_REMOVEXATTR,
		FUSE_FALLOCATE,
		FUSE_COPY_FILE_RANGE,
		FUSE_COPY_FILE_RANGE_64,
	};
	uint64_t want = 0;

	for (size_t i = 0; i < N(changing); i++)
		want |= BIT(changing[i]);
	assert_int_equal(rows_with_flag(OP_CHANGES), want);
	assert_int_equal(PST_OPS_THAT_CHANGE,
			 want & ~BIT(FUSE_RENAME) & ~BIT(FUSE_COPY_FILE_RANGE_64));
	/* FUSE_CREATE may truncate, too, and has OP_CHANGES anyway. */
	assert_int_equal(rows_with_flag(OP_TRUNCATES), BIT(FUSE_OPEN));
	assert_int_equal(rows_with_flag(OP_EXACT),
			 BIT(FUSE_SETATTR) | BIT(FUSE_WRITE) | BIT(FUSE_FALLOCATE));
	for (uint32_t opcode = 0; opcode < OP_MAX; opcode++) {
		const struct op *op = op_find(opcode);

		if (!op)
			continue;
		if (op->effect > OP_FINDS || op->data_max)
			assert_true((op->flags & OP_CHANGES) || opcode == FUSE_IOCTL);
		if (op->flags & OP_CHANGES)
			assert_int_not_equal(op->pool, OP_POOL_NEVER);
	}
}

TEST(operations_have_the_entries_of_the_public_list, state)
{
	uint64_t on_entries = 0;

	for (uint32_t opcode = 0; opcode < OP_MAX; opcode++) {
		const struct op *op = op_find(opcode);

		if (!op)
			continue;
		assert_true(op->n_entries <= op->n_call_names && op->n_call_names <= op->n_names);
		assert_true(op->n_names <= N(((struct pst_call *)0)->name));
		/* Only TMPFILE acts on an entry without a name. */
		assert_int_equal(!op->n_entries,
				 op->effect == OP_NO_EFFECT || opcode == FUSE_TMPFILE);
		if (op->n_entries && op_filter_opcode(opcode) == opcode)
			on_entries |= BIT(opcode);
	}
	assert_int_equal(PST_OPS_ON_ENTRIES, on_entries);
}

static void check_member(const struct op *op, const struct op_member *member, size_t len)
{
	size_t arg_size = op_find(op_filter_opcode((uint32_t)(op - op_table)))->arg_size;

	if (!member->len)
		return;
	if (len)
		assert_int_equal(member->len, len);
	assert_int_equal(member->at % member->len, 0);
	assert_true(member->at + member->len <= arg_size);
}

TEST(members_lie_in_the_argument, state)
{
	for (uint32_t opcode = 0; opcode < OP_MAX; opcode++) {
		const struct op *op = op_find(opcode);

		if (!op)
			continue;
		check_member(op, &op->fh, 8);
		check_member(op, &op->fh2, 8);
		check_member(op, &op->node2, 8);
		check_member(op, &op->room, 4);
		check_member(op, &op->mode, 4);
		check_member(op, &op->data_len, 4);
		check_member(op, &op->fixed, 0);
		check_member(op, &(struct op_member){ op->bits_at, op->bits ? 4 : 0 }, 4);
		assert_int_equal(!op->data_unit, !op->data_len.len);
		assert_int_equal(op->mode.len,
				 op->effect == OP_CREATES && opcode != FUSE_SYMLINK ? 4 : 0);
		assert_true(op->arg_size <= sizeof(union pst_in));
	}
}

TEST(check_in_finds_handles_and_nodes_it_needs, state)
{
	for (uint32_t opcode = 0; opcode < OP_MAX; opcode++) {
		const struct op *op = op_find(opcode);

		if (!op)
			continue;
		assert_int_equal(op->check_in >= OP_NEEDS_HANDLE, op->fh.len != 0);
		assert_int_equal(op->check_in == OP_MAY_HAVE_HANDLE, op->fh_given != 0);
		assert_int_equal(op->effect == OP_LINKS || op->effect == OP_RENAMES || op->fh2.len,
				 op->node2.len != 0);
		if (op->n_names)
			assert_int_equal(op->check_in, OP_NEEDS_NODE);
		/* Filters apply to nodes. */
		if (op_filter_name(opcode) && opcode != FUSE_FORGET)
			assert_int_not_equal(op->check_in, OP_NEEDS_NOTHING);
	}
}

TEST(replies_have_the_size_of_their_structs, state)
{
	static const struct {
		uint32_t opcode;
		uint16_t size;
	} results[] = {
		{ FUSE_LOOKUP, 128 },
		{ FUSE_MKNOD, 128 },
		{ FUSE_MKDIR, 128 },
		{ FUSE_SYMLINK, 128 },
		{ FUSE_LINK, 128 },
		{ FUSE_CREATE, 144 },
		{ FUSE_TMPFILE, 144 },
		{ FUSE_OPEN, 16 },
		{ FUSE_OPENDIR, 16 },
		{ FUSE_GETATTR, 104 },
		{ FUSE_SETATTR, 104 },
		{ FUSE_STATX, 288 },
		{ FUSE_WRITE, 8 },
		{ FUSE_COPY_FILE_RANGE, 8 },
		{ FUSE_IOCTL, 16 },
		{ FUSE_STATFS, 80 },
		{ FUSE_GETLK, 24 },
		{ FUSE_LSEEK, 8 },
		{ FUSE_COPY_FILE_RANGE_64, 8 },
	};
	size_t n = 0;

	for (size_t i = 0; i < N(results); i++)
		assert_int_equal(op_find(results[i].opcode)->result_size, results[i].size);
	for (uint32_t opcode = 0; opcode < OP_MAX; opcode++) {
		const struct op *op = op_find(opcode);

		if (!op)
			continue;
		n += op->result != OP_RESULT_NONE;
		assert_int_equal(op->result != OP_RESULT_NONE, op->result_size != 0);
		assert_true(op->result_size <= sizeof(union pst_out));
		assert_int_equal(op->answer != OP_ANSWER_NONE, op->room.len || op->room_max);
		if (op->flags & OP_NO_REPLY) {
			assert_int_equal(op->result, OP_RESULT_NONE);
			assert_int_equal(op->pool, OP_POOL_NEVER);
		}
	}
	assert_int_equal(n, N(results));
}

TEST_MAIN(NULL, NULL)
