// SPDX-License-Identifier: LGPL-2.1-or-later
/* The library refuses options without a meaning before it does anything else. */
#include "../test.h"

#include <errno.h>
#include <string.h>

#include <penstock/penstock.h>

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
	REFUSED(control, PST_CONTROL_OFF + 1);
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

/* PST_VIEW_OPTIONS_INIT alone is accepted. */
TEST(defaults_are_accepted, state)
{
	struct pst_view_options options = PST_VIEW_OPTIONS_INIT;
	const char *text;

	options.lower = "/nonexistent/lower";
	options.mountpoint = "/nonexistent/mountpoint";
	text = error_of(&options);
	if (!strstr(text, "LOWER") && !strstr(text, "CAP_"))
		fail_msg("the error is \"%s\"", text);
}

TEST_MAIN(NULL, NULL)
