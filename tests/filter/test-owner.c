// SPDX-License-Identifier: LGPL-2.1-or-later
/* owner: owners in results, creations and changes, before and after the filter. */
#include "direct.h"

#include <stdio.h>

static const uint32_t creations[] = { FUSE_CREATE, FUSE_MKDIR, FUSE_MKNOD, FUSE_SYMLINK,
				      FUSE_TMPFILE };

static struct fuse_attr *attr_of(struct pst_call *call)
{
	switch (call->opcode) {
	case FUSE_CREATE:
	case FUSE_TMPFILE:
		return &call->out.create.entry.attr;
	case FUSE_GETATTR:
	case FUSE_SETATTR:
		return &call->out.attr.attr;
	default:
		return &call->out.entry.attr;
	}
}

TEST(results_show_the_given_owner, state)
{
	static const uint32_t opcodes[] = { FUSE_LOOKUP,  FUSE_CREATE,  FUSE_MKDIR,
					    FUSE_MKNOD,   FUSE_SYMLINK, FUSE_LINK,
					    FUSE_TMPFILE, FUSE_GETATTR, FUSE_SETATTR };
	static const struct {
		const char *spec;
		int error;
		uint32_t uid, gid;
	} rows[] = {
		{ "owner,chown=pass", 0, 11, 12 },
		{ "owner,uid=1000", 0, 1000, 12 },
		{ "owner,gid=0", 0, 11, 0 },
		{ "owner,uid=4294967294,gid=7", 0, 4294967294, 7 },
		{ "owner,uid=1,gid=2", -EIO, 11, 12 },
	};

	for (size_t i = 0; i < N(rows); i++) {
		struct pst_call *call;

		direct_load(rows[i].spec);
		for (size_t k = 0; k < N(opcodes); k++) {
			struct fuse_attr *attr;

			call = direct_call(opcodes[k]);
			attr = attr_of(call);
			call->error = rows[i].error;
			attr->uid = 11;
			attr->gid = 12;
			assert_int_equal(direct_post(), 0);
			assert_int_equal(attr->uid, rows[i].uid);
			assert_int_equal(attr->gid, rows[i].gid);
		}
		call = direct_call(FUSE_STATX);
		call->error = rows[i].error;
		call->out.statx.stat.uid = 11;
		call->out.statx.stat.gid = 12;
		assert_int_equal(direct_post(), 0);
		assert_int_equal(call->out.statx.stat.uid, rows[i].uid);
		assert_int_equal(call->out.statx.stat.gid, rows[i].gid);
	}
}

TEST(new_file_belongs_to_the_given_owner, state)
{
	static const struct {
		const char *spec;
		uint32_t uid, gid;
	} rows[] = {
		{ "owner,uid=5", 11, 12 },
		{ "owner,create_uid=1000", 1000, 12 },
		{ "owner,create_gid=0", 11, 0 },
		{ "owner,create_uid=3,create_gid=4", 3, 4 },
	};

	for (size_t i = 0; i < N(rows); i++) {
		direct_load(rows[i].spec);
		for (size_t k = 0; k < N(creations); k++) {
			struct pst_call *call = direct_call(creations[k]);

			call->caller.uid = 11;
			call->caller.gid = 12;
			assert_int_equal(direct_pre(), 0);
			assert_int_equal(call->caller.uid, rows[i].uid);
			assert_int_equal(call->caller.gid, rows[i].gid);
		}
	}
}

TEST(chown_passes_fails_or_is_ignored, state)
{
	const uint32_t both = FATTR_UID | FATTR_GID;
	const struct {
		const char *how;
		uint32_t valid, after;
		int verdict;
	} rows[] = {
		{ "pass", both | FATTR_MODE, both | FATTR_MODE, 0 },
		{ "deny", FATTR_MODE, FATTR_MODE, 0 },
		{ "deny", FATTR_UID, FATTR_UID, -EPERM },
		{ "deny", FATTR_GID | FATTR_MODE, FATTR_GID | FATTR_MODE, -EPERM },
		{ "ignore", both | FATTR_MODE, FATTR_MODE, 0 },
		{ "ignore", FATTR_GID, 0, 0 },
		{ "ignore", FATTR_SIZE, FATTR_SIZE, 0 },
	};

	for (size_t i = 0; i < N(rows); i++) {
		struct pst_call *call;
		char spec[64];

		snprintf(spec, sizeof(spec), "owner,chown=%.7s", rows[i].how);
		direct_load(spec);
		call = direct_call(FUSE_SETATTR);
		call->in.setattr.valid = rows[i].valid;
		assert_int_equal(direct_pre(), rows[i].verdict);
		assert_int_equal(call->in.setattr.valid, rows[i].after);
	}
}

TEST_MAIN(direct_setup, direct_teardown)
