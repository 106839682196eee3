// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Members of public structs stay where they are, because programs that are linked already use them
 * there: libpenstock(3), VERSIONS. The first table has structs that never grow. The second has a
 * late member of each struct that may get more members behind it.
 */
#include "../test.h"

#include <penstock/tree.h>

#define SIZE(type, n)                                                                              \
	{                                                                                          \
#type, sizeof(struct type), n                                                      \
	}
#define AT(type, member, n)                                                                        \
	{                                                                                          \
#type "." #member, offsetof(struct type, member), n                                \
	}

static void check(const char *name, size_t is, size_t was)
{
	if (is != was)
		fail_msg("%s is %zu, and was %zu for programs that are linked already", name, is,
			 was);
}

TEST(members_stay_where_they_are, state)
{
	static const struct {
		const char *name;
		size_t is, was;
	} rows[] = {
		/* Structs without a size, many of them rows of arrays. */
		SIZE(pst_error, 516),
		SIZE(pst_op_stat, 32),
		SIZE(pst_filter, 2240),
		SIZE(pst_bypassed, 512),
		SIZE(pst_filter_stat, 136),
		SIZE(pst_filter_option, 384),
		SIZE(pst_filter_program, 40),
		SIZE(pst_probe, 272),
		SIZE(pst_entry, 328),
		SIZE(pst_opened, 16),
		/* Structs that only the library makes. */
		AT(pst_file, key, 48),
		AT(pst_request, clears_set_ids, 60),
		AT(pst_name, after, 32),
		AT(pst_inode, first, 272),
		/* Structs with a size. */
		AT(pst_server, setattr, 32),
		AT(pst_view_options, max_write, 72),
		AT(pst_view_options, pad0, 82),
		AT(pst_view_options, filters, 88),
		AT(pst_view_options, server, 112),
		AT(pst_view_options, run_filters, 140),
		AT(pst_view_options, control, 164),
		AT(pst_view_options, node_ops, 176),
		AT(pst_view_options, engine, 192),
		AT(pst_view_options, run, 200),
		AT(pst_node_ops, ioctl, 256),
		AT(pst_view_info, kernel_flags, 64),
		AT(pst_view_info, filters_why, 176),
		AT(pst_view_info, engine, 184),
		AT(pst_filter_report, process_why, 20752),
	};

	if (sizeof(void *) != 8)
		skip();
	for (size_t i = 0; i < N(rows); i++)
		check(rows[i].name, rows[i].is, rows[i].was);
}

TEST_MAIN(NULL, NULL)
