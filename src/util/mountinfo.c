// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Reads mount tables. Reads the whole table into one buffer and replaces the separators by NULs;
 * struct mountinfo points into this buffer. No state, no locks.
 */
#include "util/mountinfo.h"
#include "util/cleanup.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define READ_SIZE 16384 /* bytes at a time: more than stdio would choose */

char *mountinfo_unescape(char *text)
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
 * Parses a line such as "36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root
 * rw,errors=continue", in place. Returns false if the line has another form.
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
	strsep(&options, " "); /* the source */
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
		.root = mountinfo_unescape(fields[3]),
		.point = mountinfo_unescape(fields[4]),
		.flags = fields[5],
		.type = type,
		.options = options ? options : "",
	};
	return true;
}

/* Reads a file without NUL bytes into *ret_text, which the caller frees. Returns 0 or -errno. */
static int read_all(const char *path, char **ret_text)
{
	FILE *file = fopen(path, "re");
	size_t size = 0;
	int r = 0;

	if (!file)
		return -errno;
	setvbuf(file, NULL, _IOFBF, READ_SIZE);
	errno = 0;
	/* If a read fails, getdelim(3) returns what it has read so far, which is half a table. */
	if (getdelim(ret_text, &size, '\0', file) < 0 || ferror(file)) {
		r = -errno;
		free(*ret_text);
		*ret_text = NULL;
	}
	fclose(file);
	return r;
}

static int add(struct mountinfo_table *table, const struct mountinfo *mount)
{
	struct mountinfo *grown = reallocarray(table->mounts, table->n + 1, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	table->mounts = grown;
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
