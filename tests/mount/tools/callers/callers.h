/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef TESTS_CALLERS_H
#define TESTS_CALLERS_H
/*
 * The operations that each caller tries, each on a file or in a directory that was made for this
 * try. Each function does one operation, returns 0 or -errno, and may write what it saw to `said`.
 */
#include <stddef.h>

#define SAID_SIZE 200

struct op {
	const char *name;
	int (*fn)(const char *path, char said[SAID_SIZE]);
};

/* Operations on a file; path is that of the file. */
extern const struct op file_ops[];
extern const size_t n_file_ops;

/* Operations in a directory with a file "f", a directory "d" and a link "l". */
extern const struct op dir_ops[];
extern const size_t n_dir_ops;

#define FILE_TEXT "what the file says\n"

#endif
