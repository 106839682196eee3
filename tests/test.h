/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* What every cmocka test program needs: the headers in the order that cmocka wants, and main(). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* The number of elements of an array. */
#define N(array) (sizeof(array) / sizeof((array)[0]))

/* Defines main(), which runs these tests: members of an array of struct CMUnitTest. */
#define TEST_MAIN(...) TEST_MAIN_WITH(NULL, NULL, __VA_ARGS__)
/* Likewise; setup() runs before the first test, teardown() after the last. */
#define TEST_MAIN_WITH(setup, teardown, ...)                                                       \
	int main(void)                                                                             \
	{                                                                                          \
		static const struct CMUnitTest tests[] = { __VA_ARGS__ };                          \
                                                                                                   \
		return cmocka_run_group_tests(tests, setup, teardown);                             \
	}
