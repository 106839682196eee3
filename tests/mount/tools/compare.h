/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef TESTS_COMPARE_H
#define TESTS_COMPARE_H
/* Compares files and trees in everything that a program can see of them. */
#include <stddef.h>
#include <stdint.h>

enum {
	COMPARE_NO_ATIME = 1 << 0,  /* access times may differ */
	COMPARE_DATA = 1 << 1,      /* every byte, too */
	COMPARE_XATTR = 1 << 2,     /* extended attributes, too */
	COMPARE_NO_BLOCKS = 1 << 3, /* allocated blocks may differ */
	COMPARE_NO_BTIME = 1 << 4,  /* birth times are not asked for */
	COMPARE_LOW_INO = 1 << 5,   /* the upper 16 bits of inode numbers may differ */
};

/* Called for each difference; path is relative to both roots. */
typedef void (*compare_say_fn)(void *aux, const char *path, const char *what);

/*
 * Compares statx(2) of two names without following links; an empty name means the descriptor.
 * Returns 0 if equal, else 1 and in *ret_why the names of the fields.
 */
int compare_stat(int a, const char *name_a, int b, const char *name_b, unsigned int flags,
		 char *ret_why, size_t size);

/* Compares two directories and all files in them. Returns the number of differences. */
unsigned long compare_tree(int a, int b, unsigned int flags, compare_say_fn say, void *aux);

/* Returns a checksum of the content of an open file, -1 if it cannot be read. */
int64_t compare_checksum(int fd);

#endif
