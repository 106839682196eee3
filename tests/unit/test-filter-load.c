// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Filters in the kernel: what is loaded, what is refused and what is then said, and that programs
 * see and change the calls in the slots. Needs to be allowed to load eBPF.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <grp.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "filter/filter-private.h"
#include "util/cleanup.h"

#define N_SLOTS 16
#define DATA_SIZE 8192
#define SLOT_SIZE (sizeof(struct pst_call) + DATA_SIZE)

static struct filter_slots *slots;

/* The call in a slot, emptied. */
static struct pst_call *call_at(unsigned int slot)
{
	char *memory = filter_slots_memory(slots);

	return memset(memory + slot * SLOT_SIZE, 0, SLOT_SIZE);
}

static struct filter *load(const char *spec)
{
	struct filter *filter = NULL;
	struct pst_error error;

	if (filter_load(spec, slots, &filter, &error) < 0)
		fail_msg("%s: %s", spec, error.text);
	return filter;
}

static int run(struct filter *filter, enum filter_kind kind, uint32_t opcode, unsigned int slot)
{
	int verdict = 4711;

	assert_int_equal(filter_run(filter, kind, opcode, slot, &verdict), 0);
	return verdict;
}

/* The most particular program is run, and the groups are what they should be. */
static void test_precedence(void **state)
{
	_cleanup_(filter_freep) struct filter *filter = load("pass,at=/a/");
	const struct filter_facts *facts = filter_facts(filter);
	static const struct {
		uint32_t opcode;
		int verdict;
	} rows[] = {
		{ FUSE_GETATTR, 0 },	   { FUSE_LOOKUP, -1 },	     { FUSE_OPEN, -1 },
		{ FUSE_SETLK, -1 },	   { FUSE_READDIR, -1 },     { FUSE_FSYNC, -1 },
		{ FUSE_SETATTR, -2 },	   { FUSE_SYMLINK, -2 },     { FUSE_MKNOD, -2 },
		{ FUSE_MKDIR, -2 },	   { FUSE_UNLINK, -2 },	     { FUSE_RMDIR, -2 },
		{ FUSE_LINK, -2 },	   { FUSE_CREATE, -2 },	     { FUSE_TMPFILE, -2 },
		{ FUSE_SETXATTR, -2 },	   { FUSE_REMOVEXATTR, -2 }, { FUSE_FALLOCATE, -2 },
		{ FUSE_COPY_FILE_RANGE, -2 }, { FUSE_RENAME2, -3 },
	};
	unsigned int n_ops = 0, n_changes = 0;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_true(facts->ops[FILTER_PRE] >> rows[i].opcode & 1);
		call_at(0);
		assert_int_equal(run(filter, FILTER_PRE, rows[i].opcode, 0), rows[i].verdict);
	}
	/* All operations are here, once, and only those that the table names are changes. */
	for (uint32_t op = 0; op < FILTER_MAX_OPCODES; op++) {
		bool has_program = facts->ops[FILTER_PRE] >> op & 1;

		n_ops += !!filter_op_name(op);
		assert_int_equal(has_program,
				 filter_op_name(op) && op != FUSE_READ && op != FUSE_WRITE);
		if (has_program)
			n_changes += run(filter, FILTER_PRE, op, 0) == -2;
	}
	assert_int_equal(n_ops, 36);
	assert_int_equal(n_changes, 13);
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

static void test_op_names(void **state)
{
	assert_string_equal(filter_op_name(FUSE_LOOKUP), "lookup");
	assert_string_equal(filter_op_name(FUSE_STATX), "statx");
	assert_null(filter_op_name(0));
	assert_null(filter_op_name(FUSE_RENAME));
	assert_null(filter_op_name(~0U));
	assert_int_equal(filter_opcode(FUSE_RENAME), FUSE_RENAME2);
	assert_int_equal(filter_opcode(FUSE_SETLKW), FUSE_SETLK);
	assert_int_equal(filter_opcode(FUSE_READDIRPLUS), FUSE_READDIR);
	assert_int_equal(filter_opcode(FUSE_COPY_FILE_RANGE_64), FUSE_COPY_FILE_RANGE);
	assert_int_equal(filter_opcode(FUSE_GETATTR), FUSE_GETATTR);
}

/* What programs change is in our memory, in the slot that was asked for and in no other. */
static void test_changes(void **state)
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

	/* Data, up to the last byte of a slot and no further. */
	first = call_at(0);
	first->data_len = DATA_SIZE;
	assert_int_equal(run(filter, FILTER_PRE, FUSE_WRITE, 0), PST_PASS);
	assert_int_equal(first->data[0], '<');
	assert_int_equal(first->data[DATA_SIZE - 1], '>');
	first->data_len = DATA_SIZE + 1;
	assert_int_equal(run(filter, FILTER_PRE, FUSE_WRITE, 0), -EINVAL);
	first->data_len = 0;
	assert_int_equal(run(filter, FILTER_PRE, FUSE_WRITE, 0), -EINVAL);

	/* There is no such slot: the program says so, and nothing happens. */
	assert_int_equal(run(filter, FILTER_PRE, FUSE_SETATTR, N_SLOTS), -EFAULT);
}

/* Programs see what options were set to, and their defaults where they were not. */
static void test_options(void **state)
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

/* Each row: an object that the verifier refuses, and what is said: its reason, the source, a hint. */
static void test_verifier(void **state)
{
	static const struct {
		const char *spec, *words[3];
	} rows[] = {
		{ "bad-bounds", { "unbounded memory access", "call->data[UNKNOWN]", "compare" } },
		{ "bad-loop", { "loop", "while", "bpf_loop()" } },
		{ "bad-null", { "map_value_or_null", "call->opcode", "may be NULL" } },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct filter *filter = NULL;
		struct pst_error error;
		int r = filter_load(rows[i].spec, slots, &filter, &error);

		assert_true(r < 0);
		assert_null(filter);
		for (int j = 0; j < 3; j++)
			if (!strstr(error.text, rows[i].words[j]))
				fail_msg("%s: nothing of '%s' in: %s", rows[i].spec,
					 rows[i].words[j], error.text);
	}
}

static void test_check(void **state)
{
	struct pst_filter_report report = { .size = sizeof(report) };
	struct pst_error error;
	char log[65536], tail[64];
	bool found = false;

	assert_int_equal(filter_check("options,u16=9", &report, log, sizeof(log), &error), 0);
	assert_string_equal(report.summary, "shows its options");
	assert_int_equal(report.flags, PST_CELLS);
	assert_int_equal(report.n_options, 10);
	assert_int_equal(report.n_programs, 1);
	assert_string_equal(report.programs[0].name, "pre/getattr");
	assert_true(report.programs[0].n_insns > 10);
	for (unsigned int i = 0; i < report.n_options; i++)
		if (!strcmp(report.options[i].name, "u16")) {
			found = true;
			assert_string_equal(report.options[i].value, "9");
			assert_string_equal(report.options[i].type, "integer");
			assert_string_equal(report.options[i].help, "two bytes");
		}
	assert_true(found);

	/* A caller with a smaller struct gets as much as it has room for. */
	report.size = offsetof(struct pst_filter_report, options);
	report.options[0].name[0] = '!';
	assert_int_equal(filter_check("pass", &report, NULL, 0, &error), 0);
	assert_int_equal(report.n_programs, 6);
	assert_int_equal(report.options[0].name[0], '!');

	assert_true(filter_check("bad-bounds", &report, log, sizeof(log), &error) < 0);
	assert_non_null(strstr(log, "unbounded memory access"));
	assert_non_null(strstr(log, "; call->data[UNKNOWN] = 0;"));
	/* The end of a log is what is kept of it. */
	assert_true(filter_check("bad-bounds", &report, tail, sizeof(tail), &error) < 0);
	assert_true(strlen(tail) < sizeof(tail));
	assert_string_equal(tail, log + strlen(log) - strlen(tail));
	assert_true(filter_check("bad-abi", &report, log, sizeof(log), &error) < 0);
	assert_string_equal(log, "");
}

static void test_stat(void **state)
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
					       runner->slot, &verdict) < 0;
	}
	return NULL;
}

/* Many threads run one filter, each on its own slot: no change and no count is lost. */
static void test_threads(void **state)
{
	_cleanup_(filter_freep) struct filter *filter = load("change");
	struct runner runners[N_THREADS];
	struct filter_count count;

	for (unsigned int i = 0; i < N_THREADS; i++) {
		runners[i] = (struct runner){ .filter = filter, .slot = 5 * i };
		call_at(5 * i);
		assert_int_equal(
			pthread_create(&runners[i].thread, NULL, run_many, &runners[i]), 0);
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

/* The maps of a filter are found under their paths as long as it is loaded. */
static void test_pin(void **state)
{
	static const char dir[] = "/sys/fs/bpf/penstock-test", map[] = "/sys/fs/bpf/penstock-test/count";
	struct filter *filter, *other = NULL;
	struct pst_error error;
	struct statfs fs;

	assert_true(filter_load("maps,pin=/tmp/penstock-test-pin", slots, &other, &error) < 0);
	assert_non_null(strstr(error.text, "not below a BPF file system"));
	assert_int_equal(access("/tmp/penstock-test-pin", F_OK), -1);
	assert_true(filter_load("maps,pin=relative", slots, &other, &error) < 0);
	assert_non_null(strstr(error.text, "begin with '/'"));
	if (statfs("/sys/fs/bpf", &fs) < 0 || fs.f_type != 0xcafe4a11) {
		print_message("skipped: no BPF file system at /sys/fs/bpf\n");
		skip();
	}
	assert_true(filter_load("pass,pin=/sys/fs/bpf/penstock-test", slots, &other, &error) < 0);
	assert_non_null(strstr(error.text, "no maps of its own"));
	assert_int_equal(access(dir, F_OK), -1);

	filter = load("maps,pin=/sys/fs/bpf/penstock-test");
	assert_int_equal(access(map, F_OK), 0);
	assert_int_equal(access("/sys/fs/bpf/penstock-test/pst_slots", F_OK), -1);
	assert_true(filter_load("maps,pin=/sys/fs/bpf/penstock-test", slots, &other, &error) < 0);
	assert_non_null(strstr(error.text, "already something pinned"));
	assert_int_equal(access(map, F_OK), 0);
	filter_free(filter);
	assert_int_equal(access(dir, F_OK), -1);
}

static void test_slots(void **state)
{
	struct filter_slots *other = NULL;
	struct pst_error error;

	assert_true(filter_slots_new(1 << 20, 1 << 20, &other, &error) < 0);
	assert_non_null(strstr(error.text, "max_write"));
	assert_null(other);
	assert_null(filter_slots_free(NULL));
	assert_null(filter_free(NULL));
}

/* Somebody without the capability is told which one it is. */
static void test_unprivileged(void **state)
{
	struct filter *filter = NULL;
	struct filter_slots *other;
	struct pst_error error;
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		int bad = 0;

		if (setgroups(0, NULL) < 0 || setresgid(65534, 65534, 65534) < 0 ||
		    setresuid(65534, 65534, 65534) < 0)
			_exit(100);
		bad |= filter_slots_new(1, SLOT_SIZE, &other, &error) != -EPERM;
		bad |= !strstr(error.text, "lacks CAP_BPF and CAP_PERFMON") << 1;
		bad |= (filter_load("pass", slots, &filter, &error) != -EPERM) << 2;
		bad |= !strstr(error.text, "lacks CAP_BPF") << 3;
		_exit(bad);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static int may_load(void)
{
	struct pst_error error;

	if (filter_slots_new(N_SLOTS, SLOT_SIZE, &slots, &error) == 0)
		return true;
	puts(error.text);
	return false;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_precedence), cmocka_unit_test(test_op_names),
		cmocka_unit_test(test_changes),	   cmocka_unit_test(test_options),
		cmocka_unit_test(test_verifier),   cmocka_unit_test(test_check),
		cmocka_unit_test(test_stat),	   cmocka_unit_test(test_threads),
		cmocka_unit_test(test_pin),	   cmocka_unit_test(test_slots),
		cmocka_unit_test(test_unprivileged),
	};
	int r;

	if (!getenv("PENSTOCK_FILTER_PATH")) {
		puts("no clang that compiles eBPF: there are no objects to load");
		return 77;
	}
	if (!may_load())
		return 77;
	r = cmocka_run_group_tests(tests, NULL, NULL);
	filter_slots_free(slots);
	return r;
}
