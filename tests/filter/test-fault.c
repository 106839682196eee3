// SPDX-License-Identifier: LGPL-2.1-or-later
/* fault: which operations fail, and how. */
#include "direct.h"

#include <fcntl.h>
#include <stdio.h>

#define FACT_BIT(name, opcode, facts) | 1ULL << (opcode)

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
		{ "fault,error=enospc", -ENOSPC, 0 },
		{ "fault,error=eIo", -EIO, 0 },
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
}

TEST(programs_are_loaded_for_listed_operations_only, state)
{
#define BIT(opcode) (1ULL << (opcode))
	const uint64_t data = BIT(FUSE_READ) | BIT(FUSE_WRITE);
	const uint64_t closes = BIT(FUSE_RELEASE) | BIT(FUSE_RELEASEDIR);
	const uint64_t all = (0 PST_OPS(FACT_BIT)) & ~closes;
	const struct {
		const char *spec;
		uint64_t pre, post;
	} rows[] = {
		{ "fault", all & ~data, 0 },
		{ "fault,ops=*", all, BIT(FUSE_WRITE) },
		{ "fault,ops=fsync:mk*", BIT(FUSE_FSYNC) | BIT(FUSE_MKDIR) | BIT(FUSE_MKNOD), 0 },
		{ "fault,ops=re*d", BIT(FUSE_READ), 0 },
		{ "fault,ops=write", BIT(FUSE_WRITE), BIT(FUSE_WRITE) },
	};

	for (size_t i = 0; i < N(rows); i++) {
		direct_load(rows[i].spec);
		if (direct_facts()->ops[FILTER_PRE] != rows[i].pre ||
		    direct_facts()->ops[FILTER_POST] != rows[i].post ||
		    direct_facts()->ops[FILTER_NAME] != 1)
			fail_msg("%s: has programs for other operations", rows[i].spec);
	}
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
	direct_load("fault,percent=0.5");
	n = 0;
	for (int i = 0; i < 40000; i++) {
		direct_call(FUSE_GETATTR);
		n += direct_pre() != 0;
	}
	assert_in_range(n, 59, 341);
}

/* Fills faults with one letter for each of 200 calls: the fault with its delay, or '.'. */
static void run_seed(const char *spec, char faults[201])
{
	direct_load(spec);
	for (int i = 0; i < 200; i++) {
		struct pst_call *call = direct_call(FUSE_WRITE);

		call->in.write.size = call->data_len = 100000;
		faults[i] = direct_pre() ? 'e' : '.';
		if (call->delay_us || call->data_len != 100000)
			faults[i] = (char)('A' + (call->delay_us ^ call->data_len / 100) % 26);
	}
	faults[200] = '\0';
}

TEST(seed_repeats_faults_delays_and_lengths, state)
{
	static const char *const specs[] = {
		"fault,ops=write,percent=30,seed=%u",
		"fault,ops=write,percent=50,jitter_us=1000,seed=%u",
		"fault,ops=write,torn=512,part=random,seed=%u",
	};

	for (size_t i = 0; i < N(specs); i++) {
		char spec[100], faults[3][201];

		for (unsigned int k = 0; k < 3; k++) {
			snprintf(spec, sizeof(spec), specs[i], k / 2);
			run_seed(spec, faults[k]);
		}
		assert_string_equal(faults[0], faults[1]);
		assert_string_not_equal(faults[0], faults[2]);
	}
}

TEST(faults_differ_without_a_seed, state)
{
	char faults[2][201];

	for (int i = 0; i < 2; i++)
		run_seed("fault,ops=write,percent=50", faults[i]);
	assert_string_not_equal(faults[0], faults[1]);
}

TEST(jitter_is_added_to_the_delay, state)
{
	uint32_t least = UINT32_MAX, most = 0;

	direct_load("fault,delay_us=1000,jitter_us=500,seed=1");
	for (int i = 0; i < 2000; i++) {
		uint32_t us;

		direct_call(FUSE_GETATTR);
		assert_int_equal(direct_pre(), 0);
		us = direct_again()->delay_us;
		least = us < least ? us : least;
		most = us > most ? us : most;
	}
	assert_in_range(least, 1000, 1010);
	assert_in_range(most, 1490, 1500);
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
		{ "fault,names=*.db", FUSE_OPEN, PST_PATHS_INSIDE, 0, -EIO },
		{ "fault,names=*.db", FUSE_OPEN, 0, PST_PATHS_INSIDE, 0 },
		{ "fault,names=*.db", FUSE_UNLINK, 0, PST_PATHS_INSIDE, -EIO },
		{ "fault,names=*.db", FUSE_UNLINK, 0, 0, 0 },
		{ "fault,paths=/a", FUSE_GETATTR, 1, 0, 0 },
		{ "fault,paths=/a,ops=getattr", FUSE_GETATTR, PST_PATHS_INSIDE, 0, -EIO },
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
		{ "fault,ops=*", 100, 100, -EIO },
		{ "fault,ops=*,shorten=10", 100, 10, 0 },
		{ "fault,ops=*,shorten=10", 7, 7, 0 },
		{ "fault,ops=*,shorten=10,error=ENOSPC", 100, 10, -ENOSPC },
		{ "fault,ops=*,names=x", 100, 100, 0 },
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

/* Runs the programs before and after a write. Returns the result that the caller gets. */
static int write_result(uint32_t size, uint32_t file_flags, uint32_t write_flags,
			uint32_t *ret_written)
{
	struct pst_call *call = direct_call(FUSE_WRITE);
	int r;

	call->in.write.size = call->data_len = size;
	call->in.write.flags = file_flags;
	call->in.write.write_flags = write_flags;
	r = direct_pre();
	*ret_written = 0;
	if (r)
		return r == PST_DONE ? (int)call->out.write.size : r;
	assert_int_equal(call->in.write.size, call->data_len);
	*ret_written = call->out.write.size = call->data_len;
	r = direct_post();
	return r ? r : (int)call->out.write.size;
}

TEST(torn_write_stores_less_than_its_result_says, state)
{
	static const struct {
		const char *spec;
		uint32_t size, file_flags, write_flags, written;
		int result;
	} rows[] = {
		{ "torn=512", 4096, 0, 0, 512, 4096 },
		{ "torn=512", 300, 0, 0, 300, 300 },
		{ "torn=512", 512, 0, 0, 512, 512 },
		{ "torn=512,result=short", 4096, 0, 0, 512, 512 },
		{ "torn=512,error=EIO", 4096, 0, 0, 512, -EIO },
		{ "torn=512,every=2", 4096, 0, 0, 4096, 4096 },
		{ "torn=0", 4096, 0, 0, 0, 4096 },
		{ "torn=0,result=short", 4096, 0, 0, 0, -EIO },
		{ "torn=0,error=ENOSPC", 4096, 0, 0, 0, -ENOSPC },
		/* Writes with O_DIRECT are of whole blocks. */
		{ "torn=5000", 16384, O_DIRECT, 0, 4096, 16384 },
		{ "torn=512", 16384, O_DIRECT, 0, 0, 16384 },
		/* The kernel ignores how much of a mapping was written back. */
		{ "torn=512", 4096, 0, FUSE_WRITE_CACHE, 4096, 4096 },
		{ "torn=0", 4096, 0, FUSE_WRITE_CACHE, 0, 4096 },
	};

	for (size_t i = 0; i < N(rows); i++) {
		char spec[100];
		uint32_t written;
		int result;

		snprintf(spec, sizeof(spec), "fault,ops=write,%s", rows[i].spec);
		direct_load(spec);
		result = write_result(rows[i].size, rows[i].file_flags, rows[i].write_flags,
				      &written);
		if (result != rows[i].result || written != rows[i].written)
			fail_msg("%s: %u of %u bytes, result %d", spec, written, rows[i].size,
				 result);
	}
}

TEST(random_part_of_a_torn_write_is_of_whole_blocks_and_never_all, state)
{
	uint32_t seen = 0, written;

	direct_load("fault,ops=write,torn=512,part=random,seed=2");
	for (int i = 0; i < 200; i++) {
		assert_int_equal(write_result(4096, 0, 0, &written), 4096);
		assert_int_equal(written % 512, 0);
		assert_in_range(written, 0, 7 * 512);
		seen |= 1u << written / 512;
	}
	assert_int_equal(seen, 0xff);
	for (int i = 0; i < 20; i++) {
		assert_int_equal(write_result(100, 0, 0, &written), 100);
		assert_int_equal(written, 0);
	}
}

TEST(after_bytes_lets_so_many_bytes_be_written, state)
{
	static const int results[] = { 4096, 4096, 1808, -ENOSPC, -ENOSPC };
	uint32_t written;

	direct_load("fault,ops=write:mkdir,after_bytes=10000");
	direct_call(FUSE_MKDIR);
	assert_int_equal(direct_pre(), 0);
	for (size_t i = 0; i < N(results); i++)
		assert_int_equal(write_result(4096, 0, 0, &written), results[i]);
	direct_call(FUSE_MKDIR);
	assert_int_equal(direct_pre(), -ENOSPC);
	direct_load("fault,ops=write,after_bytes=10000,count=1,error=EDQUOT");
	for (size_t i = 0; i < 3; i++)
		write_result(4096, 0, 0, &written);
	assert_int_equal(write_result(4096, 0, 0, &written), -EDQUOT);
	assert_int_equal(write_result(4096, 0, 0, &written), 4096);
}

/* Files without a match still pass through. */
TEST(only_matching_files_are_in_the_scope, state)
{
	static const struct {
		const char *spec, *name;
		uint32_t mode, held;
	} rows[] = {
		{ "fault,ops=read", "y", S_IFREG, 1 },
		{ "fault,ops=read,names=x", "y", S_IFREG, 0 },
		{ "fault,ops=read,names=x", "x", S_IFREG, 1 },
		{ "fault,ops=read,names=x", "y", S_IFDIR, 1 },
		{ "fault,ops=read,paths=/a/x", "y", S_IFREG, 0 },
	};

	for (size_t i = 0; i < N(rows); i++) {
		struct pst_call *call;

		direct_load(rows[i].spec);
		call = direct_call(FUSE_LOOKUP);
		direct_name(0, rows[i].name);
		call->cell = call->child.cell = direct_facts()->cell;
		call->child.attr.mode = rows[i].mode;
		assert_int_equal(direct_named(), 0);
		assert_int_equal(call->child.held, rows[i].held);
	}
}

TEST_MAIN(direct_setup, direct_teardown)
