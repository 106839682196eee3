// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Reads the mount tables of all mount namespaces, by the mountinfo of one process of each
 * namespace. No state, no locks.
 */
#include "mount/submounts-private.h"
#include "util/cleanup.h"
#include "util/fd.h"
#include "util/mountinfo.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FIRST_SIZE 128 /* bytes; most lines of a mount table are shorter */

/* -- lists ------------------------------------------------------------------------------------ */

void texts_clear(struct texts *texts)
{
	for (size_t i = 0; i < texts->n; i++)
		free(texts->at[i]);
	free(texts->at);
	*texts = (struct texts){ 0 };
}

/* Adds a text. Returns false if the list has the text already, or memory is exhausted. */
static bool texts_add(struct texts *texts, const char *text)
{
	char **at;

	for (size_t i = 0; i < texts->n; i++)
		if (strcmp(texts->at[i], text) == 0)
			return false;
	at = reallocarray(texts->at, texts->n + 1, sizeof(*at));
	if (!at)
		return false;
	texts->at = at;
	at[texts->n] = strdup(text);
	if (!at[texts->n])
		return false;
	texts->n++;
	return true;
}

/* -- mount tables ------------------------------------------------------------------------------ */

/*
 * Adds the mount point of a mount whose parent is view, which is a mount of the view or of a
 * directory in it.
 */
static void add_inside(struct texts *points, const struct mountinfo *view, const char *point)
{
	size_t len = strcmp(view->point, "/") == 0 ? 0 : strlen(view->point);
	const char *root = strcmp(view->root, "/") == 0 ? "" : view->root;
	char path[PATH_MAX];

	/* A mount on the root of that mount covers no name of the view. */
	if (strncmp(point, view->point, len) != 0 || point[len] != '/' || !point[len + 1])
		return;
	if (snprintf(path, sizeof(path), "%s%s", root, point + len) < (int)sizeof(path))
		texts_add(points, path);
}

static void add_table(unsigned int connection, const struct mountinfo_table *table,
		      struct texts *points)
{
	for (size_t i = 0; i < table->n; i++) {
		const struct mountinfo *view = &table->mounts[i];

		if (view->connection != connection)
			continue;
		for (size_t k = 0; k < table->n; k++)
			if (table->mounts[k].parent == view->id)
				add_inside(points, view, table->mounts[k].point);
	}
}

/*
 * Writes a text that is different for each mount table: the namespace and the root directory of the
 * process, above which it sees no mounts. If this process may not read these links, the first line
 * of the table, whose mount ID no other namespace has. Returns false on failure.
 */
static bool table_name(int proc, const char *pid, char *buf, size_t size)
{
	char path[300], ns[64], root[512];
	ssize_t n, m;

	snprintf(path, sizeof(path), "%s/ns/mnt", pid);
	n = readlinkat(proc, path, ns, sizeof(ns) - 1);
	snprintf(path, sizeof(path), "%s/root", pid);
	m = readlinkat(proc, path, root, sizeof(root) - 1);
	if (n >= 0 && m >= 0) {
		snprintf(buf, size, "%.*s %.*s", (int)n, ns, (int)m, root);
		return true;
	}
	snprintf(path, sizeof(path), "/proc/%s/mountinfo", pid);
	/* The kernel formats no more mounts than fit. */
	n = fd_read_file(path, buf, FIRST_SIZE);
	if (n > 0 && !strchr(buf, '\n'))
		n = fd_read_file(path, buf, size);
	if (n <= 0)
		return false;
	buf[strcspn(buf, "\n")] = '\0';
	return true;
}

void submounts_read(unsigned int connection, struct texts *points)
{
	DIR *proc = opendir("/proc");
	struct texts seen = { 0 };
	struct dirent *entry;

	while (proc && (entry = readdir(proc))) {
		_cleanup_(mountinfo_fini) struct mountinfo_table table = { 0 };
		char name[640], path[300];

		if (entry->d_name[0] < '0' || entry->d_name[0] > '9' ||
		    !table_name(dirfd(proc), entry->d_name, name, sizeof(name)) ||
		    !texts_add(&seen, name))
			continue;
		snprintf(path, sizeof(path), "/proc/%s/mountinfo", entry->d_name);
		if (mountinfo_read(path, &table) == 0)
			add_table(connection, &table, points);
	}
	if (proc)
		closedir(proc);
	texts_clear(&seen);
}
