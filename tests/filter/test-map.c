// SPDX-License-Identifier: LGPL-2.1-or-later
/* map: every ID of lists of each length, and ACLs of each length, in both directions. */
#include "../random.h"
#include "direct.h"

#include <linux/posix_acl.h>
#include <linux/posix_acl_xattr.h>
#include <stdio.h>
#include <stdlib.h>

#define MAX PST_MAX_ID_RANGES

/* Pairs in no order: the ranges of each side have room for one ID between them. */
struct pair {
	uint32_t from, last, to;
};

static struct pair pairs[MAX];

static struct random random_state = { 1 };

/* Fills places[] with 0 to n - 1 in a random order. */
static void shuffle(uint32_t *places, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		uint32_t k = random_below(&random_state, i + 1);

		places[i] = places[k];
		places[k] = i;
	}
}

/* Loads map with n random pairs. */
static void load_pairs(uint32_t n)
{
	uint32_t from[MAX], to[MAX];
	char spec[40 * MAX], *at = spec + sprintf(spec, "map,users=");

	shuffle(from, n);
	shuffle(to, n);
	for (uint32_t i = 0; i < n; i++) {
		struct pair *pair = &pairs[i];

		*pair = (struct pair){ 10 + 10 * from[i], 0, 100010 + 10 * to[i] };
		pair->last = pair->from + random_below(&random_state, 9);
		at += sprintf(at, "%s%u-%u/%u", i ? ":" : "", pair->from, pair->last, pair->to);
	}
	direct_load(spec);
}

/* Returns the ID for an ID of the first n pairs. */
static uint32_t expected(uint32_t n, uint32_t id, bool back)
{
	for (uint32_t i = 0; i < n; i++) {
		uint32_t first = back ? pairs[i].to : pairs[i].from;

		if (id - first <= pairs[i].last - pairs[i].from)
			return (back ? pairs[i].from : pairs[i].to) + (id - first);
	}
	return id;
}

static uint32_t shown(uint32_t id)
{
	struct pst_call *call = direct_call(FUSE_GETATTR);

	call->out.attr.attr.uid = id;
	assert_int_equal(direct_post(), 0);
	return call->out.attr.attr.uid;
}

static uint32_t lower(uint32_t id)
{
	struct pst_call *call = direct_call(FUSE_SETATTR);

	call->in.setattr.valid = FATTR_UID;
	call->in.setattr.uid = id;
	assert_int_equal(direct_pre(), 0);
	return call->in.setattr.uid;
}

TEST(id_of_each_pair_is_found_in_both_directions, state)
{
	static const uint32_t lengths[] = { 1, 2, 3, 7, 8, 9, 100, MAX - 1, MAX };

	for (size_t i = 0; i < N(lengths); i++) {
		load_pairs(lengths[i]);
		for (uint32_t k = 0; k < lengths[i]; k++) {
			const struct pair *pair = &pairs[k];
			uint32_t to_last = pair->to + (pair->last - pair->from);
			const uint32_t ids[] = { pair->from - 1, pair->from,   pair->last,
						 pair->last + 1, pair->to - 1, pair->to,
						 to_last,        to_last + 1 };

			for (size_t m = 0; m < N(ids); m++) {
				assert_int_equal(shown(ids[m]),
						 expected(lengths[i], ids[m], false));
				assert_int_equal(lower(ids[m]), expected(lengths[i], ids[m], true));
			}
		}
		assert_int_equal(shown(0), 0);
		assert_int_equal(shown(4294967294), 4294967294);
	}
}

TEST(offset_has_no_counterpart_behind_the_last_id, state)
{
	static const struct {
		uint32_t uid, gid;
		int verdict;
	} rows[] = {
		{ 0, 5, 0 },
		{ 4294967289, 5, 0 },
		{ 4294967290, 5, -EOVERFLOW },
		{ 0, 4, -EOVERFLOW },
	};
	struct pst_call *call;

	direct_load("map,users=+5,groups=-5");
	for (size_t i = 0; i < N(rows); i++) {
		call = direct_call(FUSE_GETATTR);
		call->out.attr.attr.uid = rows[i].uid;
		call->out.attr.attr.gid = rows[i].gid;
		assert_int_equal(direct_post(), rows[i].verdict);
		if (rows[i].verdict == 0) {
			assert_int_equal(call->out.attr.attr.uid, rows[i].uid + 5);
			assert_int_equal(call->out.attr.attr.gid, rows[i].gid - 5);
		}
	}
	call = direct_call(FUSE_CREATE);
	call->caller.uid = 4;
	assert_int_equal(direct_pre(), -EOVERFLOW);
	call = direct_call(FUSE_CREATE);
	call->caller.uid = 5;
	call->caller.gid = 7;
	assert_int_equal(direct_pre(), 0);
	assert_int_equal(call->caller.uid, 0);
	assert_int_equal(call->caller.gid, 12);
}

/* Writes an ACL with n users and n groups. Returns its length. */
static uint32_t write_acl(char *data, uint32_t n)
{
	struct posix_acl_xattr_header *header = (void *)data;
	struct posix_acl_xattr_entry *entry = (void *)(header + 1);

	header->a_version = POSIX_ACL_XATTR_VERSION;
	*entry++ = (struct posix_acl_xattr_entry){ ACL_USER_OBJ, 7, ACL_UNDEFINED_ID };
	for (uint32_t i = 0; i < n; i++)
		*entry++ = (struct posix_acl_xattr_entry){ ACL_USER, 6, 1000 + i };
	for (uint32_t i = 0; i < n; i++)
		*entry++ = (struct posix_acl_xattr_entry){ ACL_GROUP, 6, 1000 + i };
	return (uint32_t)((char *)entry - data);
}

/* Bytes behind the ACL, and an entry that is cut off, stay. */
TEST(acl_of_each_length_is_mapped, state)
{
	static const char *const names[] = { "system.posix_acl_access", "system.posix_acl_default",
					     "user.posix_acl_access" };
	static char data[8192];

	direct_load("map,users=1000-1999/5000,groups=1001/7");
	for (uint32_t n = 0; n < 300; n = n < 4 ? n + 1 : n * 2)
		for (uint32_t cut = 0; cut < 9; cut++)
			for (size_t i = 0; i < N(names); i++) {
				struct pst_call *call = direct_call(FUSE_GETXATTR);
				uint32_t len = write_acl(data, n);
				struct posix_acl_xattr_entry *entry = (void *)(data + 4);

				memset(data + len, 0xaa, 16);
				memcpy(call->data, data, len + 16);
				call->data_len = len - cut;
				call->in.getxattr.size = 65536;
				direct_name(0, names[i]);
				assert_int_equal(direct_post(), 0);
				for (uint32_t k = 0; i < 2 && k < (len - 4 - cut) / 8; k++)
					if (entry[k].e_tag == ACL_USER)
						entry[k].e_id += 4000;
					else if (entry[k].e_tag == ACL_GROUP &&
						 entry[k].e_id == 1001)
						entry[k].e_id = 7;
				assert_memory_equal(call->data, data, len + 16);
			}
}

TEST_MAIN(direct_setup, direct_teardown)
