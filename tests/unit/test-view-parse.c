// SPDX-License-Identifier: LGPL-2.1-or-later
/* Options of a view as text: pst_view_options_parse(). */
#include "../test.h"

#include <penstock/penstock.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int take_size(void *aux, const char *name, const char *value, struct pst_error *error)
{
	if (strcmp(name, "size") != 0)
		return -ENOENT;
	if (!value) {
		strcpy(error->text, "size needs a number");
		return -ERANGE;
	}
	*(long *)aux = atol(value);
	return 0;
}

TEST(lists_set_members, state)
{
	struct pst_view_options options = PST_VIEW_OPTIONS_INIT;
	struct pst_error error;
	long size = 0;

	assert_int_equal(pst_view_options_parse(&options, "ro,cache=ttl=2,size=42,fsname=a\\,b",
						take_size, &size, &error),
			 0);
	assert_int_equal(options.mount_flags, PST_MOUNT_RDONLY);
	assert_int_equal(options.cache, PST_CACHE_TTL);
	assert_int_equal(options.ttl_ns, 2000000000);
	assert_string_equal(options.fsname, "a,b");
	assert_int_equal(size, 42);
	/* A second list adds to the first, and to what the program sets between them. */
	options.n_pool = 3;
	assert_int_equal(pst_view_options_parse(&options, "workers=2,log=debug", NULL, NULL, NULL),
			 0);
	assert_int_equal(options.n_pool, 3);
	assert_int_equal(options.n_workers, 2);
	assert_int_equal(options.cache, PST_CACHE_TTL);
	assert_int_equal(options.log_level, PST_LOG_DEBUG);
	assert_string_equal(options.fsname, "a,b");
	assert_int_equal(pst_view_options_parse(&options, "", NULL, NULL, NULL), 0);
	pst_view_options_free(&options);
	pst_view_options_free(&options);
}

TEST(filters_come_after_those_of_the_program, state)
{
	const char *const filters[] = { "readonly", NULL };
	struct pst_view_options options = PST_VIEW_OPTIONS_INIT;

	options.filters = filters;
	assert_int_equal(pst_view_options_parse(&options, "filter=audit;keep=5,hide=.env:*.key",
						NULL, NULL, NULL),
			 0);
	assert_int_equal(pst_view_options_parse(&options, "hide=b", NULL, NULL, NULL), 0);
	assert_string_equal(options.filters[0], "readonly");
	assert_string_equal(options.filters[1], "audit,keep=5");
	assert_string_equal(options.filters[2], "hide,names=.env:*.key:b");
	assert_null(options.filters[3]);
	pst_view_options_free(&options);
}

static void expect_refused(const char *list, int r, const char *text)
{
	struct pst_view_options options = PST_VIEW_OPTIONS_INIT;
	struct pst_error error = { 0 };
	long size;

	assert_int_equal(pst_view_options_parse(&options, list, take_size, &size, &error), r);
	assert_int_equal(error.code, r);
	if (!strstr(error.text, text))
		fail_msg("\"%s\" is not in: %s", text, error.text);
	pst_view_options_free(&options);
}

TEST(wrong_options_are_refused_in_words, state)
{
	expect_refused("nonsense", -EINVAL, "there is no option \"nonsense\"");
	expect_refused("passthru=on", -EINVAL, "did you mean \"passthrough\"?");
	expect_refused("cache=automatic", -EINVAL, "it takes one of auto");
	expect_refused("size", -ERANGE, "size needs a number");
	expect_refused("uid=5", -EINVAL, "filter");
	expect_refused("force-user=joe", -EINVAL, "options of bindfs");
	expect_refused("syslog", -EINVAL, "only `penstock mount`");
}

/* A program that was compiled when the struct was shorter keeps what lies behind it. */
TEST(shorter_struct_is_not_exceeded, state)
{
	struct {
		struct pst_view_options options;
		char after[8];
	} given = { .options = PST_VIEW_OPTIONS_INIT, .after = "guarded" };

	given.options.size = 0;
	assert_int_equal(pst_view_options_parse(&given.options, "ro", NULL, NULL, NULL), -EINVAL);
	given.options.size = sizeof(given.options);
	assert_int_equal(pst_view_options_parse(&given.options, "ro", NULL, NULL, NULL), 0);
	assert_string_equal(given.after, "guarded");
	pst_view_options_free(&given.options);
}

TEST_MAIN(NULL, NULL)
