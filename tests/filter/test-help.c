// SPDX-License-Identifier: LGPL-2.1-or-later
/* The helpers that filters are written with (help.bpf.c has a program for each). */
#include "direct.h"

#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>

/* -- globs ------------------------------------------------------------------------------------ */

static int glob(const char *pattern, const char *name)
{
	direct_call(FUSE_LOOKUP);
	direct_name(0, name);
	direct_name(1, pattern);
	return direct_pre();
}

static void test_globs(void **state)
{
	static const struct {
		const char *pattern, *name;
		int matches;
	} rows[] = {
		{ "", "", 1 },
		{ "", "a", 0 },
		{ "a", "", 0 },
		{ "a", "a", 1 },
		{ "a", "ab", 0 },
		{ "ab", "a", 0 },
		{ "*", "", 1 },
		{ "*", "anything at all", 1 },
		{ "**", "x", 1 },
		{ "a*", "a", 1 },
		{ "a*", "b", 0 },
		{ "*a", "bba", 1 },
		{ "*a", "bbab", 0 },
		{ "*a*b*", "xxaxxbxx", 1 },
		{ "*a*b*", "xxbxxaxx", 0 },
		{ "*ab", "aaaab", 1 },
		{ "*aab*", "aaaaaaaabaa", 1 },
		{ "*aab", "aaabaaaabc", 0 },
		{ "a*a*a*a*b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", 0 },
		{ "?", "", 0 },
		{ "?", "a", 1 },
		{ "?", "ab", 0 },
		{ "??*", "a", 0 },
		{ "??*", "abc", 1 },
		{ "*?", "", 0 },
		{ "*?", "a", 1 },
		{ "*?b", "aab", 1 },
		{ "[a]", "a", 1 },
		{ "[a]", "b", 0 },
		{ "[a]", "", 0 },
		{ "[abc]x", "bx", 1 },
		{ "[a-c]x", "cx", 1 },
		{ "[a-c]x", "dx", 0 },
		{ "[!a-c]x", "dx", 1 },
		{ "[!a-c]x", "ax", 0 },
		{ "[!a]", "", 0 },
		{ "[a-]", "-", 1 },
		{ "[-a]", "-", 1 },
		{ "[a-cx-z]", "y", 1 },
		{ "[a-cx-z]", "m", 0 },
		{ "[*]", "*", 1 },
		{ "[*]", "a", 0 },
		{ "[?]", "?", 1 },
		{ "[\\]]", "]", 1 },
		{ "[\\]]", "\\", 0 },
		{ "[a\\-c]", "b", 0 },
		{ "[a\\-c]", "-", 1 },
		{ "[\\a-c]", "b", 1 },
		{ "*[ab]c", "xxbac", 1 },
		{ "*[ab]c", "xxbcc", 0 },
		{ "*[!a]", "aaaa", 0 },
		{ "*[!a]", "aaab", 1 },
		{ "\\*", "*", 1 },
		{ "\\*", "a", 0 },
		{ "\\?x", "?x", 1 },
		{ "\\[a]", "[a]", 1 },
		{ "\\[a]", "a", 0 },
		{ "a\\b", "ab", 1 },
		{ ".*", ".env", 1 },
		{ "id_[a-z]*", "id_rsa", 1 },
		{ "id_[a-z]*", "id_", 0 },
		{ "*.t?r.[gx]z", "a.tar.gz", 1 },
		{ "*.t?r.[gx]z", "a.tar.bz", 0 },
		{ "[\xc3]*", "\xc3\xa4", 1 },
		/* What the loader refuses matches nothing. */
		{ "[", "[", 0 },
		{ "[a", "a", 0 },
		{ "\\", "\\", 0 },
	};

	direct_load("help");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (glob(rows[i].pattern, rows[i].name) != rows[i].matches)
			fail_msg("'%s' and '%s': should be %d", rows[i].pattern, rows[i].name,
				 rows[i].matches);
}

/* libc is asked about globs that nobody thought of. */
static void test_globs_at_random(void **state)
{
	static const char *const pieces[] = { "a", "b", "*", "?", "[ab]", "[!a]", "[a-b]", "\\*", "*" };
	unsigned int seed = 1, n_matches = 0;

	direct_load("help");
	for (int i = 0; i < 5000; i++) {
		char pattern[64] = "", name[16] = "";
		int n = rand_r(&seed) % 8, len = rand_r(&seed) % 10, want;

		for (int k = 0; k < n; k++)
			strcat(pattern, pieces[rand_r(&seed) % 9]);
		for (int k = 0; k < len; k++)
			name[k] = "ab*"[rand_r(&seed) % 3];
		want = fnmatch(pattern, name, 0) == 0;
		n_matches += want;
		if (glob(pattern, name) != want)
			fail_msg("'%s' and '%s': should be %d", pattern, name, want);
	}
	assert_in_range(n_matches, 500, 4500);
}

/* The longest names and the worst glob come to an end, and to the right one. */
static void test_long_globs(void **state)
{
	char pattern[256] = "", name[300];

	direct_load("help");
	memset(name, 'a', 255);
	name[255] = '\0';
	assert_int_equal(glob("*", name), 1);
	assert_int_equal(glob("*a", name), 1);
	assert_int_equal(glob("*b", name), 0);
	memset(pattern, '?', 255);
	assert_int_equal(glob(pattern, name), 1);
	pattern[254] = '\0';
	assert_int_equal(glob(pattern, name), 0);
	memset(pattern, 0, sizeof(pattern));
	for (int i = 0; i < 127; i++)
		memcpy(pattern + 2 * i, "*a", 2);
	assert_int_equal(glob(pattern, name), 1);
	pattern[253] = 'b';
	assert_int_equal(glob(pattern, name), 0);
	/* No file system has such a name. */
	memset(name, 'a', 256);
	name[256] = '\0';
	assert_int_equal(glob("*", name), 0);
}

/* -- names ------------------------------------------------------------------------------------ */

static int match(const char *name)
{
	direct_call(FUSE_OPEN);
	direct_name(1, name);
	return direct_pre();
}

static void test_names(void **state)
{
	static const struct {
		const char *name;
		int matches;
	} rows[] = {
		{ ".env", 1 },	    { ".envx", 0 },	{ "x.env", 0 },	   { "a.key", 1 },
		{ ".key", 1 },	    { "key", 0 },	{ "a.keys", 0 },   { "core", 1 },
		{ "core.1", 1 },    { "cor", 0 },	{ "id_rsa", 1 },   { "id_9", 0 },
		{ "a*b", 1 },	    { "axb", 0 },	{ "x.tar.gz", 1 }, { "x.tar", 0 },
		{ "", 0 },	    { "quite a long name that has more bytes than a word", 1 },
		{ "quite a long name that has more bytes than a worD", 0 },
	};
	char name[300];

	direct_load("help,names=.env:*.key:core*:id_[a-z]*:a\\*b:*.tar.gz:"
		    "quite a long name that has more bytes than a word");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (match(rows[i].name) != rows[i].matches)
			fail_msg("'%s': should be %d", rows[i].name, rows[i].matches);
	memset(name, 'n', 251);
	strcpy(name + 251, ".key");
	assert_int_equal(match(name), 1);
	name[254] = 'x';
	assert_int_equal(match(name), 0);
	strcpy(name + 252, ".key");
	assert_int_equal(match(name), 0);
	direct_load("help");
	assert_int_equal(match(".env"), 0);
	assert_int_equal(match(""), 0);
	direct_load("help,names=*");
	assert_int_equal(match("a"), 1);
}

/* Patterns of each length there is, of all kinds. */
static void test_name_lengths(void **state)
{
	for (int len = 1; len < 255; len += len < 70 ? 1 : 17) {
		char spec[600] = "help,names=", name[300] = "";
		size_t at = strlen(spec);

		memset(spec + at, 'p', len);
		strcat(spec, "*:*");
		memset(spec + strlen(spec), 's', len);
		direct_load(spec);
		memset(name, 'p', len);
		assert_int_equal(match(name), 1);
		strcat(name, "x");
		assert_int_equal(match(name), len < 255);
		name[len - 1] = 'x';
		assert_int_equal(match(name), 0);
		memset(name, 's', len);
		name[len] = '\0';
		assert_int_equal(match(name), 1);
		memmove(name + 1, name, len + 1);
		name[0] = 'x';
		assert_int_equal(match(name), 1);
		name[len] = 'x';
		assert_int_equal(match(name), 0);
	}
}

/* The list of n names and n suffixes with this in front. */
static char *many(const char *front, int n)
{
	char *spec = malloc(64 * n + 64), *p = spec;

	assert_non_null(spec);
	p += sprintf(p, "%s", front);
	for (int i = 0; i < n; i++)
		p += sprintf(p, "%s%s%d%s", i ? ":" : "", i % 2 ? "*.e" : "name", 100000 + i,
			     i % 2 ? "" : ".c");
	return spec;
}

static void test_many_names(void **state)
{
	static const char *const absent[] = { "name100001.c", "name101000.c", "x.e100000", "name", "" };
	char *spec = many("help,names=", 1000);
	char name[64];

	direct_load(spec);
	free(spec);
	for (int i = 0; i < 1000; i++) {
		snprintf(name, sizeof(name), i % 2 ? "x.e%d" : "name%d.c", 100000 + i);
		if (!match(name))
			fail_msg("'%s': should match", name);
	}
	for (size_t i = 0; i < sizeof(absent) / sizeof(absent[0]); i++)
		assert_int_equal(match(absent[i]), 0);
}

/* A thousand patterns cost as much as two, but for noise. */
static void test_many_names_cost(void **state)
{
	double few, much;
	char *spec;

	spec = many("help,names=", 2);
	direct_load(spec);
	free(spec);
	match("a-name-like-others.c");
	few = direct_ns(direct_pre, 20000);
	spec = many("help,names=", 1000);
	direct_load(spec);
	free(spec);
	match("a-name-like-others.c");
	much = direct_ns(direct_pre, 20000);
	printf("names: %.0f ns with 2 patterns, %.0f ns with 1000\n", few, much);
	assert_true(much < few + 2000);
}

static void test_name_is(void **state)
{
	static const struct {
		const char *name;
		int is;
	} rows[] = { { "lost+found", 1 }, { "lost+foun", 0 }, { "lost+found2", 0 }, { "", 0 } };

	direct_load("help");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		direct_call(FUSE_UNLINK);
		direct_name(0, rows[i].name);
		assert_int_equal(direct_pre(), rows[i].is);
	}
}

static void test_ids(void **state)
{
	static const struct {
		uint32_t uid;
		int matches;
	} rows[] = { { 0, 1 }, { 1, 0 }, { 999, 0 }, { 1000, 1 }, { 1999, 1 }, { 2000, 0 },
		     { 4294967295u, 1 } };

	direct_load("help,ids=0:1000-1999:4294967295");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		direct_call(FUSE_GETATTR)->caller.uid = rows[i].uid;
		assert_int_equal(direct_pre(), rows[i].matches);
	}
	direct_load("help");
	direct_call(FUSE_GETATTR);
	assert_int_equal(direct_pre(), 0);
}

static void test_ops(void **state)
{
	static const struct {
		uint32_t opcode;
		int matches;
	} rows[] = { { FUSE_MKDIR, 1 }, { FUSE_REMOVEXATTR, 1 }, { FUSE_SETXATTR, 1 },
		     { FUSE_RMDIR, 0 }, { FUSE_SYMLINK, 0 },	  { FUSE_COPY_FILE_RANGE, 1 } };

	direct_load("help,ops=mkdir:*xattr:copy");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		direct_call(rows[i].opcode);
		assert_int_equal(direct_pre(), rows[i].matches);
	}
}

/* -- paths ------------------------------------------------------------------------------------ */

static void test_paths(void **state)
{
	static const struct {
		const char *path;
		int inside;
	} rows[] = {
		{ "", 0 },
		{ "etc", 0 },
		{ "etc/ssl", 1 },
		{ "etc/ssl/private", 1 },
		{ "etc/ssl/private/a/b/c", 1 },
		{ "etc/sslx", 0 },
		{ "etc/ss", 0 },
		{ "ssl", 0 },
		{ "etc/etc/ssl", 0 },
		{ "x/etc/ssl", 0 },
		{ "src", 0 },
		{ "src/build", 0 },
		{ "src/build-1", 1 },
		{ "src/build-1/x", 1 },
		{ "src/x/build-1", 0 },
		{ "home/anna/.ssh", 1 },
		{ "home/bob/.ssh/id", 1 },
		{ "home/.ssh", 0 },
		{ "home/anna/x/.ssh", 0 },
		{ "home/anna/.gnupg/private", 1 },
		{ "home/anna/.gnupg/public", 0 },
		{ "a", 1 },
		{ "a/b/c", 1 },
		{ "lost", 0 },
	};

	direct_load("help,paths=/etc/ssl:src/build-*:/home/*/.ssh:home/anna/.gnupg/priv*:/a:/a/b");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if ((int)(direct_cell(rows[i].path) >> 63) != rows[i].inside)
			fail_msg("'%s': should be %d", rows[i].path, rows[i].inside);
}

/* As many components as there can be, and a path that needs the last of them. */
static void test_long_paths(void **state)
{
	char spec[400] = "help,paths=", path[300] = "";

	for (int i = 0; i < PST_MAX_STEPS; i++) {
		sprintf(spec + strlen(spec), "/%d", i);
		if (i < PST_MAX_STEPS - 1)
			sprintf(path + strlen(path), "/%d", i);
	}
	direct_load(spec);
	assert_int_equal(direct_cell(path), 1ULL << (PST_MAX_STEPS - 1));
	sprintf(path + strlen(path), "/%d", PST_MAX_STEPS - 1);
	assert_int_equal(direct_cell(path), PST_PATHS_INSIDE);
}

/* A hard link does not lose what its file has; a directory is where it is. */
static void test_hard_links(void **state)
{
	struct pst_call *call;

	direct_load("help,paths=/secret");
	for (int row = 0; row < 3; row++) {
		call = direct_call(FUSE_LOOKUP);
		direct_name(0, "other");
		call->cell = direct_facts()->cell;
		call->child.known = row > 0;
		call->child.known_cell = PST_PATHS_INSIDE;
		call->child.attr.mode = row == 2 ? S_IFDIR : S_IFREG;
		assert_int_equal(direct_named(), row == 1);
	}
}

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

static void test_data_each(void **state)
{
	static const uint32_t lens[] = { 0,    1,    63,   64,    65,	 127,	  128,
					 4095, 4096, 4097, 65536, 131072, DATA_SIZE - 63,
					 DATA_SIZE - 1, DATA_SIZE };

	direct_load("help");
	for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
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
	/* A length that cannot be leads nowhere. */
	direct_call(FUSE_WRITE)->data_len = 0xffffffff;
	direct_pre();
}

static void test_data(void **state)
{
	static const struct {
		uint64_t at;
		uint32_t len;
		int found;
	} rows[] = {
		{ 0, 8, 1 },	     { 0, 7, 0 },	       { 92, 100, 1 },
		{ 93, 100, 0 },	     { DATA_SIZE - 8, DATA_SIZE, 1 },
		{ DATA_SIZE - 7, DATA_SIZE, 0 }, { DATA_SIZE, DATA_SIZE, 0 },
		{ ~0ULL, DATA_SIZE, 0 }, { ~0ULL - 6, DATA_SIZE, 0 }, { 0, 0, 0 },
	};

	direct_load("help");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
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

static void test_dirents(void **state)
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
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		for (int plus = 0; plus < 2; plus++) {
			int n = 0;

			while (lists[i][n])
				n++;
			list(lists[i], plus);
			assert_int_equal(direct_post(), n);
			check_list(lists[i], plus, "drop");
		}
}

/* Data that is full to its last byte, and data that is no listing. */
static void test_odd_dirents(void **state)
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

static void test_xattrs(void **state)
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
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct pst_call *call = direct_call(FUSE_LISTXATTR);

		memcpy(call->data, rows[i].before, rows[i].len);
		call->data_len = rows[i].len;
		assert_int_equal(direct_post(), rows[i].n);
		assert_int_equal(call->data_len, rows[i].len_after);
		assert_memory_equal(call->data, rows[i].after, rows[i].len_after);
	}
}

static void test_events(void **state)
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_globs),
		cmocka_unit_test(test_globs_at_random),
		cmocka_unit_test(test_long_globs),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_name_lengths),
		cmocka_unit_test(test_many_names),
		cmocka_unit_test(test_many_names_cost),
		cmocka_unit_test(test_name_is),
		cmocka_unit_test(test_ids),
		cmocka_unit_test(test_ops),
		cmocka_unit_test(test_paths),
		cmocka_unit_test(test_long_paths),
		cmocka_unit_test(test_hard_links),
		cmocka_unit_test(test_data_each),
		cmocka_unit_test(test_data),
		cmocka_unit_test(test_dirents),
		cmocka_unit_test(test_odd_dirents),
		cmocka_unit_test(test_xattrs),
		cmocka_unit_test(test_events),
	};

	return cmocka_run_group_tests(tests, direct_setup, direct_teardown);
}
