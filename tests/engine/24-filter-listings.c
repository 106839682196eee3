// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Listings with entries run programs of LOOKUP for many names at once. The results equal those of
 * one run per name.
 */
#include "filter-view.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#define N_NAMES 200

/* The names for which the program ran, in order. */
static char asked[4 * N_NAMES][32];
static unsigned int n_asked;

static bool begins(const struct pst_call *call, const char *with)
{
	return strncmp(call->name[0].text, with, strlen(with)) == 0;
}

/*
 * The filter "doorman": the name itself says the verdict. A value that the program leaves in the
 * call of one name must not reach the call of the next.
 */
static int doorman(struct pst_call *call)
{
	if (call->caller.uid == 7 || call->n_events || call->delay_us || call->child.held != 1 ||
	    call->name[0].len != strlen(call->name[0].text) || call->in.bytes[0])
		return -EBADE;
	snprintf(asked[n_asked++], sizeof(asked[0]), "%.31s", call->name[0].text);
	if (begins(call, "refused"))
		return -EACCES;
	if (begins(call, "hidden"))
		return -ENOENT;
	if (begins(call, "unknown"))
		return 99;
	if (begins(call, "answered"))
		return PST_DONE;
	if (begins(call, "renamed"))
		strcpy(call->name[0].text, "absent");
	if (begins(call, "miscounted"))
		call->n_asked = 4711;
	if (begins(call, "uncounted"))
		call->n_asked = 0;
	if (begins(call, "free"))
		call->child.held = 0;
	if (begins(call, "other"))
		strcpy(call->name[0].text, "plain-0");
	if (begins(call, "slash"))
		strcpy(call->name[0].text, "../secret");
	if (begins(call, "overwritten"))
		memset(call->listed, 'x', sizeof(call->listed));
	if (begins(call, "somebody"))
		call->caller.uid = 7;
	if (begins(call, "late"))
		call->delay_us = 1;
	if (begins(call, "told"))
		call->n_events = 1;
	return PST_PASS;
}

static int pass(struct pst_call *call)
{
	return PST_PASS;
}

static const struct fake_program together[] = { { FILTER_PRE, FUSE_LOOKUP, doorman }, { 0 } };
static const struct fake many = { .name = "doorman", .programs = together };
/*
 * The same program, and a post program of LOOKUP, which makes the engine run it for each name
 * alone.
 */
static const struct fake_program apart[] = {
	{ FILTER_PRE, FUSE_LOOKUP, doorman },
	{ FILTER_POST, FUSE_LOOKUP, pass },
	{ 0 },
};
static const struct fake one = { .name = "one-by-one", .programs = apart };

struct shown {
	char name[32];
	uint64_t nodeid, ino;
	uint64_t filters;
};

struct listing {
	struct shown shown[N_NAMES + 10];
	unsigned int n, n_asked;
	char asked[N_NAMES][32];
	struct filter_count count;
};

static void take_entries(struct filter_view *view, const struct k_answer *answer,
			 struct listing *listing, uint64_t *off)
{
	const struct fuse_dirent *dirent;

	for (size_t at = 0; at < answer->len; at += entry_size(dirent, true)) {
		const struct fuse_direntplus *plus =
			(const struct fuse_direntplus *)(answer->data + at);
		struct shown *shown = &listing->shown[listing->n++];

		dirent = &plus->dirent;
		assert_true(listing->n <= N_NAMES + 10);
		snprintf(shown->name, sizeof(shown->name), "%.*s", (int)dirent->namelen,
			 dirent->name);
		shown->ino = dirent->ino;
		shown->nodeid = plus->entry_out.nodeid;
		if (shown->nodeid)
			k_forget(view->c, shown->nodeid, 1);
		*off = dirent->off;
	}
}

/* Lists the directory "many" through one of the filters, in a fresh view. */
static void list(void **state, const char *filter, const char *const *names,
		 struct listing *listing)
{
	static struct k_answer answer;
	struct filter_view view;
	struct fuse_entry_out dir;
	struct fuse_open_out open;
	uint64_t off = 0;

	memset(listing, 0, sizeof(*listing));
	fake_register(&many);
	fake_register(&one);
	view = filter_view_start(state, &(struct k_options){ .complaints = true },
				 (const char *const[]){ filter, NULL });
	assert_int_equal(mkdirat(view.k->lower, "many", 0755), 0);
	for (unsigned int i = 0; names[i]; i++) {
		char path[64];

		snprintf(path, sizeof(path), "many/%s", names[i]);
		k_file_below(view.k, path, "text");
	}
	n_asked = 0;
	assert_int_equal(k_lookup(view.c, K_ROOT, "many", &dir), 0);
	assert_int_equal(k_opendir(view.c, dir.nodeid, &open), 0);
	n_asked = 0;
	listing->count = filter_view_count(&view, filter, "pre/lookup");
	do {
		assert_int_equal(k_readdir(view.c, dir.nodeid, open.fh, off, 4096, true, &answer),
				 0);
		take_entries(&view, &answer, listing, &off);
	} while (answer.len);
	listing->count.n_runs =
		filter_view_count(&view, filter, "pre/lookup").n_runs - listing->count.n_runs;
	listing->n_asked = n_asked;
	assert_true(n_asked <= N_NAMES);
	memcpy(listing->asked, asked, sizeof(listing->asked));
	assert_int_equal(k_releasedir(view.c, dir.nodeid, open.fh), 0);
	k_forget(view.c, dir.nodeid, 1);
	filter_view_stop(&view);
}

static const struct shown *find(const struct listing *listing, const char *name)
{
	for (unsigned int i = 0; i < listing->n; i++)
		if (strcmp(listing->shown[i].name, name) == 0)
			return &listing->shown[i];
	return NULL;
}

/* A listing in batches gives the same names as one by one, for each verdict at each position. */
K_TEST(batched_listing_equals_one_by_one, state)
{
	static const char *const kinds[] = { "refused", "hidden", "unknown", "answered", "renamed",
					     "free",    "other",  "slash",   "somebody", "late",
					     "told",    "plain",  "plain",   "plain",    "plain" };
	static char texts[N_NAMES][24];
	static const char *names[N_NAMES + 1];
	static struct listing a, b;

	for (unsigned int i = 0; i < N_NAMES - 20; i++) {
		snprintf(texts[i], sizeof(texts[i]), "%s-%u", kinds[i % 15], i / 15);
		/* Four kinds share the name "plain". */
		if (i % 15 >= 11)
			snprintf(texts[i], sizeof(texts[i]), "plain-%u",
				 (i / 15) * 4 + i % 15 - 11);
		names[i] = texts[i];
	}
	list(state, "doorman", names, &a);
	list(state, "one-by-one", names, &b);
	for (unsigned int i = 0; i < b.n; i++)
		if (!find(&a, b.shown[i].name))
			fail_msg("%s is shown only where each is asked about", b.shown[i].name);
	assert_int_equal(a.n, b.n);
	/* The order of the directory depends on hashes, which differ between file systems. */
	for (unsigned int i = 0; i < a.n; i++) {
		const struct shown *other = find(&b, a.shown[i].name);

		if (!other)
			fail_msg("%s is shown only where many are asked about", a.shown[i].name);
		if (!a.shown[i].nodeid != !other->nodeid)
			fail_msg("%s has an entry once and once not", a.shown[i].name);
	}
	assert_non_null(find(&a, "plain-0"));
	assert_true(find(&a, "plain-0")->nodeid);
	assert_non_null(find(&a, "refused-0"));
	assert_false(find(&a, "refused-0")->nodeid);
	assert_null(find(&a, "hidden-0"));
	assert_null(find(&a, "unknown-0"));
	assert_null(find(&a, "renamed-0"));
	assert_null(find(&a, "slash-0"));
	/*
	 * The program ran once for each name. Hidden names after the last shown one are read again.
	 */
	assert_in_range(a.n_asked, N_NAMES - 20, N_NAMES - 10);
	assert_in_range(b.n_asked, N_NAMES - 20, N_NAMES - 10);
}

/* Names that the program passes share a run. */
K_TEST(batches_need_fewer_runs, state)
{
	static char texts[N_NAMES][24];
	static const char *names[N_NAMES + 1];
	static struct listing a, b;

	for (unsigned int i = 0; i < N_NAMES; i++) {
		snprintf(texts[i], sizeof(texts[i]), "plain-%u", i);
		names[i] = texts[i];
	}
	list(state, "doorman", names, &a);
	list(state, "one-by-one", names, &b);
	assert_int_equal(b.count.n_runs, N_NAMES);
	assert_true(a.count.n_runs <= N_NAMES / 10);
	assert_int_equal(a.n_asked, N_NAMES);
	for (unsigned int i = 0; i < a.n; i++)
		assert_true(a.shown[i].nodeid || a.shown[i].name[0] == '.');
}

/* A program that writes outside its name may lose names, but adds none. */
K_TEST(program_that_writes_out_of_place_makes_up_no_name, state)
{
	static const char *const kinds[] = { "miscounted", "uncounted", "overwritten" };
	static struct listing a;

	for (unsigned int k = 0; k < 3; k++) {
		const char *kind = kinds[k];
		const char *names[] = { "plain-0", "plain-1", kind, "plain-2", "plain-3", NULL };

		list(state, "doorman", names, &a);
		for (unsigned int i = 0; i < a.n; i++) {
			bool known = a.shown[i].name[0] == '.';

			for (unsigned int n = 0; names[n]; n++)
				known = known || strcmp(a.shown[i].name, names[n]) == 0;
			if (!known)
				fail_msg("%s: a name from nowhere: %s", kinds[k], a.shown[i].name);
		}
	}
}

TEST_MAIN(NULL, NULL)
