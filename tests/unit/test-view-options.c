// SPDX-License-Identifier: LGPL-2.1-or-later
/* The library refuses options without a meaning before it does anything else. */
#include "../test.h"

#include <errno.h>
#include <string.h>

#include <penstock/node.h>
#include <penstock/source.h>

#include "api/struct-size.h"

static const struct pst_view_options good = {
	.size = sizeof(struct pst_view_options),
	.lower = "/nonexistent/lower",
	.mountpoint = "/nonexistent/mountpoint",
	.allow_other = 1,
};

/* Returns the error of a mount with these options, whose paths do not exist. */
static const char *error_of(const struct pst_view_options *options)
{
	static struct pst_error error;
	struct pst_view *view = NULL;

	assert_true(pst_view_mount(options, &view, &error) < 0);
	return error.text;
}

static void refused(const struct pst_view_options *options, const char *name)
{
	const char *text = error_of(options);

	if (!strstr(text, name))
		fail_msg("%s: the error is \"%s\"", name, text);
}

static int fetch(void *aux, struct pst_fetch *fetch)
{
	(void)aux;
	(void)fetch;
	return 0;
}

static uint32_t find(void *aux, const struct pst_file *file, uint64_t *ret_ino)
{
	return 0;
}

static int get_attributes(struct pst_request *req, struct statx *ret_stx)
{
	return 0;
}

TEST(values_out_of_range_are_refused, state)
{
	struct pst_view_options options;

#define REFUSED(member, value)                                                                     \
	do {                                                                                       \
		options = good;                                                                    \
		options.member = (value);                                                          \
		refused(&options, strchr(#member, '[') ? "padding" : #member);                     \
	} while (0)
	REFUSED(passthrough, PST_PASSTHROUGH_OFF + 1);
	REFUSED(cache, PST_CACHE_EXCLUSIVE + 1);
	REFUSED(locks, PST_LOCKS_LOWER + 1);
	REFUSED(xdev, PST_XDEV_HIDE + 1);
	REFUSED(transport, PST_TRANSPORT_DEV + 1);
	REFUSED(xattr, PST_XATTR_OFF + 1);
	REFUSED(opendir, PST_OPENDIR_OFF + 1);
	REFUSED(pseudo, PST_PSEUDO_SHOW + 1);
	REFUSED(run_filters, PST_RUN_FILTERS_PROCESS + 1);
	REFUSED(log_level, PST_LOG_DEBUG + 1);
	REFUSED(engine, PST_ENGINE_AUTO + 1);
	REFUSED(node_ops,
		&((struct pst_node_ops){ .size = sizeof(struct pst_node_ops), .by_filters = 2 }));
	REFUSED(control, PST_CONTROL_OFF + 1);
	REFUSED(source, &((struct pst_source){ 0 }));
	REFUSED(source, &((struct pst_source){ .size = sizeof(struct pst_source) }));
	REFUSED(source,
		&((struct pst_source){
			.size = sizeof(struct pst_source), .fetch = fetch, .n_fetches = 257 }));
	REFUSED(source, &((struct pst_source){ .size = sizeof(struct pst_source),
					       .fetch = fetch,
					       .when = PST_FETCH_AHEAD + 1 }));
	REFUSED(source,
		&((struct pst_source){
			.size = sizeof(struct pst_source), .fetch = fetch, .piece = 5000 }));
	REFUSED(source,
		&((struct pst_source){
			.size = sizeof(struct pst_source), .fetch = fetch, .piece = 2048 }));
	REFUSED(source, &((struct pst_source){
				.size = sizeof(struct pst_source), .fetch = fetch, .guard = 2 }));
	REFUSED(source,
		&((struct pst_source){
			.size = sizeof(struct pst_source), .fetch = fetch, .hollow_root = 1 }));
	REFUSED(idmap, 2);
	REFUSED(allow_other, 2);
	REFUSED(enable_uring, 255);
	REFUSED(pad0[4], 1);
	REFUSED(detached, 2);
	REFUSED(pad1[5], 1);
	REFUSED(mount_flags, 1u << 31);
	REFUSED(mount_flags, 2 * PST_MOUNT_DIRSYNC);
	REFUSED(mount_flags, PST_MOUNT_NOATIME | PST_MOUNT_STRICTATIME);
	REFUSED(max_write, 4095);
#undef REFUSED
	options = good;
	options.passthrough = (enum pst_passthrough) - 1;
	refused(&options, "passthrough");
	options = good;
	options.n_workers = 257;
	refused(&options, "n_workers");
	options = good;
	options.uring_depth = 1025;
	refused(&options, "uring_depth");
}

/* The mount fails because LOWER does not exist, or because this process may not mount. */
static void accepted(const struct pst_view_options *options)
{
	const char *text = error_of(options);

	if (!strstr(text, "LOWER") && !strstr(text, "CAP_"))
		fail_msg("the error is \"%s\"", text);
}

/* PST_VIEW_OPTIONS_INIT alone is accepted. */
TEST(defaults_are_accepted, state)
{
	struct pst_view_options options = PST_VIEW_OPTIONS_INIT;

	options.lower = "/nonexistent/lower";
	options.mountpoint = "/nonexistent/mountpoint";
	accepted(&options);
}

/* A program whose files change answers getattr(). */
TEST(program_that_changes_files_needs_getattr, state)
{
	struct pst_node_ops ops = { .size = sizeof(ops) };
	struct pst_view_options options = good;

	options.node_ops = &ops;
	accepted(&options);
	ops.find = find;
	refused(&options, "setattr, write or find must set");
	ops.getattr = get_attributes;
	accepted(&options);
}

/*
 * A program that was built for another version has a smaller or a larger struct. The library takes
 * a larger one if the members that it lacks are 0.
 */
TEST(struct_of_another_version_is_taken, state)
{
	struct {
		struct pst_view_options options;
		uint64_t later;
	} newer = { .options = PST_VIEW_OPTIONS_INIT };
	struct pst_server server = { .size = sizeof(server) };
	struct pst_view_options options = good;

	newer.options.size = sizeof(newer);
	accepted(&newer.options);
	newer.later = 1;
	refused(&newer.options, "members of options that this libpenstock does not have");
	options.control = PST_CONTROL_OFF + 1;
	options.size = offsetof(struct pst_view_options, run_filters);
	accepted(&options);
	options.size = 0;
	refused(&options, "options.size is not set");
	options = good;
	options.server = &server;
	refused(&options, "must set all of the functions");
	server.size = 1;
	refused(&options, "server.size is not set");
}

TEST(result_fits_struct_of_another_version, state)
{
	struct {
		size_t size;
		uint64_t a, b;
	} library = { 0, 1, 2 }, program = { offsetof(typeof(library), b), 7, 7 };
	struct {
		size_t size;
		uint64_t a, b, c;
	} newer = { sizeof(newer), 7, 7, 7 };

	assert_int_equal(struct_copy_out(&library, sizeof(library), &program), 0);
	assert_int_equal(program.size, offsetof(typeof(library), b));
	assert_int_equal(program.a, 1);
	assert_int_equal(program.b, 7);
	assert_int_equal(struct_copy_out(&library, sizeof(library), &newer), 0);
	assert_int_equal(newer.size, sizeof(newer));
	assert_int_equal(newer.b, 2);
	assert_int_equal(newer.c, 0);
	program.size = 0;
	assert_int_equal(struct_copy_out(&library, sizeof(library), &program), -EINVAL);
}

TEST_MAIN(NULL, NULL)
