// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Reading the mount tables of all mount namespaces: the mountinfo of one process of each. Nothing
 * here is shared between threads.
 */
#include "mount/inside-private.h"
#include "util/cleanup.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* -- lists ------------------------------------------------------------------------------------ */

void texts_clear(struct texts *texts)
{
	for (size_t i = 0; i < texts->n; i++)
		free(texts->at[i]);
	free(texts->at);
	*texts = (struct texts){ 0 };
}

/* Returns whether the text is new in the list. Without memory it is dropped. */
bool texts_add(struct texts *texts, const char *text)
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

/* A line of mountinfo, as far as it matters. */
struct mount_line {
	int id, parent;
	unsigned int connection;
	char *text;	    /* owned */
	char *root, *point; /* in text */
};

/* Undoes mountinfo's octal escapes in place. */
static void unescape(char *s)
{
	char *to = s;

	for (; *s; to++) {
		if (s[0] == '\\' && s[1] >= '0' && s[1] <= '3' && s[2] && s[3]) {
			*to = (char)((s[1] - '0') << 6 | (s[2] - '0') << 3 | (s[3] - '0'));
			s += 4;
		} else {
			*to = *s++;
		}
	}
	*to = '\0';
}

static bool parse(char *line, struct mount_line *ret)
{
	unsigned int major_nr, minor_nr;
	int at = 0;
	char *save;

	if (sscanf(line, "%d %d %u:%u %n", &ret->id, &ret->parent, &major_nr, &minor_nr, &at) < 4)
		return false;
	ret->connection = major_nr << 20 | minor_nr;
	ret->root = strtok_r(line + at, " ", &save);
	ret->point = strtok_r(NULL, " ", &save);
	if (!ret->root || !ret->point)
		return false;
	unescape(ret->root);
	unescape(ret->point);
	return true;
}

/* A mount table: one process's mountinfo. */
struct mount_table {
	struct mount_line *lines;
	size_t n;
};

static void mount_table_clear(struct mount_table *table)
{
	for (size_t i = 0; i < table->n; i++)
		free(table->lines[i].text);
	free(table->lines);
	*table = (struct mount_table){ 0 };
}

static void mount_table_read(FILE *file, struct mount_table *table)
{
	_cleanup_(freep) char *text = NULL;
	size_t size = 0;

	while (getline(&text, &size, file) >= 0) {
		struct mount_line line, *lines;

		if (!parse(text, &line))
			continue;
		lines = reallocarray(table->lines, table->n + 1, sizeof(*lines));
		if (!lines)
			return;
		table->lines = lines;
		line.text = text;
		lines[table->n++] = line;
		text = NULL;
		size = 0;
	}
}

/* A mount whose parent is view: a mount of the view, or of a directory in it. */
static void add_inside(struct texts *points, const struct mount_line *view, const char *point)
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

/* Parents may stand behind their children: mount --move keeps the number of a mount. */
static void add_table(unsigned int connection, const struct mount_table *table,
		      struct texts *points)
{
	for (size_t i = 0; i < table->n; i++) {
		const struct mount_line *view = &table->lines[i];

		if (view->connection != connection)
			continue;
		for (size_t k = 0; k < table->n; k++)
			if (table->lines[k].parent == view->id)
				add_inside(points, view, table->lines[k].point);
	}
}

/*
 * What tells the mount tables of processes apart: the namespace, and the root directory, above which
 * a process sees no mounts. Where this process may not look, the first line of the table, which has a
 * number that no other namespace has.
 */
static bool table_name(int proc, const char *pid, char *buf, size_t size)
{
	char path[300], ns[64], root[512];
	ssize_t n, m;
	int fd;

	snprintf(path, sizeof(path), "%s/ns/mnt", pid);
	n = readlinkat(proc, path, ns, sizeof(ns) - 1);
	snprintf(path, sizeof(path), "%s/root", pid);
	m = readlinkat(proc, path, root, sizeof(root) - 1);
	if (n >= 0 && m >= 0) {
		snprintf(buf, size, "%.*s %.*s", (int)n, ns, (int)m, root);
		return true;
	}
	snprintf(path, sizeof(path), "%s/mountinfo", pid);
	fd = openat(proc, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	n = read(fd, buf, size - 1);
	close(fd);
	buf[n > 0 ? n : 0] = '\0';
	buf[strcspn(buf, "\n")] = '\0';
	return n > 0;
}

void inside_read(unsigned int connection, struct texts *points)
{
	DIR *proc = opendir("/proc");
	struct texts seen = { 0 };
	struct dirent *entry;

	while (proc && (entry = readdir(proc))) {
		struct mount_table table = { 0 };
		char name[640], path[300];
		FILE *file;
		int fd;

		if (entry->d_name[0] < '0' || entry->d_name[0] > '9' ||
		    !table_name(dirfd(proc), entry->d_name, name, sizeof(name)) ||
		    !texts_add(&seen, name))
			continue;
		snprintf(path, sizeof(path), "%s/mountinfo", entry->d_name);
		fd = openat(dirfd(proc), path, O_RDONLY | O_CLOEXEC);
		file = fd < 0 ? NULL : fdopen(fd, "r");
		if (!file) {
			if (fd >= 0)
				close(fd);
			continue;
		}
		mount_table_read(file, &table);
		fclose(file);
		add_table(connection, &table, points);
		mount_table_clear(&table);
	}
	if (proc)
		closedir(proc);
	texts_clear(&seen);
}
