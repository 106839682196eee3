/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Mount tables, as /proc/PID/mountinfo shows them: proc_pid_mountinfo(5). */
#include <stddef.h>

#define MOUNTINFO_OWN "/proc/thread-self/mountinfo"

/* A mount. Its strings belong to the table, and their escapes (\040) are decoded. */
struct mountinfo {
	int id, parent;
	unsigned int connection; /* of a FUSE mount, see mountinfo_connection() */
	const char *root;        /* the directory of its file system that is mounted */
	const char *point;       /* the mount point, from the root of the process */
	const char *flags;       /* of the mount, separated by commas */
	const char *type;        /* of the file system */
	const char *options;     /* of the file system, separated by commas */
};

/*
 * A mount table, in the kernel's order. A parent may come after its children: mount --move gives a
 * mount a new parent, but does not change its position in the table.
 */
struct mountinfo_table {
	struct mountinfo *mounts;
	size_t n;
	char *text;
};

/* Returns the number of a FUSE connection, which the kernel makes from the device number. */
static inline unsigned int mountinfo_connection(unsigned int major_nr, unsigned int minor_nr)
{
	return major_nr << 20 | minor_nr;
}

/*
 * Decodes escapes of three octal digits (\040), by which the kernel writes blanks and backslashes,
 * in place. Returns the text.
 */
char *mountinfo_unescape(char *text);

/* Reads a mount table, which the caller frees with mountinfo_fini(). Returns 0 or -errno. */
int mountinfo_read(const char *path, struct mountinfo_table *ret_table);
void mountinfo_fini(struct mountinfo_table *table);

/* Returns the topmost mount at a mount point: the last one in the table. NULL if there is none. */
const struct mountinfo *mountinfo_at(const struct mountinfo_table *table, const char *point);
/* Returns the last mount of a FUSE connection in the table; NULL if there is none. */
const struct mountinfo *mountinfo_of(const struct mountinfo_table *table, unsigned int connection);
