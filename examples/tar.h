/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Reads the headers of a tar archive, for lazytar.c: formats ustar, gnu and pax, without
 * compression and sparse files. A hard link becomes a file of its own.
 */
#include <penstock/source.h>

struct member {
	char *path, *name; /* name is the end of path */
	struct member *children, *next;
	struct pst_hollow file;
	uint64_t number; /* in *members */
	uint64_t data;   /* where the content begins in the archive */
};

/* All members and the directories above them; the first is the root of the archive. */
extern struct member **members;
extern uint64_t n_members;

/* Reads all headers of the archive that is open as fd. Exits with a message on failure. */
void tar_read(int fd);
