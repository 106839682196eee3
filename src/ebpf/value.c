// SPDX-License-Identifier: LGPL-2.1-or-later
/* Values of options: numbers, switches, lists of ids. */
#include "ebpf/value.h"
#include "util/log.h"
#include "util/parse.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <sys/vfs.h>

/* Of verdicts and FUSE's answers; names of errors end long before it. */
#define MAX_ERRNO 511

/* Bytes of a number do not begin with the low ones everywhere. */
static void store(uint64_t value, size_t size, void *ret)
{
	uint8_t u8 = value;
	uint16_t u16 = value;
	uint32_t u32 = value;
	const void *from = size == 1 ? (void *)&u8 :
			   size == 2 ? (void *)&u16 :
			   size == 4 ? (void *)&u32 :
				       (void *)&value;

	memcpy(ret, from, size);
}

void value_print_integer(const void *at, size_t size, bool is_signed, char *buf, size_t buf_size)
{
	unsigned int spare = 64 - 8 * size;
	uint64_t value = 0;

	for (size_t i = 0; i < size; i++) {
		size_t byte = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? size - 1 - i : i;

		value = value << 8 | ((const uint8_t *)at)[byte];
	}
	if (is_signed)
		snprintf(buf, buf_size, "%" PRId64, (int64_t)(value << spare) >> spare);
	else
		snprintf(buf, buf_size, "%" PRIu64, value);
}

/* A number, or the name of a user or group where the option takes these. */
static bool parse_id(const char *text, const struct takes *takes, uint64_t *ret)
{
	if (parse_number(text, 0, ret))
		return true;
	return (takes->users || takes->groups) && takes_find_id(takes, text, ret) == 0;
}

/* What is wrong with a text that is no number where the names of users or groups are taken. */
static int refuse_id(const char *text, const struct takes *takes, struct pst_error *error)
{
	return error_set(
		error, -EINVAL, "there is no %s '%.60s' in /etc/%s: give a name or a number",
		takes->groups ? "group" : "user", text, takes->groups ? "group" : "passwd");
}

int value_integer(const char *text, const struct takes *takes, size_t size, bool is_signed,
		  void *ret, struct pst_error *error)
{
	uint64_t max = UINT64_MAX >> (64 - 8 * size + is_signed), amount;
	bool negative = is_signed && *text == '-';
	int r;

	/* Two's complement: there is one more below zero than above, and storing cuts to size. */
	if ((negative ? parse_number(text + 1, 0, &amount) : parse_id(text, takes, &amount)) &&
	    amount <= max + negative) {
		amount = negative ? -amount : amount;
		r = takes_check_number(takes, amount, is_signed, error);
		if (r == 0)
			store(amount, size, ret);
		return r;
	}
	if ((takes->users || takes->groups) && !isdigit((unsigned char)*text) && !negative)
		return refuse_id(text, takes, error);
	if (takes->has_range)
		return error_set(error, -EINVAL,
				 "wanted is a number from %" PRId64 " to %" PRId64
				 ", which may end in k, M or G",
				 takes->min, takes->max);
	if (is_signed)
		return error_set(error, -EINVAL,
				 "wanted is a number from -%" PRIu64 " to %" PRIu64
				 ", which may end in k, M or G",
				 max + 1, max);
	return error_set(error, -EINVAL,
			 "wanted is a number from 0 to %" PRIu64 ", which may end in k, M or G",
			 max);
}

int value_switch(const char *text, bool *ret, struct pst_error *error)
{
	static const char *const yes[] = { "yes", "on", "true", "1" };
	static const char *const no[] = { "no", "off", "false", "0" };

	for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++) {
		bool is_yes = strcasecmp(text, yes[i]) == 0;

		if (is_yes || strcasecmp(text, no[i]) == 0) {
			*ret = is_yes;
			return 0;
		}
	}
	return error_set(error, -EINVAL,
			 "wanted is yes or no (also on, off, true, false, 1, 0); the option's name "
			 "alone means yes");
}

int value_errno(const char *text, struct pst_errno *ret, struct pst_error *error)
{
	uint64_t number;

	if (!parse_number(text, 0, &number))
		for (number = 1; number <= MAX_ERRNO; number++) {
			const char *name = strerrorname_np((int)number);

			if (name && strcmp(text, name) == 0)
				break;
		}
	if (number < 1 || number > MAX_ERRNO)
		return error_set(
			error, -EINVAL,
			"wanted is the name of an error, as ENOSPC, or its number, from 1 to "
			"%d",
			MAX_ERRNO);
	ret->number = (int32_t)number;
	return 0;
}

static int cgroup_id(const char *path, uint64_t *ret_id, struct pst_error *error)
{
	struct statfs fs;
	struct stat st;

	if (stat(path, &st) < 0 || statfs(path, &fs) < 0)
		return error_set(error, -errno, "cannot find the cgroup %.200s: %s", path,
				 strerror(errno));
	if (!S_ISDIR(st.st_mode) || fs.f_type != CGROUP2_SUPER_MAGIC)
		return error_set(error, -EINVAL,
				 "%.200s is not the directory of a cgroup (v2), as are those below "
				 "/sys/fs/cgroup",
				 path);
	*ret_id = st.st_ino;
	return 0;
}

/* The largest number of a user or group; 4294967295 stands for none. */
#define MAX_ID 4294967294ULL

static int add_range(char *text, const struct takes *takes, uint64_t *ret_from, uint64_t *ret_to,
		     struct pst_error *error)
{
	bool named = takes->users || takes->groups;
	char *dash = strchr(text, '-');

	if (*text == '/' && !named) {
		int r = cgroup_id(text, ret_from, error);

		if (r == 0)
			*ret_to = *ret_from;
		return r;
	}
	if (strcmp(text, "*") == 0) {
		*ret_from = 0;
		*ret_to = UINT64_MAX;
		return 0;
	}
	/* Names may have a '-' in them, too. */
	if (!isdigit((unsigned char)*text))
		dash = NULL;
	if (dash)
		*dash = '\0';
	if (named && *text && !isdigit((unsigned char)*text) &&
	    takes_find_id(takes, text, ret_from) < 0)
		return refuse_id(text, takes, error);
	if (!parse_id(text, takes, ret_from) || !parse_id(dash ? dash + 1 : text, takes, ret_to))
		return error_set(
			error, -EINVAL,
			"wanted are numbers, ranges as 1000-1999, * for all%s, separated by ':'",
			takes->users  ? ", or names of users" :
			takes->groups ? ", or names of groups" :
					", or the paths of cgroups");
	if (*ret_from > *ret_to)
		return error_set(error, -EINVAL,
				 "the range from %" PRIu64 " to %" PRIu64 " has nothing in it",
				 *ret_from, *ret_to);
	if (named && *ret_to > MAX_ID)
		return error_set(error, -EINVAL, "numbers of users and groups end at %llu", MAX_ID);
	return 0;
}

int value_ids(char *list, const struct takes *takes, struct pst_ids *ret, struct pst_error *error)
{
	struct pst_ids ids = { 0 };
	char *rest = list;

	while (rest) {
		uint64_t from = 0, to = 0;
		int r;

		if (ids.n == PST_MAX_RANGES)
			return error_set(error, -E2BIG, "a list has at most %d numbers and ranges",
					 PST_MAX_RANGES);
		r = add_range(parse_part(&rest, ':', false), takes, &from, &to, error);
		if (r < 0)
			return r;
		ids.range[ids.n].from = from;
		ids.range[ids.n++].to = to;
	}
	*ret = ids;
	return 0;
}
