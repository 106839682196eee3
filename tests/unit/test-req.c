// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A request is saved on arrival: later writes to its slot, by programs of other requests, change
 * neither header nor argument nor names.
 */
#include "../test.h"

#include <stdbool.h>
#include <string.h>

#include "request/req.h"

/* A decoded request with these names, in memory that takes the place of its slot. */
struct arrival {
	struct req_saved saved;
	struct req req;
	_Alignas(8) char slot[8192];
};

static void arrive(struct arrival *arrival, uint32_t opcode, const char *name, const char *name2)
{
	size_t arg_size = op_find(opcode)->arg_size;
	struct fuse_in_header head = { .opcode = opcode, .nodeid = 1 };
	char *at = arrival->slot + sizeof(head) + arg_size;

	memset(arrival, 0, sizeof(*arrival));
	arrival->req.saved = &arrival->saved;
	memset(arrival->slot + sizeof(head), 1, arg_size);
	at = stpcpy(at, name) + 1;
	if (name2)
		at = stpcpy(at, name2) + 1;
	head.len = (uint32_t)(at - arrival->slot);
	memcpy(arrival->slot, &head, sizeof(head));
	assert_int_equal(wire_decode(arrival->slot, head.len, &arrival->req.msg), 0);
}

TEST(saved_request_is_not_in_the_slot, state)
{
	static struct arrival arrival;
	const struct wire_msg *msg = &arrival.req.msg;

	(void)state;
	arrive(&arrival, FUSE_RENAME, "old", "new");
	req_save(&arrival.req);
	memset(arrival.slot, 0xff, sizeof(arrival.slot));
	assert_int_equal(msg->head->opcode, FUSE_RENAME);
	assert_int_equal(msg->head->nodeid, 1);
	assert_int_equal(((const struct fuse_rename_in *)msg->arg)->newdir, 0x0101010101010101);
	assert_string_equal(msg->name[0], "old");
	assert_string_equal(msg->name[1], "new");
	assert_false(arrival.req.long_name);
}

/* The opcode is an index: of the row of the operation, and of tables with as many rows. */
TEST(opcode_is_that_of_the_decoded_operation, state)
{
	static struct arrival arrival;

	(void)state;
	arrive(&arrival, FUSE_UNLINK, "name", NULL);
	((struct fuse_in_header *)arrival.slot)->opcode = 0x7fffffff;
	req_save(&arrival.req);
	assert_int_equal(arrival.req.msg.head->opcode, FUSE_UNLINK);
}

TEST(long_name_is_noted_and_not_kept, state)
{
	static struct arrival arrival;
	char name[PST_NAME_SIZE + 1];

	(void)state;
	memset(name, 'n', sizeof(name));
	name[PST_NAME_SIZE] = '\0';
	arrive(&arrival, FUSE_UNLINK, name, NULL);
	req_save(&arrival.req);
	assert_true(arrival.req.long_name);
	assert_string_equal(arrival.req.msg.name[0], "");
	arrive(&arrival, FUSE_UNLINK, name + 1, NULL);
	req_save(&arrival.req);
	assert_false(arrival.req.long_name);
	assert_string_equal(arrival.req.msg.name[0], name + 1);
}

/* Filters see the text of a link as data. */
TEST(text_of_a_link_stays_in_the_slot, state)
{
	static struct arrival arrival;

	(void)state;
	arrive(&arrival, FUSE_SYMLINK, "link", "target");
	req_save(&arrival.req);
	assert_ptr_equal(arrival.req.msg.name[0], arrival.saved.call.name[0]);
	assert_in_range((uintptr_t)arrival.req.msg.name[1], (uintptr_t)arrival.slot,
			(uintptr_t)arrival.slot + sizeof(arrival.slot));
}

TEST_MAIN(NULL, NULL)
