// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Specs of filters: parsing, values of options, and errors. Objects are opened and not loaded, so
 * the test needs no privilege.
 */
#include "../test.h"

#include <elf.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "ebpf/load.h"
#include "ebpf/value-ids.h"
#include "ebpf/value-map.h"
#include "ebpf/value-perms.h"
#include "ebpf/value.h"
#include "util/cleanup.h"

/* No restriction beyond the type. */
static const struct takes any;

/* Each row: a text, and its parts in brackets. */
TEST(spec_splits_into_file_and_options, state)
{
	static const struct {
		const char *text, *parts;
	} rows[] = {
		{ "hide", "[hide]" },
		{ "hide,names=*.key:.env,log", "[hide][names][*.key:.env][log]" },
		{ "./a.o,x=", "[./a.o][x][]" },
		{ "a,,b=1,", "[a][b][1]" },
		{ "a,x=1\\,2,y=3", "[a][x][1,2][y][3]" },
		{ "a,x=\\*\\\\,y", "[a][x][\\*\\\\][y]" },
		{ "a,x=b=c", "[a][x][b=c]" },
		{ "a,x=\\", "[a][x][\\]" },
	};

	for (size_t i = 0; i < N(rows); i++) {
		_cleanup_(spec_fini) struct spec spec = { 0 };
		struct pst_error error;
		char all[256];
		size_t len;

		assert_int_equal(spec_parse(rows[i].text, &spec, &error), 0);
		len = snprintf(all, sizeof(all), "[%s]", spec.what);
		for (size_t j = 0; j < spec.n_options; j++) {
			const struct spec_option *option = &spec.options[j];

			len += snprintf(all + len, sizeof(all) - len, "[%s]", option->name);
			if (option->value)
				len += snprintf(all + len, sizeof(all) - len, "[%s]",
						option->value);
		}
		assert_string_equal(all, rows[i].parts);
	}
}

TEST(filter_is_named_after_its_file, state)
{
	static const char *const rows[][2] = {
		{ "/usr/lib/hide.bpf.o", "hide" },
		{ "a.o", "a" },
		{ "x/.o", ".o" },
		{ "x/plain", "plain" },
		{ "a.b.bpf.o", "a.b" },
	};

	for (size_t i = 0; i < N(rows); i++) {
		_cleanup_(freep) char *name = spec_name(rows[i][0]);

		assert_string_equal(name, rows[i][1]);
	}
}

/* Each row: a text, size and sign of the integer, and its value, or that it is refused. */
TEST(integer_out_of_range_is_refused, state)
{
	static const struct {
		const char *text;
		size_t size;
		bool is_signed, refused;
		const char *value;
	} rows[] = {
		{ "0", 1, false, false, "0" },
		{ "255", 1, false, false, "255" },
		{ "256", 1, false, true },
		{ "-1", 1, false, true },
		{ "127", 1, true, false, "127" },
		{ "128", 1, true, true },
		{ "-128", 1, true, false, "-128" },
		{ "-129", 1, true, true },
		{ "0xffff", 2, false, false, "65535" },
		{ "0644", 4, false, false, "420" },
		{ "64k", 2, false, true },
		{ "63k", 2, false, false, "64512" },
		{ "4K", 4, false, false, "4096" },
		{ "3M", 4, false, false, "3145728" },
		{ "2g", 4, false, false, "2147483648" },
		{ "2G", 4, true, true },
		{ "-2G", 4, true, false, "-2147483648" },
		{ "18446744073709551615", 8, false, false, "18446744073709551615" },
		{ "18446744073709551616", 8, false, true },
		{ "18014398509481984k", 8, false, true },
		{ "9223372036854775807", 8, true, false, "9223372036854775807" },
		{ "-9223372036854775808", 8, true, false, "-9223372036854775808" },
		{ "-9223372036854775809", 8, true, true },
		{ "", 4, false, true },
		{ "-", 4, true, true },
		{ "--1", 4, true, true },
		{ "+1", 4, true, true },
		{ " 1", 4, false, true },
		{ "1 ", 4, false, true },
		{ "1kk", 4, false, true },
		{ "k", 4, false, true },
		{ "1.5", 4, false, true },
		{ "0x", 4, false, true },
		{ "many", 4, false, true },
	};

	for (size_t i = 0; i < N(rows); i++) {
		unsigned char number[16];
		struct pst_error error;
		char text[32];
		int r;

		memset(number, 0xaa, sizeof(number));
		r = value_integer(rows[i].text, &any, rows[i].size, rows[i].is_signed, number,
				  &error);
		if ((r < 0) != rows[i].refused)
			fail_msg("%s: %d", rows[i].text, r);
		assert_int_equal(number[rows[i].size], 0xaa);
		if (r < 0) {
			assert_non_null(strstr(error.text, "number from"));
			assert_int_equal(number[0], 0xaa);
			continue;
		}
		value_print_integer(number, rows[i].size, rows[i].is_signed, text, sizeof(text));
		assert_string_equal(text, rows[i].value);
	}
}

/* Each row: a list of ids, and its ranges. NULL: refused. */
TEST(id_list_becomes_ranges_or_is_refused, state)
{
	static const struct {
		const char *list, *ranges;
	} rows[] = {
		{ "0", "0-0 " },
		{ "0:1000-1999:7", "0-0 1000-1999 7-7 " },
		{ "*", "0-18446744073709551615 " },
		{ "5-5", "5-5 " },
		{ "1:2:3:4:5:6:7:8:9:10:11:12:13:14:15:16",
		  "1-1 2-2 3-3 4-4 5-5 6-6 7-7 8-8 9-9 10-10 11-11 12-12 13-13 14-14 "
		  "15-15 16-16 " },
		{ "1:2:3:4:5:6:7:8:9:10:11:12:13:14:15:16:17", NULL },
		{ "2-1", NULL },
		{ "", NULL },
		{ "1:", NULL },
		{ "-1", NULL },
		{ "1-", NULL },
		{ "1-2-3", NULL },
		{ "root", NULL },
		{ "/no/such/cgroup", NULL },
		{ "/proc", NULL },
		{ "/etc/passwd", NULL },
	};

	for (size_t i = 0; i < N(rows); i++) {
		_cleanup_(freep) char *list = strdup(rows[i].list);
		struct pst_ids ids = { .n = 4711 };
		struct pst_error error;
		char all[256] = "";
		size_t len = 0;
		int r = value_ids(list, &any, &ids, sizeof(ids), &error);

		if ((r < 0) != !rows[i].ranges)
			fail_msg("'%s': %d", rows[i].list, r);
		if (r < 0) {
			assert_int_equal(ids.n, 4711);
			continue;
		}
		for (size_t j = 0; j < ids.n; j++)
			len += snprintf(all + len, sizeof(all) - len, "%" PRIu64 "-%" PRIu64 " ",
					ids.range[j].from, ids.range[j].to);
		assert_string_equal(all, rows[i].ranges);
	}
}

/* Each row: a list of an option that takes users or groups, its ranges, or what the error says. */
TEST(name_stands_for_the_id_of_a_user_or_group, state)
{
	static const struct {
		bool groups;
		const char *list, *ranges, *error;
	} rows[] = {
		{ false, "root", "0-0 ", NULL },
		{ false, "7:root:1000-1999", "7-7 0-0 1000-1999 ", NULL },
		{ true, "root", "0-0 ", NULL },
		{ false, "@root", "0-0 ", NULL },
		{ false, "0:@root", "0-0 ", NULL },
		{ false, "roott", NULL, "there is no user 'roott' (did you mean 'root'?)" },
		{ true, "roott", NULL, "there is no group 'roott' (did you mean 'root'?)" },
		{ false, "@roott", NULL, "there is no group 'roott' (did you mean 'root'?)" },
		{ true, "@root", NULL, "there is no group '@root'" },
		{ false, "", NULL, "@GROUP" },
		{ false, "4294967295", NULL, "end at 4294967294" },
		{ false, "1000-root", NULL, "ranges such as" },
		{ false, "/sys/fs/cgroup", NULL, "there is no user" },
	};

	for (size_t i = 0; i < N(rows); i++) {
		const struct takes takes = { .users = !rows[i].groups, .groups = rows[i].groups };
		_cleanup_(freep) char *list = strdup(rows[i].list);
		struct pst_error error = { 0 };
		struct pst_ids ids = { 0 };
		char all[256] = "";
		size_t len = 0;
		int r = value_ids(list, &takes, &ids, sizeof(ids), &error);

		if (rows[i].error ? r == 0 || !strstr(error.text, rows[i].error) : r < 0)
			fail_msg("'%s': %d, %s", rows[i].list, r, error.text);
		for (size_t j = 0; r == 0 && j < ids.n; j++)
			len += snprintf(all + len, sizeof(all) - len, "%" PRIu64 "-%" PRIu64 " ",
					ids.range[j].from, ids.range[j].to);
		if (r == 0)
			assert_string_equal(all, rows[i].ranges);
	}
}

/* An option with room for more ranges than PST_MAX_RANGES takes a longer list. */
TEST(longer_struct_takes_a_longer_list, state)
{
	struct {
		uint32_t n, pad;
		uint64_t range[20][2];
	} ids;
	struct pst_error error;
	char list[256] = "0";

	for (unsigned int i = 1; i < 20; i++)
		sprintf(list + strlen(list), ":%u", i);
	assert_int_equal(value_ids(list, &any, &ids, sizeof(ids), &error), 0);
	assert_int_equal(ids.n, 20);
	assert_int_equal(ids.range[19][0], 19);
	strcpy(list, "0");
	for (unsigned int i = 1; i < 21; i++)
		sprintf(list + strlen(list), ":%u", i);
	assert_int_equal(value_ids(list, &any, &ids, sizeof(ids), &error), -E2BIG);
	assert_non_null(strstr(error.text, "takes 20 IDs"));
}

/* Each row: a rule, its members, or what the error says. */
TEST(rule_for_permissions_is_parsed_or_refused, state)
{
	static const struct {
		const char *list;
		uint16_t who, bits;
		char op;
		uint8_t copy, files, dirs;
		const char *error;
	} rows[] = {
		{ "0", 0777, 0, '=', 0, 1, 1, NULL },
		{ "644", 0777, 0644, '=', 0, 1, 1, NULL },
		{ "0777", 0777, 0777, '=', 0, 1, 1, NULL },
		{ "a-w", 0777, 0222, '-', 0, 1, 1, NULL },
		{ "go=rX", 0077, 0444, '=', PST_PERM_X, 1, 1, NULL },
		{ "u+D", 0700, 0, '+', PST_PERM_D, 1, 1, NULL },
		{ "=", 0777, 0, '=', 0, 1, 1, NULL },
		{ "d+x", 0777, 0111, '+', 0, 0, 1, NULL },
		{ "fo-r", 0007, 0444, '-', 0, 1, 0, NULL },
		{ "fd+r", 0777, 0444, '+', 0, 1, 1, NULL },
		{ "g=uo", 0070, 0, '=', PST_PERM_USER | PST_PERM_OTHER, 1, 1, NULL },
		{ "uu+rr", 0700, 0444, '+', 0, 1, 1, NULL },
		{ .list = "", .error = "is empty" },
		{ .list = "a-w:", .error = "is empty" },
		{ .list = "0888", .error = "no octal" },
		{ .list = "01777", .error = "sticky" },
		{ .list = "7777777777777777", .error = "greater" },
		{ .list = "u+s", .error = "sticky" },
		{ .list = "+t", .error = "sticky" },
		{ .list = "u", .error = "no =, + or -" },
		{ .list = "x+r", .error = "no =, + or -" },
		{ .list = "a+rq", .error = "other than r, w, x" },
		{ .list = "u+r-w", .error = "other than r, w, x" },
		{ .list = "u+r,g+r", .error = "other than r, w, x" },
		{ .list = "+r:+r:+r:+r:+r:+r:+r:+r:+r:+r:+r:+r:+r:+r:+r:+r:+r",
		  .error = "at most 16" },
	};

	for (size_t i = 0; i < N(rows); i++) {
		_cleanup_(freep) char *list = strdup(rows[i].list);
		const struct pst_perm_rule want = { .who = rows[i].who,
						    .bits = rows[i].bits,
						    .op = (uint8_t)rows[i].op,
						    .copy = rows[i].copy,
						    .files = rows[i].files,
						    .dirs = rows[i].dirs };
		struct pst_error error = { 0 };
		struct pst_perms perms;
		int r = value_perms(list, &perms, &error);

		if (rows[i].error ? r == 0 || !strstr(error.text, rows[i].error) : r < 0)
			fail_msg("'%s': %d, %s", rows[i].list, r, error.text);
		if (r == 0)
			assert_memory_equal(&perms.rule[0], &want, sizeof(want));
	}
}

/* Each row: a map of users, its rows in both directions, or what the error says. */
TEST(pairs_of_ids_are_parsed_or_refused, state)
{
	static const struct {
		const char *list, *there, *back, *error;
	} rows[] = {
		{ "1000/2000", "1000-1000>2000 ", "2000-2000>1000 ", NULL },
		{ "9/root:3-5/1", "3-5>1 9-9>0 ", "0-0>9 1-3>3 ", NULL },
		{ "root/7", "0-0>7 ", "7-7>0 ", NULL },
		{ "1/2:2/1", "1-1>2 2-2>1 ", "1-1>2 2-2>1 ", NULL },
		{ "+7", "0-4294967287>7 ", "7-4294967294>0 ", NULL },
		{ "-7", "7-4294967294>0 ", "0-4294967287>7 ", NULL },
		{ "1/2:1/3", NULL, NULL, "before the '/'" },
		{ "1-5/10:5/20", NULL, NULL, "before the '/'" },
		{ "1/2:3/2", NULL, NULL, "behind the '/'" },
		{ "1-5/10:9/14", NULL, NULL, "behind the '/'" },
		{ "5-1/10", NULL, NULL, "empty range" },
		{ "1-3/4294967293", NULL, NULL, "beyond the last ID" },
		{ "4294967295/1", NULL, NULL, "end at 4294967294" },
		{ "1/4294967295", NULL, NULL, "end at 4294967294" },
		{ "1", NULL, NULL, "is no pair" },
		{ "1/", NULL, NULL, "is no pair" },
		{ "/", NULL, NULL, "not a regular file" },
		{ "", NULL, NULL, "is no pair" },
		{ "1/2:", NULL, NULL, "is no pair" },
		{ "@1/@2", NULL, NULL, "groups=LOWER/SHOWN" },
		{ "1/roott", NULL, NULL, "did you mean 'root'" },
		{ "+7:1/2", NULL, NULL, "no other part" },
		{ "+", NULL, NULL, "is no pair" },
		{ "+5000000000", NULL, NULL, "so large" },
		{ "/no/such", NULL, NULL, "cannot read" },
		{ "/dev/null", NULL, NULL, "not a regular file" },
	};
	const struct takes takes = { .users = true };

	for (size_t i = 0; i < N(rows); i++) {
		_cleanup_(freep) char *list = strdup(rows[i].list);
		struct pst_error error = { 0 };
		struct pst_id_map map;
		int r = value_map(list, &takes, &map, &error);

		if (rows[i].error ? r == 0 || !strstr(error.text, rows[i].error) : r < 0)
			fail_msg("'%s': %d, %s", rows[i].list, r, error.text);
		for (int back = 0; r == 0 && back < 2; back++) {
			const struct pst_id_range *row = back ? map.back : map.there;
			char all[256] = "";

			for (uint32_t k = 0; k < map.n; k++, row++)
				sprintf(all + strlen(all), "%u-%u>%u ", row->from, row->last,
					row->to);
			assert_string_equal(all, back ? rows[i].back : rows[i].there);
		}
	}
}

/* The directory of a cgroup stands for its id, which is its inode number. */
TEST(cgroup_path_stands_for_its_id, state)
{
	char list[] = "/sys/fs/cgroup:1";
	struct pst_ids ids;
	struct pst_error error;
	struct statfs fs;
	struct stat st;

	if (statfs("/sys/fs/cgroup", &fs) < 0 || fs.f_type != 0x63677270) {
		print_message("skipped: /sys/fs/cgroup is no cgroup v2\n");
		skip();
	}
	assert_int_equal(stat("/sys/fs/cgroup", &st), 0);
	assert_int_equal(value_ids(list, &any, &ids, sizeof(ids), &error), 0);
	assert_int_equal(ids.n, 2);
	assert_true(ids.range[0].from == st.st_ino && ids.range[0].to == st.st_ino);
}

static const struct option *find_option(const struct load *load, const char *name)
{
	for (size_t i = 0; i < load->options.n; i++)
		if (strcmp(load->options.rows[i].name, name) == 0)
			return &load->options.rows[i];
	fail_msg("no option %s", name);
	return NULL;
}

/* Each row: options of the object "options", the name of one option, its type and its value. */
TEST(option_has_type_and_given_or_default_value, state)
{
	static const struct {
		const char *spec, *name, *type, *value;
	} rows[] = {
		{ "options", "u8", "integer", "7" },
		{ "options", "s8", "integer", "-7" },
		{ "options", "u32", "integer", "100" },
		{ "options", "flag", "switch", "no" },
		{ "options", "text", "text", "short" },
		{ "options", "ids", "ids", "" },
		{ "options,u8=1,u16=2", "u16", "integer", "2" },
		{ "options,s64=-4k", "s64", "integer", "-4096" },
		{ "options,flag", "flag", "switch", "yes" },
		{ "options,flag=on", "flag", "switch", "yes" },
		{ "options,flag=TRUE", "flag", "switch", "yes" },
		{ "options,flag=off", "flag", "switch", "no" },
		{ "options,flag=0", "flag", "switch", "no" },
		{ "options,text=seven77", "text", "text", "seven77" },
		{ "options,text=", "text", "text", "" },
		{ "options,text=a\\,b", "text", "text", "a,b" },
		{ "options,ids=1:2-3", "ids", "ids", "1:2-3" },
		{ "options", "error", "error", "" },
		{ "options,error=ENOSPC", "error", "error", "ENOSPC" },
		{ "options,error=28", "error", "error", "ENOSPC" },
		{ "options,error=EHWPOISON", "error", "error", "EHWPOISON" },
		{ "options,error=511", "error", "error", "511" },
	};

	for (size_t i = 0; i < N(rows); i++) {
		_cleanup_(load_fini) struct load load = { 0 };
		const struct option *option;
		struct pst_error error;
		char value[64];

		if (load_open(&load, rows[i].spec, &error) < 0)
			fail_msg("%s: %s", rows[i].spec, error.text);
		option = find_option(&load, rows[i].name);
		option_value(option, value, sizeof(value));
		assert_string_equal(value, rows[i].value);
		assert_string_equal(option_type(option), rows[i].type);
		assert_true(strlen(option->help) > 0);
	}
}

/* Each row: a spec that is refused, and parts of the error. */
TEST(wrong_spec_is_refused_with_advice, state)
{
	static const struct {
		const char *spec, *words[3];
	} rows[] = {
		{ "", { "names no filter" } },
		{ ",x=1", { "names no filter" } },
		{ "option", { "no filter 'option' in /", " (did you mean 'options'?); for" } },
		{ "/no/such.o", { "/no/such.o", "No such file" } },
		{ "/proc/version", { "not an eBPF object" } },
		{ "/", { "not a regular file" } },
		{ "options,=1", { "before the '='" } },
		{ "options,u9=1", { "no option 'u9'", "did you mean 'u8'", "u8, s8, u32, text" } },
		{ "options,nam=x", { "did you mean 'name'", "name, at, pin and keep" } },
		{ "pass,x", { "none of its own" } },
		{ "options,u8=256", { "option 'u8=256'", "0 to 255", "k, M or G" } },
		{ "options,s8=200", { "option 's8=200'", "-128 to 127" } },
		{ "options,u8", { "option 'u8'", "needs a value" } },
		{ "options,flag=maybe", { "flag=maybe", "yes or no" } },
		{ "options,flag=", { "yes or no" } },
		{ "options,text=eight888", { "at most 7 bytes" } },
		{ "options,ids=x", { "ids=x", "1000-1999" } },
		{ "options,error=ENOSPCX", { "error=ENOSPCX", "as ENOSPC", "1 to 511" } },
		{ "options,error=2x", { "as ENOSPC" } },
		{ "options,error=0", { "as ENOSPC" } },
		{ "options,error=512", { "as ENOSPC" } },
		{ "options,error=", { "as ENOSPC" } },
		{ "options,u8=1,u8=2", { "'u8' is given twice" } },
		{ "options,name=", { "1 to 63" } },
		{ "options,name=a/b", { "'a/b'", "letters" } },
		{ "options,name=a0123456789012345678901234567890123456789"
		  "0123456789012345678901234",
		  { "1 to 63" } },
		{ "options,name", { "needs a value" } },
		{ "options,at=a/../b", { "'..'" } },
		{ "bad-abi", { "version 4711", "version 2", "compile it again" } },
		{ "bad-foreign", { "not a Penstock filter", "PST_FILTER()" } },
		{ "bad-section", { "penstock/pre/lokup", "perhaps for \"penstock/pre/lookup\"" } },
		{ "bad-twice", { "two programs", "first and second" } },
		{ "bad-empty", { "no programs" } },
		{ "bad-taken", { "'pin'", "every filter has an option" } },
		{ "bad-type", { "'odd'", "a type that options cannot have" } },
	};

	for (size_t i = 0; i < N(rows); i++) {
		_cleanup_(load_fini) struct load load = { 0 };
		struct pst_error error = { 0 };
		int r = load_open(&load, rows[i].spec, &error);

		if (r >= 0 || error.code != r)
			fail_msg("'%s': %d, error %d", rows[i].spec, r, error.code);
		for (int j = 0; j < 3 && rows[i].words[j]; j++)
			if (!strstr(error.text, rows[i].words[j]))
				fail_msg("'%s': nothing of '%s' in: %s", rows[i].spec,
					 rows[i].words[j], error.text);
	}
}

/* Each row: a spec, the filter's name, and the directory that it is attached to. */
TEST(every_filter_takes_name_and_at, state)
{
	static const struct {
		const char *spec, *name, *at;
	} rows[] = {
		{ "pass", "pass", "" },           { "pass,name=a_B.c-9", "a_B.c-9", "" },
		{ "pass,at=/", "pass", "" },      { "pass,at=//a//b/", "pass", "a/b" },
		{ "pass,at=./a/.", "pass", "a" }, { "pass,at=..a,name=x", "x", "..a" },
	};

	for (size_t i = 0; i < N(rows); i++) {
		_cleanup_(load_fini) struct load load = { 0 };
		struct pst_error error;

		if (load_open(&load, rows[i].spec, &error) < 0)
			fail_msg("%s: %s", rows[i].spec, error.text);
		assert_string_equal(load.name, rows[i].name);
		assert_string_equal(load.at, rows[i].at);
	}
}

/* -- damaged objects -------------------------------------------------------------------------- */

/* Returns the bytes of a section in the object, NULL if it has none of that name. */
static uint8_t *find_section(uint8_t *bytes, const char *name, size_t *ret_size)
{
	Elf64_Ehdr *head = (Elf64_Ehdr *)bytes;
	Elf64_Shdr *sections = (Elf64_Shdr *)(bytes + head->e_shoff);
	const char *names = (char *)bytes + sections[head->e_shstrndx].sh_offset;

	for (int i = 0; i < head->e_shnum; i++)
		if (strcmp(names + sections[i].sh_name, name) == 0) {
			*ret_size = sections[i].sh_size;
			return bytes + sections[i].sh_offset;
		}
	return NULL;
}

static void write_object(const char *path, const uint8_t *bytes, size_t len)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, len, file), len);
	assert_int_equal(fclose(file), 0);
}

/* An object with damaged BTF is opened or refused. A crash would end a view that loads it. */
TEST(damaged_object_does_not_crash_the_loader, state)
{
	static uint8_t bytes[1 << 20];
	char path[] = "/tmp/penstock-test-XXXXXX", spec[64];
	char *found;
	struct pst_error error;
	size_t len, size = 0;
	unsigned int n = 0;
	uint8_t *btf;
	FILE *file;
	int fd;

	assert_int_equal(spec_find("options", &found, &error), 0);
	file = fopen(found, "r");
	free(found);
	assert_non_null(file);
	len = fread(bytes, 1, sizeof(bytes), file);
	fclose(file);
	btf = find_section(bytes, ".BTF", &size);
	assert_non_null(btf);
	fd = mkstemp(path);
	assert_true(fd >= 0);
	close(fd);
	snprintf(spec, sizeof(spec), "%s,u16=9", path);
	for (size_t at = 0; at + 4 <= size; at += 64) {
		_cleanup_(load_fini) struct load load = { 0 };
		uint32_t was;

		memcpy(&was, btf + at, 4);
		memset(btf + at, 0xff, 4);
		write_object(path, bytes, len);
		n += load_open(&load, spec, &error) < 0;
		memcpy(btf + at, &was, 4);
	}
	assert_true(n > 5);
	/* The same holds for a truncated object. */
	for (size_t end = 0; end < len; end += len / 16) {
		_cleanup_(load_fini) struct load load = { 0 };

		write_object(path, bytes, end);
		assert_true(load_open(&load, spec, &error) < 0);
	}
	unlink(path);
}

int main(void)
{
	if (!getenv("PENSTOCK_FILTER_PATH")) {
		puts("no clang that compiles eBPF: there are no objects to open");
		return 77;
	}
	return tests_run(NULL, NULL);
}
