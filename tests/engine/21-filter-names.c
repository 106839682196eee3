// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Programs for names: listings with hidden names in buffers of all sizes, and moves of files to
 * names with other filters. The mount tests 85-filter-hidden and 86-filter-scope try every
 * operation on hidden names, and show how files inherit filters and cells.
 */
#include "filter-view.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

/* "hide" hides names that begin with "hidden". */
static int hide_name(struct pst_call *call)
{
	return strncmp(call->name[0].text, "hidden", 6) == 0 ? -ENOENT : PST_PASS;
}

static const struct fake_program hide_programs[] = { { FILTER_NAME, 0, hide_name }, { 0 } };
static const struct fake hide = { .name = "hide", .programs = hide_programs };

/*
 * "calm" refuses writes. It does not apply to names that begin with "free" and to files in such
 * directories.
 */
static int calm_name(struct pst_call *call)
{
	if (strncmp(call->name[0].text, "free", 4) == 0)
		call->child.held = 0;
	return PST_PASS;
}

static bool calming;

static int calm_open(struct pst_call *call)
{
	return !calming || (call->in.open.flags & O_ACCMODE) == O_RDONLY ? PST_PASS : -EROFS;
}

static const struct fake_program calm_programs[] = {
	{ FILTER_NAME, 0, calm_name },
	{ FILTER_PRE, FUSE_OPEN, calm_open },
	{ 0 },
};
static const struct fake calm = { .name = "calm", .programs = calm_programs };

static struct filter_view start(void **state, const char *spec)
{
	static const struct fake *const fakes[] = { &hide, &calm };
	struct filter_view view;

	for (int i = 0; i < 2; i++)
		fake_register(fakes[i]);
	calming = false;
	view = filter_view_start(state, &(struct k_options){ 0 },
				 (const char *const[]){ spec, NULL });
	calming = true;
	return view;
}

/* Collects the names of a listing in one text and forgets its entries. */
static void list(struct filter_view *view, uint64_t dir, uint32_t size, bool plus, char *names)
{
	static struct k_answer answer;
	struct fuse_open_out open;
	uint64_t off = 0;

	names[0] = '\0';
	assert_int_equal(k_opendir(view->c, dir, &open), 0);
	do {
		assert_int_equal(k_readdir(view->c, dir, open.fh, off, size, plus, &answer), 0);
		for (size_t at = 0; at < answer.len;) {
			struct fuse_direntplus *entry =
				(struct fuse_direntplus *)(answer.data + at);
			struct fuse_dirent *dirent = plus ? &entry->dirent :
							    (struct fuse_dirent *)entry;

			snprintf(names + strlen(names), 20, "%.*s ", (int)dirent->namelen,
				 dirent->name);
			if (plus && entry->entry_out.nodeid)
				k_forget(view->c, entry->entry_out.nodeid, 1);
			off = dirent->off;
			at += entry_size(dirent, plus);
		}
	} while (answer.len);
	assert_int_equal(k_releasedir(view->c, dir, open.fh), 0);
}

/* A hidden name does not end the listing too early, if the kernel has room for one name only. */
K_TEST(hidden_names_are_not_listed, state)
{
	struct filter_view view = start(state, "hide");
	char names[4096], name[20];

	for (int i = 0; i < 60; i++) {
		snprintf(name, sizeof(name), "dir/hidden%d", i);
		k_file_below(view.k, name, "");
	}
	for (int plus = 0; plus < 2; plus++) {
		for (int i = 0; i < 3; i++) {
			static const uint32_t sizes[] = { 4096, 600, 192 };
			static const char *const wanted[] = { "a ", "b ", "c ", "sub " };

			list(&view, view.dir, sizes[i], plus, names);
			assert_null(strstr(names, "hidden"));
			for (int j = 0; j < 4; j++)
				assert_non_null(strstr(names, wanted[j]));
		}
	}
	k_expect_left(view.k, 2, 4);
	filter_view_stop(&view);
}

/* -- moves ------------------------------------------------------------------------------------ */

static int open_to_write(struct filter_view *view, uint64_t id)
{
	struct fuse_open_out open;
	int r = k_open(view->c, id, O_RDWR, &open);

	if (r == 0)
		assert_int_equal(k_release(view->c, id, open.fh), 0);
	return r;
}

static void forget(struct filter_view *view, const struct fuse_entry_out *entry)
{
	k_forget(view->c, entry->nodeid, 1);
}

/* Each row: the old and the new name, the flags, and the expected error. */
K_TEST(move_that_loses_a_filter_is_refused, state)
{
	static const struct {
		const char *from, *to;
		uint32_t flags;
		int r;
	} moves[] = {
		/* A file that would lose the filter, and a directory that would lose or gain it. */
		{ "held", "free", 0, -EPERM },
		{ "held-dir", "free-dir2", 0, -EPERM },
		{ "free-dir", "held-dir2", 0, -EPERM },
		{ "free", "held", RENAME_EXCHANGE, -EPERM },
		{ "held", "free", RENAME_EXCHANGE, -EPERM },
		/* A file that keeps or gains the filter. */
		{ "held", "held2", 0, 0 },
		{ "held2", "held", 0, 0 },
		{ "free", "free2", 0, 0 },
		{ "free2", "free", 0, 0 },
		{ "free-dir", "free-dir2", 0, 0 },
		{ "free", "held3", 0, 0 },
	};
	struct filter_view view = start(state, "calm");
	struct fuse_entry_out free, held, dirs[2], link;

	assert_int_equal(k_mknod(view.c, K_ROOT, "held", S_IFREG | 0644, &held), 0);
	assert_int_equal(k_mknod(view.c, K_ROOT, "free", S_IFREG | 0644, &free), 0);
	assert_int_equal(k_mkdir(view.c, K_ROOT, "held-dir", 0755, &dirs[0]), 0);
	assert_int_equal(k_mkdir(view.c, K_ROOT, "free-dir", 0755, &dirs[1]), 0);
	assert_int_equal(open_to_write(&view, held.nodeid), -EROFS);
	assert_int_equal(open_to_write(&view, free.nodeid), 0);
	/* The second name must not exclude a filter that the first one has. */
	assert_int_equal(k_link(view.c, held.nodeid, K_ROOT, "free-link", &link), -EPERM);
	assert_int_equal(k_link(view.c, held.nodeid, K_ROOT, "held-link", &link), 0);
	forget(&view, &link);
	for (size_t i = 0; i < N(moves); i++) {
		print_message("%s to %s\n", moves[i].from, moves[i].to);
		assert_int_equal(k_rename(view.c, K_ROOT, moves[i].from, K_ROOT, moves[i].to,
					  moves[i].flags),
				 moves[i].r);
	}
	/* The file has gained the filter, although the kernel knew it before. */
	assert_int_equal(open_to_write(&view, free.nodeid), -EROFS);
	forget(&view, &held);
	forget(&view, &free);
	forget(&view, &dirs[0]);
	forget(&view, &dirs[1]);
	filter_view_stop(&view);
}

TEST_MAIN(NULL, NULL)
