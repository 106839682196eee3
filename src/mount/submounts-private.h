/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Shared by submounts.c and submounts-read.c. */
#include <stdbool.h>
#include <stddef.h>

/* A list of different texts. */
struct texts {
	char **at;
	size_t n;
};
void texts_clear(struct texts *texts);

/*
 * Adds the mount points inside the view with this connection, as paths from the root of the view,
 * in all mount namespaces that this process can see.
 */
void submounts_read(unsigned int connection, struct texts *points);
