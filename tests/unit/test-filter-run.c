// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Programs of loaded filters: which program runs for an operation, and that programs see and change
 * the call in their slot, and see their options and lists of names. Needs the privilege to load
 * eBPF.
 */
#include "filter-fixture.h"

#include <errno.h>
#include <pthread.h>

#include "util/cleanup.h"

/* The most specific program runs for each operation. */
TEST(most_specific_program_runs, state)
{
	_cleanup_(filter_freep) struct filter *filter = load("pass,at=/a/");
	const struct filter_facts *facts = filter_facts(filter);
	static const struct {
		uint32_t opcode;
		int verdict;
	} rows[] = {
		{ FUSE_GETATTR, 0 },
		{ FUSE_LOOKUP, -1 },
		{ FUSE_OPEN, -1 },
		{ FUSE_SETLK, -1 },
		{ FUSE_READDIR, -1 },
		{ FUSE_FSYNC, -1 },
		{ FUSE_SETATTR, -2 },
		{ FUSE_SYMLINK, -2 },
		{ FUSE_MKNOD, -2 },
		{ FUSE_MKDIR, -2 },
		{ FUSE_UNLINK, -2 },
		{ FUSE_RMDIR, -2 },
		{ FUSE_LINK, -2 },
		{ FUSE_CREATE, -2 },
		{ FUSE_TMPFILE, -2 },
		{ FUSE_SETXATTR, -2 },
		{ FUSE_REMOVEXATTR, -2 },
		{ FUSE_FALLOCATE, -2 },
		{ FUSE_COPY_FILE_RANGE, -2 },
		{ FUSE_RENAME2, -3 },
	};

	for (size_t i = 0; i < N(rows); i++) {
		assert_true(facts->ops[FILTER_PRE] >> rows[i].opcode & 1);
		call_at(0);
		assert_int_equal(run(filter, FILTER_PRE, rows[i].opcode, 0), rows[i].verdict);
	}
	/* pre/any has all operations but reads and writes, pre/changes those that make changes. */
	for (uint32_t op = 0; op < OP_MAX; op++) {
		bool has_program = facts->ops[FILTER_PRE] >> op & 1;

		assert_int_equal(has_program, op_filter_name(op) && op != FUSE_READ &&
						      op != FUSE_WRITE && op != FUSE_FORGET);
		if (has_program && op != FUSE_RENAME2)
			assert_int_equal(run(filter, FILTER_PRE, op, 0) == -2,
					 PST_OPS_THAT_CHANGE >> op & 1);
	}
	assert_true(facts->ops[FILTER_POST] == 1ULL << FUSE_WRITE);
	assert_true(facts->ops[FILTER_NAME] == 1);
	assert_string_equal(facts->name, "pass");
	assert_string_equal(facts->at, "a");
	assert_string_equal(facts->summary, "passes everything");
	assert_string_equal(facts->spec, "pass,at=/a/");
	assert_non_null(strstr(facts->file, "/pass.bpf.o"));
	assert_int_equal(facts->flags, PST_BY_CALLER | PST_WANT_CGROUP);
	assert_int_equal(facts->cell, 0);
}

/* A change by a program appears in the mapped slot of its call and in no other slot. */
TEST(program_changes_only_the_slot_of_its_call, state)
{
	_cleanup_(filter_freep) struct filter *filter = load("change");
	struct pst_call *first = call_at(0), *last = call_at(N_SLOTS - 1);

	first->in.setattr.valid = last->in.setattr.valid = FATTR_MODE;
	first->in.setattr.mode = last->in.setattr.mode = 0755;
	last->cell = 41;
	assert_int_equal(run(filter, FILTER_PRE, FUSE_SETATTR, N_SLOTS - 1), PST_PASS);
	assert_int_equal(first->in.setattr.mode, 0755);
	assert_int_equal(last->in.setattr.mode, 0644);
	assert_int_equal(last->cell, 42);

	first->caller.uid = 1000;
	assert_int_equal(run(filter, FILTER_POST, FUSE_GETATTR, 0), PST_PASS);
	assert_int_equal(first->out.attr.attr.uid, 1000);

	strcpy(first->name[0].text, "abc");
	assert_int_equal(run(filter, FILTER_NAME, 0, 0), PST_PASS);
	assert_string_equal(first->name[0].text, "Xbc");

	/* Data is writable up to the last byte of a slot and no further. */
	first = call_at(0);
	first->data_len = DATA_SIZE;
	assert_int_equal(run(filter, FILTER_PRE, FUSE_WRITE, 0), PST_PASS);
	assert_int_equal(first->data[0], '<');
	assert_int_equal(first->data[DATA_SIZE - 1], '>');
	first->data_len = DATA_SIZE + 1;
	assert_int_equal(run(filter, FILTER_PRE, FUSE_WRITE, 0), -EINVAL);
	first->data_len = 0;
	assert_int_equal(run(filter, FILTER_PRE, FUSE_WRITE, 0), -EINVAL);

	/* The slot does not exist, so the program fails and changes nothing. */
	assert_int_equal(run(filter, FILTER_PRE, FUSE_SETATTR, N_SLOTS), -EFAULT);
}

/* Programs see the values that options were set to, or their defaults. */
TEST(programs_see_given_and_default_options, state)
{
	_cleanup_(filter_freep) struct filter *defaults = load("options");
	_cleanup_(filter_freep) struct filter *filter =
		load("options,name=mine,u8=255,s8=-128,u16=65535,s32=-2147483648,u32=4095M,"
		     "u64=0xffffffffffffffff,s64=-1,flag,text=a:b\\,c,ids=7-8:9");
	struct pst_call *call = call_at(3);

	assert_int_equal(run(defaults, FILTER_PRE, FUSE_GETATTR, 3), 0);
	assert_int_equal(call->event[0].value[0], 7);
	assert_int_equal((int64_t)call->event[0].value[1], -7);
	assert_int_equal(call->event[2].value[0], 100);
	assert_int_equal(call->event[3].value[1], 0);
	assert_string_equal(call->event[0].what, "short");
	assert_int_equal(call->cell, 0);

	call = call_at(3);
	assert_int_equal(run(filter, FILTER_PRE, FUSE_GETATTR, 3), 0);
	assert_int_equal(call->event[0].value[0], 255);
	assert_int_equal((int64_t)call->event[0].value[1], -128);
	assert_int_equal(call->event[1].value[0], 65535);
	assert_int_equal((int64_t)call->event[1].value[1], INT32_MIN);
	assert_int_equal(call->event[2].value[0], 4095ULL << 20);
	assert_true(call->event[2].value[1] == UINT64_MAX);
	assert_int_equal((int64_t)call->event[3].value[0], -1);
	assert_int_equal(call->event[3].value[1], 1);
	assert_string_equal(call->event[0].what, "a:b,c");
	assert_int_equal(call->cell, 2);
	assert_int_equal(call->cell2, 7);
	assert_int_equal(call->child.cell, 8);
	assert_string_equal(filter_facts(filter)->name, "mine");
	assert_string_equal(filter_facts(defaults)->name, "options");
}

TEST(runs_errors_and_bad_results_are_counted, state)
{
	_cleanup_(filter_freep) struct filter *filter = load("pass");
	struct filter_count count;

	call_at(0);
	for (int i = 0; i < 3; i++)
		run(filter, FILTER_PRE, FUSE_RENAME2, i);
	run(filter, FILTER_PRE, FUSE_GETATTR, 0);
	run(filter, FILTER_POST, FUSE_WRITE, 0);
	filter_count_bad(filter, FILTER_POST, FUSE_WRITE);

	filter_stat(filter, FILTER_PRE, FUSE_RENAME2, &count);
	assert_int_equal(count.n_runs, 3);
	assert_int_equal(count.n_errors, 3);
	assert_int_equal(count.n_done + count.n_bad, 0);
	assert_true(count.ns > 0);
	filter_stat(filter, FILTER_PRE, FUSE_GETATTR, &count);
	assert_int_equal(count.n_runs, 1);
	assert_int_equal(count.n_errors + count.n_done + count.n_bad, 0);
	filter_stat(filter, FILTER_POST, FUSE_WRITE, &count);
	assert_int_equal(count.n_runs, 1);
	assert_int_equal(count.n_done, 1);
	assert_int_equal(count.n_bad, 1);
	filter_stat(filter, FILTER_POST, FUSE_RENAME2, &count);
	assert_int_equal(count.n_runs, 0);
}

enum { N_THREADS = 4, N_RUNS = 2000 };

struct runner {
	pthread_t thread;
	struct filter *filter;
	unsigned int slot;
	int n_failed;
};

static void *run_many(void *arg)
{
	struct runner *runner = arg;

	for (int i = 0; i < N_RUNS; i++) {
		int verdict;

		runner->n_failed += filter_run(runner->filter, FILTER_PRE, FUSE_SETATTR,
					       &(struct pst_ctx){ .slot = runner->slot },
					       &verdict) < 0;
	}
	return NULL;
}

/* Many threads run one filter, each with its own slot: no change and no count is lost. */
TEST(concurrent_runs_lose_no_change_or_count, state)
{
	_cleanup_(filter_freep) struct filter *filter = load("change");
	struct runner runners[N_THREADS];
	struct filter_count count;

	for (unsigned int i = 0; i < N_THREADS; i++) {
		runners[i] = (struct runner){ .filter = filter, .slot = 5 * i };
		call_at(5 * i);
		assert_int_equal(pthread_create(&runners[i].thread, NULL, run_many, &runners[i]),
				 0);
	}
	for (unsigned int i = 0; i < N_THREADS; i++) {
		char *memory = filter_slots_memory(slots);

		pthread_join(runners[i].thread, NULL);
		assert_int_equal(runners[i].n_failed, 0);
		assert_int_equal(((struct pst_call *)(memory + 5 * i * SLOT_SIZE))->cell, N_RUNS);
	}
	filter_stat(filter, FILTER_PRE, FUSE_SETATTR, &count);
	assert_int_equal(count.n_runs, N_THREADS * N_RUNS);
}

int main(void)
{
	int r;

	fixture_init();
	r = tests_run(NULL, NULL);
	fixture_fini();
	return r;
}
