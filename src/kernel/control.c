// SPDX-License-Identifier: LGPL-2.1-or-later
/* Reads the files of a view of the kernel engine in /proc/fs/penstock. No state, no locks. */
#include "kernel/control.h"
#include "filter/op.h"
#include "util/cleanup.h"
#include "util/fd.h"
#include "util/mountinfo.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int kernel_control_open(unsigned int connection, const char *name)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/fs/penstock/%u:%u/%s", connection >> 20,
		 connection & 0xfffff, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int kernel_table_read(unsigned int connection, const char *name, struct kernel_table *ret_table)
{
	_cleanup_(fd_closep) int fd = kernel_control_open(connection, name);
	_cleanup_(freep) char *text = NULL;
	size_t len = 0, size = 0;
	ssize_t n = 1;

	if (fd < 0)
		return fd;
	while (n > 0) {
		if (size - len < 4096) {
			char *more = realloc(text, size += 65536);

			if (!more)
				return -ENOMEM;
			text = more;
		}
		n = read(fd, text + len, size - len - 1);
		if (n < 0)
			return -errno;
		len += (size_t)n;
	}
	text[len] = '\0';
	*ret_table = (struct kernel_table){ .text = text, .rest = text };
	text = NULL;
	return 0;
}

void kernel_table_fini(struct kernel_table *table)
{
	free(table->text);
	*table = (struct kernel_table){ 0 };
}

bool kernel_table_next(struct kernel_table *table, char **ret_columns, size_t n)
{
	char *line = table->rest ? strsep(&table->rest, "\n") : NULL;
	static char empty[1];

	if (!line || !*line)
		return false;
	for (size_t i = 0; i < n; i++) {
		char *column = line ? strsep(&line, "\t") : empty;

		ret_columns[i] = mountinfo_unescape(column);
	}
	return true;
}

char *kernel_control_find(unsigned int connection, const char *file, const char *key)
{
	_cleanup_(kernel_table_fini) struct kernel_table table = { 0 };
	char *columns[2];

	if (kernel_table_read(connection, file, &table) < 0)
		return NULL;
	while (kernel_table_next(&table, columns, 2))
		if (strcmp(columns[0], key) == 0)
			return strdup(columns[1]);
	return NULL;
}

int kernel_record_read(int fd, struct kernel_record *ret_record)
{
	const char **const texts[MODULE_N_RECORD_TEXTS] = { &ret_record->path, &ret_record->path2,
							    &ret_record->filter,
							    &ret_record->what };
	ssize_t n = read(fd, ret_record->bytes, sizeof(ret_record->bytes) - 1);
	const char *at = (const char *)(&ret_record->head + 1);

	/* EIO: the file is gone, because the view has ended. */
	if (n < 0)
		return errno == EIO ? 0 : -errno;
	if (n == 0)
		return 0;
	if ((size_t)n < sizeof(ret_record->head))
		return -EPROTO;
	ret_record->bytes[n] = '\0';
	for (int i = 0; i < MODULE_N_RECORD_TEXTS; i++) {
		if (at > ret_record->bytes + n)
			return -EPROTO;
		*texts[i] = at;
		at += strlen(at) + 1;
	}
	ret_record->op = op_filter_name(ret_record->head.opcode);
	return ret_record->op ? 1 : -EPROTO;
}
