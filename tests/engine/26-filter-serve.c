// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * PST_SERVE: filters send operations to the program of struct pst_node_ops, which has not asked for
 * them. Other filters still decide about these operations.
 */
#include "filter-view.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <unistd.h>

static unsigned int n_looked_up, n_after, n_released;
static int other_verdict;
static char renamed[2][16];
static bool rename_callback; /* the program has one */
/* A callback runs that takes long, and another one ran meanwhile. */
static atomic_bool runs_long, crossed, refuses;

static int serve_names(struct pst_call *call)
{
	return strncmp(call->name[0].text, "made-", 5) == 0 ? PST_SERVE : PST_PASS;
}

static int serve(struct pst_call *call)
{
	return PST_SERVE;
}

static int serve_files(struct pst_call *call)
{
	return call->node.nodeid == K_ROOT ? PST_PASS : PST_SERVE;
}

static int count_after(struct pst_call *call)
{
	n_after++;
	return PST_PASS;
}

static int other(struct pst_call *call)
{
	return other_verdict;
}

/* Refuses the open, while another callback runs. */
static int refuse_meanwhile(struct pst_call *call)
{
	refuses = other_verdict;
	while (refuses && !runs_long)
		usleep(100);
	return other_verdict;
}

static const struct fake fakes[] = {
	{ .name = "meanwhile",
	  .programs = (struct fake_program[]){ { FILTER_PRE, FUSE_LOOKUP, serve_names },
					       { FILTER_POST, FUSE_OPEN, refuse_meanwhile },
					       { 0 } } },
	{ .name = "pre",
	  .programs = (struct fake_program[]){ { FILTER_PRE, FUSE_LOOKUP, serve_names },
					       { FILTER_PRE, FUSE_RENAME2, serve },
					       { FILTER_PRE, FUSE_GETATTR, serve_files },
					       { FILTER_POST, FUSE_LOOKUP, count_after },
					       { 0 } } },
	{ .name = "names",
	  .programs = (struct fake_program[]){ { FILTER_NAME, 0, serve_names }, { 0 } } },
	{ .name = "opens",
	  .programs = (struct fake_program[]){ { FILTER_PRE, FUSE_LOOKUP, serve_names },
					       { FILTER_POST, FUSE_OPEN, other },
					       { 0 } } },
	{ .name = "other",
	  .programs = (struct fake_program[]){ { FILTER_PRE, FUSE_LOOKUP, other }, { 0 } } },
};

static uint32_t nothing(void *aux, const struct pst_file *file)
{
	return 0;
}

static int look_up(struct pst_request *req, const char *name, struct pst_entry *entry)
{
	n_looked_up++;
	if (strcmp(name, "made-slowly") == 0) {
		runs_long = true;
		usleep(20000);
		runs_long = false;
	}
	pst_entry_key(entry, name, strlen(name));
	entry->stx = (struct statx){ .stx_mode = S_IFREG | 0444, .stx_nlink = 1, .stx_size = 4 };
	return 0;
}

static int get(struct pst_request *req, struct statx *stx)
{
	*stx = (struct statx){ .stx_mode = S_IFREG | 0444, .stx_nlink = 1, .stx_size = 4 };
	return 0;
}

static int open_it(struct pst_request *req, int flags, struct pst_opened *opened)
{
	opened->handle = 4711;
	return 0;
}

static int move(struct pst_request *req, const char *name, const char *new_name, unsigned int flags)
{
	snprintf(renamed[0], sizeof(renamed[0]), "%s", name);
	snprintf(renamed[1], sizeof(renamed[1]), "%s", new_name);
	return 0;
}

static void release(struct pst_request *req)
{
	crossed |= runs_long;
	assert_int_equal(req->handle, 4711);
	assert_int_not_equal(req->file->key_len, 0);
	n_released++;
}

static struct filter_view start_with(void **state, const char *const *specs, uint32_t serial)
{
	const struct pst_node_ops ops = {
		.size = sizeof(ops),
		.quick = serial ? 0 : PST_ANSWERS_ALL,
		.serial = serial,
		.timeout_ns = 1000000000,
		.ops = nothing,
		.lookup = look_up,
		.getattr = get,
		.open = open_it,
		.release = release,
		.rename = rename_callback ? move : NULL,
	};

	for (size_t i = 0; i < sizeof(fakes) / sizeof(fakes[0]); i++)
		fake_register(&fakes[i]);
	n_looked_up = n_after = n_released = 0;
	other_verdict = PST_PASS;
	runs_long = crossed = refuses = false;
	memset(renamed, 0, sizeof(renamed));
	return filter_view_start(state, &(struct k_options){ .node_ops = &ops, .complaints = true },
				 specs);
}

static struct filter_view start(void **state, const char *const *specs)
{
	return start_with(state, specs, 0);
}

static void expect_served(struct filter_view *view)
{
	struct fuse_entry_out entry;
	struct fuse_attr_out attr;

	assert_int_equal(k_lookup(view->c, K_ROOT, "made-up", &entry), 0);
	assert_int_equal(entry.attr.size, 4);
	assert_int_equal(n_looked_up, 1);
	assert_int_equal(k_getattr(view->c, entry.nodeid, &attr), 0);
	k_forget(view->c, entry.nodeid, 1);
	/* Other names are those below. */
	assert_int_equal(k_lookup(view->c, K_ROOT, "dir", &entry), 0);
	assert_int_equal(entry.attr.mode & S_IFMT, S_IFDIR);
	assert_int_equal(n_looked_up, 1);
	k_forget(view->c, entry.nodeid, 1);
}

K_TEST(filter_sends_operations_to_the_program, state)
{
	struct filter_view view = start(state, (const char *const[]){ "pre", NULL });

	expect_served(&view);
	assert_int_not_equal(n_after, 0);
	filter_view_stop(&view);
}

K_TEST(program_for_names_sends_lookups_to_the_program, state)
{
	struct filter_view view = start(state, (const char *const[]){ "names", NULL });

	expect_served(&view);
	filter_view_stop(&view);
}

K_TEST(later_filters_still_decide, state)
{
	struct filter_view view = start(state, (const char *const[]){ "pre", "other", NULL });
	struct fuse_entry_out entry;

	other_verdict = -EACCES;
	assert_int_equal(k_lookup(view.c, K_ROOT, "made-up", &entry), -EACCES);
	assert_int_equal(n_looked_up, 0);
	other_verdict = PST_PASS;
	expect_served(&view);
	filter_view_stop(&view);
}

K_TEST(open_that_a_filter_refuses_is_released, state)
{
	struct filter_view view = start(state, (const char *const[]){ "opens", NULL });
	struct fuse_entry_out entry;
	struct fuse_open_out open;

	assert_int_equal(k_lookup(view.c, K_ROOT, "made-up", &entry), 0);
	other_verdict = -EACCES;
	assert_int_equal(k_open(view.c, entry.nodeid, O_RDONLY, &open), -EACCES);
	assert_int_equal(n_released, 1);
	k_forget(view.c, entry.nodeid, 1);
	filter_view_stop(&view);
}

/* There is no callback; or it would show attributes that other replies do not have. */
K_TEST(operations_that_the_program_cannot_do_fail, state)
{
	struct filter_view view = start(state, (const char *const[]){ "pre", NULL });
	struct fuse_attr_out attr;

	assert_int_equal(k_rename(view.c, K_ROOT, "file", K_ROOT, "new", 0), -EIO);
	assert_int_equal(k_getattr(view.c, view.file, &attr), -EIO);
	k_expect_below(view.k, "file", "some text");
	assert_int_equal(filter_view_count(&view, "pre", "pre/rename").n_bad, 1);
	filter_view_stop(&view);
}

/* The lower file of the name has no entry in a listing, so the kernel asks the program. */
static void expect_unlisted_entry(struct filter_view view)
{
	static struct k_answer answer;
	struct fuse_open_out open;
	bool found = false;

	k_file_below(view.k, "made-below", "other text");
	assert_int_equal(k_opendir(view.c, K_ROOT, &open), 0);
	assert_int_equal(k_readdir(view.c, K_ROOT, open.fh, 0, 4096, true, &answer), 0);
	for (size_t at = 0; at < answer.len;) {
		const struct fuse_direntplus *plus = (const void *)(answer.data + at);

		if (strncmp(plus->dirent.name, "made-below", plus->dirent.namelen) == 0) {
			found = true;
			assert_int_equal(plus->entry_out.nodeid, 0);
		} else if (plus->entry_out.nodeid) {
			k_forget(view.c, plus->entry_out.nodeid, 1);
		}
		at += entry_size(&plus->dirent, true);
	}
	assert_true(found);
	assert_int_equal(n_looked_up, 0);
	k_releasedir(view.c, K_ROOT, open.fh);
	expect_served(&view);
	filter_view_stop(&view);
}

K_TEST(listing_has_no_entry_for_a_name_of_the_program, state)
{
	expect_unlisted_entry(start(state, (const char *const[]){ "names", NULL }));
	expect_unlisted_entry(start(state, (const char *const[]){ "pre", NULL }));
}

/* The lower directory has no such names. */
K_TEST(program_renames_names_that_a_filter_sends, state)
{
	struct filter_view view;

	rename_callback = true;
	view = start(state, (const char *const[]){ "names", NULL });
	assert_int_equal(k_rename(view.c, K_ROOT, "made-up", K_ROOT, "made-new", 0), 0);
	assert_string_equal(renamed[0], "made-up");
	assert_string_equal(renamed[1], "made-new");
	/* Other names are those below. */
	assert_int_equal(k_rename(view.c, K_ROOT, "absent", K_ROOT, "new", 0), -ENOENT);
	assert_string_equal(renamed[0], "made-up");
	rename_callback = false;
	filter_view_stop(&view);
}

K_TEST(release_of_a_refused_open_is_serial, state)
{
	struct filter_view view = start_with(state, (const char *const[]){ "meanwhile", NULL }, 1);
	const struct fuse_open_in in = { .flags = O_RDONLY };
	static struct k_answer answer;
	struct fuse_entry_out entry, slow;
	uint64_t unique;

	assert_int_equal(k_lookup(view.c, K_ROOT, "made-up", &entry), 0);
	other_verdict = -EACCES;
	unique = k_send(view.c, K_REQUEST(FUSE_OPEN, entry.nodeid, &in));
	while (!refuses)
		usleep(100);
	assert_int_equal(k_lookup(view.c, K_ROOT, "made-slowly", &slow), 0);
	assert_int_equal(k_wait(view.c, unique, &answer), -EACCES);
	assert_int_equal(n_released, 1);
	assert_false(crossed);
	k_forget(view.c, entry.nodeid, 1);
	k_forget(view.c, slow.nodeid, 1);
	filter_view_stop(&view);
}

TEST_MAIN(NULL, NULL)
