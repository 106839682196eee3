/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * The last events of a view, kept for readers that come later (the option keep= of filters). Any
 * thread may call these functions.
 */
#include <pthread.h>
#include <stddef.h>

struct kept {
	pthread_mutex_t lock; /* guards the other members */
	char **lines;         /* a ring, oldest at next if it is full; owned */
	size_t room, n, next;
};
#define KEPT_INIT                                                                                  \
	{                                                                                          \
		.lock = PTHREAD_MUTEX_INITIALIZER,                                                 \
	}

void kept_fini(struct kept *kept);

/*
 * Adds the line of len bytes, and a newline. Makes room for so many lines at least; a full ring
 * drops its oldest line. Drops the line if memory is short.
 */
void kept_add(struct kept *kept, const char *text, size_t len, size_t room);

/*
 * Returns all lines, oldest first, in one text, which the caller frees; *ret_len is its length.
 * Returns NULL if out of memory.
 */
char *kept_text(struct kept *kept, size_t *ret_len);
