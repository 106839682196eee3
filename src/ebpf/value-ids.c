// SPDX-License-Identifier: LGPL-2.1-or-later
/* Parses lists of IDs. No state, no locks. */
#include "ebpf/value-ids.h"
#include "util/account.h"
#include "util/cleanup.h"
#include "util/log.h"
#include "util/parse.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <linux/magic.h>
#include <penstock/filter.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>

/* The largest user or group ID; 4294967295 means none. */
#define MAX_ID 4294967294ULL

/* -- one ID ----------------------------------------------------------------------------------- */

static int refuse_account(const char *name, bool group, int r, struct pst_error *error)
{
	struct suggestion suggestion = SUGGESTION_INIT;
	const char *what = group ? "group" : "user";

	if (r != -ENOENT)
		return error_set(error, r, "cannot look up the %s '%.60s': %s; give its number",
				 what, name, strerror(-r));
	(group ? account_suggest_group : account_suggest_user)(&suggestion, name);
	return error_set(error, -EINVAL,
			 "there is no %s '%.60s'%s%s%s: give a name that `getent %s` finds, or a "
			 "number",
			 what, name, *suggestion.word ? " (did you mean '" : "", suggestion.word,
			 *suggestion.word ? "'?)" : "", group ? "group" : "passwd");
}

int value_account(const char *name, const struct takes *takes, uint64_t *ret,
		  struct pst_error *error)
{
	uint32_t id;
	int r = takes->groups ? account_group(name, &id) : account_user(name, &id);

	if (r < 0)
		return refuse_account(name, takes->groups, r, error);
	*ret = id;
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

/* -- lists ------------------------------------------------------------------------------------ */

struct range {
	uint64_t from, to;
};

/* A struct pst_ids while it is filled. */
struct ids {
	uint32_t n, max;
	bool has_member; /* the group that is being added has one */
	struct range *ranges;
	struct pst_error *error;
};

static int add_range(struct ids *ids, uint64_t from, uint64_t to)
{
	if (ids->n == ids->max)
		return error_set(ids->error, -E2BIG,
				 "the list is too long: this option takes %u "
				 "IDs and ranges",
				 ids->max);
	ids->ranges[ids->n++] = (struct range){ from, to };
	return 0;
}

static int add_member(void *aux, uint32_t uid)
{
	struct ids *ids = aux;

	ids->has_member = true;
	/* A user can be in the list of a group that is also the user's primary one. */
	for (uint32_t i = 0; i < ids->n; i++)
		if (ids->ranges[i].from <= uid && uid <= ids->ranges[i].to)
			return 0;
	return add_range(ids, uid, uid);
}

static int add_members(struct ids *ids, const char *group)
{
	int r;

	ids->has_member = false;
	r = account_members(group, add_member, ids);
	if (r < 0 && r != -E2BIG)
		return refuse_account(group, true, r, ids->error);
	/* An empty list would mean all users. */
	if (r == 0 && !ids->has_member)
		return error_set(ids->error, -EINVAL,
				 "the group '%.60s' has no members that `getent` finds: give users",
				 group);
	return r;
}

static int refuse_part(const struct takes *takes, struct pst_error *error)
{
	return error_set(error, -EINVAL,
			 "give numbers, ranges such as 1000-1999, * for all, or %s, separated by "
			 "':'",
			 takes->users  ? "names of users or @GROUP for its members" :
			 takes->groups ? "names of groups" :
					 "paths of cgroups");
}

static int add_numbers(struct ids *ids, char *text, const struct takes *takes)
{
	char *dash = strchr(text, '-');
	struct range range;

	if (dash)
		*dash = '\0';
	if (!parse_number(text, 0, &range.from) ||
	    !parse_number(dash ? dash + 1 : text, 0, &range.to))
		return refuse_part(takes, ids->error);
	if (range.from > range.to)
		return error_set(ids->error, -EINVAL,
				 "the range from %" PRIu64 " to %" PRIu64 " is empty", range.from,
				 range.to);
	if (takes_account(takes) && range.to > MAX_ID)
		return error_set(ids->error, -EINVAL, "user and group IDs end at %llu", MAX_ID);
	return add_range(ids, range.from, range.to);
}

static int add_part(struct ids *ids, char *text, const struct takes *takes)
{
	uint64_t id;
	int r;

	if (strcmp(text, "*") == 0)
		return add_range(ids, 0, UINT64_MAX);
	/* Names may contain '-', so only a number begins a range. */
	if (isdigit((unsigned char)*text))
		return add_numbers(ids, text, takes);
	if (*text == '@' && takes->users)
		return add_members(ids, text + 1);
	if (!*text || (*text != '/' && !takes_account(takes)))
		return refuse_part(takes, ids->error);
	r = takes_account(takes) ? value_account(text, takes, &id, ids->error) :
				   cgroup_id(text, &id, ids->error);
	return r < 0 ? r : add_range(ids, id, id);
}

int value_ids(char *list, const struct takes *takes, void *ret, size_t size,
	      struct pst_error *error)
{
	const size_t head = offsetof(struct pst_ids, range);
	_cleanup_(freep) struct range *ranges = calloc(1, size - head);
	struct ids ids = { .max = (size - head) / sizeof(*ranges),
			   .ranges = ranges,
			   .error = error };
	char *rest = list;
	int r = ranges ? 0 : error_set(error, -ENOMEM, "out of memory");

	static_assert(sizeof(struct range) == sizeof(((struct pst_ids *)0)->range[0]),
		      "one layout");
	while (r == 0 && rest)
		r = add_part(&ids, parse_part(&rest, ':', false), takes);
	if (r < 0)
		return r;
	memset(ret, 0, size);
	memcpy(ret, &ids.n, sizeof(ids.n));
	memcpy((char *)ret + head, ranges, size - head);
	return 0;
}
