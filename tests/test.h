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

/* The tests of the program, in the order of its file. */
struct tests {
	struct CMUnitTest test[64];
	size_t n;
};

static inline struct tests *tests_all(void)
{
	static struct tests tests;

	return &tests;
}

static inline void tests_add(const struct CMUnitTest *test, size_t n)
{
	struct tests *tests = tests_all();

	require(tests->n + n <= N(tests->test));
	for (size_t i = 0; i < n; i++)
		tests->test[tests->n++] = test[i];
}

/* Runs all tests, with setup() before the first and teardown() after the last. */
static inline int tests_run(CMFixtureFunction setup, CMFixtureFunction teardown)
{
	return _cmocka_run_group_tests("tests", tests_all()->test, tests_all()->n, setup, teardown);
}

/* Defines a test function and adds it, as these members of an array of struct CMUnitTest. */
#define TEST_ROWS(name, state, ...)                                                                \
	static void name(void **state);                                                            \
	__attribute__((constructor)) static void add_##name(void)                                  \
	{                                                                                          \
		const struct CMUnitTest name##_rows[] = { __VA_ARGS__ };                           \
                                                                                                   \
		tests_add(name##_rows, N(name##_rows));                                            \
	}                                                                                          \
	static void name(void **state)

/* TEST(name, state) { ... } defines a test; cmocka passes it the parameter state. */
#define TEST(name, state) TEST_WITH(name, state, NULL, NULL)
/* Defines a test that the file's set_up() and tear_down() surround. */
#define TEST_F(name, state) TEST_WITH(name, state, set_up, tear_down)
/* Defines a test with other functions before and after it. */
#define TEST_WITH(name, state, before, after)                                                      \
	TEST_ROWS(name, state, { #name, name, before, after, NULL })

/* Defines main(), which runs all tests. */
#define TEST_MAIN(setup, teardown)                                                                 \
	int main(void)                                                                             \
	{                                                                                          \
		return tests_run(setup, teardown);                                                 \
	}
