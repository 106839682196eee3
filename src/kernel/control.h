/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Reads the files of a view of the kernel engine in /proc/fs/penstock (kmod/control.c). */
#include "kernel/module-abi.h"

#include <stdbool.h>
#include <stddef.h>

/* A file of lines with columns. */
struct kernel_table {
	char *text, *rest;
};

/*
 * Opens a file of the view with a device number, see mountinfo_connection(). Returns a descriptor
 * or -errno: -ENOENT without a folder of the view, -EACCES for users other than root.
 */
int kernel_control_open(unsigned int connection, const char *name);

/* Reads such a file. Returns 0 or -errno; after 0 *ret_table is for kernel_table_fini(). */
int kernel_table_read(unsigned int connection, const char *name, struct kernel_table *ret_table);
void kernel_table_fini(struct kernel_table *table);

/*
 * Gets the next line: n columns, which belong to the table, "" where the line has fewer. Returns
 * false at the end.
 */
bool kernel_table_next(struct kernel_table *table, char **ret_columns, size_t n);

/*
 * Finds the row of a file of the view whose first column is key. Returns a copy of the second
 * column, for free(), or NULL.
 */
char *kernel_control_find(unsigned int connection, const char *file, const char *key);

/* A record of the file "trace", and its strings. */
struct kernel_record {
	union {
		struct module_record head;
		char bytes[16384];
	};
	const char *path, *path2, *filter, *what;
	const char *op; /* the name of the operation */
};

/* Reads the next record. Returns 1, 0 when the view has ended, or -errno. */
int kernel_record_read(int fd, struct kernel_record *ret_record);
