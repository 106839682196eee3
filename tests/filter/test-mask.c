// SPDX-License-Identifier: LGPL-2.1-or-later
/* mask: data and attributes before and after, and refused operations. */
#include "direct.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

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

TEST(blank_replaces_all_but_newlines, state)
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

static const char *shown(const char *before, uint64_t offset)
{
	struct pst_call *call = read_of(before, strlen(before), offset, 0);

	assert_int_equal(direct_post(), 0);
	call->data[call->data_len] = '\0';
	return call->data;
}

/* Each row: lines of some form, and the bytes that the filter shows. */
TEST(values_shows_keys_and_masks_values, state)
{
	static const struct {
		const char *before, *after;
	} rows[] = {
		{ "key=value\n", "key=xxxxx\n" },
		{ "KEY_2.b-c = v v\n", "KEY_2.b-c = xxx\n" },
		{ "export A=b\n", "export A=x\n" },
		{ "export  A=b\n", "export  A=x\n" },
		{ "exports A=b\n", "xxxxxxxxxxx\n" },
		{ "URL: x\n", "URL: x\n" },
		{ "URL: https://a:b@c\r\n", "URL: xxxxxxxxxxxxxx\n" },
		{ "\"token\": \"abc\"\n", "\"token\": xxxxx\n" },
		{ "'token' :'abc'\n", "'token' :xxxxx\n" },
		{ "\"k\" = \"v\"\n", "\"k\" = xxx\n" },
		{ "{\n  \"a\": {\n    \"b\": 1,\n    \"c\": [\n \"d\"\n]}}\n",
		  "x\n  \"a\": x\n    \"b\": xx\n    \"c\": x\nxxxx\nxxx\n" },
		{ "a:\n  b: c\n  - d: e\n    f: g\n", "a:\n  b: x\n  - d: x\n    f: x\n" },
		{ "[section]\nkey = value\n\turl = b\n", "xxxxxxxxx\nkey = xxxxx\nxxxxxxxx\n" },
		{ "[remote]\n\turl = a\n\tfetch = b\n", "xxxxxxxx\n\turl = x\n\tfetch = x\n" },
		{ "a='b c'\nd=\"e\"'g'\nh=\n\ni=j", "a=xxxxx\nd=xxxxxx\nxx\n\ni=x" },
		{ "a=it \"is\" # don't\nb=c\n", "a=xxxxxxxxxxxxxxx\nb=x\n" },
		{ "a: \"it's\"\nb: 'say \"x\"'\nc: 1\n", "a: xxxxxx\nb: xxxxxxxxx\nc: x\n" },
		{ "a: 'it''s'\nb: c\n", "a: xxxxxxx\nb: x\n" },
		{ "a: \"q\\\"\\\\\"\nb: c\n", "a: xxxxxxx\nb: x\n" },
		{ "  \n\t\n a: b\n", "  \n\t\n a: x\n" },
		{ "12345678=secret\n_234567=secret, and long enough for three words",
		  "xxxxxxxxxxxxxxx\n_234567=xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx" },
	};

	direct_load("mask,how=values");
	for (size_t i = 0; i < N(rows); i++) {
		const char *after = shown(rows[i].before, 0);

		if (strcmp(after, rows[i].after) != 0)
			fail_msg("'%s' became '%s', should be '%s'", rows[i].before, after,
				 rows[i].after);
	}
	/*
	 * A key at the end of the read may be incomplete, so it is masked, as is a text that is too
	 * long for a key.
	 */
	assert_string_equal(shown("a=b\nkey", 0), "a=x\nxxx");
	assert_string_equal(shown("a=b\nkey=", 0), "a=x\nxxxx");
	assert_string_equal(shown("a=b\nkey:", 0), "a=x\nxxxx");
	char line[200];

	memset(line, 'k', sizeof(line));
	strcpy(line + 190, "=v\n");
	assert_null(strchr(shown(line, 0), 'k'));
	strcpy(line + 120, "=v\n");
	assert_non_null(strstr(shown(line, 0), "kkk=x"));
}

/* The filter shows no byte that may be part of a value; only values have the letter S. */
TEST(values_shows_nothing_that_may_be_a_value, state)
{
	static const char *const texts[] = {
		"K=\"a\nS=S\nS: S\nS\"\nb=S\n",
		"K='a\n\"S\": S\nS=S'\n",
		"K=\"a\\\"\nS=S\"\nk: S\n",
		"k: |\n  S=S\n  S: S\nb: S\n",
		"k: >-\n  S: S\n\n  S=S\n",
		"k: !!binary |\n  S: S\n",
		"k: text\n  S=S\n",
		"K=a\\\nS=S\nb=S\n",
		"K=a\\\r\nS=S\n",
		"# S=S\n; S=S\n  # \"S: S\n",
		"k=S # S=S\n",
		"-----BEGIN KEY-----\nSSSSSSSS\nSSSS=\nSSS==\nSS= \nS=\r\n-----END KEY-----\n",
		"SSSSS\nS S: S\nS/S=S\nS:S\nS@S: S\n",
		"http://S:S@S/?S=S\n",
		"- S=S\n- S\n- \"S\"\n",
		"[\"S\", \"S\"]\n[\n\"S\",\n'S'\n]\n",
		"{\"S\": \"S\", \"S\": 1}\n",
		/* Quotes that may be open or closed. */
		"a=it's\nS=S\n",
		"a=\"\"\"x\nS=S\n\"\"\"\nS=S\n",
		"a='x\\'\nS=S\n",
		"a=$(cat <<'E'\nS=S\nE\n)\n",
		"\"a\nS: S\n\"\n",
		"\"a\nS: S\n\": \"\nS: S\n\"\n",
		"machine S login S password S\n",
		"S:$6$S:1:2\nS:S:::S\n",
	};

	direct_load("mask,how=values");
	for (size_t i = 0; i < N(texts); i++) {
		const char *after = shown(texts[i], 0);

		if (strchr(after, 'S'))
			fail_msg("'%s' became '%s'", texts[i], after);
	}
	/* A read that begins in the middle of a line shows no key of that line. */
	assert_string_equal(shown("ret\nkey=value", 4), "xxx\nxxxxxxxxx");
	assert_string_equal(shown("\nkey=value", 1), "\nxxxxxxxxx");
}

/* Random bytes at any place in a word: each byte is shown or masked, and none is added. */
TEST(random_data_is_masked_byte_for_byte, state)
{
	static const char bytes[] = "=\n: \"'ab-#\\{[\t=\n: export\xff\x80\x01";
	static char before[5000];
	unsigned int seed = 7;

	direct_load("mask,how=values");
	for (int i = 0; i < 3000; i++) {
		size_t len = rand_r(&seed) % (i % 20 ? 200 : sizeof(before));
		unsigned int kinds = 2 + rand_r(&seed) % (sizeof(bytes) - 3);
		struct pst_call *call;

		for (size_t k = 0; k < len; k++)
			before[k] = bytes[rand_r(&seed) % kinds];
		call = read_of(before, len, 0, 0);
		assert_int_equal(direct_post(), 0);
		assert_int_equal(call->data_len, len);
		for (size_t k = 0; k < len; k++)
			if (call->data[k] != before[k] && call->data[k] != 'x')
				fail_msg("byte %zu of %zu is %d", k, len, call->data[k]);
		for (size_t k = 0; k < len; k++)
			if (before[k] == '\n')
				assert_int_equal(call->data[k], '\n');
		/* These bytes cannot be part of a key, so the filter never shows them. */
		assert_null(memchr(call->data, '\xff', len));
		assert_null(memchr(call->data, '\\', len));
	}
}

/* Random files of known parts; S appears in values only. */
TEST(random_files_show_no_value, state)
{
	static const char *const parts[] = {
		"a=SS\n",
		"export b_c='S S'\n",
		"d: SSSS SS\n",
		"\"e\": \"S'S\",\n",
		"f=\"S\nS=S\nS: S\"\n",
		"g:\n",
		"  h: S\n",
		"# i S'S=\n",
		"k=S \\\nS=S\n",
		"\n",
		"l=S # S\n",
		"SS SS\n",
		"  S=S\n",
		"m: |\n   S: S\n   S=S\n",
		"n = \"\"\n",
		"{\n",
		"}\n",
	};
	static char text[8192];
	unsigned int seed = 11;

	direct_load("mask,how=values");
	for (int i = 0; i < 2000; i++) {
		const char *after;

		text[0] = '\0';
		for (unsigned int k = 1 + rand_r(&seed) % 60; k; k--) {
			unsigned int part = rand_r(&seed) % N(parts);

			/*
			 * A line that stands alone may be a key; after other lines it may continue
			 * their value.
			 */
			if (strcmp(parts[part], "  S=S\n") == 0)
				strcat(text, "o: S\n");
			strcat(text, parts[part]);
		}
		after = shown(text, 0);
		if (strchr(after, 'S'))
			fail_msg("'%s' became '%s'", text, after);
		if (strncmp(text, "a=", 2) == 0)
			assert_memory_equal(after, "a=xx", 4);
	}
}

TEST(empty_file_has_no_data, state)
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

/* The filter does not change files without a match. */
TEST(files_that_do_not_match_stay_unmasked, state)
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

/* Attributes of files shown as empty, and which files the filter stays on. */
TEST(empty_file_shows_size_0_and_others_their_own, state)
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

/* Operations on a masked file that are refused, with and without write=allow. */
TEST(masked_file_cannot_be_written_unless_allowed, state)
{
	static const struct {
		uint32_t opcode, flags; /* of an open, of what is set, of a write */
		int denied, allowed;    /* where the file is masked */
	} rows[] = {
		{ FUSE_OPEN, O_RDONLY, 0, 0 },
		{ FUSE_OPEN, O_RDWR, -EPERM, 0 },
		{ FUSE_OPEN, O_WRONLY | O_APPEND, -EPERM, 0 },
		{ FUSE_OPEN, O_RDONLY | O_TRUNC, -EPERM, 0 },
		{ FUSE_SETATTR, FATTR_MODE, 0, 0 },
		{ FUSE_SETATTR, FATTR_SIZE, -EPERM, 0 },
		{ FUSE_SETATTR, FATTR_SIZE | FATTR_FH, 0, 0 },
		{ FUSE_WRITE, 0, 0, 0 },
		/* A page of the page cache has masked bytes, which must not overwrite the file. */
		{ FUSE_WRITE, FUSE_WRITE_CACHE, -EACCES, -EACCES },
	};

	for (size_t i = 0; i < 4 * N(rows); i++) {
		struct pst_call *call;
		int masked = i & 1, allow = i >> 1 & 1;

		direct_load(allow ? "mask,names=*.key,write=allow" : "mask,names=*.key");
		call = direct_call(rows[i / 4].opcode);
		call->cell = masked ? PST_PATHS_INSIDE : 0;
		if (call->opcode == FUSE_OPEN)
			call->in.open.flags = rows[i / 4].flags;
		else if (call->opcode == FUSE_SETATTR)
			call->in.setattr.valid = rows[i / 4].flags;
		else
			call->in.write.write_flags = rows[i / 4].flags;
		assert_int_equal(direct_pre(), !masked ? 0 :
					       allow   ? rows[i / 4].allowed :
							 rows[i / 4].denied);
	}
}

static void speed(const char *spec, uint64_t offset, double least)
{
	struct pst_call *call;
	double ns;

	if (direct_in_process())
		least /= 20;
	direct_load(spec);
	for (uint32_t len = 131072; len <= DATA_SIZE; len *= 8) {
		call = read_of("", 0, offset, 0);
		for (uint32_t i = 0; i < len; i++)
			call->data[i] = i % 40 ? i % 7 ? 'a' : '=' : '\n';
		call->data_len = len;
		ns = direct_ns(direct_post, direct_in_process() ? 2 : 100);
		print_message("%s at %llu: %u KiB at %.2f GB/s\n", spec, (unsigned long long)offset,
			      len / 1024, len / ns);
		/*
		 * The limit is lower than what the filter reaches, because other processes may use
		 * the CPU; a loop over bytes would still fail.
		 */
		assert_true(len / ns > least);
	}
}

TEST(mask_reaches_its_least_speed, state)
{
	speed("mask,how=blank", 0, 0.2);
	/* The filter looks for keys byte by byte, only in the first read of a file. */
	speed("mask,how=values", 0, 0.01);
	speed("mask,how=values", 4096, 0.2);
}

TEST_MAIN(direct_setup, direct_teardown)
