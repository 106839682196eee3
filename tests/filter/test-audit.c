// SPDX-License-Identifier: LGPL-2.1-or-later
/* audit: the event of each operation and result. */
#include "direct.h"

#include <fcntl.h>

struct row {
	const char *spec;
	uint32_t opcode;
	int error;
	uint32_t uid, word;
	const char *event; /* NULL: none */
	uint64_t value;
};

static void put_word(struct pst_call *call, uint32_t word)
{
	switch (call->opcode) {
	case FUSE_OPEN:
		call->in.open.flags = word;
		break;
	case FUSE_CREATE:
		call->in.create.flags = word;
		break;
	case FUSE_RENAME2:
		call->in.rename.flags = word;
		break;
	case FUSE_SETATTR:
		call->in.setattr.valid = word;
		break;
	case FUSE_IOCTL:
		call->in.ioctl.cmd = word;
		break;
	}
}

TEST(only_selected_operations_make_an_event, state)
{
	static const struct row rows[] = {
		{ "audit", FUSE_LOOKUP, 0, 0, 0, "ok", 0 },
		{ "audit", FUSE_LOOKUP, -ENOENT, 0, 0, "refused", 0 },
		{ "audit", FUSE_OPEN, 0, 0, O_RDWR, "ok", O_RDWR },
		{ "audit", FUSE_CREATE, -EACCES, 0, O_CREAT, "refused", O_CREAT },
		{ "audit", FUSE_RENAME2, 0, 0, 1, "ok", 1 },
		{ "audit", FUSE_SETATTR, 0, 0, FATTR_MODE, "ok", FATTR_MODE },
		{ "audit", FUSE_IOCTL, 0, 0, 0x5401, "ok", 0x5401 },
		{ "audit,ops=unlink:*xattr", FUSE_UNLINK, 0, 0, 0, "ok", 0 },
		{ "audit,ops=unlink:*xattr", FUSE_GETXATTR, -ENODATA, 0, 0, "refused", 0 },
		{ "audit,ops=unlink:*xattr", FUSE_RMDIR, 0, 0, 0, NULL, 0 },
		{ "audit,changes_only", FUSE_LOOKUP, 0, 0, 0, NULL, 0 },
		{ "audit,changes_only", FUSE_GETATTR, 0, 0, 0, NULL, 0 },
		{ "audit,changes_only", FUSE_OPEN, 0, 0, O_RDONLY, NULL, 0 },
		{ "audit,changes_only", FUSE_OPEN, 0, 0, O_WRONLY, "ok", O_WRONLY },
		{ "audit,changes_only", FUSE_OPEN, 0, 0, O_TRUNC, "ok", O_TRUNC },
		{ "audit,changes_only", FUSE_MKDIR, 0, 0, 0, "ok", 0 },
		{ "audit,changes_only", FUSE_RENAME2, 0, 0, 0, "ok", 0 },
		{ "audit,changes_only", FUSE_SETXATTR, 0, 0, 0, "ok", 0 },
		{ "audit,uid=1000-1999", FUSE_MKDIR, 0, 1500, 0, "ok", 0 },
		{ "audit,uid=1000-1999", FUSE_MKDIR, 0, 0, 0, NULL, 0 },
		{ "audit,uid=0,changes_only,ops=mk*", FUSE_MKNOD, 0, 0, 0, "ok", 0 },
		{ "audit,uid=0,changes_only,ops=mk*", FUSE_UNLINK, 0, 0, 0, NULL, 0 },
	};

	for (size_t i = 0; i < N(rows); i++) {
		const struct row *row = &rows[i];
		struct pst_call *call;

		direct_load(row->spec);
		if (!(direct_facts()->ops[FILTER_POST] >> row->opcode & 1)) {
			assert_null(row->event);
			continue;
		}
		call = direct_call(row->opcode);
		call->error = row->error;
		call->caller.uid = row->uid;
		put_word(call, row->word);
		assert_int_equal(direct_post(), 0);
		if (call->n_events != !!row->event)
			fail_msg("row %zu: %u events", i, call->n_events);
		if (!row->event)
			continue;
		assert_string_equal(call->event[0].what, row->event);
		assert_int_equal(call->event[0].value[0], -row->error);
		assert_int_equal(call->event[0].value[1], row->value);
		assert_int_equal(call->error, row->error);
	}
	/* The operations that are not reported have no program. */
	direct_load("audit,ops=unlink:*xattr");
	assert_int_equal(direct_facts()->ops[FILTER_POST],
			 1ULL << FUSE_UNLINK | 1ULL << FUSE_SETXATTR | 1ULL << FUSE_GETXATTR |
				 1ULL << FUSE_LISTXATTR | 1ULL << FUSE_REMOVEXATTR);
	direct_load("audit,changes_only");
	assert_int_equal(direct_facts()->ops[FILTER_POST],
			 (PST_OPS_THAT_CHANGE & ~(1ULL << FUSE_WRITE)) | 1ULL << FUSE_OPEN);
	/* The filter has no programs for data, so the kernel passes files through. */
	assert_false(direct_facts()->ops[FILTER_POST] & (1ULL << FUSE_WRITE | 1ULL << FUSE_READ));
	assert_int_equal(direct_facts()->ops[FILTER_PRE], 0);
}

TEST_MAIN(direct_setup, direct_teardown)
