// SPDX-License-Identifier: LGPL-2.1-or-later
/* The table of options of the kernel engine. */
#include "../test.h"

#include <errno.h>
#include <string.h>

#include "kernel/fits.h"

enum answer { FITS, NO_EFFECT, REFUSED };

/* Each row: options, and what the kernel engine does with them. */
static const struct {
	const char *name; /* in the message */
	struct pst_view_options options;
	enum answer answer;
} rows[] = {
#define ROW(name, answer, ...)                                                                     \
	{                                                                                          \
		name, { __VA_ARGS__ }, answer                                                      \
	}
	ROW("defaults", FITS, .lower = "/a", .mountpoint = "/b"),
	ROW("ro", FITS, .mount_flags = PST_MOUNT_RDONLY),
	ROW("nosuid", FITS, .mount_flags = PST_MOUNT_NOSUID | PST_MOUNT_NODEV | PST_MOUNT_NOEXEC),
	ROW("noatime", FITS, .mount_flags = PST_MOUNT_NOATIME | PST_MOUNT_NODIRATIME),
	ROW("locks", FITS, .locks = PST_LOCKS_LOWER),
	ROW("xdev", FITS, .xdev = PST_XDEV_HIDE),
	ROW("fsname", FITS, .fsname = "name"),
	ROW("passthrough=on", FITS, .passthrough = PST_PASSTHROUGH_ON),
	ROW("filter", FITS, .filters = (const char *const[]){ "hide,names=x", NULL }),
	ROW("relatime", NO_EFFECT, .mount_flags = PST_MOUNT_RELATIME),
	ROW("cache", NO_EFFECT, .cache = PST_CACHE_NONE),
	ROW("cache", NO_EFFECT, .cache = PST_CACHE_TTL, .ttl_ns = 5),
	ROW("cache", NO_EFFECT, .cache = PST_CACHE_EXCLUSIVE),
	ROW("opendir", NO_EFFECT, .opendir = PST_OPENDIR_OFF),
	ROW("workers", NO_EFFECT, .n_workers = 3),
	ROW("pool", NO_EFFECT, .n_pool = 3),
	ROW("max_write", NO_EFFECT, .max_write = 4096),
	ROW("fds", NO_EFFECT, .fd_budget = 100),
	ROW("transport", NO_EFFECT, .transport = PST_TRANSPORT_URING),
	ROW("uring_depth", NO_EFFECT, .uring_depth = 4),
	ROW("enable_uring", NO_EFFECT, .enable_uring = 1),
	ROW("sync", REFUSED, .mount_flags = PST_MOUNT_RDONLY | PST_MOUNT_SYNC),
	ROW("dirsync", REFUSED, .mount_flags = PST_MOUNT_DIRSYNC),
	ROW("strictatime", REFUSED, .mount_flags = PST_MOUNT_STRICTATIME),
	ROW("passthrough=off", REFUSED, .passthrough = PST_PASSTHROUGH_OFF),
	ROW("xattr=off", REFUSED, .xattr = PST_XATTR_OFF),
	ROW("handles", REFUSED, .handles = "/key"),
	ROW("pseudo=show", REFUSED, .pseudo = PST_PSEUDO_SHOW),
	ROW("filters=process", REFUSED, .run_filters = PST_RUN_FILTERS_PROCESS),
	ROW("idmap", REFUSED, .idmap = 1),
	ROW("noallow_other", REFUSED, .lower = "/a"),
#undef ROW
};

TEST(each_option_fits_has_no_effect_or_is_refused, state)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct pst_view_options options = rows[i].options;
		struct pst_error error = { 0 };
		char said[KERNEL_SAID_SIZE], start[64];
		enum answer answer;
		const char *text;
		int r;

		/* The two options whose default is not 0. */
		options.allow_other = strcmp(rows[i].name, "noallow_other") != 0;
		if (!options.ttl_ns)
			options.ttl_ns = 1000000000;
		r = kernel_fits(&options, false, said, &error);
		text = r < 0 ? error.text : said;
		answer = r < 0 ? REFUSED : *said ? NO_EFFECT : FITS;

		snprintf(start, sizeof(start), "option %s ", rows[i].name);
		if (answer != rows[i].answer ||
		    (answer != FITS && strncmp(text, start, strlen(start)) != 0))
			fail_msg("%s: %d, \"%s\"", rows[i].name, r, text);
		assert_true(r == 0 || r == -EOPNOTSUPP);
	}
}

TEST(a_refused_option_wins_and_all_others_are_said, state)
{
	struct pst_view_options options = PST_VIEW_OPTIONS_INIT;
	struct pst_error error = { 0 };
	char said[KERNEL_SAID_SIZE];

	options.mount_flags = PST_MOUNT_RELATIME;
	options.cache = PST_CACHE_NONE;
	options.opendir = PST_OPENDIR_OFF;
	options.transport = PST_TRANSPORT_DEV;
	options.n_workers = options.n_pool = options.uring_depth = 1;
	options.max_write = options.fd_budget = options.enable_uring = 1;
	assert_int_equal(kernel_fits(&options, false, said, &error), 0);
	assert_non_null(strstr(said, "; option pool "));
	assert_non_null(strstr(said, "; option enable_uring "));
	assert_int_equal(kernel_fits(&options, true, said, &error), 0);
	assert_null(strstr(said, "option pool "));
	assert_non_null(strstr(said, "option cache "));
	options.idmap = 1;
	assert_int_equal(kernel_fits(&options, false, said, &error), -EOPNOTSUPP);
	assert_non_null(strstr(error.text, "option idmap "));
}

int main(void)
{
	return tests_run(NULL, NULL);
}
