// SPDX-License-Identifier: LGPL-2.1-or-later
/* A Penstock that was built without libbpf refuses filters, and says why. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "ebpf/filter.h"

static void test_refused(void **state)
{
	struct pst_filter_report report = { .size = sizeof(report) };
	struct filter_slots *slots = NULL;
	struct filter *filter = NULL;
	struct pst_error error;
	char log[8] = "x";

	assert_int_equal(filter_slots_new(1, 16384, &slots, &error), -EOPNOTSUPP);
	assert_non_null(strstr(error.text, "built without filters"));
	assert_int_equal(filter_load("hide", NULL, &filter, &error), -EOPNOTSUPP);
	assert_int_equal(filter_check("hide", &report, log, sizeof(log), NULL), -EOPNOTSUPP);
	assert_string_equal(log, "");
	assert_null(slots);
	assert_null(filter);
	assert_null(filter_free(filter));
	assert_null(filter_slots_free(slots));
}

/* What operations are called does not depend on it. */
static void test_op_names(void **state)
{
	assert_string_equal(filter_op_name(FUSE_LOOKUP), "lookup");
	assert_int_equal(filter_opcode(FUSE_RENAME), FUSE_RENAME2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_op_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
