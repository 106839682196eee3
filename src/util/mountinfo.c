// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A table is read whole before it is taken apart: its lines stay where they were read, and fields
 * point into them. No state, no locks.
 */
#include "util/mountinfo.h"
#include "util/cleanup.h"
#include "util/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FIRST_SIZE 16384

/* Replaces the escapes of three octal digits, which stand for blanks and backslashes, in place. */
static char *unescape(char *text)
{
	char *to = text;

	for (const char *s = text; *s; to++) {
		if (s[0] == '\\' && s[1] >= '0' && s[1] <= '3' && s[2] && s[3]) {
			*to = (char)((s[1] - '0') << 6 | (s[2] - '0') << 3 | (s[3] - '0'));
			s += 4;
		} else {
			*to = *s++;
		}
	}
	*to = '\0';
	return text;
}

/*
 * Takes a line apart: "36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root
 * rw,errors=continue". False: it is not such a line.
 */
static bool parse(char *line, struct mountinfo *ret)
{
	char *options = strstr(line, " - "), *fields[6], *type;
	unsigned int major_nr, minor_nr;

	if (!options)
		return false;
	*options = '\0';
	options += strlen(" - ");
	type = strsep(&options, " ");
	for (int i = 0; i < 6; i++) {
		fields[i] = strsep(&line, " ");
		if (!fields[i])
			return false;
	}
	if (sscanf(fields[2], "%u:%u", &major_nr, &minor_nr) != 2)
		return false;
	*ret = (struct mountinfo){
		.id = atoi(fields[0]),
		.parent = atoi(fields[1]),
		.connection = mountinfo_connection(major_nr, minor_nr),
		.root = unescape(fields[3]),
		.point = unescape(fields[4]),
		.flags = fields[5],
		.type = type,
	};
	return true;
}

/* Reads a file of any size as text, for free(). Returns 0 or -errno. */
static int read_all(const char *path, char **ret_text)
{
	_cleanup_(fd_closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
	_cleanup_(freep) char *text = NULL;
	size_t size = 0, len = 0;
	ssize_t n = 1;

	if (fd < 0)
		return -errno;
	while (n > 0) {
		if (size - len < FIRST_SIZE / 2) {
			char *grown = realloc(text, size = size ? 2 * size : FIRST_SIZE);

			if (!grown)
				return -ENOMEM;
			text = grown;
		}
		n = read(fd, text + len, size - 1 - len);
		if (n < 0)
			return -errno;
		len += (size_t)n;
	}
	text[len] = '\0';
	*ret_text = take_ptr(text);
	return 0;
}

static int add(struct mountinfo_table *table, const struct mountinfo *mount)
{
	struct mountinfo *grown = table->mounts;

	/* There is room for 64 more whenever the number is a multiple of that. */
	if (table->n % 64 == 0) {
		grown = reallocarray(grown, table->n + 64, sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		table->mounts = grown;
	}
	grown[table->n++] = *mount;
	return 0;
}

int mountinfo_read(const char *path, struct mountinfo_table *ret_table)
{
	_cleanup_(mountinfo_fini) struct mountinfo_table table = { 0 };
	char *rest, *line;
	int r = read_all(path, &table.text);

	rest = table.text;
	while (r == 0 && (line = strsep(&rest, "\n"))) {
		struct mountinfo mount;

		if (parse(line, &mount))
			r = add(&table, &mount);
	}
	if (r < 0)
		return r;
	*ret_table = table;
	table = (struct mountinfo_table){ 0 };
	return 0;
}

void mountinfo_fini(struct mountinfo_table *table)
{
	free(table->mounts);
	free(table->text);
	*table = (struct mountinfo_table){ 0 };
}

const struct mountinfo *mountinfo_at(const struct mountinfo_table *table, const char *point)
{
	for (size_t i = table->n; i--;)
		if (strcmp(table->mounts[i].point, point) == 0)
			return &table->mounts[i];
	return NULL;
}

const struct mountinfo *mountinfo_of(const struct mountinfo_table *table, unsigned int connection)
{
	for (size_t i = table->n; i--;)
		if (table->mounts[i].connection == connection)
			return &table->mounts[i];
	return NULL;
}
