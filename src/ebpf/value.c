// SPDX-License-Identifier: LGPL-2.1-or-later
/* Parses values of options: numbers, switches, errors, lists of IDs. */
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

/* The largest errno that a verdict and a FUSE reply can have; all errnos with names are smaller. */
#define MAX_ERRNO 511

/* Returns where the low bytes of a number of that size begin in an uint64_t. */
static size_t low_bytes(size_t size)
{
	return __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? 0 : sizeof(uint64_t) - size;
}

void value_print_integer(const void *at, size_t size, bool is_signed, char *buf, size_t buf_size)
{
	unsigned int spare = 64 - 8 * size;
	uint64_t value = 0;

	memcpy((char *)&value + low_bytes(size), at, size);
	if (is_signed)
		snprintf(buf, buf_size, "%" PRId64, (int64_t)(value << spare) >> spare);
	else
		snprintf(buf, buf_size, "%" PRIu64, value);
}

static bool takes_names(const struct takes *takes)
{
	return takes->users || takes->groups;
}

/* Parses a number, or the name of a user or group if the option allows names. */
static bool parse_id(const char *text, const struct takes *takes, uint64_t *ret)
{
	return parse_number(text, 0, ret) ||
	       (takes_names(takes) && takes_find_id(takes, text, ret) == 0);
}

static int refuse_id(const char *text, const struct takes *takes, struct pst_error *error)
{
	return error_set(
		error, -EINVAL, "there is no %s '%.60s' in /etc/%s: give a name or a number",
		takes->groups ? "group" : "user", text, takes->groups ? "group" : "passwd");
}

int value_integer(const char *text, const struct takes *takes, size_t size, bool is_signed,
		  void *ret, struct pst_error *error)
{
	uint64_t max = UINT64_MAX >> (64 - 8 * size + is_signed), number;
	bool negative = is_signed && *text == '-';
	bool ok = negative ? parse_number(text + 1, 0, &number) : parse_id(text, takes, &number);

	/* Two's complement has one more number below zero than above. */
	ok = ok && number <= max + negative;
	if (ok && negative)
		number = -number;
	if (ok && takes_number(takes, number, negative)) {
		memcpy(ret, (char *)&number + low_bytes(size), size);
		return 0;
	}
	if (!ok && takes_names(takes) && !isdigit((unsigned char)*text) && !negative)
		return refuse_id(text, takes, error);
	if (takes->has_range)
		return error_set(error, -EINVAL,
				 "give a number from %" PRId64 " to %" PRId64
				 ", which may end in k, M or G",
				 takes->min, takes->max);
	return error_set(error, -EINVAL,
			 "give a number from %" PRId64 " to %" PRIu64
			 ", which may end in k, M or G",
			 is_signed ? -(int64_t)max - 1 : 0, max);
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
	return error_set(
		error, -EINVAL,
		"give yes or no (also on, off, true, false, 1, 0); the option's name alone "
		"means yes");
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
			"give the name of an error, such as ENOSPC, or its number, from 1 to %d",
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
				 "%.200s is not the directory of a cgroup (v2): give one below "
				 "/sys/fs/cgroup",
				 path);
	*ret_id = st.st_ino;
	return 0;
}

/* The largest user or group ID; 4294967295 means none. */
#define MAX_ID 4294967294ULL

static int add_range(char *text, const struct takes *takes, uint64_t *ret_from, uint64_t *ret_to,
		     struct pst_error *error)
{
	bool named = takes_names(takes), is_name = *text && !isdigit((unsigned char)*text);
	char *dash;

	if (*text == '/' && !named) {
		int r = cgroup_id(text, ret_from, error);

		*ret_to = *ret_from;
		return r;
	}
	if (strcmp(text, "*") == 0) {
		*ret_from = 0;
		*ret_to = UINT64_MAX;
		return 0;
	}
	/* Names may contain '-', so only a number begins a range. */
	dash = is_name ? NULL : strchr(text, '-');
	if (dash)
		*dash = '\0';
	if (!parse_id(text, takes, ret_from) || !parse_id(dash ? dash + 1 : text, takes, ret_to))
		return named && is_name ?
			       refuse_id(text, takes, error) :
			       error_set(error, -EINVAL,
					 "give numbers, ranges such as 1000-1999, * for all, or "
					 "%s, separated by ':'",
					 takes->users  ? "names of users" :
					 takes->groups ? "names of groups" :
							 "paths of cgroups");
	if (*ret_from > *ret_to)
		return error_set(error, -EINVAL,
				 "the range from %" PRIu64 " to %" PRIu64 " is empty", *ret_from,
				 *ret_to);
	if (named && *ret_to > MAX_ID)
		return error_set(error, -EINVAL, "user and group IDs end at %llu", MAX_ID);
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
			return error_set(error, -E2BIG, "a list can have %d numbers and ranges",
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
