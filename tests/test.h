/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Every cmocka test program includes this: the headers in cmocka's order, and main(). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

/* The number of elements of an array. */
#define N(array) (sizeof(array) / sizeof((array)[0]))

/* Fails the test from any thread; cmocka's assertions work only in the first thread. */
#define require(what)                                                                              \
	do {                                                                                       \
		if (!(what)) {                                                                     \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #what);                 \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

/* Runs the file's set_up() before the test and tear_down() after it. */
#define TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

/* Defines main(), which runs these tests: members of an array of struct CMUnitTest. */
#define TEST_MAIN(...) TEST_MAIN_WITH(NULL, NULL, __VA_ARGS__)
/* Defines main() with a setup() before the first test and a teardown() after the last. */
#define TEST_MAIN_WITH(setup, teardown, ...)                                                       \
	int main(void)                                                                             \
	{                                                                                          \
		static const struct CMUnitTest tests[] = { __VA_ARGS__ };                          \
                                                                                                   \
		return cmocka_run_group_tests(tests, setup, teardown);                             \
	}
