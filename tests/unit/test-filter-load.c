// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Loading filters into the kernel: reports and errors. Needs the privilege to load
 * eBPF.
 */
#include "filter-fixture.h"

#include <errno.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "util/caps.h"
#include "util/cleanup.h"

/*
 * Mistakes of authors: the error has the reason, the source line if there is one, and the remedy.
 */
TEST(refusal_has_reason_source_line_and_remedy, state)
{
	static const struct {
		const char *spec, *words[3];
	} rows[] = {
		/* Refused by the verifier. */
		{ "bad-bounds", { "unbounded memory access", "call->data[UNKNOWN]", "compare" } },
		{ "bad-loop", { "loop", "while", "bpf_loop()" } },
		{ "bad-null", { "map_value_or_null", "call->opcode", "may be NULL" } },
		{ "bad-long", { "unbounded memory access", "call->data[UNKNOWN]", "pst_data()" } },
		{ "bad-paths", { "too", "n += call->data[i]", "pst_data_each()" } },
		{ "bad-name", { "unbounded", "call->name[0].len - 1", "compare" } },
		{ "bad-block", { "outside", "block[len] = 0", "past the end" } },
		{ "bad-stack", { "stack size", "refuses pst_pre_open", "pst_room()" } },
		{ "bad-helper", { "bpf_skb_load_bytes", "call->data, 4", "not have that helper" } },
		{ "bad-licence", { "GPL", "bpf_printk", "PST_FILTER()" } },
		{ "bad-callback", { "callback", "return 5", "1 to stop" } },
		{ "bad-aux", { "expected=fp", "bpf_loop(10, once", "on the stack" } },
		/* Refused by Penstock because of the object's content. */
		{ "bad-library", { "bad-library.bpf.o", "'strcmp'", "static" } },
		{ "bad-debug", { "bad-debug.bpf.o", "without -g", "" } },
		{ "bad-variable", { "'limit'", "not a constant", "PST_OPTION()" } },
		{ "bad-syscall",
		  { "pst_pre_chmod", "penstock/pre/chmod", "for \"penstock/pre/setattr\"" } },
		{ "bad-section",
		  { "program", "penstock/pre/lokup", "for \"penstock/pre/lookup\"" } },
	};

	for (size_t i = 0; i < N(rows); i++) {
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

TEST(check_reports_programs_options_and_end_of_log, state)
{
	struct pst_filter_report report = { .size = sizeof(report) };
	struct pst_error error;
	char log[65536], tail[64];
	bool found = false;

	assert_int_equal(pst_filter_check("options,u16=9", &report, log, sizeof(log), &error), 0);
	assert_string_equal(report.summary, "shows its options");
	assert_int_equal(report.flags, PST_CELLS);
	assert_int_equal(report.n_options, 11);
	assert_int_equal(report.n_programs, 1);
	assert_string_equal(report.programs[0].name, "pre/getattr");
	assert_true(report.programs[0].n_insns > 10);
	for (unsigned int i = 0; i < report.n_options; i++)
		if (strcmp(report.options[i].name, "u16") == 0) {
			found = true;
			assert_string_equal(report.options[i].value, "9");
			assert_string_equal(report.options[i].type, "integer");
			assert_string_equal(report.options[i].help, "two bytes");
		}
	assert_true(found);

	/* If the caller's struct is smaller, only the members that fit are written. */
	report.size = offsetof(struct pst_filter_report, options);
	report.options[0].name[0] = '!';
	assert_int_equal(pst_filter_check("pass", &report, NULL, 0, &error), 0);
	assert_int_equal(report.n_programs, 6);
	assert_int_equal(report.options[0].name[0], '!');

	assert_true(pst_filter_check("bad-bounds", &report, log, sizeof(log), &error) < 0);
	assert_non_null(strstr(log, "unbounded memory access"));
	assert_non_null(strstr(log, "; call->data[UNKNOWN] = 0;"));
	/* A log buffer that is too small gets the end of the log. */
	assert_true(pst_filter_check("bad-bounds", &report, tail, sizeof(tail), &error) < 0);
	assert_true(strlen(tail) < sizeof(tail));
	assert_string_equal(tail, log + strlen(log) - strlen(tail));
	assert_true(pst_filter_check("bad-abi", &report, log, sizeof(log), &error) < 0);
	assert_string_equal(log, "");
}

/* The mount tests 82-filter-life and 92-quota show what becomes of pinned maps. */
TEST(pin_that_cannot_work_is_refused, state)
{
	static const char *const rows[][2] = {
		{ "maps,pin=/tmp/penstock-test-pin", "not on a BPF file system" },
		{ "maps,pin=relative", "begin with '/'" },
		{ "pass,pin=/sys/fs/bpf/penstock-test", "no maps to pin" },
	};

	for (size_t i = 0; i < N(rows); i++) {
		struct filter *filter = NULL;
		struct pst_error error;
		struct statfs fs;

		if (i == 2 && (statfs("/sys/fs/bpf", &fs) < 0 || fs.f_type != 0xcafe4a11)) {
			print_message("skipped: no BPF file system at /sys/fs/bpf\n");
			break;
		}
		assert_true(filter_load(rows[i][0], slots, &filter, &error) < 0);
		if (!strstr(error.text, rows[i][1]))
			fail_msg("%s: the user is told \"%s\"", rows[i][0], error.text);
	}
	assert_int_equal(access("/tmp/penstock-test-pin", F_OK), -1);
	assert_int_equal(access("/sys/fs/bpf/penstock-test", F_OK), -1);
}

TEST(too_large_slots_are_refused, state)
{
	struct filter_slots *other = NULL;
	struct pst_error error;

	assert_true(filter_slots_new(1 << 20, 1 << 20, PST_RUN_FILTERS_KERNEL, &other, &error) < 0);
	assert_non_null(strstr(error.text, "max_write"));
	assert_null(other);
	assert_null(filter_slots_free(NULL));
	assert_null(filter_free(NULL));
}

/* The error for a user without the capability names it. */
TEST(missing_capability_is_named, state)
{
	struct filter *filter = NULL;
	struct pst_filter_report report = { .size = sizeof(report) };
	struct filter_slots *other;
	struct pst_error error;
	char log[200];
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		int bad = 0;

		if (caps_set(0, 0) < 0)
			_exit(100);
		bad |= filter_slots_new(1, SLOT_SIZE, PST_RUN_FILTERS_KERNEL, &other, &error) !=
		       -EPERM;
		bad |= !strstr(error.text, "lacks CAP_BPF and CAP_PERFMON") << 1;
		bad |= (filter_load("pass", slots, &filter, &error) != -EPERM) << 2;
		bad |= !strstr(error.text, "lacks CAP_BPF") << 3;
		/* The report says that the kernel cannot run the filter, and that a process can. */
		bad |= (pst_filter_check("pass", &report, log, sizeof(log), &error) != 0) << 4;
		bad |= (report.n_programs != 6 || !report.programs[0].n_insns || *log) << 5;
		bad |= (!strstr(report.kernel_why, "lacks CAP_BPF") || *report.process_why) << 6;
		_exit(bad);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

int main(void)
{
	int r;

	fixture_init();
	r = tests_run(NULL, NULL);
	fixture_fini();
	return r;
}
