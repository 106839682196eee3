// SPDX-License-Identifier: LGPL-2.1-or-later
/* fault and fault-data: which operations fail, and how. */
#include "direct.h"

#include <stdio.h>

TEST(fault_has_the_given_error_and_delay, state)
{
	static const struct {
		const char *spec;
		int verdict;
		uint32_t delay_us;
	} rows[] = {
		{ "fault", -EIO, 0 },
		{ "fault,error=ENOSPC", -ENOSPC, 0 },
		{ "fault,error=EPERM", -EPERM, 0 },
		{ "fault,error=ENOTRECOVERABLE", -ENOTRECOVERABLE, 0 },
		{ "fault,error=EHWPOISON", -EHWPOISON, 0 },
		{ "fault,error=28", -28, 0 },
		{ "fault,delay_us=2000", 0, 2000 },
		{ "fault,delay_us=2000,error=EIO", -EIO, 2000 },
	};

	for (size_t i = 0; i < N(rows); i++) {
		direct_load(rows[i].spec);
		direct_call(FUSE_GETATTR);
		if (direct_pre() != rows[i].verdict)
			fail_msg("%s: should be %d", rows[i].spec, rows[i].verdict);
		assert_int_equal(direct_again()->delay_us, rows[i].delay_us);
	}
	assert_true(direct_facts()->flags & PST_DELAYS);
	assert_false(direct_facts()->ops[FILTER_PRE] & (1ULL << FUSE_WRITE | 1ULL << FUSE_READ));
}

/* '!' is a fault, '.' is none. */
TEST(fault_obeys_count_after_and_every, state)
{
	static const struct {
		const char *spec, *times;
	} rows[] = {
		{ "fault,count=2", "!!......" },         { "fault,after=3", "...!!!!!" },
		{ "fault,every=3", "..!..!.." },         { "fault,every=2,after=1", "..!.!.!." },
		{ "fault,after=2,count=3", "..!!!..." }, { "fault,every=2,count=1", ".!......" },
	};

	for (size_t i = 0; i < N(rows); i++) {
		char times[9] = "";

		direct_load(rows[i].spec);
		for (int k = 0; k < 8; k++) {
			direct_call(FUSE_GETATTR);
			times[k] = direct_pre() ? '!' : '.';
		}
		assert_string_equal(times, rows[i].times);
	}
}

TEST(percent_is_the_share_of_faults, state)
{
	int n = 0;

	direct_load("fault,percent=25");
	for (int i = 0; i < 4000; i++) {
		direct_call(FUSE_GETATTR);
		n += direct_pre() != 0;
	}
	/* Ten standard deviations to either side. */
	assert_in_range(n, 726, 1274);
}

TEST(fault_obeys_operations_names_and_paths, state)
{
	static const struct {
		const char *spec;
		uint32_t opcode;
		uint64_t cell, child_cell;
		int verdict;
	} rows[] = {
		{ "fault,ops=open:*xattr", FUSE_OPEN, 0, 0, -EIO },
		{ "fault,ops=open:*xattr", FUSE_SETXATTR, 0, 0, -EIO },
		{ "fault,ops=open:*xattr", FUSE_OPENDIR, 0, 0, 0 },
		{ "fault,names=*.db", FUSE_OPEN, PST_PATHS_INSIDE, 0, -EIO },
		{ "fault,names=*.db", FUSE_OPEN, 0, PST_PATHS_INSIDE, 0 },
		{ "fault,names=*.db", FUSE_UNLINK, 0, PST_PATHS_INSIDE, -EIO },
		{ "fault,names=*.db", FUSE_UNLINK, 0, 0, 0 },
		{ "fault,paths=/a", FUSE_GETATTR, 1, 0, 0 },
		{ "fault,paths=/a,ops=getattr", FUSE_GETATTR, PST_PATHS_INSIDE, 0, -EIO },
		{ "fault,paths=/a,ops=getattr", FUSE_SETATTR, PST_PATHS_INSIDE, 0, 0 },
	};

	for (size_t i = 0; i < N(rows); i++) {
		struct pst_call *call;

		direct_load(rows[i].spec);
		call = direct_call(rows[i].opcode);
		call->cell = rows[i].cell;
		call->child.cell = rows[i].child_cell;
		if (direct_pre() != rows[i].verdict)
			fail_msg("%s: %s should be %d", rows[i].spec,
				 op_filter_name(rows[i].opcode), rows[i].verdict);
	}
	direct_load("fault,names=*.db,paths=/var/lib");
	assert_int_equal(direct_cell("a/b.db"), PST_PATHS_INSIDE);
	assert_int_equal(direct_cell("var/lib/x"), PST_PATHS_INSIDE);
	assert_int_equal(direct_cell("var/x"), 0);
}

TEST(data_fault_fails_or_shortens_reads_and_writes, state)
{
	static const struct {
		const char *spec;
		uint32_t size, after;
		int verdict;
	} rows[] = {
		{ "fault-data", 100, 100, -EIO },
		{ "fault-data,shorten=10", 100, 10, 0 },
		{ "fault-data,shorten=10", 7, 7, 0 },
		{ "fault-data,shorten=10,error=ENOSPC", 100, 10, -ENOSPC },
		{ "fault-data,ops=getattr", 100, 100, 0 },
		{ "fault-data,names=x", 100, 100, 0 },
	};

	for (size_t i = 0; i < N(rows); i++) {
		struct pst_call *call;

		direct_load(rows[i].spec);
		call = direct_call(FUSE_READ);
		call->in.read.size = rows[i].size;
		assert_int_equal(direct_pre(), rows[i].verdict);
		assert_int_equal(call->in.read.size, rows[i].after);
		call = direct_call(FUSE_WRITE);
		call->in.write.size = call->data_len = rows[i].size;
		assert_int_equal(direct_pre(), rows[i].verdict);
		assert_int_equal(call->in.write.size, rows[i].after);
		assert_int_equal(call->data_len, rows[i].after);
	}
}

/* Files without a match still pass through. */
TEST(data_fault_blocks_passthrough_of_matching_files_only, state)
{
	static const struct {
		const char *spec;
		uint32_t mode;
		uint64_t cell;
		uint32_t held;
	} rows[] = {
		{ "fault-data", S_IFREG, 0, 1 },
		{ "fault-data,names=x", S_IFREG, 0, 0 },
		{ "fault-data,names=x", S_IFREG, PST_PATHS_INSIDE, 1 },
		{ "fault-data,names=x", S_IFDIR, 0, 1 },
	};

	for (size_t i = 0; i < N(rows); i++) {
		struct pst_call *call;

		direct_load(rows[i].spec);
		call = direct_call(FUSE_LOOKUP);
		call->child.attr.mode = rows[i].mode;
		call->child.cell = rows[i].cell;
		assert_int_equal(direct_post(), 0);
		assert_int_equal(call->child.held, rows[i].held);
	}
}

TEST_MAIN(direct_setup, direct_teardown)
