// SPDX-License-Identifier: LGPL-2.1-or-later
/* mask: data before -> after, attributes before -> after. */
#include "direct.h"

#include <stdio.h>
#include <stdlib.h>

#define N(rows) (sizeof(rows) / sizeof((rows)[0]))

static struct pst_call *read_of(const char *data, uint32_t len, uint64_t offset, uint64_t cell)
{
	struct pst_call *call = direct_call(FUSE_READ);

	memset(call->data, 0, 65536);
	memcpy(call->data, data, len);
	call->data_len = len;
	call->in.read.offset = offset;
	call->cell = cell;
	return call;
}

static void test_blank(void **state)
{
	static const struct {
		const char *before, *after;
	} rows[] = {
		{ "", "" },
		{ "a", "x" },
		{ "\n", "\n" },
		{ "secret\n", "xxxxxx\n" },
		{ "a\n\n\nbcdefghijklm\nn", "x\n\n\nxxxxxxxxxxxx\nx" },
		{ "\x0b\x09\x8a\x0a\x80\xff\x01", "xxx\nxxx" },
	};

	direct_load("mask");
	for (size_t i = 0; i < N(rows); i++) {
		struct pst_call *call = read_of(rows[i].before, strlen(rows[i].before), 77, 0);

		assert_int_equal(direct_post(), 0);
		assert_int_equal(call->data_len, strlen(rows[i].before));
		assert_memory_equal(call->data, rows[i].after, call->data_len);
	}
	direct_load("mask,fill=*,how=blank");
	assert_int_equal(read_of("a\nb", 3, 0, 0)->data_len, 3);
	direct_post();
	assert_memory_equal(direct_again()->data, "*\n*", 3);
}

/* What the filter ought to make of it, a byte at a time. */
static void values(char *data, size_t len, int in_value)
{
	for (size_t i = 0; i < len; i++) {
		if (data[i] == '\n')
			in_value = 0;
		else if (in_value)
			data[i] = 'x';
		else if (data[i] == '=')
			in_value = 1;
	}
}

static void test_values(void **state)
{
	static const struct {
		const char *before, *after;
		uint64_t offset;
	} rows[] = {
		{ "key=value\n", "key=xxxxx\n", 0 },
		{ "key=\n", "key=\n", 0 },
		{ "=\n=", "=\n=", 0 },
		{ "a==b=c\nd", "a=xxxx\nd", 0 },
		{ "# comment\nPASSWORD=hunter2\nnext\n", "# comment\nPASSWORD=xxxxxxx\nnext\n", 0 },
		{ "1234567=x234567\n", "1234567=xxxxxxx\n", 0 },
		{ "12345678=secret, and long enough for three words",
		  "12345678=xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", 0 },
		/* Who begins to read in the middle learns nothing of the line. */
		{ "ret\nkey=value", "xxx\nkey=xxxxx", 4 },
		{ "key=value", "xxxxxxxxx", 1 },
		{ "\nkey=value", "\nkey=xxxxx", 1 },
	};

	direct_load("mask,how=values");
	for (size_t i = 0; i < N(rows); i++) {
		size_t len = strlen(rows[i].before);
		struct pst_call *call = read_of(rows[i].before, len, rows[i].offset, 0);

		assert_int_equal(direct_post(), 0);
		if (memcmp(call->data, rows[i].after, len) != 0)
			fail_msg("'%s' became '%.*s'", rows[i].before, (int)len, call->data);
	}
}

static void test_values_at_random(void **state)
{
	static const char bytes[] = "==\n\nabcdefgh\xff\x80\x3c\x3e\x0b";
	static char before[5000], after[5000];
	unsigned int seed = 7;

	direct_load("mask,how=values");
	for (int i = 0; i < 2000; i++) {
		size_t len = rand_r(&seed) % (i % 20 ? 200 : sizeof(before));
		unsigned int kinds = 2 + rand_r(&seed) % (sizeof(bytes) - 3);
		uint64_t offset = rand_r(&seed) % 2;

		for (size_t k = 0; k < len; k++)
			before[k] = bytes[rand_r(&seed) % kinds];
		memcpy(after, before, len);
		values(after, len, offset != 0);
		read_of(before, len, offset, 0);
		assert_int_equal(direct_post(), 0);
		assert_memory_equal(direct_again()->data, after, len);
	}
}

static void test_empty(void **state)
{
	struct pst_call *call;

	direct_load("mask,how=empty,names=*.key");
	read_of("secret", 6, 0, PST_PATHS_INSIDE);
	assert_int_equal(direct_post(), 0);
	assert_int_equal(direct_again()->data_len, 0);
	call = direct_call(FUSE_LSEEK);
	call->node.attr.mode = S_IFREG;
	call->cell = PST_PATHS_INSIDE;
	assert_int_equal(direct_pre(), -ENXIO);
	call->cell = 0;
	assert_int_equal(direct_pre(), 0);
}

/* What is not masked is not touched. */
static void test_others(void **state)
{
	static const char *const hows[] = { "blank", "values", "empty" };

	for (size_t i = 0; i < N(hows); i++) {
		char spec[64];
		struct pst_call *call;

		snprintf(spec, sizeof(spec), "mask,names=*.key,how=%s", hows[i]);
		direct_load(spec);
		call = read_of("key=value", 9, 0, 0);
		assert_int_equal(direct_post(), 0);
		assert_int_equal(call->data_len, 9);
		assert_memory_equal(call->data, "key=value", 9);
		call->error = -EIO;
		call->cell = PST_PATHS_INSIDE;
		assert_int_equal(direct_post(), 0);
		assert_memory_equal(call->data, "key=value", 9);
	}
}

/* Size and blocks of what is shown as empty; who keeps the filter. */
static void test_attributes(void **state)
{
	static const struct {
		uint32_t opcode, mode;
		const char *how;
		int inside, error;
		uint32_t held;
		int empty;
	} rows[] = {
		{ FUSE_LOOKUP, S_IFREG, "empty", 1, 0, 1, 1 },
		{ FUSE_LOOKUP, S_IFREG, "blank", 1, 0, 1, 0 },
		{ FUSE_LOOKUP, S_IFREG, "empty", 0, 0, 0, 0 },
		{ FUSE_LOOKUP, S_IFDIR, "empty", 0, 0, 1, 0 },
		{ FUSE_LOOKUP, S_IFDIR, "empty", 1, 0, 1, 0 },
		{ FUSE_LOOKUP, S_IFLNK, "empty", 1, 0, 0, 0 },
		{ FUSE_LOOKUP, 0, "empty", 1, -ENOENT, 1, 0 },
		{ FUSE_MKNOD, S_IFIFO, "empty", 1, 0, 0, 0 },
		{ FUSE_MKNOD, S_IFREG, "empty", 1, 0, 1, 1 },
		{ FUSE_LINK, S_IFREG, "empty", 1, 0, 1, 1 },
		{ FUSE_CREATE, S_IFREG, "empty", 1, 0, 1, 1 },
		{ FUSE_CREATE, S_IFREG, "empty", 0, 0, 0, 0 },
		{ FUSE_GETATTR, S_IFREG, "empty", 1, 0, 1, 1 },
		{ FUSE_GETATTR, S_IFREG, "values", 1, 0, 1, 0 },
		{ FUSE_GETATTR, S_IFREG, "empty", 0, 0, 1, 0 },
		{ FUSE_GETATTR, S_IFDIR, "empty", 1, 0, 1, 0 },
		{ FUSE_SETATTR, S_IFREG, "empty", 1, 0, 1, 1 },
	};

	for (size_t i = 0; i < N(rows); i++) {
		struct pst_call *call;
		struct fuse_attr *attr;
		char spec[64];

		snprintf(spec, sizeof(spec), "mask,names=*.key,how=%s", rows[i].how);
		direct_load(spec);
		call = direct_call(rows[i].opcode);
		call->error = rows[i].error;
		call->cell = call->child.cell = rows[i].inside ? PST_PATHS_INSIDE : 0;
		call->node.attr.mode = call->child.attr.mode = rows[i].mode;
		attr = rows[i].opcode == FUSE_CREATE ? &call->out.create.entry.attr :
		       rows[i].opcode == FUSE_GETATTR || rows[i].opcode == FUSE_SETATTR ?
						       &call->out.attr.attr :
						       &call->out.entry.attr;
		attr->size = 1234;
		attr->blocks = 8;
		assert_int_equal(direct_post(), 0);
		if (call->child.held != rows[i].held || attr->size != (rows[i].empty ? 0 : 1234) ||
		    attr->blocks != (rows[i].empty ? 0 : 8))
			fail_msg("row %zu: held %u, size %lu", i, call->child.held, attr->size);
	}
	struct pst_call *call = direct_call(FUSE_STATX);

	call->cell = PST_PATHS_INSIDE;
	call->node.attr.mode = S_IFREG;
	call->out.statx.stat.size = 5;
	direct_post();
	assert_int_equal(call->out.statx.stat.size, 0);
}

/* A page that shows something else must not be written down. */
static void test_writing(void **state)
{
	struct pst_call *call;

	direct_load("mask,names=*.key");
	for (int row = 0; row < 4; row++) {
		call = direct_call(FUSE_WRITE);
		call->cell = row & 1 ? PST_PATHS_INSIDE : 0;
		call->in.write.write_flags = row & 2 ? FUSE_WRITE_CACHE : 0;
		assert_int_equal(direct_pre(), row == 3 ? -EACCES : 0);
	}
}

static void speed(const char *spec)
{
	struct pst_call *call;
	double ns;

	direct_load(spec);
	for (uint32_t len = 131072; len <= DATA_SIZE; len *= 8) {
		call = read_of("", 0, 0, 0);
		for (uint32_t i = 0; i < len; i++)
			call->data[i] = i % 40 ? i % 7 ? 'a' : '=' : '\n';
		call->data_len = len;
		ns = direct_ns(direct_post, 100);
		print_message("%s: %u KiB at %.2f GB/s\n", spec, len / 1024, len / ns);
		/* Less than is to be reached, since others may be busy here: words, not bytes. */
		assert_true(len / ns > 0.2);
	}
}

static void test_speed(void **state)
{
	speed("mask,how=blank");
	speed("mask,how=values");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_blank),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_values_at_random),
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_others),
		cmocka_unit_test(test_attributes),
		cmocka_unit_test(test_writing),
		cmocka_unit_test(test_speed),
	};

	return cmocka_run_group_tests(tests, direct_setup, direct_teardown);
}
