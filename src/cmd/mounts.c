// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Which view is mounted where.
 *
 * A stat() of the mount point would tell its connection number as well, but it would be served by
 * the view: of one that is stuck or dead, nothing could be learned, and it could not be unmounted.
 * So only the path that leads to the mount point is walked, and the kernel's table is read.
 */
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/mounts.h"
#include "util/cleanup.h"

void mounts_view_fini(struct mounts_view *view)
{
	free(view->mountpoint);
	view->mountpoint = NULL;
}

/* realpath(3), but the last component is not looked at: it may be a mount that does not answer. */
static int canonicalize(const char *path, char **ret_path)
{
	_cleanup_(freep) char *copy = strdup(path);
	_cleanup_(freep) char *parent = NULL;
	char *name;
	size_t len;

	if (!copy)
		return -ENOMEM;
	for (len = strlen(copy); len > 1 && copy[len - 1] == '/'; len--)
		copy[len - 1] = '\0';
	name = strrchr(copy, '/');
	if (name)
		*name++ = '\0';
	else
		name = copy;

	/* "", "." and ".." are no names that the kernel's table could have. */
	if (!*name || strcmp(name, ".") == 0 || strcmp(name, "..") == 0) {
		*ret_path = realpath(path, NULL);
		return *ret_path ? 0 : -errno;
	}
	parent = realpath(name == copy ? "." : *copy ? copy : "/", NULL);
	if (!parent)
		return -errno;
	if (asprintf(ret_path, "%s/%s", strcmp(parent, "/") == 0 ? "" : parent, name) < 0)
		return -ENOMEM;
	return 0;
}

/* Spaces and the like stand in the table as a backslash and three octal digits. */
static void unescape(char *text)
{
	char *out = text;

	for (char *in = text; *in; out++) {
		unsigned int code;

		if (*in == '\\' && sscanf(in + 1, "%3o", &code) == 1 && strlen(in) >= 4) {
			*out = code;
			in += 4;
		} else {
			*out = *in++;
		}
	}
	*out = '\0';
}

/*
 * One line: "36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue".
 * False when it looks different.
 */
static bool parse(char *line, unsigned int *ret_minor, char **ret_mountpoint, char **ret_type)
{
	char *separator = strstr(line, " - "), *save = NULL, *field;
	unsigned int major;

	if (!separator)
		return false;
	*separator = '\0';
	*ret_type = strtok_r(separator + 3, " ", &save);
	save = NULL;
	field = strtok_r(line, " ", &save);
	for (int i = 0; field && i < 2; i++)
		field = strtok_r(NULL, " ", &save);
	if (!field || sscanf(field, "%u:%u", &major, ret_minor) != 2)
		return false;
	strtok_r(NULL, " ", &save);
	*ret_mountpoint = strtok_r(NULL, " ", &save);
	if (!*ret_mountpoint || !*ret_type)
		return false;
	unescape(*ret_mountpoint);
	return true;
}

int mounts_find(const char *path, struct mounts_view *ret_view, char **ret_type)
{
	_cleanup_(freep) char *wanted = NULL;
	_cleanup_(freep) char *line = NULL;
	_cleanup_(freep) char *found = NULL;
	unsigned int minor = 0, line_minor;
	size_t size = 0;
	FILE *table;
	int r;

	r = canonicalize(path, &wanted);
	if (r < 0)
		return r;
	table = fopen("/proc/self/mountinfo", "re");
	if (!table)
		return -errno;
	/* Of several mounts on one place the last one listed is on top. */
	while (getline(&line, &size, table) > 0) {
		char *mountpoint, *type;

		if (!parse(line, &line_minor, &mountpoint, &type) ||
		    strcmp(mountpoint, wanted) != 0)
			continue;
		free(found);
		found = strdup(type);
		minor = line_minor;
	}
	fclose(table);

	/* Where nothing is mounted, looking is safe. */
	if (!found && access(wanted, F_OK) < 0)
		return -errno;
	if (!found || strcmp(found, "fuse.penstock") != 0) {
		*ret_type = take_ptr(found);
		return -EINVAL;
	}
	ret_view->mountpoint = take_ptr(wanted);
	ret_view->connection = minor;
	return 0;
}
