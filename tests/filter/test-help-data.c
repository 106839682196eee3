// SPDX-License-Identifier: LGPL-2.1-or-later
/* Helpers for data, listings and events (help.bpf.c has a program for each). */
#include "direct.h"

#include <stdio.h>

/* -- data ------------------------------------------------------------------------------------- */

struct sum {
	uint64_t bytes, blocks, sum, gaps, stop_at;
};

static struct sum sum_of(uint32_t len, uint64_t stop_at)
{
	struct pst_call *call = direct_call(FUSE_WRITE);
	struct sum sum;

	memset(call->data, 0xee, DATA_SIZE);
	for (uint32_t i = 0; i < len; i++)
		call->data[i] = i % 251;
	call->data_len = len;
	call->in.write.offset = stop_at;
	assert_int_equal(direct_pre(), 0);
	memcpy(&sum, call->out.bytes, sizeof(sum));
	return sum;
}

TEST(data_is_walked_in_blocks_without_gaps, state)
{
	static const uint32_t lens[] = { 0,
					 1,
					 63,
					 64,
					 65,
					 127,
					 128,
					 4095,
					 4096,
					 4097,
					 65536,
					 131072,
					 DATA_SIZE - 63,
					 DATA_SIZE - 1,
					 DATA_SIZE };

	direct_load("help");
	for (size_t i = 0; i < N(lens); i++) {
		struct sum sum = sum_of(lens[i], 0);
		uint64_t want = 0;

		for (uint32_t k = 0; k < lens[i]; k++)
			want += k % 251;
		assert_int_equal(sum.bytes, lens[i]);
		assert_int_equal(sum.blocks, (lens[i] + 63) / 64);
		assert_int_equal(sum.sum, want);
		assert_int_equal(sum.gaps, 0);
	}
	assert_int_equal(sum_of(4096, 3).blocks, 3);
	/* A length larger than a slot must not crash the program. */
	direct_call(FUSE_WRITE)->data_len = 0xffffffff;
	direct_pre();
}

/* -- texts in data ---------------------------------------------------------------------------- */

/* pst_data_replace(): each row has the data before and after the replacement. */
TEST(text_is_replaced_within_the_room_for_data, state)
{
	static const struct {
		const char *options, *data;
		uint8_t at;
		int verdict;
		const char *want;
	} rows[] = {
		{ "from=/old/,to=/new/", "/old/x", 0, 0, "/new/x" },
		{ "from=/old/,to=/older/", "/old/x/y", 0, 0, "/older/x/y" },
		{ "from=/old/,to=/", "/old/x/y", 0, 0, "/x/y" },
		{ "from=/old/,to=", "/old/x", 0, 0, "x" },
		{ "from=/old,to=/somewhere", "/old", 0, 0, "/somewhere" },
		{ "from=,to=abc", "def", 0, 0, "abcdef" },
		{ "from=,to=abc", "def", 3, 0, "defabc" },
		{ "from=a,to=bb", "aXYZ", 1, 0, "abbYZ" },
		{ "from=/old/,to=/new/", "/older", 0, -ENOENT, "/older" },
		{ "from=/old/,to=/new/", "/old", 0, -ENOENT, "/old" },
		{ "from=/old/,to=/new/", "/old/x", 2, -ERANGE, "/old/x" },
		{ "from=a,to=bbbbbbbbbbb", "aXYZ", 0, -EOVERFLOW, "aXYZ" },
	};

	for (size_t i = 0; i < N(rows); i++) {
		struct pst_call *call;
		char spec[64];
		int r;

		snprintf(spec, sizeof(spec), "help,%s", rows[i].options);
		direct_load(spec);
		call = direct_call(FUSE_READLINK);
		call->data_len = strlen(rows[i].data);
		call->data_size = 13;
		memcpy(call->data, rows[i].data, call->data_len);
		call->in.bytes[0] = rows[i].at;
		r = direct_post();
		if (r != rows[i].verdict || call->data_len != strlen(rows[i].want) ||
		    memcmp(call->data, rows[i].want, call->data_len))
			fail_msg("row %zu: %d, %.*s", i, r, (int)call->data_len, call->data);
	}
	/* The text may fill the data to its last byte and not further. */
	for (uint32_t spare = 0; spare < 2; spare++) {
		struct pst_call *call;

		direct_load("help,from=a,to=bb");
		call = direct_call(FUSE_READLINK);
		call->data_size = DATA_SIZE;
		call->data_len = DATA_SIZE - spare;
		memset(call->data, 'a', DATA_SIZE);
		call->data[call->data_len - 1] = 'z';
		assert_int_equal(direct_post(), spare ? 0 : -EOVERFLOW);
		assert_int_equal(call->data_len, DATA_SIZE);
		assert_int_equal(call->data[DATA_SIZE - 1], 'z');
	}
}

/* -- data by its place ------------------------------------------------------------------------ */

TEST(number_is_read_only_within_the_data, state)
{
	static const struct {
		uint64_t at;
		uint32_t len;
		int found;
	} rows[] = {
		{ 0, 8, 1 },
		{ 0, 7, 0 },
		{ 92, 100, 1 },
		{ 93, 100, 0 },
		{ DATA_SIZE - 8, DATA_SIZE, 1 },
		{ DATA_SIZE - 7, DATA_SIZE, 0 },
		{ DATA_SIZE, DATA_SIZE, 0 },
		{ ~0ULL, DATA_SIZE, 0 },
		{ ~0ULL - 6, DATA_SIZE, 0 },
		{ 0, 0, 0 },
	};

	direct_load("help");
	for (size_t i = 0; i < N(rows); i++) {
		struct pst_call *call = direct_call(FUSE_LSEEK);

		call->in.lseek.offset = rows[i].at;
		call->data_len = rows[i].len;
		if (rows[i].found)
			memcpy(call->data + rows[i].at, &(uint64_t){ 1234 }, 8);
		assert_int_equal(direct_pre(), rows[i].found ? 1234 : -ERANGE);
	}
}

/* -- listings --------------------------------------------------------------------------------- */

static struct pst_call *list(const char *const *names, int plus)
{
	struct pst_call *call = direct_call(FUSE_READDIR);
	char *at = call->data;

	memset(call->data, 0, 65536);
	for (int i = 0; names[i]; i++) {
		struct fuse_dirent *dirent;
		char *begin = at;

		if (plus) {
			((struct fuse_entry_out *)at)->attr.mode = 8;
			((struct fuse_entry_out *)at)->nodeid = 100 + i;
			at += sizeof(struct fuse_entry_out);
		}
		dirent = (struct fuse_dirent *)at;
		*dirent = (struct fuse_dirent){ .ino = i, .off = i + 1, .type = 8 };
		dirent->namelen = strlen(names[i]);
		memcpy(at + FUSE_NAME_OFFSET, names[i], dirent->namelen);
		at = begin + FUSE_REC_ALIGN(at - begin + FUSE_NAME_OFFSET + dirent->namelen);
	}
	call->data_len = at - call->data;
	call->in.read.read_flags = plus ? PST_READ_PLUS : 0;
	return call;
}

static void check_list(const char *const *names, int plus, const char *dropped)
{
	struct pst_call *call = direct_again();
	uint32_t at = 0;

	for (int i = 0; names[i]; i++) {
		const struct fuse_entry_out *entry = (void *)(call->data + at);
		const struct fuse_dirent *dirent = (void *)(plus ? (void *)(entry + 1) : entry);

		if (strncmp(names[i], dropped, strlen(dropped)) == 0)
			continue;
		if (plus)
			assert_int_equal(entry->nodeid, 100 + i);
		assert_int_equal(dirent->ino, i);
		assert_int_equal(dirent->off, i + 1);
		assert_int_equal(dirent->namelen, strlen(names[i]));
		assert_memory_equal(dirent->name, names[i], dirent->namelen);
		at += FUSE_REC_ALIGN((plus ? sizeof(*entry) : 0) + FUSE_NAME_OFFSET +
				     dirent->namelen);
	}
	assert_int_equal(call->data_len, at);
}

TEST(dropped_entries_leave_the_listing, state)
{
	static char longest[256];
	static const char *const lists[][8] = {
		{ NULL },
		{ ".", "..", NULL },
		{ "drop", NULL },
		{ "drop1", "drop22", NULL },
		{ "drop1", "a", "bb", NULL },
		{ "a", "drop1", "bb", "drop22", "drop333", "seven77", "eight888", NULL },
		{ "eight888", longest, "drop", longest, "z", NULL },
	};

	memset(longest, 'l', 255);
	direct_load("help,names=drop*");
	for (size_t i = 0; i < N(lists); i++)
		for (int plus = 0; plus < 2; plus++) {
			int n = 0;

			while (lists[i][n])
				n++;
			list(lists[i], plus);
			assert_int_equal(direct_post(), n);
			check_list(lists[i], plus, "drop");
		}
}

/* A listing that fills the data to its last byte, and data that is no listing. */
TEST(full_listing_shrinks_and_malformed_one_ends, state)
{
	struct pst_call *call;
	struct fuse_dirent *dirent;

	direct_load("help,names=drop*");
	call = direct_call(FUSE_READDIR);
	for (size_t at = 0; at < DATA_SIZE; at += 32) {
		dirent = (struct fuse_dirent *)(call->data + at);
		*dirent = (struct fuse_dirent){ .namelen = 5 };
		memcpy(dirent->name, at % 64 ? "drop1" : "stay1", 5);
	}
	call->data_len = DATA_SIZE;
	assert_int_equal(direct_post(), DATA_SIZE / 32);
	assert_int_equal(call->data_len, DATA_SIZE / 2);
	for (size_t at = 0; at < DATA_SIZE / 2; at += 32)
		assert_memory_equal(call->data + at + FUSE_NAME_OFFSET, "stay1", 5);

	for (uint32_t namelen = 0; namelen < 2; namelen++) {
		call = direct_call(FUSE_READDIR);
		call->data_len = 64;
		dirent = (struct fuse_dirent *)call->data;
		*dirent = (struct fuse_dirent){ .namelen = namelen ? 0x7fffffff : 0 };
		direct_post();
		assert_int_equal(call->data_len, 0);
	}
}

TEST(dropped_xattr_leaves_the_list, state)
{
	static const struct {
		const char *before, *after;
		uint32_t len, len_after;
		int n;
	} rows[] = {
		{ "", "", 0, 0, 0 },
		{ "user.a\0user.b", "user.a\0user.b", 14, 14, 2 },
		{ "user.secret", "", 12, 0, 1 },
		{ "user.a\0user.secret\0user.b", "user.a\0user.b", 26, 14, 3 },
		{ "user.secret\0user.secret\0user.secrets", "user.secrets", 37, 13, 3 },
	};

	direct_load("help");
	for (size_t i = 0; i < N(rows); i++) {
		struct pst_call *call = direct_call(FUSE_LISTXATTR);

		memcpy(call->data, rows[i].before, rows[i].len);
		call->data_len = rows[i].len;
		assert_int_equal(direct_post(), rows[i].n);
		assert_int_equal(call->data_len, rows[i].len_after);
		assert_memory_equal(call->data, rows[i].after, rows[i].len_after);
	}
}

TEST(events_arrive_in_order_up_to_the_limit, state)
{
	struct pst_call *call;

	direct_load("help");
	call = direct_call(FUSE_STATFS);
	direct_pre();
	assert_int_equal(call->n_events, PST_N_EVENTS);
	for (int i = 0; i < PST_N_EVENTS; i++) {
		assert_string_equal(call->event[i].what, "word");
		assert_int_equal(call->event[i].value[0], i);
		assert_int_equal(call->event[i].value[1], 10 * i);
	}
}

TEST_MAIN(direct_setup, direct_teardown)
