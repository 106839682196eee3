// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Parses pairs of IDs. Both directions of a map have to be unambiguous, so no two pairs may have an
 * ID in common on the same side. No state, no locks.
 */
#include "ebpf/value-map.h"
#include "ebpf/value-ids.h"
#include "util/account.h"
#include "util/cleanup.h"
#include "util/fd.h"
#include "util/log.h"
#include "util/parse.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The largest user or group ID; 4294967295 means none. */
#define MAX_ID 4294967294U

struct parser {
	const struct takes *takes;
	struct pst_id_map *map; /* n is the number of rows of there and of back */
	struct pst_error *error;
};

/* -- rows ------------------------------------------------------------------------------------- */

/* Returns the row that has one of these IDs, or NULL. */
static const struct pst_id_range *find(const struct pst_id_range *rows, uint32_t n, uint32_t from,
				       uint32_t last)
{
	for (uint32_t i = 0; i < n; i++)
		if (rows[i].from <= last && from <= rows[i].last)
			return &rows[i];
	return NULL;
}

static int too_many(struct parser *parser)
{
	return error_set(parser->error, -E2BIG, "there are too many pairs: give at most %d",
			 PST_MAX_ID_RANGES);
}

/* Appends the row; value_map() sorts the rows at the end. */
static int add_row(struct parser *parser, uint32_t from, uint32_t last, uint32_t to)
{
	struct pst_id_map *map = parser->map;

	if (map->n == PST_MAX_ID_RANGES)
		return too_many(parser);
	map->there[map->n] = (struct pst_id_range){ from, last, to };
	map->back[map->n] = (struct pst_id_range){ to, to + (last - from), from };
	map->n++;
	return 0;
}

static int compare(const void *a, const void *b)
{
	const struct pst_id_range *one = a, *two = b;

	return (one->from > two->from) - (one->from < two->from);
}

/* -- parts ------------------------------------------------------------------------------------ */

static int refuse_part(struct parser *parser, const char *part)
{
	const char *one = parser->takes->groups ? "group" : "user";

	if (*part == '@')
		return error_set(parser->error, -EINVAL,
				 "'%.60s': groups have an option of their own, without '@': "
				 "groups=LOWER/SHOWN",
				 part);
	return error_set(parser->error, -EINVAL,
			 "'%.60s' is no pair: give LOWER/SHOWN, such as 1000/2000, with numbers or "
			 "names of %ss; FROM-LAST/SHOWN for a range; +N or -N to add to every ID; "
			 "or the path of a %s file, from /",
			 part, one, parser->takes->groups ? "group" : "passwd");
}

static int parse_id(struct parser *parser, const char *part, const char *text, uint32_t *ret)
{
	uint64_t id;
	int r;

	if (!*text || *text == '@')
		return refuse_part(parser, part);
	if (!isdigit((unsigned char)*text)) {
		r = value_account(text, parser->takes, &id, parser->error);
		if (r < 0)
			return r;
	} else if (!parse_number(text, 0, &id)) {
		return refuse_part(parser, part);
	} else if (id > MAX_ID) {
		return error_set(parser->error, -EINVAL, "user and group IDs end at %u", MAX_ID);
	}
	*ret = (uint32_t)id;
	return 0;
}

static int refuse_twice(struct parser *parser, const char *part, const char *side)
{
	return error_set(parser->error, -EINVAL,
			 "'%.60s' has an ID that is in another pair, too, %s the '/': no ID can "
			 "have two counterparts",
			 part, side);
}

/* Adds "FROM/TO" or "FROM-LAST/TO". */
static int add_pair(struct parser *parser, const char *part)
{
	_cleanup_(freep) char *copy = strdup(part);
	struct pst_id_map *map = parser->map;
	uint32_t from, last, to;
	char *slash, *dash;
	int r;

	if (!copy)
		return error_set(parser->error, -ENOMEM, "out of memory");
	slash = strchr(copy, '/');
	if (!slash)
		return refuse_part(parser, part);
	*slash = '\0';
	/* Names may contain '-'. */
	dash = isdigit((unsigned char)*copy) ? strchr(copy, '-') : NULL;
	if (dash)
		*dash = '\0';
	r = parse_id(parser, part, copy, &from);
	if (r == 0)
		r = parse_id(parser, part, dash ? dash + 1 : copy, &last);
	if (r == 0)
		r = parse_id(parser, part, slash + 1, &to);
	if (r < 0)
		return r;
	if (from > last)
		return error_set(parser->error, -EINVAL, "'%.60s' has an empty range", part);
	if (to > MAX_ID - (last - from))
		return error_set(parser->error, -EINVAL, "'%.60s' leads beyond the last ID, %u",
				 part, MAX_ID);
	if (find(map->there, map->n, from, last))
		return refuse_twice(parser, part, "before");
	if (find(map->back, map->n, to, to + (last - from)))
		return refuse_twice(parser, part, "behind");
	return add_row(parser, from, last, to);
}

/* Makes the whole map out of "+N" or "-N". */
static int set_offset(struct parser *parser, const char *part)
{
	struct pst_id_map *map = parser->map;
	uint64_t offset;

	if (!parse_number(part + 1, 0, &offset))
		return refuse_part(parser, part);
	if (offset > MAX_ID)
		return error_set(parser->error, -EINVAL, "'%.60s': no ID is so large", part);
	map->strict = 1;
	return *part == '+' ? add_row(parser, 0, MAX_ID - (uint32_t)offset, (uint32_t)offset) :
			      add_row(parser, (uint32_t)offset, MAX_ID, 0);
}

/* -- files ------------------------------------------------------------------------------------ */

/* Adds a line "NAME:...:ID:..." of a file. Leaves out names that this system does not have. */
static int add_line(struct parser *parser, char *line)
{
	struct pst_id_map *map = parser->map;
	const char *name = strsep(&line, ":");
	uint64_t from;
	uint32_t to;
	int r;

	strsep(&line, ":");
	if (!line || !*name || !parse_number(strsep(&line, ":\n"), 10, &from) || from > MAX_ID)
		return 0;
	r = (parser->takes->groups ? account_group : account_user)(name, &to);
	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return error_set(parser->error, r, "cannot look up '%.60s': %s", name,
				 strerror(-r));
	/* If several names have one ID, the first one counts, as for ls(1). */
	if (find(map->there, map->n, (uint32_t)from, (uint32_t)from) ||
	    find(map->back, map->n, to, to))
		return 0;
	return add_row(parser, (uint32_t)from, (uint32_t)from, to);
}

static int add_file(struct parser *parser, const char *path)
{
	/* O_NONBLOCK: opening a FIFO would wait for a writer. */
	_cleanup_(fd_closep) int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	_cleanup_(freep) char *line = NULL;
	size_t size = 0;
	struct stat st;
	FILE *file;
	int r = 0;

	if (fd < 0 || fstat(fd, &st) < 0)
		return error_set(parser->error, -errno, "cannot read %.200s: %s", path,
				 strerror(errno));
	if (!S_ISREG(st.st_mode))
		return error_set(parser->error, -EINVAL, "%.200s is not a regular file", path);
	file = fdopen(fd, "r");
	if (!file)
		return error_set(parser->error, -ENOMEM, "out of memory");
	take_fd(&fd);
	while (r == 0 && getline(&line, &size, file) > 0)
		r = add_line(parser, line);
	fclose(file);
	if (r == 0 && !parser->map->n)
		return error_set(parser->error, -EINVAL,
				 "%.200s has no line \"NAME:...:ID:...\" whose name this system "
				 "knows",
				 path);
	return r;
}

/* -- the list --------------------------------------------------------------------------------- */

static int add_part(struct parser *parser, const char *part, bool alone)
{
	if (*part == '/')
		return add_file(parser, part);
	if (*part != '+' && *part != '-')
		return add_pair(parser, part);
	if (!alone)
		return error_set(parser->error, -EINVAL,
				 "'%.60s' is added to every ID, so there can be no other part",
				 part);
	return set_offset(parser, part);
}

int value_map(char *list, const struct takes *takes, struct pst_id_map *ret,
	      struct pst_error *error)
{
	struct parser parser = { .takes = takes, .map = ret, .error = error };
	bool alone = !strchr(list, ':');
	char *rest = list;
	int r = 0;

	*ret = (struct pst_id_map){ 0 };
	while (r == 0 && rest)
		r = add_part(&parser, parse_part(&rest, ':', false), alone);
	if (r < 0)
		return r;
	qsort(ret->there, ret->n, sizeof(ret->there[0]), compare);
	qsort(ret->back, ret->n, sizeof(ret->back[0]), compare);
	return 0;
}
